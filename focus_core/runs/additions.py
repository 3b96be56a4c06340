"""What grew in a run folder later: trainings and projections, each in a folder of its own.

Refuses to follow links, and to make a path of a name that was not found on disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from focus_core.errors import FocusError, RunFolderError
from focus_core.runs.base import Folder, MatrixFolder
from focus_core.runs.digests import read_name
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import MANIFEST, no_run, parse_versioned, read_table

if TYPE_CHECKING:
    import pyarrow as pa

R = TypeVar("R")
TRAINING, IMPORTED, PROJECTION = "training", "attached", "projection"
TRAINED = "trained.safetensors"
CURVE_COLUMNS = ("step", "tokens", "loss", "held_out_loss", "held_out_bits", "learning_rate")
MEASURES = ("cosine", "norm_ratio", "kept")
CHANGE_COLUMNS = ("id", *MEASURES)
POINT_COLUMNS = ("member", "id", "x", "y")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a new training or projection may be called: a name that is safe as a folder's on every system."""

REQUIRED_KEYS: Mapping[str, type] = {"name": str, "run_digest": str}


class TrainingFolder(MatrixFolder):
    """One finished training of a run, or an imported checkpoint.

    Notes
    -----
    Every method raises `RunFolderError` where the file that it reads is damaged. Nothing is kept in memory.
    """

    NOUN: ClassVar[str] = TRAINING
    ARRAYS: ClassVar[str] = TRAINED

    def curve(self) -> pa.Table | None:
        """Return the course of the training, or ``None`` where nothing was trained here.

        Returns
        -------
        pyarrow.Table or None
            Columns as in ``CURVE_COLUMNS``; ``tokens`` counts those seen so far, ``loss`` and ``held_out_loss`` are
            nats per predicted token, ``held_out_bits`` bits per character; null where not measured.
        """
        return _optional_table(self.path, "curve.parquet", CURVE_COLUMNS)

    def measured(self, column: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Return a column of the curve where it was measured, after the tokens seen by then; ``None`` where nowhere."""
        table = self.curve()
        if table is None:
            return None
        tokens, values = (np.asarray(table.column(name).to_numpy(), dtype=np.float64) for name in ("tokens", column))
        known = np.isfinite(values)
        return (tokens[known], values[known]) if known.any() else None

    def tokens(self) -> pa.Table | None:
        """Return how far every token drifted, or ``None`` where that was not recorded.

        Returns
        -------
        pyarrow.Table or None
            Columns as in ``CHANGE_COLUMNS``; null at ids that hold no token.
        """
        return _optional_table(self.path, "tokens.parquet", CHANGE_COLUMNS)

    def mapped(self, name: str) -> tuple[np.ndarray, str]:
        """Return a trained array as it is stored; see `MatrixFolder.mapped`."""
        kept = self.matrix_names()
        if name not in kept:
            expected, got = f"a trained array {name!r}", ", ".join(kept) or "none: this training kept its curve alone"
            raise no_run(f"training {self.name}", expected, got, "name one that was kept, or train it with `adapt`")
        return super().mapped(name)


class ProjectionFolder(Folder):
    """One joint layout of a run's rows: every member's points lie in the same plane."""

    def points(self) -> pa.Table:
        """Return the coordinates: the same ids in the same order for every member.

        Returns
        -------
        pyarrow.Table
            Columns as in ``POINT_COLUMNS``.

        Raises
        ------
        RunFolderError
            If the file is missing or damaged.
        """
        return _table(self.path, "points.parquet", POINT_COLUMNS)


def list_trainings(run: RunFolder) -> list[str]:
    """Return the names of the finished trainings of a run, sorted."""
    return _list(run, TRAINING)


def list_projections(run: RunFolder) -> list[str]:
    """Return the names of the finished projections of a run, sorted."""
    return _list(run, PROJECTION)


def readable(names: Sequence[str], open_one: Callable[[str], R]) -> tuple[list[R], list[FocusError]]:
    """Open what was added to a run under some names; return what can be read, and what is wrong with the rest."""
    found: list[R] = []
    errors: list[FocusError] = []
    for name in names:
        try:
            found.append(open_one(name))
        except FocusError as error:
            errors.append(error)
    return found, errors


def additions_of(run: RunFolder) -> list[Path]:
    """Return the folders of every finished training and projection of a run."""
    return [run.path / kind / name for kind in (TRAINING, PROJECTION) for name in _list(run, kind)]


def open_training(run: RunFolder, name: str) -> TrainingFolder:
    """Open a finished training of a run.

    Parameters
    ----------
    run : RunFolder
        The run.
    name : str
        One of `list_trainings`.

    Returns
    -------
    TrainingFolder
        Its manifest read, everything else on demand.

    Raises
    ------
    RunFolderError
        If there is none of that name, it is damaged, or its arrays are not shaped like the run's.
    """
    path = _find(run, TRAINING, name)
    manifest, digest = _read_manifest(path, (TRAINING, IMPORTED))
    training = TrainingFolder(path=path, manifest=manifest, digest=digest)
    _check_shapes(run, training)
    return training


def open_projection(run: RunFolder, name: str) -> ProjectionFolder:
    """Open a finished projection of a run.

    Parameters
    ----------
    run : RunFolder
        The run.
    name : str
        One of `list_projections`.

    Returns
    -------
    ProjectionFolder
        Its manifest read, its points on demand.

    Raises
    ------
    RunFolderError
        If there is none of that name, or it is damaged.
    """
    path = _find(run, PROJECTION, name)
    manifest, digest = _read_manifest(path, (PROJECTION,))
    members = manifest.get("members")
    if not isinstance(members, list) or not all(isinstance(m, dict) and isinstance(m.get("key"), str) for m in members):
        raise no_run(f"projection {name}", "a list of members in its manifest", "none", "project again")
    return ProjectionFolder(path=path, manifest=manifest, digest=digest)


def new_addition(run_path: Path, kind: str, name: str) -> Path:
    """Return where a new training or projection goes.

    Parameters
    ----------
    run_path : Path
        The run's folder.
    kind : {"training", "projection"}
        Which of the two.
    name : str
        Letters, digits, ``.``, ``_``, ``-``; at most 64.

    Returns
    -------
    Path
        ``run_path/kind/name``; it does not exist.

    Raises
    ------
    RunFolderError
        If the name is none, or is taken.
    """
    path = addition_path(run_path, kind, name, subject=f"name of a {kind}")
    if path.exists() or path.is_symlink():
        raise no_run(f"{kind} {name}", "a new name", "one that exists", "choose another name")
    return path


def addition_path(run_path: Path, kind: str, name: str, *, subject: str) -> Path:
    """Return where a training or projection of a name lies, whether it exists or not.

    Parameters
    ----------
    run_path : Path
        The run's folder.
    kind : {"training", "projection"}
        Which of the two.
    name : str
        Letters, digits, ``.``, ``_``, ``-``; at most 64.
    subject : str
        How a message calls the name.

    Returns
    -------
    Path
        ``run_path/kind/name``.

    Raises
    ------
    RunFolderError
        If the name is none.
    """
    if not NAME.fullmatch(name) or name.endswith(".part"):
        expected = "at most 64 letters, digits, '.', '_' and '-', a letter or digit first, not ending in '.part'"
        raise no_run(subject, expected, repr(name[:80]), "choose another name")
    return run_path / kind / name


def _list(run: RunFolder, kind: str) -> list[str]:
    folder = run.path / kind
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if _is_finished(path))


def _is_finished(path: Path) -> bool:
    hidden = path.name.startswith(".") or path.name.endswith(".part") or path.is_symlink()
    return not hidden and (path / MANIFEST).is_file()


def _find(run: RunFolder, kind: str, name: str) -> Path:
    """Return the folder of a name that stands on disk."""
    names = _list(run, kind)
    if name not in names:
        listed = ", ".join(map(repr, names[:12])) or "none"
        subject = f"{kind} of run {run.path.name}"
        raise no_run(subject, f"one of the finished ones: {listed}", repr(name[:80]), "name one of these, or make it")
    return run.path / kind / name


def _read_manifest(path: Path, kinds: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    """Return a manifest of one of some kinds and the digest of its bytes."""
    subject = f"{path.parent.name} {path.name}"
    data = (path / MANIFEST).read_bytes()
    found = parse_versioned(subject, data, remedy="make it again")
    if found.get("kind") not in kinds:
        raise no_run(subject, f"a manifest of kind {' or '.join(kinds)}", repr(found.get("kind")), "make it again")
    for key, kind in REQUIRED_KEYS.items():
        if not isinstance(found.get(key), kind):
            raise no_run(subject, f"a text {key!r} in {MANIFEST}", repr(found.get(key)), "make it again")
    return found, read_name(found, data)


def _check_shapes(run: RunFolder, training: TrainingFolder) -> None:
    """Refuse trained arrays that the run does not have, or has in another shape."""
    own = run.shapes()
    for name, shape in training.shapes().items():
        if own.get(name) != shape:
            expected = f"{name} of shape {own[name]} as in the run" if name in own else f"one of {sorted(own)}"
            raise no_run(f"training {training.name}", expected, f"{name} of shape {shape}", "import or train it again")


def _optional_table(folder: Path, name: str, columns: tuple[str, ...]) -> pa.Table | None:
    return _table(folder, name, columns) if (folder / name).is_file() else None


def _table(folder: Path, name: str, columns: tuple[str, ...]) -> pa.Table:
    try:
        return read_table(folder / name, columns)
    except RunFolderError as reason:
        said = reason.message.removeprefix(f"run {folder.name}")
        raise RunFolderError(f"{folder.parent.name} {folder.name}{said}", hint="make it again") from reason
