"""Turn what the user named (a path or a Hub id) into local files; the only use of huggingface_hub for files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from focus_core.artifacts import digest_json, sha256_file
from focus_core.errors import InvalidInputError, ModelError, VocabularyError, bad_input, phrase
from focus_core.models.sentence_modules import MODELS, MODULES, model_folder

FileKind = Literal["tokenizer.json", "sentencepiece", "wordpiece", "gpt2"]

SENTENCEPIECE_NAMES = ("tokenizer.model", "sentencepiece.bpe.model", "spiece.model", "spm.model", "sentencepiece.model")
CONFIG_NAMES = (
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json", "generation_config.json",
)  # fmt: skip
ID_KEYS = tuple(f"{role}_token_id" for role in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"))
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
PATH_SUFFIXES = (".json", ".model", ".txt", ".safetensors", ".npy", ".bin", ".vec", ".tsv")
TOKENIZER_REMEDY = "give a tokenizer folder, a tokenizer.json, a SentencePiece .model, a vocab.txt or a Hub id"
MAX_CONFIG_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class TokenizerFiles:
    """The files of one tokenizer, found but not yet read.

    Attributes
    ----------
    name : str
        For display: a Hub id, or the name of a folder or file, never a whole path.
    kind : {"tokenizer.json", "sentencepiece", "wordpiece", "gpt2"}
        Which reader they need.
    paths : mapping of str to Path
        Local files by role: ``tokenizer``, ``model``, or ``vocab`` and ``merges``.
    config : mapping
        ``tokenizer_config.json`` over ``special_tokens_map.json``, the special ids of ``config.json`` and
        ``generation_config.json``, and ``added_tokens.json`` as ``added_tokens_decoder``.
    digest : str
        SHA-256 over the content of all of them.
    """

    name: str
    kind: FileKind
    paths: Mapping[str, Path]
    config: Mapping[str, Any]
    digest: str


def locate_tokenizer(spec: str | Path) -> TokenizerFiles:
    """Find the files of a tokenizer.

    Parameters
    ----------
    spec : str or Path
        A folder, a ``tokenizer.json``, a SentencePiece ``.model``, a WordPiece ``vocab.txt``, a ``vocab.json``
        with its ``merges.txt`` beside it, or a Hub id. What exists on disk is never looked up elsewhere.

    Returns
    -------
    TokenizerFiles
        Local files and what the JSON files beside them say.

    Raises
    ------
    VocabularyError
        If nothing is there, or nothing that is a tokenizer.
    """
    path = Path(spec).expanduser()
    if path.is_dir():
        folder = model_folder(path)
        return _describe(path.resolve().name, *_find_in_folder(folder), folder=folder)
    if path.is_file():
        return _describe(_name_of_file(path), *_classify_file(path), folder=path.parent)
    names = ["tokenizer.json", *SENTENCEPIECE_NAMES, "vocab.json", "merges.txt", "vocab.txt", *CONFIG_NAMES]
    patterns = [*names, MODULES, *(f"0_{module}/{name}" for module in MODELS for name in names)]
    folder = model_folder(_download(str(spec), patterns=patterns, remedy=TOKENIZER_REMEDY, error=VocabularyError))
    return _describe(str(spec), *_find_in_folder(folder), folder=folder)


def locate_model(spec: str | Path) -> Path:
    """Return the local folder of a model: configuration, safetensors weights and tokenizer files."""
    path = Path(spec).expanduser()
    if path.is_dir():
        return path
    remedy = "give a local model folder or a Hub id"
    if path.is_file():
        raise bad_input(path.name, expected="a model folder", got="a file", remedy=remedy, error=ModelError)
    patterns = ["*.json", "*.safetensors", "*.model", "vocab.txt", "merges.txt"]
    return _download(str(spec), patterns=patterns, remedy=remedy, error=ModelError)


def _find_in_folder(folder: Path) -> tuple[FileKind, dict[str, Path]]:
    """Choose the tokenizer of a folder: the most explicit file first."""
    if (folder / "tokenizer.json").is_file():
        return "tokenizer.json", {"tokenizer": folder / "tokenizer.json"}
    for name in SENTENCEPIECE_NAMES:
        if (folder / name).is_file():
            return "sentencepiece", {"model": folder / name}
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return "gpt2", {"vocab": folder / "vocab.json", "merges": folder / "merges.txt"}
    if (folder / "vocab.txt").is_file():
        return "wordpiece", {"vocab": folder / "vocab.txt"}
    expected = "a folder with tokenizer.json, a SentencePiece .model, vocab.json + merges.txt or vocab.txt"
    if any(folder.glob("*.safetensors")):
        remedy = phrase("put its tokenizer beside it, or name that apart; {source_tokenizer} is that of a source")
        raise bad_input(folder.name, expected, "a model without its tokenizer", remedy, VocabularyError)
    raise bad_input(folder.name, expected, "none of them", TOKENIZER_REMEDY, VocabularyError)


def _classify_file(path: Path) -> tuple[FileKind, dict[str, Path]]:
    """Tell from its name which reader a file needs."""
    if path.name in {"vocab.json", "merges.txt"} and all(
        (path.parent / n).is_file() for n in ("vocab.json", "merges.txt")
    ):
        return "gpt2", {"vocab": path.parent / "vocab.json", "merges": path.parent / "merges.txt"}
    if path.suffix == ".json":
        return "tokenizer.json", {"tokenizer": path}
    if path.suffix == ".model":
        return "sentencepiece", {"model": path}
    if path.suffix == ".txt":
        return "wordpiece", {"vocab": path}
    expected = "a tokenizer file (.json, .model or .txt)"
    raise bad_input(path.name, expected, f"suffix {path.suffix!r}", TOKENIZER_REMEDY, VocabularyError)


def _name_of_file(path: Path) -> str:
    """Return a display name: the folder's where the file's own says nothing."""
    generic = {"tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", *SENTENCEPIECE_NAMES}
    return path.resolve().parent.name or path.name if path.name in generic else path.name


def _describe(name: str, kind: FileKind, paths: dict[str, Path], *, folder: Path) -> TokenizerFiles:
    """Add configuration and digest to the files that were found."""
    config = _read_config(folder)
    content = {role: sha256_file(path) for role, path in paths.items()}
    return TokenizerFiles(name=name, kind=kind, paths=paths, config=config, digest=digest_json([kind, content, config]))


def _read_config(folder: Path) -> dict[str, Any]:
    """Merge the small JSON files of a folder; the tokenizer's own words win over the model's ids."""
    own, roles, added, model, generation = (_read_json(folder / name) for name in CONFIG_NAMES)
    merged: dict[str, Any] = {}
    for source in (generation, model):
        merged |= {key: source[key] for key in ID_KEYS if source.get(key) is not None}
    merged |= roles
    merged |= {key: value for key, value in own.items() if value is not None or key not in roles}
    if added and "added_tokens_decoder" not in merged:
        merged["added_tokens_decoder"] = {str(i): {"content": t} for t, i in added.items()}
    return merged


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; absent files are empty."""
    if not path.is_file():
        return {}
    remedy = "repair or remove that file"
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise bad_input(path.name, "a small JSON file", f"{path.stat().st_size:,} bytes", remedy, VocabularyError)
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise bad_input(path.name, expected="JSON", got=str(error), remedy=remedy, error=VocabularyError) from error
    if not isinstance(value, dict):
        raise bad_input(path.name, "a JSON object", type(value).__name__, remedy, VocabularyError)
    return value


def _download(spec: str, *, patterns: list[str], remedy: str, error: type[InvalidInputError]) -> Path:
    """Fetch files of a Hub repository; what cannot be one is refused before the network is asked."""
    if not HUB_ID.fullmatch(spec) or spec.endswith(PATH_SUFFIXES):
        raise bad_input(spec, expected="an existing path or a Hub id", got="neither", remedy=remedy, error=error)
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(spec, allow_patterns=patterns))
    except (OSError, HTTPError, HFValidationError) as problem:
        reason = str(problem).strip().splitlines()
        got = f"no such path, and the Hub gave {type(problem).__name__}: {reason[0] if reason else 'no answer'}"
        raise bad_input(spec, expected="a path or a reachable Hub id", got=got, remedy=remedy, error=error) from problem
