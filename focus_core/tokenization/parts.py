"""Read, check and complete the parts that every tokenizer format shares."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tokenizers import AddedToken, Tokenizer, processors

from focus_core.errors import VocabularyError, bad_input
from focus_core.models.hub import TOKENIZER_REMEDY, TokenizerFiles
from focus_core.tokenization.classes.model_types import token_string
from focus_core.types import SpecialTokenType

Built = TypeVar("Built")
UNIGRAM_OPTIONS = re.compile(r"Unigram\(unk_id=(\d+|None), .*, byte_fallback=(True|False)\)", re.DOTALL)
"""How the binding prints a Unigram model; its attributes show none of this."""

ITS_JSON = "give a folder with its tokenizer.json, which says everything"
TEMPLATE_ROLE = re.compile(r"\{(\w+)\}((?::\d)?)")
"""A special token of a template, and the type of its segment."""

MAX_BYTES = 256 * 2**20
"""The largest tokenizer files in use have about 40 MB."""


def check_sizes(files: TokenizerFiles) -> None:
    """Refuse files that are empty or far larger than any tokenizer."""
    for path in files.paths.values():
        size = path.stat().st_size
        if not 0 < size <= MAX_BYTES:
            raise not_a_tokenizer(path.name, f"{size:,} bytes", expected=f"between 1 and {MAX_BYTES:,} bytes")


def not_a_tokenizer(
    name: str, got: str, *, expected: str = "a tokenizer", remedy: str = TOKENIZER_REMEDY
) -> VocabularyError:
    """Build the error for a file that cannot be read as a tokenizer."""
    return bad_input(name, expected=expected, got=got, remedy=remedy, error=VocabularyError)


def read_text(path: Path) -> str:
    """Read a file of the tokenizer as UTF-8; a pickle, an archive or another binary is refused."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_a_tokenizer(path.name, f"a binary file (byte {error.start})", expected="UTF-8 text") from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object in which no key stands twice, which would be one token with two ids."""
    try:
        value = json.loads(read_text(path), object_pairs_hook=lambda pairs: _unique_keys(path.name, pairs))
    except (json.JSONDecodeError, RecursionError) as error:
        raise not_a_tokenizer(path.name, f"no JSON: {error}") from error
    if not isinstance(value, dict):
        raise not_a_tokenizer(path.name, f"JSON of type {type(value).__name__}")
    return value


def _unique_keys(name: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a dict from JSON pairs; refuse a repeated key."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise contradiction(name, f"{repeated!r} stands there twice")
    return found


def contradiction(name: str, got: str) -> VocabularyError:
    """Build the error for a vocabulary that says two things about one token or id."""
    remedy = "repair the file or save the tokenizer again"
    return bad_input(name, "every token once, with an id of its own", got, remedy, VocabularyError)


def check_vocabulary(name: str, vocab: Mapping[str, int] | Sequence[Sequence[Any]]) -> None:
    """Refuse a model's vocabulary in which a token or an id is used twice, or an id is no whole number from 0."""
    if isinstance(vocab, Mapping):
        bad = next((t for t, i in vocab.items() if type(i) is not int or i < 0), None)
        if bad is not None:
            raise contradiction(name, f"id {vocab[bad]!r} of {bad!r}")
        values: list[Any] = list(vocab.values())
    else:
        values = [piece[0] for piece in vocab]
    if len(set(values)) != len(values):
        seen: set[Any] = set()
        twice = next(v for v in values if v in seen or seen.add(v))  # type: ignore[func-returns-value]
        raise contradiction(name, f"{'id' if isinstance(vocab, Mapping) else 'token'} {twice!r} used twice")


def build_part(name: str, build: Callable[[], Built], *, expected: str = "a tokenizer") -> Built:
    """Call a constructor of the tokenizers library, whose errors have no class of their own."""
    try:
        return build()
    except Exception as error:  # subtle: the binding raises the bare class; nothing else is called here
        raise not_a_tokenizer(name, f"one that cannot be read ({str(error)[:200]})", expected=expected) from error


def parse_backend(name: str, text: str) -> Tokenizer:
    """Build a tokenizer from the text of a ``tokenizer.json``."""
    return build_part(name, lambda: Tokenizer.from_str(text))


def describe_backend(backend: Tokenizer) -> dict[str, Any]:
    """Return what a ``tokenizer.json`` says, without its vocabulary and merges."""
    added = backend.get_added_tokens_decoder().items()
    state: dict[str, Any] = {
        "model": _describe_model(backend),
        "added_tokens": [{"id": i, "content": t.content, "special": t.special} for i, t in sorted(added)],
    }
    for name in ("normalizer", "pre_tokenizer", "decoder", "post_processor"):
        part = getattr(backend, name)
        state[name] = None if part is None else json.loads(part.__getstate__())
    return state


def _describe_model(backend: Tokenizer) -> dict[str, Any]:
    """Return the options of a model; those that the binding does not show are read from its own JSON."""
    model = backend.model
    kind = type(model).__name__
    if kind != "Unigram":
        names = ("unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
        return {"type": kind, **{name: getattr(model, name, None) for name in names}}
    options = UNIGRAM_OPTIONS.fullmatch(repr(model))
    if options is None:
        whole = json.loads(model.__getstate__())
        unk_id, fallback = whole["unk_id"], whole["byte_fallback"]
    else:
        unk_id, fallback = None if options[1] == "None" else int(options[1]), options[2] == "True"
    unknown = None if unk_id is None else backend.id_to_token(unk_id)
    return {"type": kind, "unk_token": unknown, "byte_fallback": fallback}


def added_entries(config: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the (id, properties) of ``added_tokens_decoder``, by id."""
    decoder = config.get("added_tokens_decoder")
    entries = decoder.items() if isinstance(decoder, Mapping) else ()
    return sorted(
        (int(i), dict(e)) for i, e in entries if str(i).isdecimal() and isinstance(e, Mapping) and "content" in e
    )


def with_added(vocab: dict[str, int], config: Mapping[str, Any]) -> dict[str, int]:
    """Return a vocabulary with the added tokens at their own ids, gaps and all."""
    merged = dict(vocab)
    for i, entry in added_entries(config):
        merged.setdefault(entry["content"], i)
    check_vocabulary("tokenizer_config.json", merged)
    return merged


def declare_added(backend: Tokenizer, config: Mapping[str, Any], specials: Sequence[str]) -> None:
    """Declare special and added tokens that the vocabulary already holds."""
    named = [token_string(config.get(f"{type_}_token")) for type_ in SpecialTokenType]
    for token in dict.fromkeys(t for t in [*specials, *named] if t and backend.token_to_id(t) is not None):
        backend.add_special_tokens([AddedToken(token, special=True, normalized=False)])
    for _, entry in added_entries(config):
        keys = ("single_word", "lstrip", "rstrip", "normalized", "special")
        added = AddedToken(entry["content"], **{k: bool(entry[k]) for k in keys if k in entry})
        backend.add_special_tokens([added]) if added.special else backend.add_tokens([added])


def switch_off_dropout(backend: Tokenizer, name: str, notes: list[str]) -> None:
    """Let a text have one tokenization, the same in every run and after the export; a note says that it had not."""
    dropout = getattr(backend.model, "dropout", None)
    if dropout is None:
        return
    backend.model.dropout = None
    if dropout:
        notes.append(f"BPE dropout {dropout:g} of the tokenizer {name} was switched off: a text is cut one way only.")


def template_of(
    backend: Tokenizer, template: tuple[str, str], names: Mapping[str, str]
) -> processors.TemplateProcessing:
    """Return the post-processor of two templates, of one text and of two, in which ``{sep}`` is a special token.

    A token that the vocabulary does not have is left out.
    """
    ids = {token: backend.token_to_id(token) for token in names.values()}
    known = {role: token for role, token in names.items() if ids[token] is not None}

    def fill(text: str) -> list[str]:
        parts = [(part, TEMPLATE_ROLE.fullmatch(part)) for part in text.split(" ")]
        return [
            part if role is None else known[role[1]] + role[2]
            for part, role in parts
            if role is None or role[1] in known
        ]

    single, pair = map(fill, template)
    used = [(token, ids[token]) for token in dict.fromkeys(known.values())]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=used)
