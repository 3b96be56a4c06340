"""A run's model as one zip file to carry away: equal models give equal bytes."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from focus_core.artifacts import digest_json
from focus_core.errors import RunFolderError, bad_input
from focus_core.export.abilities import BARE_ROLE, source_spec
from focus_core.export.model_card import auto_class
from focus_core.export.run_model import export_state
from focus_core.models.hub import is_hub_id
from focus_core.models.source import STATIC_NAMES
from focus_core.models.tensors import SINGLE
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.log import growing_run
from focus_core.types import ProgressHook, no_progress, stage_of, tell_all

ZIP = "model.zip"
FOLDER = "model"
BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: equal models give equal bytes."""


@dataclass(frozen=True, kw_only=True)
class ModelZip:
    """A finished zip.

    Parameters
    ----------
    path : Path
        The file.
    n_bytes : int
        Its size.
    files : tuple of str
        Names in it.
    loader : str or None
        The class of transformers that loads it; ``None`` for embeddings without a backbone.
    """

    path: Path
    n_bytes: int
    files: tuple[str, ...]
    loader: str | None


def zip_model(
    run: RunFolder,
    output: str | Path,
    *,
    trained: str | None = None,
    source: str | Path | None = None,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
) -> Path:
    """Write the model folder of a run, or of one of its trainings, as one zip file.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    output : str or Path
        The folder to make; it holds ``model.zip``.
    trained : str, default=None
        A training of the run; ``None`` is the model right after initialisation.
    source : str or Path, default=None
        Where the source model is; ``None`` takes what the run's log remembers.
    terminal : file, default=None
        Where progress is printed; ``None`` prints none.
    progress : ProgressHook, default=no_progress
        Told the same; raising from it cancels.

    Returns
    -------
    Path
        The zip file. Nothing is left where it was not finished.

    Raises
    ------
    InvalidInputError
        If ``output`` exists, or as `export_state`.
    """
    output = Path(output)
    with growing_run(output, terminal=terminal) as (part, log):
        tell = tell_all(log, progress)
        folder = part / FOLDER
        with stage_of(tell, "put the model together"):
            export_state(run, trained, folder, source=source)
        _write_zip(folder, part / ZIP, tell)
        shutil.rmtree(folder)
    return output / ZIP


def _write_zip(folder: Path, target: Path, tell: ProgressHook) -> None:
    """Write a folder's files into a zip, as they are: weights do not get smaller by packing."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    total = sum(path.stat().st_size for path in files)
    done = 0
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as packed:
        for path in files:
            entry = zipfile.ZipInfo(f"{FOLDER}/{path.relative_to(folder).as_posix()}", BEGINNING)
            entry.external_attr = 0o644 << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as stream, packed.open(entry, "w") as inside:
                shutil.copyfileobj(stream, inside, 1 << 20)
            done += entry.file_size
            tell("write the zip", done, total)


def open_model_zip(folder: str | Path) -> ModelZip:
    """Return what `zip_model` made.

    Parameters
    ----------
    folder : str or Path
        Its ``output``.

    Returns
    -------
    ModelZip
        The file and what is in it.

    Raises
    ------
    RunFolderError
        If it is not there or cannot be read.
    """
    path = Path(folder) / ZIP
    try:
        with zipfile.ZipFile(path) as packed:
            names = tuple(packed.namelist())
            config = {} if _is_matrix(packed, names) else _config(packed, names)
    except (OSError, ValueError, zipfile.BadZipFile) as reason:
        raise bad_input("the model's zip", "a sound file", "none", "make it again", RunFolderError) from reason
    loader = auto_class(config["architectures"]) if config.get("architectures") else None
    return ModelZip(path=path, n_bytes=path.stat().st_size, files=names, loader=loader)


def _config(packed: zipfile.ZipFile, names: tuple[str, ...]) -> dict[str, Any]:
    name = f"{FOLDER}/config.json"
    found = json.loads(packed.read(name)) if name in names else {}
    return found if isinstance(found, dict) else {}


def _is_matrix(packed: zipfile.ZipFile, names: tuple[str, ...]) -> bool:
    """Whether a zip holds static embeddings, whatever a configuration beside them says; weights lie in it unpacked."""
    name = f"{FOLDER}/{SINGLE}"
    if name not in names:
        return False
    with packed.open(name) as weights:
        found = set(json.loads(weights.read(int.from_bytes(weights.read(8), "little")))) - {"__metadata__"}
    return bool(found) and found <= set(STATIC_NAMES)


def zip_key(run: RunFolder, training: TrainingFolder | None) -> str:
    """Return 32 hexadecimal digits that stand for one state of one run.

    Parameters
    ----------
    run : RunFolder
        The run.
    training : TrainingFolder or None
        One of its trainings; ``None`` is the initialisation.

    Returns
    -------
    str
        The same for equal content, wherever it lies.
    """
    return digest_json(["model", run.digest, None if training is None else training.digest])[:32]


def source_is_named(run: RunFolder) -> bool:
    """Tell whether a run's source can still be looked for: it was embeddings alone, is there, or has a Hub id.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    bool
        ``False`` where the folder that the run's log names is gone.
    """
    if BARE_ROLE in {entry["role"] for entry in run.manifest["inputs"]}:
        return True
    spec = source_spec(run)
    return bool(spec) and (is_hub_id(spec) or Path(spec).expanduser().exists())
