"""The vocabulary of a tokenizer: every id with its identity, its readable text, its script, its special-token type."""

from __future__ import annotations

import dataclasses
import gc
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from tokenizers import Tokenizer

from focus_core.artifacts import atomic_write_bytes, digest_json, dump_json, sha256_bytes
from focus_core.models.hub import TokenizerFiles, locate_tokenizer
from focus_core.tokenization.classes.folder_config import carried_config, template_files
from focus_core.tokenization.classes.model_types import further_tokens, known_layout
from focus_core.tokenization.formats import load_backend
from focus_core.tokenization.identity import (
    BYTE,
    NORMAL,
    Marks,
    decode_all,
    identify,
    read_marks,
    readable,
    without_end,
)
from focus_core.tokenization.parts import (
    build_part,
    contradiction,
    describe_backend,
    not_a_tokenizer,
    switch_off_dropout,
)
from focus_core.tokenization.scripts import scripts_of_texts
from focus_core.tokenization.sentencepiece_model import special_token_names
from focus_core.tokenization.special_tokens import find_special_token_types
from focus_core.types import KINDS, Family, SpecialTokenType, TokenKind

MAX_GAPS = 65_536
SCORE = re.compile(r'(?<=[^\\]",)-?\d+\.\d+(?:[eE][-+]?\d+)?(?=\])')
"""The score of a Unigram piece in a ``tokenizer.json``."""

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
        Codes in ``types.KINDS``.
    word_start : ndarray of bool, shape (n,)
        Whether a token opens a word.
    present : ndarray of bool, shape (n,)
        False where no token has this id.
    special_token_types : mapping of SpecialTokenType to int
        Ids of the special tokens that have a type.
    marks : Marks
        How the tokenizer writes word starts and bytes.
    backend : tokenizers.Tokenizer
        Splits text.
    chat_and_config : mapping
        The configuration that came along, ``{}`` if none.
    notes : tuple of str, default=()
        What was changed when it was read, a sentence each.
    """

    name: str
    family: Family
    tokens: tuple[str, ...] = field(repr=False)
    contents: tuple[bytes, ...] = field(repr=False)
    kinds: np.ndarray = field(repr=False)
    word_start: np.ndarray = field(repr=False)
    present: np.ndarray = field(repr=False)
    special_token_types: Mapping[SpecialTokenType, int]
    marks: Marks
    backend: Tokenizer = field(repr=False)
    chat_and_config: Mapping[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()

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
    def digest(self) -> str:
        """Return the SHA-256 of tokens, model, normaliser and special-token types; the same wherever the files lie.

        Truncation and padding belong to a use of the tokenizer and are left out. Scores count to six digits:
        the library does not read back the last bit of what it writes.
        """
        canonical = self.backend.to_str().partition('"added_tokens":')[2]
        canonical = SCORE.sub(lambda score: f"{float(score[0]):.6g}", canonical)
        return digest_json(
            [sha256_bytes(canonical.encode()), {type_.value: i for type_, i in self.special_token_types.items()}]
        )

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
        is_byte = self.kinds == BYTE
        texts = decode_all([b"" if byte else c for c, byte in zip(self.contents, is_byte.tolist(), strict=True)])
        for i in np.flatnonzero(is_byte).tolist():
            texts[i] = _spell_bytes(self.contents[i])
        return tuple(texts)

    @cached_property
    def fuzzy_forms(self) -> tuple[str | None, ...]:
        """Return the text without case, word start and word end of every id; ``None`` for specials, bytes and gaps."""
        is_byte = (self.kinds == BYTE).tolist()
        bare = [without_end(c, self.marks) for c in self.contents] if self.marks.word_end else self.contents
        contents = [b"" if byte else c for c, byte in zip(bare, is_byte, strict=True)]
        forms: list[str | None] = [*decode_all(contents, str.lower)]
        for i in np.flatnonzero((self.kinds != NORMAL) | ~self.present).tolist():
            forms[i] = None
        return tuple(forms)

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

    def is_special(self, token: str) -> bool:
        """Tell whether a native form is that of a special token."""
        i = self.ids_of_tokens.get(token)
        return i is not None and self.kind_of(i) is TokenKind.SPECIAL

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
    notes: list[str] = []
    backend = load_backend(files, notes=notes)
    config = dict(files.config)
    if files.kind == "sentencepiece":
        config = special_token_names(files.paths["model"], config) | config
    elif files.kind != "tokenizer.json":
        named = known_layout(config).roles.items()
        config = {f"{type_}_token": t for type_, t in named if backend.token_to_id(t) is not None} | config
    vocabulary = vocabulary_from_backend(backend, name=files.name, config=config)
    return dataclasses.replace(vocabulary, notes=tuple(notes)) if notes else vocabulary


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
    Tokens are asked for one by one and the parts of the pipeline by their own state: a quarter of the time that the
    tokenizer's whole JSON takes to be written and parsed.
    """
    notes: list[str] = []
    if getattr(backend.model, "dropout", None):
        backend = Tokenizer.from_str(backend.to_str())  # the caller's stays as it is
        switch_off_dropout(backend, name, notes)
    with collector_paused():
        vocabulary = _read_backend(backend, name, config)
    return dataclasses.replace(vocabulary, notes=tuple(notes)) if notes else vocabulary


def save_tokenizer_folder(vocabulary: Vocabulary, folder: Path, *, source: Vocabulary | None = None) -> None:
    """Write a folder that ``AutoTokenizer.from_pretrained`` of transformers 5 loads.

    Parameters
    ----------
    vocabulary : Vocabulary
        What to write.
    folder : Path
        Where; made if it is missing.
    source : Vocabulary, default=None
        The tokenizer that the model was trained with: its configuration says what the model takes (token types, the
        longest text), and fills what ``vocabulary`` leaves open.

    Notes
    -----
    The class is ``PreTrainedTokenizerFast``: the model-specific classes rebuild their tokenizer from the vocabulary
    alone and lose what they do not expect. Special tokens follow their types; chat templates are carried along, in
    files of their own as transformers writes them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = carried_config(vocabulary.chat_and_config, {} if source is None else source.chat_and_config)
    further = [t for t in further_tokens(vocabulary.chat_and_config) if vocabulary.is_special(t)]
    config |= {"extra_special_tokens": further} if further else {}
    config |= {"tokenizer_class": "PreTrainedTokenizerFast"}
    config |= {f"{type_}_token": vocabulary.tokens[i] for type_, i in vocabulary.special_token_types.items()}
    for name, template in template_files(vocabulary.chat_and_config).items():
        (folder / name).parent.mkdir(exist_ok=True)
        atomic_write_bytes(folder / name, template.encode())
    atomic_write_bytes(folder / "tokenizer.json", vocabulary.backend.to_str(pretty=False).encode())
    atomic_write_bytes(folder / "tokenizer_config.json", (dump_json(config) + "\n").encode())


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from running while many small objects are made.

    Nothing made here refers to itself, and each pass over a quarter of a million new objects frees nothing: the
    collector takes more than half of the time of reading a large vocabulary.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read_backend(backend: Tokenizer, name: str, config: Mapping[str, Any]) -> Vocabulary:
    """Read the vocabulary of a tokenizer without writing it out."""
    state = build_part(name, lambda: describe_backend(backend))
    tokens, present = _list_tokens(name, backend)
    marks = read_marks(state)
    types = find_special_token_types(state, backend.token_to_id, config)
    specials = {t["id"] for t in state["added_tokens"] if t["special"]} | set(types.values())
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
        special_token_types=MappingProxyType(types),
        marks=marks,
        backend=backend,
        chat_and_config=MappingProxyType(dict(config)),
    )


def _list_tokens(name: str, backend: Tokenizer) -> tuple[list[str], np.ndarray]:
    """Return native forms by id, ``""`` at a gap, and a mask of the ids that exist, shape (n,)."""
    size = backend.get_vocab_size(with_added_tokens=True)
    if not size:
        raise not_a_tokenizer(name, "an empty vocabulary")
    found: list[str | None] = list(map(backend.id_to_token, range(size)))
    missing = found.count(None)
    if not missing:
        return cast(list[str], found), np.ones(size, dtype=bool)
    for i in range(size, 2 * size + MAX_GAPS):
        found.append(backend.id_to_token(i))
        missing -= found[-1] is not None
        if not missing:
            return [token or "" for token in found], np.array([token is not None for token in found], dtype=bool)
    raise contradiction(name, f"{missing} of {size} tokens without an id of their own, or far above the others")


def _spell_bytes(content: bytes) -> str:
    """Return the text of a byte token; a lone byte that would be ASCII text is spelt out too."""
    return f"<0x{content[0]:02X}>" if len(content) == 1 else readable(content)
