"""A sentence-transformers folder: the modules that ``modules.json`` names, and where the model itself lies.

Reads names and looks for files. Refuses modules that cannot be taken along whole: with code or a pickle of the folder,
or with numbers for each token of the vocabulary.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus_core.errors import ModelError, bad_input
from focus_core.models.tensors import open_tensor_files, read_json

MODULES = "modules.json"
LIBRARY = "sentence_transformers."
MODELS = ("Transformer", "StaticEmbedding")
"""Modules that may stand first: what a model folder of its own holds."""

AFTER = ("Pooling", "Normalize", "Dense", "LayerNorm", "Dropout", "WeightedLayerPooling", "CNN", "LSTM")
"""Modules that may follow: they see vectors and know no token."""

WITHOUT_FILES = ("Normalize",)
WITH_WEIGHTS = ("Dense", "LayerNorm", "WeightedLayerPooling", "CNN", "LSTM")
SETTINGS = "config_sentence_transformers.json"
MODEL_SETTINGS = "sentence_*_config.json"
"""``sentence_bert_config.json``, or as older releases called it for other architectures; beside the model itself."""

CONFIG, WEIGHTS, PICKLE = "config.json", "model.safetensors", "pytorch_model.bin"
WHOLE = "fetch the whole folder, with the folders inside it"
FOLDER_NAME = re.compile(r"\w[\w.-]*")
WITHOUT_MODULES = "or remove modules.json from a copy of the folder, to adapt the model without what follows it"


@dataclass(frozen=True, kw_only=True)
class SentenceModule:
    """One entry of ``modules.json``.

    Parameters
    ----------
    type : str
        The class as the file names it, such as ``"sentence_transformers.models.Pooling"``.
    path : str
        The folder inside the folder; empty for the folder itself.
    entry : dict
        The whole entry.
    """

    type: str
    path: str
    entry: dict[str, Any]

    @property
    def kind(self) -> str:
        """The class alone; empty where it is none of the library."""
        return self.type.rpartition(".")[2] if self.type.startswith(LIBRARY) else ""


def read_modules(folder: Path) -> tuple[SentenceModule, ...]:
    """Read ``modules.json``.

    Parameters
    ----------
    folder : Path
        A model folder.

    Returns
    -------
    tuple of SentenceModule
        In their order; empty where there is no such file.

    Raises
    ------
    ModelError
        If it is no list of modules, or a path leads out of the folder.
    """
    if not (folder / MODULES).is_file():
        return ()
    try:
        entries = json.loads((folder / MODULES).read_text(encoding="utf-8"))
        found = tuple(SentenceModule(type=str(e["type"]), path=_inside(e["path"]), entry=e) for e in entries)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as reason:
        if isinstance(reason, ModelError):
            raise
        expected = "a list of modules with a type and a path each"
        raise bad_input(MODULES, expected, "something else", "fetch the whole folder again", ModelError) from reason
    if not found:
        raise bad_input(MODULES, "at least one module", "none", "fetch the whole folder again", ModelError)
    return found


def _inside(path: str) -> str:
    """Return a module's folder, ``""`` for the folder itself; a path that leads elsewhere is refused."""
    name = path.removesuffix("/")
    if name in {"", "."}:
        return ""
    if not FOLDER_NAME.fullmatch(name):
        raise bad_input(MODULES, "paths inside the folder", repr(path), "correct the file", ModelError)
    return name


def model_folder(folder: Path) -> Path:
    """Return where a folder's model and tokenizer lie: the folder of its first module, else the folder itself."""
    modules = read_modules(folder)
    return folder / modules[0].path if modules else folder


def check_modules(folder: Path) -> None:
    """Refuse a sentence-transformers folder of which something would be lost.

    Parameters
    ----------
    folder : Path
        A model folder; without ``modules.json`` there is nothing to refuse.

    Raises
    ------
    ModelError
        If a module's class is none that is known to work with another vocabulary, or its files are missing, damaged or
        a pickle.
    """
    first, *others = read_modules(folder) or (None,)
    if first is None:
        return
    _check_kinds([first], MODELS, "a first module that has a tokenizer and embeddings")
    _check_kinds(others, AFTER, "modules that sentence-transformers has and that know no token")
    for module in others:
        _check_files(folder, module)
    for path in (folder / SETTINGS, *sorted((folder / first.path).glob(MODEL_SETTINGS))):
        read_json(path)


def _check_kinds(modules: Iterable[SentenceModule], known: tuple[str, ...], expected: str) -> None:
    for module in modules:
        if module.kind in known:
            continue
        own = "" if module.kind else ", which needs code from elsewhere that is never run"
        remedy = f"give a model without it, {WITHOUT_MODULES}"
        raise bad_input(MODULES, f"{expected} ({', '.join(known)})", f"{module.type}{own}", remedy, ModelError)


def _check_files(folder: Path, module: SentenceModule) -> None:
    """Refuse a module whose files are missing or a pickle."""
    place = folder / module.path
    if module.kind in WITHOUT_FILES:
        return
    if not module.path or not (place / CONFIG).is_file():
        remedy = "fetch the whole folder, with the folders inside it"
        raise bad_input(
            MODULES, f"{module.path or '.'}/{CONFIG}, for {module.kind}", "no such file", remedy, ModelError
        )
    read_json(place / CONFIG)
    if module.kind not in WITH_WEIGHTS:
        return
    if (place / WEIGHTS).is_file():
        open_tensor_files((place / WEIGHTS,))
        return
    pickle = (place / PICKLE).is_file()
    got = f"{PICKLE}, a pickle, which can run code when it is read" if pickle else "no weights"
    load = "load the folder once with sentence-transformers where you trust it, and save it with save_pretrained"
    remedy = f"{load}, {WITHOUT_MODULES}" if pickle else WHOLE
    raise bad_input(f"{module.path} of {folder.name}", f"{WEIGHTS} of {module.kind}", got, remedy, ModelError)
