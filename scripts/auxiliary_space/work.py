"""Measures points, one language after the other; what is measured is kept at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from scripts.auxiliary_space.bench import Bench
from scripts.auxiliary_space.plan import SEEDS, TOKENS
from scripts.auxiliary_space.results import Point, Results
from scripts.auxiliary_space.spaces import FASTTEXT, VARIANTS, make_vectors
from scripts.auxiliary_space.text import WHOLE

RATE = 1e-4
"""The learning rate of every training here, the best of `RATES` for fastText's rows in `RATE_LANGUAGE`."""
RATES = (1e-4, 3e-4, 1e-3)
RATE_LANGUAGE = "ha"
RATE_SEED = 7
"""Of the order of training: one that no measurement has."""


def measure(points: Iterable[Point], data: Path, work: Path) -> None:
    """Measure what is not measured yet, and print it.

    Parameters
    ----------
    points : iterable of Point
        What to measure.
    data : Path
        The text.
    work : Path
        Where everything is kept; the same folder goes on where it was stopped.
    """
    results = Results(work)
    missing = results.missing(points)
    for number, (point, bits) in enumerate(_measured(missing, results, data, work), 1):
        size = "all" if point.size == WHOLE else f"{point.size:g} MB"
        told = f"{point.language} {size} {point.variant}, seed {point.seed}, {point.tokens} tokens: {bits:.4f}"
        print(f"{time.strftime('%H:%M:%S')} {number}/{len(missing)} {told}", flush=True)


def _measured(points: list[Point], results: Results, data: Path, work: Path) -> Iterator[tuple[Point, float]]:
    for language, own in groupby(points, key=lambda point: point.language):
        bench = Bench(language, data, work)
        for point in own:
            auxiliary = make_vectors(bench.text(point.size), VARIANTS[point.variant], seed=point.seed)
            fallen = bench.initialise(auxiliary, seed=point.seed)
            if point.tokens:
                bench.train(tokens=point.tokens, rate=RATE, seed=point.seed)
            scores = bench.score(point.masks)
            results.add(point, scores, {"random_rows": fallen})
            yield point, float(scores.bits.sum() / scores.characters.sum())


def measure_rates(data: Path, work: Path) -> dict[float, float]:
    """Return bits per character after training with several learning rates, in a language kept for that."""
    bench, found = Bench(RATE_LANGUAGE, data, work), {}
    auxiliary = make_vectors(bench.text(WHOLE), VARIANTS[FASTTEXT], seed=SEEDS[0])
    for rate in RATES:
        bench.initialise(auxiliary, seed=SEEDS[0])
        bench.train(tokens=TOKENS, rate=rate, seed=RATE_SEED)
        scores = bench.score(1)
        found[rate] = float(scores.bits.sum() / scores.characters.sum())
    return found
