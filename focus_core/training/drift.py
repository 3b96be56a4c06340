"""The drift of a run's embeddings under training, and the table of tokens that a training's folder keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import write_parquet
from focus_core.errors import RunFolderError, bad_input
from focus_core.numerics.drift import TokenChange, drift_foreseen, token_change
from focus_core.runs.additions import MEASURES, TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import has_origin
from focus_core.types import Origin, ProgressHook, no_progress

TABLE = "tokens.parquet"


def measure_change(
    run: RunFolder, trained: np.ndarray, progress: ProgressHook = no_progress
) -> tuple[TokenChange, dict[str, float]]:
    """Compare a run's input embeddings with trained ones, (n_target, d): one value a token, and a summary.

    The summary holds ``foreseen`` over the tokens that were not copied, ``mean_cosine`` and ``mean_kept`` over all; NaN
    where none counts.
    """
    change = token_change(run.embeddings(), trained, present=run.present(), progress=progress)
    known = ~np.isnan(change.cosine)
    values = {"mean_cosine": change.cosine[known], "mean_kept": change.kept[known]}
    means = {name: float(found.mean()) if len(found) else float("nan") for name, found in values.items()}
    return change, {"foreseen": foreseen(run, trained)} | means


def foreseen(run: RunFolder, trained: np.ndarray) -> float:
    """Return how much of the way of a run's new rows their initialisation had foreseen; see `drift_foreseen`."""
    new = np.flatnonzero(run.present() & ~has_origin(run, Origin.COPIED))
    return drift_foreseen(run.embeddings(), trained, run.statistics()["mean"], new)


def stored_change(run: RunFolder, training: TrainingFolder) -> TokenChange | None:
    """Return the measures that a training keeps of every token.

    Parameters
    ----------
    run : RunFolder
        The run.
    training : TrainingFolder
        One of its trainings.

    Returns
    -------
    TokenChange or None
        In float64; ``None`` where the training recorded no change.

    Raises
    ------
    RunFolderError
        If the table is damaged or is another vocabulary's.
    """
    table = training.tokens()
    if table is None:
        return None
    ids, n = table.column("id").to_numpy(), len(run.present())
    if not np.array_equal(ids, np.arange(n)):
        expected, got = f"one row for each of {n} ids", f"{len(ids)} rows"
        raise bad_input(f"training {training.name}", expected, got, "make it again", RunFolderError)
    return TokenChange(**{name: np.array(table.column(name).to_numpy(), np.float64) for name in MEASURES})


def write_change(part: Path, change: TokenChange) -> None:
    """Write the table of tokens into a growing folder."""
    import pyarrow as pa

    def column(values: np.ndarray) -> pa.Array:
        return pa.array(values.astype(np.float32), mask=np.isnan(values), type=pa.float32())

    columns: dict[str, Any] = {"id": np.arange(len(change.kept), dtype=np.int32)}
    columns |= {name: column(getattr(change, name)) for name in MEASURES}
    write_parquet(part / TABLE, pa.table(columns))
