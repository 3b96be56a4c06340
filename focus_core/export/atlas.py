"""A map of a run as one Parquet file for Embedding Atlas, a viewer of maps with its own search and filters.

Coordinates are those of a stored projection; neighbours are exact, in the space of the embeddings, among the tokens of
the file, and named by their row, as the viewer reads them.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.artifacts import staged, write_parquet
from focus_core.errors import RunFolderError, bad_input
from focus_core.numerics.neighbors import nearest_embeddings
from focus_core.runs.additions import MEASURES, ProjectionFolder, list_projections, open_projection, open_training
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import show_token
from focus_core.types import ProgressHook, no_progress

if TYPE_CHECKING:
    import pyarrow as pa

K = 10
"""Neighbours of a token."""

MAIN = "initialised"
"""The member whose columns have the names that the viewer looks for; those of any other begin with its own name."""


def choose_projection(run: RunFolder, name: str | None = None) -> ProjectionFolder:
    """Open a projection of a run: the one that is named, else a UMAP, else any.

    Parameters
    ----------
    run : RunFolder
        The run.
    name : str, default=None
        One of `list_projections`.

    Returns
    -------
    ProjectionFolder
        The projection.

    Raises
    ------
    RunFolderError
        If there is none of that name, or none at all.
    """
    if name is not None:
        return open_projection(run, name)
    names = ranked_projections(run)
    if not names:
        remedy = "lay one out with `project`, or on the page Map"
        raise bad_input(f"run {run.path.name}", "a projection", "none", remedy, RunFolderError)
    return open_projection(run, names[0])


def ranked_projections(run: RunFolder) -> list[str]:
    """Return the names of a run's projections, UMAPs first, then by name."""
    return sorted(list_projections(run), key=lambda found: (not found.startswith("umap"), found))


def atlas_table(run: RunFolder, projection: ProjectionFolder, *, progress: ProgressHook = no_progress) -> pa.Table:
    """Return a projection as one table, a row a token, in the columns that Embedding Atlas reads."""
    import pyarrow as pa

    points = projection.points()
    members = np.asarray(points.column("member").to_pylist(), dtype=object)
    keys = [str(member["key"]) for member in projection.manifest["members"]]
    own = [key for key in keys if not key.startswith("other:")]
    ids = points.column("id").to_numpy()[members == keys[0]].astype(np.int64)
    columns: dict[str, Any] = _facts(run, ids)
    for key in own:
        at = members == key
        x, y = (points.column(axis).to_numpy()[at].astype(np.float32) for axis in ("x", "y"))
        names = _free_columns(key, columns)
        columns |= {names[0]: x, names[1]: y, names[2]: _neighbours(_rows(run, key, ids), progress)}
    columns |= _changes(run, own, ids)
    about = {
        "run": run.digest,
        "projection": projection.digest,
        "method": projection.manifest.get("method"),
        "n_tokens": len(ids),
        "neighbours": "exact, by cosine of the embeddings, among the rows of this file",
    }
    return pa.table(columns).replace_schema_metadata({"focus_lab": json.dumps(about, sort_keys=True)})


def member_columns(key: str) -> tuple[str, str, str]:
    """Return the names of a member's columns: x, y and neighbours.

    Parameters
    ----------
    key : str
        Of a projection, such as ``initialised`` or ``trained:adapted``.

    Returns
    -------
    tuple of str
        The three names.

    Examples
    --------
    >>> member_columns("trained:adapted-2")
    ('trained_adapted_2_x', 'trained_adapted_2_y', 'trained_adapted_2_neighbors')
    """
    if key == MAIN:
        return "projection_x", "projection_y", "neighbors"
    stem = re.sub(r"[^A-Za-z0-9]+", "_", key).strip("_")
    return f"{stem}_x", f"{stem}_y", f"{stem}_neighbors"


def _free_columns(key: str, taken: Iterable[str]) -> tuple[str, str, str]:
    """Return the names of a member's columns, with a number where some are taken: a viewer may ignore their case."""
    used = {name.casefold() for name in taken}
    names, number = member_columns(key), 2
    while used & {name.casefold() for name in names}:
        names, number = member_columns(f"{key}-{number}"), number + 1
    return names


def _facts(run: RunFolder, ids: np.ndarray) -> dict[str, Any]:
    """Return what the run says of its tokens."""
    text, native, starts = (run.column("tokens", name)[ids] for name in ("text", "token", "word_start"))
    facts: dict[str, Any] = {
        "token": [show_token(str(t), word_start=bool(w)) for t, w in zip(text, starts, strict=True)],
        "id": ids,
        "raw": [show_token(str(t)) for t in native],
    }
    table = run.tokens().select(["origin", "rule", "script", "kind", "frequency", "n_contributors", "norm"]).take(ids)
    return facts | {name: table.column(name) for name in table.column_names}


def _rows(run: RunFolder, key: str, ids: np.ndarray) -> np.ndarray:
    """Return the rows of a member of a projection."""
    member = run if key == MAIN else open_training(run, key.removeprefix("trained:"))
    return member.rows("input", ids)


def _neighbours(rows: np.ndarray, progress: ProgressHook) -> pa.Array:
    """Return the nearest rows of every row as a list of row numbers and one of distances."""
    import pyarrow as pa

    near, cosines = nearest_embeddings(rows, rows, k=K, skip=np.arange(len(rows)), progress=progress)
    known = near >= 0
    offsets = np.concatenate([[0], known.sum(axis=1).cumsum()]).astype(np.int32)
    ids = pa.ListArray.from_arrays(offsets, pa.array(near[known].astype(np.int32)))
    distances = pa.ListArray.from_arrays(offsets, pa.array((1 - cosines[known]).astype(np.float32)))
    return pa.StructArray.from_arrays([ids, distances], names=["ids", "distances"])


def _changes(run: RunFolder, keys: list[str], ids: np.ndarray) -> dict[str, Any]:
    """Return how far the first training on the map moved every token, nothing where it recorded none."""
    import pyarrow as pa

    trained = [key.removeprefix("trained:") for key in keys if key.startswith("trained:")]
    table = open_training(run, trained[0]).tokens() if trained else None
    if table is None:
        return {}
    place = np.full(int(ids.max(initial=0)) + 1, -1, dtype=np.int64)
    known = table.column("id").to_numpy()
    inside = known <= ids.max(initial=0)
    place[known[inside]] = np.flatnonzero(inside)
    places = pa.array(place[ids], mask=place[ids] < 0)  # a token that it lacks is a null
    return {name: table.column(name).take(places) for name in MEASURES}


def atlas_bytes(run: RunFolder, projection: ProjectionFolder) -> bytes:
    """Return the file of `atlas_table`; equal runs and projections give equal bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "atlas.parquet"
        write_parquet(path, atlas_table(run, projection))
        return path.read_bytes()


def write_atlas(
    run: RunFolder, path: str | Path, *, projection: str | None = None, progress: ProgressHook = no_progress
) -> Path:
    """Write a projection of a run for Embedding Atlas.

    Parameters
    ----------
    run : RunFolder
        The run.
    path : str or Path
        The file to make.
    projection : str, default=None
        One of the run's projections; ``None`` takes a UMAP, else any.
    progress : ProgressHook, default=no_progress
        As `atlas_table`.

    Returns
    -------
    Path
        The file, whole or not there.

    Raises
    ------
    InvalidInputError
        If the file exists, or there is no such projection.
    """
    target = Path(path)
    with staged(target) as part:
        write_parquet(part, atlas_table(run, choose_projection(run, projection), progress=progress))
    return target
