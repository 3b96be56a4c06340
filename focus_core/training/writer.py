"""What a training leaves in its folder: embeddings, backbone, curve, table of tokens, manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from focus_core.artifacts import write_arrays, write_parquet
from focus_core.export.parameters import BACKBONE
from focus_core.runs.additions import CURVE_COLUMNS, TRAINED
from focus_core.runs.folder import RunFolder
from focus_core.runs.writer import versions
from focus_core.training.task import Trained

SNAPSHOTS = "snapshots"


def write_snapshot(part: Path, model: Trained, step: int) -> None:
    """Keep the input matrix as it is now."""
    folder = part / SNAPSHOTS
    folder.mkdir(exist_ok=True)
    write_arrays(folder / f"step-{step:08d}.safetensors", {"input": model.matrices()["input"].detach()})


def write_matrices(part: Path, model: Trained, *, backbone: bool) -> list[str]:
    """Write the trained matrices and, where it was trained, the body."""
    matrices = {name: parameter.detach() for name, parameter in model.matrices().items()}
    write_arrays(part / TRAINED, matrices)
    if backbone:
        write_arrays(part / BACKBONE, {name: parameter.detach() for name, parameter in model.backbone().items()})
    return sorted(matrices)


def write_curve(part: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the curve as a table."""
    import pyarrow as pa

    types = [pa.int64(), pa.int64(), *[pa.float64()] * 4]
    columns = {
        name: pa.array([row[name] for row in rows], kind) for name, kind in zip(CURVE_COLUMNS, types, strict=True)
    }
    write_parquet(part / "curve.parquet", pa.table(columns))


def manifest_of(run: RunFolder, name: str, content: Mapping[str, Any], *, kind: str = "training") -> dict[str, Any]:
    """Return the manifest of a training."""
    config = run.manifest["config"]
    return {
        "kind": kind,
        "name": name,
        "run_digest": run.digest,
        "initialisation": {"method": config["method"], "seed": config["seed"]},
        **content,
        "versions": versions(),
    }
