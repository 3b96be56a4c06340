"""A finished run as the request that makes it again, as far as its manifest tells.

Owns the reading of a manifest's inputs and options, and a command line as a shell takes it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from focus_core.initialization.auxiliary.vectors import TRAINED
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest, command_of
from focus_core.types import AuxiliaryKind, AuxiliarySpace

OPTIONS = InitConfig.__annotations__.keys() - {"device"}


def request_of(manifest: Mapping[str, Any]) -> InitRequest:
    """Return the request that makes a run again; files go by their names, and the device is left to the machine.

    Parameters
    ----------
    manifest : mapping
        The run's manifest.

    Returns
    -------
    InitRequest
        The request; options that the manifest does not name are those of its preset.
    """
    names: dict[str, list[str]] = {}
    for entry in manifest["inputs"]:
        names.setdefault(str(entry["role"]), []).append(str(entry["name"]))
    one = {role: found[0] for role, found in names.items()}
    found: dict[str, Any] = {
        "source": one.get("source_model"),
        "target_tokenizer": one.get("target_tokenizer", str(manifest["target"]["name"])),
        "corpus": names.get("corpus", []),
        "user_map": one.get("user_map"),
        **{name: one.get(name) for name in ("dictionary", "parallel", "source_vectors", "donor")},
        **_columns(manifest),
        "config": _before_counts(manifest) | {n: v for n, v in manifest["config"].items() if n in OPTIONS},
    }
    if "source_model" not in one:
        found["source_tokenizer"] = one.get("source_tokenizer", "SOURCE_TOKENIZER")
        found["source_embeddings"] = one.get("source_embeddings", "SOURCE.safetensors")
    if "auxiliary" in one:
        found["auxiliary"] = one["auxiliary"]
        found["auxiliary_kind"] = (manifest.get("auxiliary") or {}).get("kind", AuxiliaryKind.TOKEN)
    return InitRequest.from_dict(found)


def _columns(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of parallel text that were read, where they were named."""
    (entry,) = [entry for entry in manifest["inputs"] if entry["role"] == "parallel"] or [{}]
    return {name: entry[name] for name in ("source_column", "target_column") if name in entry}


def _before_counts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the space of a manifest of the time when there was one; given vectors, or none, are of no space."""
    trained = (manifest.get("auxiliary") or {}).get("kind") == TRAINED
    return {"auxiliary_space": AuxiliarySpace.FASTTEXT} if trained else {}


def init_command(manifest: Mapping[str, Any]) -> str:
    """Return the command line that makes a run, as far as its manifest tells."""
    words = ["python", "-m", "focus_core", *command_of(request_of(manifest)), "--output", "RUN"]
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """Return a word as bash reads it back; a character that does not show, or turns others round, is written out."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_escaped(c) if c in "\\'" or not c.isprintable() else c for c in word) + "'"


def _escaped(character: str) -> str:
    code = ord(character)
    if character in "\\'":
        return f"\\{character}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
