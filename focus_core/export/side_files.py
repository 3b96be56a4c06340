"""What travels with a model beside its weights: licences, and the modules of sentence-transformers.

Only known names are copied, never a pickle, code or a README. A model that lay in a folder inside, as
sentence-transformers saved it before, is written into the folder itself, where transformers finds it too.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from focus_core.artifacts import dump_json
from focus_core.models.sentence_modules import CONFIG, MODEL_SETTINGS, MODULES, SETTINGS, WEIGHTS, read_modules
from focus_core.models.source import SourceModel
from focus_core.models.tensors import read_json

LICENCES = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")
LOWER = "do_lower_case"
CASED_AND_LOWERED = (
    f"sentence-transformers lower-cased every text ({LOWER}); the new tokenizer tells upper from lower case, so that "
    "was switched off."
)


def copy_side_files(model: SourceModel, part: Path, *, extended: bool, normalize: Callable[[str], str]) -> list[str]:
    """Copy what belongs to a model beside weights, configuration and tokenizer.

    Parameters
    ----------
    model : SourceModel
        Where it comes from; a matrix in a file brings nothing.
    part : Path
        The growing model folder.
    extended : bool
        Whether the source's tokenizer was extended and not replaced.
    normalize : callable
        What the new tokenizer makes of a text before it splits it.

    Returns
    -------
    list of str
        What to say about it on the model card.
    """
    if model.folder is None:
        return []
    root = model.root or model.folder
    for place in dict.fromkeys((root, model.folder)):
        for pattern in (*LICENCES, SETTINGS):
            for path in sorted(place.glob(pattern)):
                _copy(path, part / path.name)
    return _copy_modules(root, model.folder, part, keep_case=not extended and normalize("A") != normalize("a"))


def _copy(path: Path, target: Path) -> None:
    """Copy a file that is there, the permissions left to the umask."""
    if path.is_file():
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)


def _copy_modules(root: Path, folder: Path, part: Path, *, keep_case: bool) -> list[str]:
    """Copy the modules that follow the model, and what says how it reads a text."""
    modules = read_modules(root)
    if not modules:
        return []
    entries = [{**module.entry, "path": module.path if i else ""} for i, module in enumerate(modules)]
    (part / MODULES).write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8", newline="\n")
    for module in modules[1:]:
        (part / module.path).mkdir(exist_ok=True)
        for name in (CONFIG, WEIGHTS):
            _copy(root / module.path / name, part / module.path / name)
    notes: list[str] = []
    for path in sorted(folder.glob(MODEL_SETTINGS)):
        values = read_json(path)
        if values and keep_case and _switch_off_lowering(values):
            notes = [CASED_AND_LOWERED]
            (part / path.name).write_text(dump_json(values, indent=2) + "\n", encoding="utf-8", newline="\n")
        else:
            _copy(path, part / path.name)
    return notes


def _switch_off_lowering(values: dict[str, Any]) -> bool:
    """Set every ``do_lower_case`` to false, and return whether one was true."""
    inside = [value for value in values.values() if isinstance(value, dict)]
    found = [place for place in (values, *inside) if place.get(LOWER)]
    for place in found:
        place[LOWER] = False
    return bool(found)
