"""Turn what the user named (a path or a Hub id) into local files; the only use of huggingface_hub for files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
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
COMPOSED = {"encoder-decoder": "encoder", "vision-encoder-decoder": "decoder", "speech-encoder-decoder": "decoder"}
"""Model types that are put together of two models, and which of them reads the text."""

TEMPLATE, TEMPLATES = "chat_template.jinja", "additional_chat_templates"
MARIAN = "source.spm"
"""The model of the language that Marian reads, beside a ``vocab.json`` with the ids."""

CONVERT = "convert it: load it with transformers' AutoTokenizer, save_pretrained, and give the tokenizer.json"
FOREIGN = (
    (re.compile(r"tekken\.json"), "a tekken file of Mistral's own library", CONVERT),
    (re.compile(r".+\.tiktoken|tiktoken\.model"), "a tiktoken file", CONVERT),
    (re.compile(r"tokenizer\.(mm\.)?model\.v\d+(m\d+)?"), "a tokenizer file of Mistral's own library", CONVERT),
    (
        re.compile(r"bpe\.codes"),
        "BPE codes (BERTweet, PhoBERT), which only that model's own code reads",
        "give a tokenizer that has a tokenizer.json",
    ),
)
"""Files of tokenizers that are not read here: how they are called, what they are, and the way out."""

WITHOUT_FILES = {"canine": "characters", "byt5": "bytes", "perceiver": "bytes"}
"""Model types that compute ids from the text itself, and of what."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
PATH_SUFFIXES = (".json", ".model", ".txt", ".safetensors", ".npy", ".bin", ".vec", ".tsv")
TOKENIZER_REMEDY = "give a tokenizer folder, a tokenizer.json, a SentencePiece .model, a vocab.txt or a Hub id"
FORMATS = "tokenizer.json, a SentencePiece .model, vocab.json + merges.txt or vocab.txt"
MOST_SEEN = 10_000
"""Names in a folder that are compared with a misspelt one."""

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
        Local files by role: ``tokenizer``, ``model`` (and ``vocab``, where there is one), or ``vocab`` and ``merges``.
    config : mapping
        ``tokenizer_config.json`` over ``special_tokens_map.json``, the special ids of ``config.json`` and
        ``generation_config.json``, ``added_tokens.json`` as ``added_tokens_decoder``, chat templates from their files
        as ``chat_template``, and ``model_type`` and, where nothing else names one, ``tokenizer_class`` of
        ``config.json``.
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
    names = ["tokenizer.json", *SENTENCEPIECE_NAMES, MARIAN, "vocab.json", "merges.txt", "vocab.txt", *CONFIG_NAMES]
    names += [TEMPLATE, f"{TEMPLATES}/*.jinja"]
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
    patterns = ["*.json", "*.safetensors", "*.model", MARIAN, "vocab.txt", "merges.txt", "*.jinja"]
    return _download(str(spec), patterns=patterns, remedy=remedy, error=ModelError)


def is_hub_id(text: str) -> bool:
    """Whether a text has the form of a Hub id: ``name`` or ``owner/name``, and not that of a file.

    Examples
    --------
    >>> [is_hub_id(text) for text in ("FacebookAI/xlm-roberta-base", "gpt2", "../../etc/passwd", "a/b/c", "a.json")]
    [True, True, False, False, False]
    """
    return HUB_ID.fullmatch(text) is not None and ".." not in text and not text.endswith(PATH_SUFFIXES)


def cached_file(spec: str, name: str) -> Path | None:
    """Return a file of a Hub repository where it was fetched before; the network is not asked."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(spec, name)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def _find_in_folder(folder: Path) -> tuple[FileKind, dict[str, Path]]:
    """Choose the tokenizer of a folder: the most explicit file first."""
    if (folder / "tokenizer.json").is_file():
        return "tokenizer.json", {"tokenizer": folder / "tokenizer.json"}
    for name in (*SENTENCEPIECE_NAMES, MARIAN):
        if (folder / name).is_file():
            return "sentencepiece", _with_vocab(folder / name)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return "gpt2", {"vocab": folder / "vocab.json", "merges": folder / "merges.txt"}
    for path in sorted(folder.iterdir()):
        _refuse_foreign(path.name)
    if (folder / "vocab.txt").is_file():
        return "wordpiece", {"vocab": folder / "vocab.txt"}
    expected = f"a folder with {FORMATS}"
    unit = WITHOUT_FILES.get(str(_read_json(folder / "config.json").get("model_type")))
    if unit:
        got = f"none: this model reads {unit} themselves and has no vocabulary to replace"
        raise bad_input(folder.name, expected, got, "give a model with a vocabulary", VocabularyError)
    if any(folder.glob("*.safetensors")):
        remedy = phrase("save its tokenizer into the folder, or give a source's with {source_tokenizer}")
        raise bad_input(folder.name, expected, "a model without its tokenizer", remedy, VocabularyError)
    raise bad_input(folder.name, expected, "none of them", TOKENIZER_REMEDY, VocabularyError)


def _with_vocab(path: Path) -> dict[str, Path]:
    """Return a SentencePiece model and the ``vocab.json`` beside it, which holds the ids of some classes."""
    vocab = path.parent / "vocab.json"
    return {"model": path, "vocab": vocab} if vocab.is_file() else {"model": path}


def _refuse_foreign(name: str) -> None:
    """Refuse a file of a tokenizer library that is not read here, by its name."""
    for pattern, what, remedy in FOREIGN:
        if pattern.fullmatch(name):
            raise bad_input(name, FORMATS, what, remedy, VocabularyError)


def _classify_file(path: Path) -> tuple[FileKind, dict[str, Path]]:
    """Tell from its name which reader a file needs."""
    if path.name in {"vocab.json", "merges.txt"} and all(
        (path.parent / n).is_file() for n in ("vocab.json", "merges.txt")
    ):
        return "gpt2", {"vocab": path.parent / "vocab.json", "merges": path.parent / "merges.txt"}
    _refuse_foreign(path.name)
    if path.suffix == ".json":
        return "tokenizer.json", {"tokenizer": path}
    if path.suffix in {".model", ".spm"}:
        return "sentencepiece", _with_vocab(path)
    if path.suffix == ".txt":
        for sibling in sorted(path.parent.glob("bpe.codes")):
            _refuse_foreign(sibling.name)
        return "wordpiece", {"vocab": path}
    expected = "a tokenizer file (.json, .model or .txt)"
    raise bad_input(path.name, expected, f"suffix {path.suffix!r}", TOKENIZER_REMEDY, VocabularyError)


def _name_of_file(path: Path) -> str:
    """Return a display name: the folder's where the file's own says nothing."""
    generic = {"tokenizer.json", "vocab.json", "merges.txt", "vocab.txt", MARIAN, *SENTENCEPIECE_NAMES}
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
        special = _special_strings(merged)
        merged["added_tokens_decoder"] = {
            str(i): {"content": t, "special": t in special, "normalized": t not in special} for t, i in added.items()
        }
    return merged | _class_of_model(model, merged) | _read_templates(folder)


def _special_strings(merged: Mapping[str, Any]) -> set[str]:
    """Return the tokens that a configuration calls special, as strings."""
    named = [value for key, value in merged.items() if key.endswith("_token")]
    for key in ("additional_special_tokens", "extra_special_tokens"):
        named += merged[key] if isinstance(merged.get(key), list) else []
    strings = (value.get("content") if isinstance(value, dict) else value for value in named)
    return {string for string in strings if isinstance(string, str)}


def _class_of_model(model: Mapping[str, Any], merged: Mapping[str, Any]) -> dict[str, str]:
    """Return what the model's configuration says about the tokenizer's class: its own name and the model's type."""
    while model.get("model_type") in COMPOSED and isinstance(model.get(COMPOSED[model["model_type"]]), dict):
        model = model[COMPOSED[model["model_type"]]]
    said = {"model_type": model.get("model_type"), "tokenizer_class": merged.get("tokenizer_class")}
    said["tokenizer_class"] = said["tokenizer_class"] or model.get("tokenizer_class")
    return {key: value for key, value in said.items() if isinstance(value, str)}


def _read_templates(folder: Path) -> dict[str, Any]:
    """Return the chat templates that lie in files of their own, which come before one in a JSON file."""
    files = {"default": folder / TEMPLATE} if (folder / TEMPLATE).is_file() else {}
    files |= {path.stem: path for path in sorted((folder / TEMPLATES).glob("*.jinja")) if path.is_file()}
    found = {name: _read_template(path) for name, path in files.items()}
    if not found:
        return {}
    return {"chat_template": found["default"] if found.keys() == {"default"} else found}


def _read_template(path: Path) -> str:
    """Read a chat template: text, which is carried along and never run."""
    remedy = "repair or remove that file"
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise bad_input(path.name, "a small text file", f"{path.stat().st_size:,} bytes", remedy, VocabularyError)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        got = f"a binary file (byte {error.start})"
        raise bad_input(path.name, expected="UTF-8 text", got=got, remedy=remedy, error=VocabularyError) from error


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


def _like(spec: str) -> str:
    """Return a remark on what has nearly the name of a path that leads nowhere; empty where there is none."""
    path = Path(spec).expanduser()
    if "/" not in spec or not path.parent.is_dir():
        return ""
    near = get_close_matches(path.name, (one.name for one in islice(path.parent.iterdir(), MOST_SEEN)), 1)
    return f" (beside it lies {near[0]!r})" if near else ""


def _why_not_fetched(problem: Exception) -> str:
    """Say in a few words why nothing came from the Hub."""
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    if isinstance(problem, GatedRepoError):
        return "the Hub has it for those alone who have accepted its terms (log in with `hf auth login`)"
    if isinstance(problem, RepositoryNotFoundError):
        return "the Hub has no such repository, or a private one"
    if isinstance(problem, LocalEntryNotFoundError):
        return "the Hub cannot be reached (LocalEntryNotFoundError), nor was it fetched before"
    reason = str(problem).strip().splitlines() or ["no answer"]
    return f"the Hub gave {type(problem).__name__}: {reason[0]}"


def _download(spec: str, *, patterns: list[str], remedy: str, error: type[InvalidInputError]) -> Path:
    """Fetch files of a Hub repository; what cannot be one is refused before the network is asked."""
    if not is_hub_id(spec):
        raise bad_input(spec, "an existing path or a Hub id", f"neither{_like(spec)}", remedy, error)
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(spec, allow_patterns=patterns))
    except (OSError, HTTPError, HFValidationError) as problem:
        got = f"no such path here, and {_why_not_fetched(problem)}"
        raise bad_input(spec, expected="a path or a reachable Hub id", got=got, remedy=remedy, error=error) from problem
