"""What can be done with a run: whether there is a model around its embeddings, and whether that predicts tokens.

Found from the run's records and the small files of its source; nothing is loaded. Where they do not say, it counts as
possible: what reads the source then says why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus_core.artifacts import tensor_names
from focus_core.errors import FocusError
from focus_core.export.forward import MLM, objective_of
from focus_core.models.hub import cached_file, is_hub_id
from focus_core.models.sentence_modules import model_folder
from focus_core.models.source import STATIC_NAMES
from focus_core.models.tensors import SINGLE, read_json
from focus_core.runs.folder import RunFolder
from focus_core.types import SpecialTokenType

BARE_ROLE = "source_embeddings"
"""The role of a file with nothing but a matrix among a run's inputs."""

MATRIX = "A run that was made from an embedding matrix alone has no model around it"
NO_HEAD = "The source model has no head that predicts tokens"
PAIRS = "The source model predicts one text from another, and lines alone are half of what it learns from"
NO_MASK = "The model predicts masked tokens, and the tokenizer has no mask token"


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What can be done with a run.

    Parameters
    ----------
    whole : bool
        Whether its export is a model; else it is an embedding matrix with its tokenizer.
    hindrance : str
        Why it can neither be trained on text nor evaluated, the beginning of a sentence; "" where it can.
    """

    whole: bool
    hindrance: str = ""

    @property
    def distills(self) -> bool:
        """Whether it can learn the sentence embeddings of its source: a head is not needed, a backbone is."""
        return self.hindrance not in {MATRIX, PAIRS}


def abilities_of(run: RunFolder) -> Abilities:
    """Say what can be done with a run.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    Abilities
        Whether it can be exported whole, trained and evaluated.
    """
    folder = source_folder(run)
    if BARE_ROLE in {entry["role"] for entry in run.manifest["inputs"]} or _is_matrix(folder):
        return Abilities(whole=False, hindrance=MATRIX)
    config = _config(run, folder)
    if config is None or not config.get("architectures"):
        return Abilities(whole=True)
    if config.get("is_encoder_decoder"):
        return Abilities(whole=True, hindrance=PAIRS)
    objective = objective_of(str(config["architectures"][0]))
    if not objective:
        return Abilities(whole=True, hindrance=NO_HEAD)
    lacks = objective == MLM and SpecialTokenType.MASK not in run.manifest["target"]["roles"]
    return Abilities(whole=True, hindrance=NO_MASK if lacks else "")


def source_spec(run: RunFolder) -> str:
    """Return where the run's log says that its source is; "" where it does not say."""
    try:
        note = read_json(run.path / "log" / "source.json") or {}
    except FocusError:
        return ""
    return str(note.get("spec") or "")


def source_folder(run: RunFolder) -> Path | None:
    """Return where the source of a run keeps its configuration, where it is on this machine under its log's name."""
    spec = source_spec(run)
    path = Path(spec).expanduser()
    if not spec or not path.is_dir():
        return None
    try:
        return model_folder(path)
    except FocusError:
        return path


def _config(run: RunFolder, folder: Path | None) -> Mapping[str, Any] | None:
    """Return the configuration of a run's source; ``None`` where it cannot be seen from here."""
    spec = source_spec(run)
    path = folder / "config.json" if folder is not None else None
    if path is None and is_hub_id(spec):
        path = cached_file(spec, "config.json")
    try:
        return None if path is None else read_json(path)
    except FocusError:
        return None


def _is_matrix(folder: Path | None) -> bool:
    """Whether a source folder holds static embeddings and no more."""
    file = folder / SINGLE if folder is not None else None
    if file is None or not file.is_file():
        return False
    try:
        names = set(tensor_names(file))
    except FocusError:
        return False
    return bool(names) and names <= set(STATIC_NAMES)
