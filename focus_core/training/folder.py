"""What a training leaves in its folder: matrices, body, curve, table of tokens, manifest.

Owns their layout. Refuses to train.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.artifacts import dump_json, write_arrays
from focus_core.domain import ORIGINS, Origin, ProgressHook, no_progress
from focus_core.movement import TokenChange, movement_foreseen, token_change
from focus_core.run_folder import RunFolder
from focus_core.run_folder.additions import TRAINED
from focus_core.run_folder.layout import MANIFEST, SCHEMA_VERSION
from focus_core.run_model import BODY, RunModel
from focus_core.store import plain, versions

if TYPE_CHECKING:
    import pyarrow as pa

CURVE = ("step", "tokens", "loss", "held_out_loss", "held_out_bits", "learning_rate")
SNAPSHOTS = "snapshots"
N_NEIGHBOURS = 10


def write_snapshot(part: Path, model: RunModel, step: int) -> None:
    """Keep the input matrix as it is now.

    Parameters
    ----------
    part : Path
        The growing folder.
    model : RunModel
        The model in training.
    step : int
        Steps done.
    """
    folder = part / SNAPSHOTS
    folder.mkdir(exist_ok=True)
    write_arrays(folder / f"step-{step:08d}.safetensors", {"input": model.matrices()["input"].detach()})


def write_matrices(part: Path, model: RunModel, *, body: bool) -> list[str]:
    """Write the trained matrices and, where it was trained, the body.

    Parameters
    ----------
    part : Path
        The growing folder.
    model : RunModel
        The trained model.
    body : bool
        Whether the body changed.

    Returns
    -------
    list of str
        Names of the matrices.
    """
    matrices = {name: parameter.detach() for name, parameter in model.matrices().items()}
    write_arrays(part / TRAINED, matrices)
    if body:
        write_arrays(part / BODY, {name: parameter.detach() for name, parameter in model.body().items()})
    return sorted(matrices)


def write_curve(part: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the curve as a table.

    Parameters
    ----------
    part : Path
        The growing folder.
    rows : sequence of mapping
        Keys as in ``CURVE``.
    """
    import pyarrow as pa

    types = [pa.int64(), pa.int64(), *[pa.float64()] * 4]
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in zip(CURVE, types, strict=True)}
    write_parquet(part / "curve.parquet", pa.table(columns))


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table so that equal ones give equal bytes.

    Parameters
    ----------
    path : Path
        The file.
    table : pyarrow.Table
        Its content.
    """
    import pyarrow.parquet as pq

    pq.write_table(table, path, version="2.6", compression="zstd", compression_level=3, row_group_size=1 << 20)


def measure_change(
    run: RunFolder, trained: np.ndarray, progress: ProgressHook = no_progress
) -> tuple[TokenChange, dict[str, float]]:
    """Compare a run's input matrix with a trained one, token by token and as a whole.

    Parameters
    ----------
    run : RunFolder
        The run.
    trained : ndarray of shape (n_target, d), dtype float32
        The input matrix after training.
    progress : ProgressHook, default=no_progress
        Receives progress.

    Returns
    -------
    change : TokenChange
        One value a token.
    summary : dict of str to float
        ``foreseen`` over the rows that were not copied, ``mean_cosine`` and ``mean_kept`` over all.
    """
    initial = run.embeddings("input")
    present = np.array([kind is not None for kind in run.column("tokens", "kind")])
    change = token_change(initial, trained, present=present, k=N_NEIGHBOURS, progress=progress)
    origins = run.column("tokens", "origin")
    new = np.flatnonzero(present & (origins != ORIGINS[ORIGINS.index(Origin.COPIED)]))
    summary = {"mean_cosine": float(np.nanmean(change.cosine)), "mean_kept": float(np.nanmean(change.kept))}
    if len(new):
        summary["foreseen"] = movement_foreseen(initial, trained, run.statistics()["mean"], new)
    return change, summary


def write_change(part: Path, change: TokenChange) -> None:
    """Write the table of tokens.

    Parameters
    ----------
    part : Path
        The growing folder.
    change : TokenChange
        One value a token; NaN becomes null.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {"id": pa.array(np.arange(len(change.cosine)), pa.int32())}
    for name in ("cosine", "norm_ratio", "kept"):
        values = getattr(change, name).astype(np.float32)
        columns[name] = pa.array(values, pa.float32(), mask=np.isnan(values))
    write_parquet(part / "tokens.parquet", pa.table(columns))


def write_manifest(part: Path, run: RunFolder, name: str, content: Mapping[str, Any]) -> None:
    """Write the manifest, last of all files.

    Parameters
    ----------
    part : Path
        The growing folder.
    run : RunFolder
        The run that it belongs to.
    name : str
        The training's name.
    content : mapping
        What this kind of training says beside the common keys.
    """
    config = run.manifest["config"]
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": "training",
        "name": name,
        "run_digest": run.digest,
        "initialisation": {"method": config["method"], "seed": config["seed"]},
        **content,
        "versions": versions(),
    }
    (part / MANIFEST).write_text(dump_json(plain(manifest)) + "\n", encoding="utf-8", newline="\n")
