"""A run of version 1 made one of version 2: its manifests get the digests of their files, nothing else changes.

Owns what makes a run of version 1 sound enough to be sealed. Every manifest is made before the first is replaced, each
is replaced at once, and the run's own last: whatever interrupts it, the run opens, and the next call goes on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import atomic_write_bytes, dump_json, sha256_bytes, tensor_names
from focus_core.errors import InvalidInputError
from focus_core.runs.additions import TRAINING, additions_of, open_projection, open_training
from focus_core.runs.digests import name_of, seal
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.layout import COLUMNS, EMBEDDINGS, MANIFEST, OPTIONAL, no_run
from focus_core.tokenization.vocabulary import load_vocabulary

BLOCK = 8192
TOLERANCE = 1e-3


def migrate_run(path: str | Path) -> str:
    """Rewrite a run of version 1, and every training and projection in it, to version 2.

    Parameters
    ----------
    path : str or Path
        A finished run. Its name, the digest by which other folders know it, stays.

    Returns
    -------
    str
        What was done, in one line.

    Raises
    ------
    InvalidInputError
        If it is no finished run, or one of its files is damaged; nothing is changed then.
    """
    run = open_run(path)
    folders = [*additions_of(run), run.path]
    old = {folder: manifest for folder in folders if (manifest := _manifest(folder))["schema_version"] == 1}
    if not old:
        return f"{run.path.name} is of version 2 already"
    _check_sound(run)
    sealed = {folder: seal(manifest, folder) for folder, manifest in old.items()}
    for folder, manifest in sealed.items():
        atomic_write_bytes(folder / MANIFEST, f"{dump_json(manifest)}\n".encode())
    n_files = sum(len(manifest["files"]) for manifest in sealed.values())
    own = int(run.path in sealed)
    what = [*["the run"] * own, *[f"{len(sealed) - own} trainings and projections"] * (len(sealed) > own)]
    return f"{run.path.name} is of version 2 now: digests of {n_files} files, of {' and '.join(what)}"


def _manifest(folder: Path) -> dict[str, Any]:
    """Return a manifest of version 1 as it was written, or one of version 2."""
    data = (folder / MANIFEST).read_bytes()
    manifest: dict[str, Any] = json.loads(data)
    if manifest["schema_version"] == 1 and sha256_bytes(data) != name_of(manifest):
        expected, got = f"{MANIFEST} as it was written", "one that was written again, so that its digest would change"
        raise no_run(f"{folder.parent.name}/{folder.name}", expected, got, "take it from a copy that was not edited")
    return manifest


def _check_sound(run: RunFolder) -> None:
    """Read everything of which damage can be told without digests; raise where there is some."""
    for name in COLUMNS:
        if name not in OPTIONAL or (run.path / f"{name}.parquet").is_file():
            _check_table(run, name)
    shapes = {name: list(shape) for name, (_, shape) in tensor_names(run.path / EMBEDDINGS).items()}
    said = {name: entry["shape"] for name, entry in run.manifest["matrices"].items() if name != "tied"}
    _agree(run, EMBEDDINGS, said, shapes)
    _agree(run, "rows of input that are as long as tokens.parquet says", True, _norms_agree(run))
    run.auxiliary()
    run.statistics()
    for side in ("source", "target"):
        found = load_vocabulary(run.path / f"{side}_tokenizer").digest
        _agree(run, f"{side}_tokenizer", run.manifest[side]["digest"], found)
    for folder in additions_of(run):
        if folder.parent.name == TRAINING:
            training = open_training(run, folder.name)
            training.curve(), training.tokens()
        else:
            open_projection(run, folder.name).points()


def _check_table(run: RunFolder, name: str) -> None:
    """Read every column of a table."""
    try:
        for column in COLUMNS[name]:
            run.column(name, column)
    except InvalidInputError:
        raise
    except ValueError as reason:  # such as text that is no UTF-8
        got = f"{name}.parquet that cannot be read"
        raise no_run(f"run {run.path.name}", "sound tables", got, "take it from a copy that is whole") from reason


def _norms_agree(run: RunFolder) -> bool:
    """Whether the rows of the input matrix have the lengths that were recorded."""
    norms = run.column("tokens", "norm").astype(np.float64)
    starts = range(0, len(norms), BLOCK)
    found = [np.linalg.norm(run.rows("input", slice(s, s + BLOCK)).astype(np.float64), axis=1) for s in starts]
    return bool(np.allclose(np.concatenate(found), norms, rtol=TOLERANCE, equal_nan=True))


def _agree(run: RunFolder, what: str, said: object, found: object) -> None:
    if said != found:
        got = f"{str(found)[:60]} where {str(said)[:60]} was recorded"
        raise no_run(f"run {run.path.name}", f"{what} as it was made", got, "take it from a copy that is whole")
