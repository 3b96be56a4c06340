"""The vocabulary of a tokenizer: every id with its identity, its readable text, its script and its role.

Owns `Vocabulary` and how one is loaded. Refuses to compare two of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from focus_core.artifacts import digest_json, sha256_bytes
from focus_core.domain import KINDS, Family, Role, TokenKind
from focus_core.locate import TokenizerFiles, locate_tokenizer
from focus_core.sentencepiece_files import role_names
from focus_core.text_scripts import scripts_of_texts
from focus_core.token_identity import BYTE, NORMAL, Marks, identify, read_marks, readable
from focus_core.token_roles import find_roles, unknown_token
from focus_core.tokenizer_files import load_backend
from focus_core.tokenizer_parts import contradiction, not_a_tokenizer, token_string

ID_QUERY = re.compile(r"#(\d{1,9})")


@dataclass(frozen=True, kw_only=True, eq=False)
class Vocabulary:
    """All tokens of one tokenizer, by id.

    Attributes
    ----------
    name : str
        For display.
    family : Family
        The tokenizer's model.
    tokens : tuple of str, length n
        Native forms; ``""`` at a gap.
    contents : tuple of bytes, length n
        Identity bytes, without the word-start mark; of specials, the token string.
    kinds : ndarray of uint8, shape (n,)
        Codes in ``domain.KINDS``.
    word_start : ndarray of bool, shape (n,)
        Whether a token opens a word.
    present : ndarray of bool, shape (n,)
        False where no token has this id.
    roles : mapping of Role to int
        Ids of the tokens with a role.
    digest : str
        SHA-256 of tokens, model, normaliser and roles; the same wherever the files lie.
    marks : Marks
        How the tokenizer writes word starts and bytes.
    backend : tokenizers.Tokenizer
        Splits text.
    chat_and_config : mapping
        The configuration that came along, ``{}`` if none.
    """

    name: str
    family: Family
    tokens: tuple[str, ...]
    contents: tuple[bytes, ...]
    kinds: np.ndarray
    word_start: np.ndarray
    present: np.ndarray
    roles: Mapping[Role, int]
    digest: str
    marks: Marks
    backend: Tokenizer
    chat_and_config: Mapping[str, Any]

    def __post_init__(self) -> None:
        for array in (self.kinds, self.word_start, self.present):
            array.setflags(write=False)

    @property
    def n(self) -> int:
        """Return the number of ids: the largest one plus one."""
        return len(self.tokens)

    @property
    def n_present(self) -> int:
        """Return the number of tokens; gaps are not counted."""
        return int(self.present.sum())

    @cached_property
    def identities(self) -> tuple[bytes, ...]:
        """Return one key per id: equal keys are equal identities; ``b""`` at a gap.

        The first byte holds kind and word start, the content follows.
        """
        codes = np.where(self.present, self.kinds * 2 + self.word_start, 2 * len(KINDS)).tolist()
        prefixes = [*(bytes([code]) for code in range(2 * len(KINDS))), b""]
        return tuple([prefixes[code] + content for code, content in zip(codes, self.contents, strict=True)])

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Return the readable text of every id, without word-start mark; lone bytes as ``<0xE0>``, gaps empty."""
        if not (self.kinds == BYTE).any():
            return tuple([content.decode() for content in self.contents])
        pairs = zip(self.contents, (self.kinds == BYTE).tolist(), strict=True)
        return tuple([_spell_bytes(content) if is_byte else content.decode() for content, is_byte in pairs])

    @cached_property
    def fuzzy_forms(self) -> tuple[str | None, ...]:
        """Return the text without case and word start of every id; ``None`` for specials, bytes and gaps."""
        pairs = zip(self.texts, ((self.kinds == NORMAL) & self.present).tolist(), strict=True)
        return tuple([text.lower() if is_text else None for text, is_text in pairs])

    @cached_property
    def scripts(self) -> tuple[str, ...]:
        """Return the script of most characters of every id; ``Special`` and ``Byte`` for tokens that are no text."""
        names = scripts_of_texts(self.texts)
        for i in np.flatnonzero(self.kinds != NORMAL).tolist():
            names[i] = "Byte" if self.kinds[i] == BYTE else "Special"
        return tuple(names)

    @cached_property
    def ids_of_tokens(self) -> Mapping[str, int]:
        """Return the id of every native form."""
        return MappingProxyType({token: i for i, token in enumerate(self.tokens) if self.present[i]})

    @cached_property
    def ids_of_texts(self) -> Mapping[str, tuple[int, ...]]:
        """Return the ids of every readable text, ascending."""
        found: dict[str, list[int]] = {}
        for i, text in enumerate(self.texts):
            if text and self.present[i]:
                found.setdefault(text, []).append(i)
        return MappingProxyType({text: tuple(ids) for text, ids in found.items()})

    def kind_of(self, token_id: int) -> TokenKind:
        """Return the kind of one token."""
        return KINDS[int(self.kinds[token_id])]

    def find(self, query: str) -> list[int]:
        """Find tokens by what a person would write.

        Parameters
        ----------
        query : str
            ``#ID``, the native form or the readable text.

        Returns
        -------
        list of int
            An id alone; else the token of that native form, then those of that text, ascending. Empty: none.
        """
        number = ID_QUERY.fullmatch(query)
        if number and int(number[1]) < self.n and self.present[int(number[1])]:
            return [int(number[1])]
        native = self.ids_of_tokens.get(query)
        same_text = self.ids_of_texts.get(query, ())
        return [*([native] if native is not None else []), *(i for i in same_text if i != native)]


def load_vocabulary(spec: str | Path | TokenizerFiles) -> Vocabulary:
    """Load the vocabulary of a tokenizer.

    Parameters
    ----------
    spec : str, Path or TokenizerFiles
        What `locate_tokenizer` takes or returns.

    Returns
    -------
    Vocabulary
        Every id with its identity.

    Raises
    ------
    VocabularyError
        If it is no tokenizer, cannot be found, or contradicts itself.
    """
    files = spec if isinstance(spec, TokenizerFiles) else locate_tokenizer(spec)
    backend = load_backend(files)
    config = dict(files.config)
    if files.kind == "sentencepiece":
        config = role_names(files.paths["model"]) | config
    return vocabulary_from_backend(backend, name=files.name, config=config)


def vocabulary_from_backend(
    backend: Tokenizer, *, name: str, config: Mapping[str, Any] = MappingProxyType({})
) -> Vocabulary:
    """Read the vocabulary of a tokenizer that is already loaded.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
        The tokenizer.
    name : str
        For display and for messages.
    config : mapping, default={}
        ``tokenizer_config.json`` and what is merged into it.

    Returns
    -------
    Vocabulary
        Every id with its identity.

    Raises
    ------
    VocabularyError
        If it has no tokens, or two of them share an id.

    Notes
    -----
    The tokenizer's own JSON is parsed: it holds tokens in order, model, marks and roles at once, in half the time
    that the dictionary of its vocabulary takes.
    """
    text = backend.to_str()
    state = json.loads(text)
    tokens, present = _list_tokens(name, state)
    marks = read_marks(state)
    roles = find_roles(state, _ids_by_name(state, tokens, config), config)
    specials = {t["id"] for t in state["added_tokens"] if t["special"]} | set(roles.values())
    literals = {t["id"] for t in state["added_tokens"]} - specials
    identities = identify(tokens, marks=marks, specials=specials, literals=literals)
    return Vocabulary(
        name=name,
        family=marks.family,
        tokens=tuple(tokens),
        contents=identities.contents,
        kinds=identities.kinds,
        word_start=identities.word_start,
        present=present,
        roles=MappingProxyType(roles),
        digest=_digest(text, roles),
        marks=marks,
        backend=backend,
        chat_and_config=MappingProxyType(dict(config)),
    )


def _list_tokens(name: str, state: Mapping[str, Any]) -> tuple[list[str], np.ndarray]:
    """Return native forms by id and a mask of the ids that exist, shape (n,)."""
    vocab = state["model"]["vocab"]
    pairs = vocab.items() if isinstance(vocab, dict) else ((piece[0], i) for i, piece in enumerate(vocab))
    ids = dict(pairs)
    owners = {i: token for token, i in ids.items()}
    for entry in state["added_tokens"]:
        token, i = entry["content"], entry["id"]
        if ids.get(token, i) != i or owners.get(i, token) != token:
            raise contradiction(name, f"added token {token!r} with id {i}, elsewhere {owners.get(i, ids.get(token))!r}")
        ids[token], owners[i] = i, token
    if not ids:
        raise not_a_tokenizer(name, "an empty vocabulary")
    n = max(owners) + 1
    if n > 2 * len(ids) + 65_536:
        raise not_a_tokenizer(
            name, f"id {n - 1} among {len(ids)} tokens", expected="ids that follow each other closely"
        )
    if n == len(ids) and not isinstance(vocab, dict) and n == len(vocab):
        return [piece[0] for piece in vocab], np.ones(n, dtype=bool)
    tokens, present = [""] * n, np.zeros(n, dtype=bool)
    for token, i in ids.items():
        tokens[i] = token
    present[list(owners)] = True
    return tokens, present


def _ids_by_name(state: Mapping[str, Any], tokens: Iterable[str], config: Mapping[str, Any]) -> dict[str, int]:
    """Return the ids of the tokens that may have a role."""
    named = {token_string(config.get(f"{role}_token")) for role in Role} | {unknown_token(state["model"])}
    found = {token: i for i, token in enumerate(tokens) if token in named}
    return found | {entry["content"]: entry["id"] for entry in state["added_tokens"]}


def _digest(text: str, roles: Mapping[Role, int]) -> str:
    """Hash a tokenizer's JSON and roles; truncation and padding belong to a use of it and are left out."""
    canonical = text.partition('"added_tokens":')[2]
    return digest_json([sha256_bytes(canonical.encode()), {role.value: i for role, i in roles.items()}])


def _spell_bytes(content: bytes) -> str:
    """Return the text of a byte token; a lone byte that would be ASCII text is spelt out too."""
    return f"<0x{content[0]:02X}>" if len(content) == 1 else readable(content)
