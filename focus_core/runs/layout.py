"""The layout of a run folder: its files, their columns, and how one file is read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.errors import RunFolderError, bad_input

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
KIND = "initialisation"

MANIFEST = "manifest.json"
EMBEDDINGS = "embeddings.safetensors"
AUXILIARY = "auxiliary.safetensors"
STATISTICS = "statistics.safetensors"
SOURCE_TOKENIZER = "source_tokenizer"
TARGET_TOKENIZER = "target_tokenizer"
EXAMPLES = "examples.parquet"

COLUMNS: dict[str, tuple[str, ...]] = {
    "tokens": (
        "id", "token", "text", "kind", "word_start", "script", "origin", "rule", "source_id", "frequency",
        "has_auxiliary", "n_contributors", "max_weight", "effective_contributors", "norm",
    ),
    "contributions": ("target_id", "source_id", "weight", "similarity"),
    "source_tokens": (
        "id", "token", "text", "kind", "script", "frequency", "target_id", "n_fed", "weight_fed",
    ),
    "candidates": ("target_id", "source_id", "rule", "rank"),
    "examples": ("target_id", "line"),
}  # fmt: skip
"""The columns of every table, in order; the table ``x`` is the file ``x.parquet``."""

REQUIRED = (MANIFEST, EMBEDDINGS, STATISTICS, *(f"{name}.parquet" for name in COLUMNS if name != "examples"))
"""The files without which a folder is no run."""

MANIFEST_KEYS: dict[str, tuple[str, ...]] = {
    "config": ("method", "match", "preset", "seed"),
    "counts": ("n_source", "n_target", "n_overlap", "n_new", "n_anchors", "by_rule", "by_origin"),
    "source": ("name", "marks"),
    "target": ("name",),
}
"""The entries of a manifest that every reader relies on, and what each holds."""

ID_QUERY = re.compile(r"#([0-9]{1,9})")
"""How a person names a token by its id."""


def parse_manifest(subject: str, data: bytes) -> dict[str, Any]:
    """Return the manifest.

    Parameters
    ----------
    subject : str
        How a message calls the run.
    data : bytes
        The content of ``manifest.json``.

    Returns
    -------
    dict
        The parsed manifest.

    Raises
    ------
    RunFolderError
        If it is no JSON, or no manifest of this version and kind.
    """
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as reason:
        raise no_run(subject, f"JSON in {MANIFEST}", "something else", "run it again") from reason
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        expected = f"schema version {SCHEMA_VERSION}"
        raise no_run(subject, expected, f"version {version!r}", "run it again, or use the release that wrote it")
    if manifest.get("kind") != KIND:
        raise no_run(subject, f"a run of kind {KIND}", f"{manifest.get('kind')!r}", "give a folder that `init` wrote")
    _check_entries(subject, manifest)
    return dict(manifest)


def _check_entries(subject: str, manifest: dict[str, Any]) -> None:
    """Refuse a manifest of the right version that somebody or something has cut."""
    for name, keys in MANIFEST_KEYS.items():
        entry = manifest.get(name)
        lacking = [key for key in keys if not isinstance(entry, dict) or key not in entry]
        if lacking:
            raise no_run(subject, f"{name}.{lacking[0]} in {MANIFEST}", "none", "run it again")
    if not isinstance(manifest.get("warnings"), list):
        raise no_run(subject, f"a list of warnings in {MANIFEST}", "none", "run it again")


def no_run(subject: str, expected: str, got: str, remedy: str) -> RunFolderError:
    """Return the error for what is no run, or names nothing in one."""
    return bad_input(subject, expected=expected, got=got, remedy=remedy, error=RunFolderError)


def read_table(path: Path, columns: tuple[str, ...]) -> pa.Table:
    """Return a parquet table, each column in one piece.

    Parameters
    ----------
    path : Path
        The file.
    columns : tuple of str
        Its columns, in order.

    Returns
    -------
    pyarrow.Table
        Exactly these columns.

    Raises
    ------
    RunFolderError
        If the file is damaged or has other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    subject = f"run {path.parent.name}"
    try:
        with pq.ParquetFile(path, memory_map=True) as file:  # read_table would import pyarrow.dataset: half a second
            table = file.read()
    except (pa.ArrowException, OSError) as reason:
        raise no_run(subject, f"a parquet table in {path.name}", "a damaged file", "run it again") from reason
    if tuple(table.column_names) != columns:
        got = f"columns {', '.join(table.column_names)}"
        raise no_run(subject, f"{path.name} with columns {', '.join(columns)}", got, "run it again")
    return table.combine_chunks()


def to_array(table: pa.Table, name: str) -> np.ndarray:
    """Return a column as a read-only array that owns its values; null as NaN or ``None``."""
    array = np.array(table.column(name).to_numpy())
    array.flags.writeable = False
    return array


def take_rows(table: pa.Table, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return some rows of a table as dictionaries, in the given order."""
    rows: list[dict[str, Any]] = table.take(np.asarray(ids, dtype=np.int64)).to_pylist()
    return rows
