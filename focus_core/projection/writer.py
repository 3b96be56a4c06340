"""The files of ``projection/NAME/``: equal maps give equal bytes, so they hold no times and no paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import write_parquet
from focus_core.projection.layout import Layout
from focus_core.projection.members import MATRIX, Member
from focus_core.runs.additions import POINT_COLUMNS
from focus_core.runs.folder import RunFolder
from focus_core.runs.writer import versions, write_manifest

_LIBRARIES = {"umap": ("numba", "pynndescent", "scikit-learn", "umap-learn"), "pca": ()}


def write_map(
    part: Path,
    *,
    run: RunFolder,
    name: str,
    members: Sequence[Member],
    ids: np.ndarray,
    layout: Layout,
    seed: int,
    facts: Mapping[str, Any],
) -> None:
    """Write both files of a map into a growing folder, the manifest last."""
    _write_points(part / "points.parquet", members, ids, layout.points)
    manifest = {
        "kind": "projection",
        "name": name,
        "run_digest": run.digest,
        "members": [
            {"key": member.key, "title": member.title, "digest": member.digest, "trustworthiness": round(float(t), 6)}
            for member, t in zip(members, layout.trust, strict=True)
        ],
        "method": layout.method,
        "seed": seed,
        "n_sampled": len(ids),
        "n_total": int(run.present().sum()),
        "k": layout.k,
        "trustworthiness": round(float(layout.trust.mean()), 6),
        "settings": {**layout.settings, **facts, "matrix": MATRIX, "n_trusted": layout.n_queries},
        "versions": {**versions(), **{library: version(library) for library in _LIBRARIES[layout.method]}},
    }
    write_manifest(part, manifest)


def _write_points(path: Path, members: Sequence[Member], ids: np.ndarray, points: np.ndarray) -> None:
    """Write a line a member and id; members as a dictionary of keys, in their own order."""
    import pyarrow as pa

    codes = np.repeat(np.arange(len(members), dtype=np.int32), len(ids))
    flat = points.reshape(-1, 2)
    columns = {
        "member": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([member.key for member in members])),
        "id": np.tile(ids.astype(np.int32), len(members)),
        "x": np.ascontiguousarray(flat[:, 0]),
        "y": np.ascontiguousarray(flat[:, 1]),
    }
    table = pa.table({name: columns[name] for name in POINT_COLUMNS})
    write_parquet(path, table)
