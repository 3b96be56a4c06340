"""The layout of a run folder: its files, their columns, and how one file is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.errors import RunFolderError, bad_input

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 2
VERSIONS = (1, 2)
"""The versions that are read; what is written has the last."""

KIND = "initialisation"

MANIFEST = "manifest.json"
EMBEDDINGS = "embeddings.safetensors"
AUXILIARY = "auxiliary.safetensors"
STATISTICS = "statistics.safetensors"
SOURCE_TOKENIZER = "source_tokenizer"
TARGET_TOKENIZER = "target_tokenizer"
EXAMPLES = "examples.parquet"
CONTRIBUTIONS_OUTPUT = "contributions_output.parquet"
OWN_ARRAYS = ("input", "output", "bias")
"""The arrays that a run knows the meaning of; every other one that follows the vocabulary has its own name."""

APART = frozenset({MANIFEST, "log", "training", "projection"})
"""What lies in a run's folder and is none of the files that it was made of."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "tokens": (
        "id", "token", "text", "kind", "word_start", "script", "origin", "rule", "source_id", "frequency",
        "has_auxiliary", "n_contributors", "max_weight", "effective_contributors", "norm",
    ),
    "contributions": ("target_id", "source_id", "weight", "similarity"),
    "contributions_output": ("target_id", "source_id", "weight", "similarity"),
    "source_tokens": (
        "id", "token", "text", "kind", "script", "frequency", "target_id", "n_fed", "weight_fed",
    ),
    "candidates": ("target_id", "source_id", "rule", "rank"),
    "examples": ("target_id", "line"),
}  # fmt: skip
"""The columns of every table, in order; the table ``x`` is the file ``x.parquet``."""

SCALES = ("input_scale", "output_scale")
"""Columns of ``tokens.parquet`` that stand after the others where a run has them."""

RESIDUAL = "residual"
"""Column of ``tokens.parquet`` after those, where embeddings are more than their weights."""

OPTIONAL = ("examples", "contributions_output")

REQUIRED = (MANIFEST, EMBEDDINGS, STATISTICS, *(f"{name}.parquet" for name in COLUMNS if name not in OPTIONAL))
"""The files without which a folder is no run."""

MANIFEST_KEYS: dict[str, tuple[str, ...]] = {
    "config": ("method", "match", "preset", "seed"),
    "counts": ("n_source", "n_target", "n_overlap", "n_new", "n_anchors", "by_rule", "by_origin"),
    "source": ("name", "marks"),
    "target": ("name",),
}
"""The entries of a manifest that every reader relies on, and what each holds."""

DIGEST = re.compile(r"[0-9a-f]{64}")
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
    manifest = parse_versioned(subject, data, remedy="run it again")
    if manifest.get("kind") != KIND:
        raise no_run(subject, f"a run of kind {KIND}", f"{manifest.get('kind')!r}", "give a folder that `init` wrote")
    _check_entries(subject, manifest)
    return manifest


def parse_versioned(subject: str, data: bytes, *, remedy: str) -> dict[str, Any]:
    """Return the manifest of a run, training or projection; `RunFolderError` where it is none of a version we read."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as reason:
        raise no_run(subject, f"JSON in {MANIFEST}", "something else", remedy) from reason
    manifest = found if isinstance(found, dict) else {}
    check_version(subject, manifest)
    return manifest


def check_version(subject: str, manifest: Mapping[str, Any]) -> None:
    """Raise `RunFolderError` where a manifest is of an unknown version, or of version 2 without digests."""
    version = manifest.get("schema_version")
    if version not in VERSIONS:
        expected = f"schema version {' or '.join(map(str, VERSIONS))}"
        raise no_run(subject, expected, f"version {version!r}", "make it again, or use the release that wrote it")
    if version == 1:
        return
    files = manifest.get("files")
    digests = [manifest.get("digest"), *(files.values() if isinstance(files, dict) else [None])]
    if not all(isinstance(digest, str) and DIGEST.fullmatch(digest) for digest in digests):
        raise no_run(subject, f"SHA-256 of every file in {MANIFEST}", "none, or something else", "make it again")


def check_sides(subject: str, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Raise `RunFolderError` where a manifest and its folder disagree on weights of the output side's own."""
    said = CONTRIBUTIONS_OUTPUT in manifest.get("files", ())
    if said != (folder / CONTRIBUTIONS_OUTPUT).is_file():
        expected, got = (CONTRIBUTIONS_OUTPUT, "none") if said else (f"no {CONTRIBUTIONS_OUTPUT}", "one")
        raise no_run(subject, f"{expected}, as {MANIFEST} says", got, "make the run again")
    if said and is_tied(manifest):
        got = "output embeddings that are the input embeddings"
        raise no_run(
            subject, f"output embeddings of their own beside {CONTRIBUTIONS_OUTPUT}", got, "make the run again"
        )


def is_tied(manifest: Mapping[str, Any]) -> bool:
    """Tell whether the output matrix is the input matrix."""
    return bool(manifest.get("matrices", {}).get("tied", True))


def further_columns(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns beside the usual ones that a run's table of tokens may have."""
    if manifest.get("schema_version") == 1:
        return ()
    return (*(SCALES[:1] if is_tied(manifest) else SCALES), RESIDUAL)


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
    """Return the error for what is no run, or names nothing in one.

    Parameters
    ----------
    subject, expected, got, remedy : str
        As of `bad_input`.
    """
    return bad_input(subject, expected=expected, got=got, remedy=remedy, error=RunFolderError)


def read_table(path: Path, columns: tuple[str, ...], *, optional: tuple[str, ...] = ()) -> pa.Table:
    """Return a parquet table, each column in one piece.

    Parameters
    ----------
    path : Path
        The file.
    columns : tuple of str
        Its columns, in order.
    optional : tuple of str, default=()
        Those that may follow, in order.

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
    if tuple(table.column_names) != (*columns, *(name for name in optional if name in table.column_names)):
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
