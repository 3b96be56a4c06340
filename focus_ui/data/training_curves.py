"""On which lines the loss of a training was taken: its curve is measured on a part of the held-out text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from focus_core.numerics.formats import count
from focus_core.runs.additions import TrainingFolder


def manifest_part(training: TrainingFolder, key: str) -> dict[str, Any]:
    """Return a part of a training's manifest; empty where it has none of that kind."""
    value = training.manifest.get(key)
    return value if isinstance(value, dict) else {}


def measured_lines(training: TrainingFolder) -> str:
    """Return on how many held-out lines the loss was taken, of how many."""
    known = manifest_part(training, "corpus")
    whole, part = (int(known.get(name) or 0) for name in ("n_held_out_lines", "n_measured_lines"))
    if part and whole and part != whole:
        return f"{count(part)} of {count(whole)} held-out lines"
    return f"{count(part or whole)} held-out lines" if part or whole else ""


def measured_lines_of(trainings: Sequence[TrainingFolder]) -> str:
    """Return on which lines the losses of several trainings were taken."""
    found = {words for words in map(measured_lines, trainings) if words}
    return found.pop() if len(found) == 1 else "a part of the held-out lines"
