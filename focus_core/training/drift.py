"""The drift of a run's embeddings under training, and the table of tokens that a training's folder keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import write_parquet
from focus_core.numerics.drift import TokenChange, movement_foreseen, token_change
from focus_core.runs.additions import CHANGE_COLUMNS
from focus_core.runs.folder import RunFolder
from focus_core.types import Origin, ProgressHook, no_progress

TABLE = "tokens.parquet"


def measure_change(
    run: RunFolder, trained: np.ndarray, progress: ProgressHook = no_progress
) -> tuple[TokenChange, dict[str, float]]:
    """Compare a run's input embeddings with trained ones, (n_target, d): one value a token, and a summary.

    The summary holds ``foreseen`` over the tokens that were not copied, ``mean_cosine`` and ``mean_kept`` over all; NaN
    where none counts.
    """
    initial = run.embeddings()
    present = run.present()
    change = token_change(initial, trained, present=present, progress=progress)
    new = np.array([origin not in {None, Origin.COPIED} for origin in run.column("tokens", "origin")])
    foreseen = movement_foreseen(initial, trained, run.statistics()["mean"], np.flatnonzero(new))
    known = ~np.isnan(change.cosine)
    means = {"mean_cosine": change.cosine[known], "mean_kept": change.kept[known]}
    return change, {"foreseen": foreseen} | {n: float(v.mean()) if len(v) else float("nan") for n, v in means.items()}


def write_change(part: Path, change: TokenChange) -> None:
    """Write the table of tokens into a growing folder."""
    import pyarrow as pa

    def column(values: np.ndarray) -> pa.Array:
        return pa.array(values.astype(np.float32), mask=np.isnan(values), type=pa.float32())

    columns: dict[str, Any] = {"id": np.arange(len(change.kept), dtype=np.int32)}
    columns |= {name: column(getattr(change, name)) for name in CHANGE_COLUMNS[1:]}
    write_parquet(part / TABLE, pa.table(columns))
