"""What a training did to a run's embeddings, in a few numbers from the training's own table."""

from __future__ import annotations

from typing import Any

import numpy as np

from focus_core.evaluation.targets import Target
from focus_core.numerics.drift import TokenChange, token_change
from focus_core.runs.additions import MEASURES, TrainingFolder
from focus_core.training.drift import foreseen, stored_change
from focus_core.types import Origin, ProgressHook, no_progress


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
    return summary | {"foreseen": _foreseen(target, training)}


def _measures(target: Target, present: np.ndarray, progress: ProgressHook) -> TokenChange | None:
    """Return the measures of every row from the training's table, or else from the matrices."""
    run, training = target.run, target.training
    stored = None if training is None else stored_change(run, training)
    if training is None or stored is not None or not _at_hand(target):
        return stored
    return token_change(run.embeddings(), training.embeddings(), present=present, progress=progress)


def _at_hand(target: Target) -> bool:
    """Tell whether the matrices before and after the training are both there."""
    return target.training is not None and target.is_own and "input" in target.training.matrix_names()


def _means(measures: TokenChange, rows: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {"n": int(rows.sum())}
    for name in MEASURES:
        values = np.asarray(getattr(measures, name), np.float64)
        known = values[rows & ~np.isnan(values)]
        found[name] = float(known.mean()) if known.size else None
    return found


def _foreseen(target: Target, training: TrainingFolder) -> float | None:
    """Return the drift foreseen, measured where both matrices are at hand, else as the training's folder says."""
    if not _at_hand(target):
        said = (training.manifest.get("movement") or {}).get("foreseen")
        return None if said is None else float(said)
    found = foreseen(target.run, training.embeddings())
    return None if np.isnan(found) else found
