"""How often the tie set of a recommendation holds the method that is best in truth, and reported intervals the truth.

    python -m scripts.tie_sets [--samples 300]

Losses are made up, so the truth is known. Prints the table of docs/decisions/0045-ties-are-called-ties.md as Markdown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import typer

from focus_core.experiments.intervals import differences_to
from focus_core.experiments.recommendation import NEAR, TIE_SET, Standing, judge
from tests.made_comparison import line_bits

HARD: dict[str, Any] = {"skew": 1.2, "heavy": True, "together": 5}
CASES: dict[str, tuple[int, int, dict[str, Any]]] = {
    "2 alike, 1,000 lines": (2, 1000, {}),
    "7 alike, 200 lines": (7, 200, {}),
    "7 alike, 1,000 lines": (7, 1000, {}),
    "20 alike, 200 lines": (20, 200, {}),
    "20 alike, 800 lines": (20, 800, {}),
    "7 alike, one seed each": (7, 400, {"n_seeds": 1, "seed_sd": 0.0}),
    "7 alike, seeds of the best far apart (0.03)": (7, 400, {"seed_sd": [0.03, *[0.002] * 6]}),
    "7 alike, seeds of all far apart (0.02)": (7, 1000, {"seed_sd": 0.02}),
    "7 alike, seeds of half of them far apart": (7, 1000, {"seed_sd": [0.02, 0.002, 0.02, 0.002, 0.02, 0.002, 0.002]}),
    "7 alike, skewed lines, neighbours alike, heavy tails": (7, 400, HARD),
    "20 alike, the same": (20, 400, HARD),
}


def one_case(n_methods: int, n_lines: int, options: dict[str, Any], samples: int, apart: float, near: float) -> str:
    """Return a row: how often the tie set held the best, and intervals the truth; mean sizes of the sets."""
    levels = 2 + apart * np.arange(n_methods)
    held = reported = tied = worse = 0
    for number in range(samples):
        measured = line_bits(levels, n_lines, seed=number, **options)
        part = np.random.default_rng([number, n_lines]).random(n_lines) < 0.5
        choosing, reporting = measured.at(part), measured.at(~part)
        found = judge(choosing, reporting, [0] * n_methods, near=near)
        held += found.standings[0] in TIE_SET
        truth, shown = levels - levels[found.best], differences_to(reporting, found.best)
        reported += all(one.low - 1e-9 <= t <= one.high + 1e-9 for one, t in zip(shown, truth, strict=True))
        tied += sum(standing in TIE_SET for standing in found.standings)
        worse += sum(standing is Standing.WORSE for standing in found.standings)
    shares = f"{100 * held / samples:.1f} | {100 * reported / samples:.1f}"
    return f"{shares} | {tied / samples:.1f} | {worse / samples:.1f} |"


def main(samples: int = 300) -> None:
    """Print the table."""
    print("| made-up methods | tie set holds the best, of 100 | reported intervals hold, of 100 | tied | worse |")
    print("|---|---:|---:|---:|---:|")
    for name, (n_methods, n_lines, options) in CASES.items():
        print(f"| {name} | {one_case(n_methods, n_lines, options, samples, 1e-9, 0.0)}", flush=True)
    for n_lines in (400, 1000):
        row = one_case(7, n_lines, {}, samples, 0.02, NEAR)
        print(f"| 7, each 0.02 worse than the last, {n_lines:,} lines | {row}", flush=True)


if __name__ == "__main__":
    typer.run(main)
