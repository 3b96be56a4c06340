"""What a list of runs says of each: where it came from, how it was made, how good it is.

Reading never fails: a damaged run is listed as such.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from focus_core.errors import FocusError
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.legend import CATEGORIES, method_of
from focus_ui.data.tables import kpis
from focus_ui.data.training_curves import manifest_part, measured_lines
from focus_ui.data.training_tables import began_elsewhere, readable_trainings


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What training made of a run's own rows, in bits per character on held-out text."""

    name: str
    start: float
    end: float
    lines: str = ""


@dataclass(frozen=True, kw_only=True)
class RunCard:
    """One run in a list; every text is plain and may hold a user's words."""

    problem: str = ""
    source: str = ""
    target: str = ""
    n_source: int = 0
    n_target: int = 0
    method: str = ""
    options: str = ""
    corpus: str = ""
    overlap: float | None = None
    covered: float | None = None
    combined: int = 0
    fallback: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    trained: Trained | None = None


def training_names(path: Path) -> tuple[str, ...]:
    """Return the names in a run's folder of trainings: another one makes another card."""
    folder = path / "training"
    return tuple(sorted(entry.name for entry in folder.iterdir())) if folder.is_dir() else ()


def read_card(path: Path) -> RunCard:
    """Read a run for a list."""
    try:
        run = open_run(path)
    except FocusError as error:
        return RunCard(problem=error.message)
    manifest, numbers = run.manifest, kpis(run.manifest)
    config, counts = manifest["config"], manifest["counts"]
    return RunCard(
        source=str(manifest["source"]["name"]),
        target=str(manifest["target"]["name"]),
        n_source=counts["n_source"],
        n_target=counts["n_target"],
        method=method_of(str(config["method"])).label,
        options=f"match {config['match']} · preset {config['preset']} · seed {config['seed']}",
        corpus=_corpus_words(run),
        overlap=numbers["overlap"],
        covered=numbers["occurrences"],
        combined=counts["by_origin"].get("combined", 0),
        fallback=counts["by_origin"].get("fallback", 0),
        sizes=category_sizes(run),
        trained=_trained(run),
    )


def category_sizes(run: RunFolder) -> dict[str, int]:
    """Return how many rows of a run each category has, in the order of the legend, those with none left out."""
    counts = run.manifest["counts"]
    found = {**counts["by_rule"], **{key: counts["by_origin"].get(key, 0) for key in ("combined", "fallback")}}
    return {key: int(found[key]) for key in CATEGORIES if found.get(key)}


def _corpus_words(run: RunFolder) -> str:
    n_tokens = (run.manifest.get("corpus") or {}).get("n_tokens")
    return f"{count(n_tokens)} tokens of text" if n_tokens else ""


def _trained(run: RunFolder) -> Trained | None:
    """Return the training of the run's own rows that ended lowest."""
    found = []
    for training in readable_trainings(run)[0]:
        result = manifest_part(training, "result")
        start, end = (result.get(f"held_out_bits_{when}") for when in ("start", "end"))
        if not began_elsewhere(run, training) and isinstance(start, float) and isinstance(end, float):
            found.append(Trained(name=training.name, start=start, end=end, lines=measured_lines(training)))
    return min(found, key=lambda trained: trained.end, default=None)


def date_words(seconds: float, now: float | None = None) -> str:
    """Return how long ago something was, in words.

    Examples
    --------
    >>> date_words(0, now=90), date_words(0, now=7300), date_words(0, now=200_000), date_words(0, now=9_000_000)
    ('1 min ago', '2 h ago', '2 days ago', '1 Jan 1970')
    """
    age = max(0.0, (time.time() if now is None else now) - seconds)
    if age < 60:
        return "just now"
    if age < 3600:
        return f"{age // 60:.0f} min ago"
    if age < 2 * 86_400:
        return f"{age // 3600:.0f} h ago"
    if age < 31 * 86_400:
        return f"{age // 86_400:.0f} days ago"
    then = time.gmtime(seconds)
    return f"{then.tm_mday} {time.strftime('%b %Y', then)}"
