"""What a training did to a run's embeddings, in a few numbers from the training's own table."""

from __future__ import annotations

from typing import Any

import numpy as np

from focus_core.evaluation.targets import Target
from focus_core.numerics.drift import movement_foreseen, token_change
from focus_core.types import Origin, ProgressHook, no_progress

MEASURES = ("cosine", "norm_ratio", "kept")


def summarise_change(target: Target, *, progress: ProgressHook = no_progress) -> dict[str, Any] | None:
    """Summarise how a training changed the input rows."""
    training, run = target.training, target.run
    if training is None:
        return None
    present = run.present()
    origins = run.column("tokens", "origin")
    measures = _measures(target, present, progress)
    groups = {"all": present}
    if target.is_own:
        groups |= {str(origin): present & (origins == str(origin)) for origin in Origin}
    summary: dict[str, Any] = {name: _means(measures, rows) for name, rows in groups.items()} if measures else {}
    return summary | {"foreseen": _foreseen(target, present & (origins != str(Origin.COPIED)))}


def _measures(target: Target, present: np.ndarray, progress: ProgressHook) -> dict[str, np.ndarray] | None:
    """Return the measures of every row from the training's table, or else from the matrices."""
    if target.training is None:
        return None
    table = target.training.tokens()
    if table is not None:
        return {name: np.array(table.column(name).to_numpy(), np.float64) for name in MEASURES}
    if not target.is_own or "input" not in target.training.matrix_names():
        return None
    initial, trained = target.run.embeddings("input"), target.training.embeddings("input")
    change = token_change(initial, trained, present=present, progress=progress)
    return {name: getattr(change, name).astype(np.float64) for name in MEASURES}


def _means(measures: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {"n": int(rows.sum())}
    for name, values in measures.items():
        known = values[rows & ~np.isnan(values)]
        found[name] = float(known.mean()) if known.size else None
    return found


def _foreseen(target: Target, rows: np.ndarray) -> float | None:
    """Return the movement foreseen, measured where both matrices are at hand, else as the training's folder says."""
    training, run = target.training, target.run
    if training is None:
        return None
    if not target.is_own or "input" not in training.matrix_names():
        said = (training.manifest.get("movement") or {}).get("foreseen")
        return None if said is None else float(said)
    mean = run.statistics()["mean"]
    found = movement_foreseen(run.embeddings("input"), training.embeddings("input"), mean, np.flatnonzero(rows))
    return None if np.isnan(found) else found
