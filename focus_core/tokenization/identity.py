"""Say what a token is, whatever alphabet its tokenizer writes it in.

The identity ``(kind, bytes, word_start)`` is read from a tokenizer's own model. Never calls ``decode``, which turns
every partial UTF-8 token into the same replacement character.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol

import numpy as np

from focus_core.types import KINDS, Family, TokenKind

NORMAL, BYTE, SPECIAL = (KINDS.index(kind) for kind in (TokenKind.NORMAL, TokenKind.BYTE, TokenKind.SPECIAL))
SENTENCEPIECE_SPACE = "▁"
FAMILIES = {
    "Unigram": Family.UNIGRAM,
    "BPE": Family.BPE,
    "WordPiece": Family.WORDPIECE,
    "WordLevel": Family.WORDLEVEL,
}
SEPARATOR = "\uffff"
"""A noncharacter: valid in UTF-8, of no case, and in no token that is read here at once."""

BYTE_PIECES = {f"<0x{byte:02X}>": byte for byte in range(256)}
"""SentencePiece's names of single bytes."""


def gpt2_alphabet() -> dict[str, int]:
    """Return GPT-2's table ``{character: byte}``.

    Bytes that print as themselves in Latin-1 stand for themselves; the other 68 are the characters from U+0100 on.

    Examples
    --------
    >>> table = gpt2_alphabet()
    >>> table["A"], table["Ġ"], table["Ċ"], len(table)
    (65, 32, 10, 256)
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


ALPHABET = gpt2_alphabet()
TO_LATIN = {ord(character): byte for character, byte in ALPHABET.items()}


@dataclass(frozen=True, kw_only=True)
class Marks:
    """How a tokenizer writes word starts and bytes.

    Attributes
    ----------
    family : Family
        The model.
    byte_level : bool
        Tokens are bytes in GPT-2's alphabet; a leading space byte starts a word.
    space : str
        The character that stands for a space (SentencePiece's ``▁``), or ``""``.
    continuation : str
        The prefix of a piece that does *not* start a word (WordPiece's ``##``), or ``""``.
    byte_pieces : bool
        ``<0xHH>`` is one byte.
    word_end : str, default=""
        What ends a token that ends a word (CLIP's ``</w>``), or ``""``. Where a tokenizer marks ends, none of its
        tokens says where a word begins; the mark stays in the identity.
    """

    family: Family
    byte_level: bool
    space: str
    continuation: str
    byte_pieces: bool
    word_end: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Identities:
    """What every token is, in three aligned sequences of length n."""

    contents: tuple[bytes, ...]
    kinds: np.ndarray
    word_start: np.ndarray


class HasIdentities(Protocol):
    """What has an identity for every id: `Identities`, or a whole vocabulary."""

    @property
    def contents(self) -> tuple[bytes, ...]:
        """Identity bytes."""

    @property
    def kinds(self) -> np.ndarray:
        """Codes of kinds."""

    @property
    def word_start(self) -> np.ndarray:
        """Whether a token opens a word."""


def components(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every normaliser, pre-tokenizer and decoder of a tokenizer, nested ones too."""
    stack = [state.get(name) for name in ("decoder", "pre_tokenizer", "normalizer")]
    while stack:
        part = stack.pop()
        if not isinstance(part, Mapping):
            continue
        yield part
        for name in ("decoders", "pretokenizers", "normalizers"):
            stack.extend(part.get(name) or ())


def read_marks(state: Mapping[str, Any]) -> Marks:
    """Read from a tokenizer's own description how it writes its tokens."""
    model, parts = state["model"], list(components(state))
    byte_level = any(part.get("type") == "ByteLevel" for part in parts)
    family = Family.BYTE_LEVEL_BPE if byte_level and model["type"] == "BPE" else FAMILIES[model["type"]]
    fallback = bool(model.get("byte_fallback"))
    default = SENTENCEPIECE_SPACE if family is Family.UNIGRAM or fallback else ""
    prefix = model.get("continuing_subword_prefix") or ""
    return Marks(
        family=family,
        byte_level=byte_level,
        space="" if byte_level else next(filter(None, map(_space_of, parts)), default),
        continuation=prefix,
        byte_pieces=fallback or any(part.get("type") == "ByteFallback" for part in parts),
        word_end=model.get("end_of_word_suffix") or "",
    )


def _space_of(part: Mapping[str, Any]) -> str:
    """Return the one character that a component writes for a space, or nothing."""
    if part.get("type") == "Metaspace":
        return str(part.get("replacement") or SENTENCEPIECE_SPACE)
    if part.get("type") != "Replace":
        return ""
    pattern = (part.get("pattern") or {}).get("String", "")
    written, read = (pattern, part["content"]) if part["content"] == " " else (part["content"], pattern)
    return written if read == " " and len(written) == 1 and not written.isspace() else ""


def identify(
    tokens: Sequence[str], *, marks: Marks, specials: Collection[int] = (), literals: Collection[int] = ()
) -> Identities:
    """Compute the identity of every token."""
    if marks.word_end:
        contents, starts = _read_ends(tokens, marks), [False] * len(tokens)
    elif marks.byte_level:
        contents, starts = _read_byte_level(_without(tokens, marks.continuation))
    elif marks.space:
        contents, starts = _read_spaced(_without(tokens, marks.continuation), marks.space)
    else:
        contents, starts = _read_prefixed(tokens, marks.continuation)
    kinds = np.zeros(len(tokens), dtype=np.uint8)
    word_start = np.array(starts, dtype=bool)
    for i in literals:
        contents[i], word_start[i] = _read_literal(tokens[i], marks)
    if marks.byte_level:
        kinds[[i for i, content in enumerate(contents) if not is_text(content)]] = BYTE
    elif marks.byte_pieces:
        _name_bytes(tokens, contents, kinds, word_start)
    for i in specials:
        contents[i], kinds[i], word_start[i] = tokens[i].encode(), SPECIAL, False
    return Identities(contents=tuple(contents), kinds=kinds, word_start=word_start)


def single_bytes(found: HasIdentities) -> np.ndarray:
    """Return the byte that every token stands for alone, -1 where it is none or more than one; shape (n,).

    A byte has two spellings: SentencePiece's ``<0x0A>`` is a byte token, byte-level BPE's ``Ċ`` a character of text.
    Within a vocabulary they are two tokens (Llama 2 has ``a`` and ``<0x61>``), so their identities stay apart; between
    vocabularies they are the same byte. The bare mark of a word's start is a space.
    """
    sizes = np.fromiter(map(len, found.contents), np.int64, len(found.contents))
    alone = np.flatnonzero((found.kinds != SPECIAL) & (sizes + found.word_start == 1))
    values = np.full(len(sizes), -1, dtype=np.int32)
    values[alone] = [found.contents[i][0] if sizes[i] else ord(" ") for i in alone.tolist()]
    return values


def is_text(content: bytes) -> bool:
    """Tell whether bytes are valid UTF-8 on their own."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def readable(content: bytes) -> str:
    """Return bytes as text, each byte that is no part of valid UTF-8 as ``<0xHH>``.

    Examples
    --------
    >>> readable("é".encode() + bytes([0xE0, 0xA4]))
    'é<0xE0><0xA4>'
    """
    escaped = content.decode("utf-8", errors="surrogateescape")
    return "".join(f"<0x{ord(c) - 0xDC00:02X}>" if "\udc80" <= c <= "\udcff" else c for c in escaped)


def decode_all(contents: Sequence[bytes], change: Callable[[str], str] = str) -> list[str]:
    """Decode many short contents at once, several times faster than one by one."""
    joined = SEPARATOR.encode().join(contents).decode()
    if joined.count(SEPARATOR) != len(contents) - 1:
        return [change(content.decode()) for content in contents]
    return change(joined).split(SEPARATOR)


def _read_byte_level(tokens: Sequence[str]) -> tuple[list[bytes], list[bool]]:
    """Map characters to bytes; a leading space byte is the word start."""
    raw = [_to_bytes(token) for token in tokens]
    starts = [content.startswith(b" ") for content in raw]
    return [content[1:] if start else content for content, start in zip(raw, starts, strict=True)], starts


def _read_ends(tokens: Sequence[str], marks: Marks) -> list[bytes]:
    """Return text or bytes with the mark of a word's end behind them, where there is one."""
    read = _to_bytes if marks.byte_level else str.encode
    end = marks.word_end
    return [
        read(token[: -len(end)]) + end.encode() if token.endswith(end) and token != end else read(token)
        for token in tokens
    ]


def _without(tokens: Sequence[str], prefix: str) -> Sequence[str]:
    """Take the prefix of a word's inner parts off, where another mark says which tokens begin one."""
    if not prefix:
        return tokens
    return [token[len(prefix) :] if token.startswith(prefix) and token != prefix else token for token in tokens]


def without_end(content: bytes, marks: Marks) -> bytes:
    """Return the text or bytes of a token without the mark of a word's end."""
    end = marks.word_end.encode()
    return content.removesuffix(end) if end and content != end else content


def _to_bytes(token: str) -> bytes:
    """Map one token of GPT-2's alphabet to bytes; one that is not written in it is literal text."""
    try:
        return token.translate(TO_LATIN).encode("latin-1")
    except UnicodeEncodeError:
        return token.encode()


def _read_spaced(tokens: Sequence[str], space: str) -> tuple[list[bytes], list[bool]]:
    """Take the leading mark off; marks that remain are the spaces they stand for."""
    starts = list(map(str.startswith, tokens, repeat(space)))
    joined = SEPARATOR + SEPARATOR.join(tokens)
    if joined.count(SEPARATOR) != len(tokens):
        return [token.removeprefix(space).replace(space, " ").encode() for token in tokens], starts
    bare = joined.replace(SEPARATOR + space, SEPARATOR).replace(space, " ")
    return bare.encode().split(SEPARATOR.encode())[1:], starts


def _read_prefixed(tokens: Sequence[str], prefix: str) -> tuple[list[bytes], list[bool]]:
    """Take the continuation prefix off; a token without one starts a word (so does the bare prefix)."""
    if not prefix:
        return [token.encode() for token in tokens], [bool(token) for token in tokens]
    n = len(prefix)
    inside = [len(token) > n and token.startswith(prefix) for token in tokens]
    contents = [(token[n:] if part else token).encode() for token, part in zip(tokens, inside, strict=True)]
    return contents, [bool(token) and not part for token, part in zip(tokens, inside, strict=True)]


def _read_literal(token: str, marks: Marks) -> tuple[bytes, bool]:
    """Return content and word start of an added token, whose text stands as it is."""
    if marks.space:
        token = token.replace(marks.space, " ")
    if token.startswith(" "):
        return token[1:].encode(), True
    return token.encode(), not (marks.space or marks.byte_level)


def _name_bytes(tokens: Sequence[str], contents: list[bytes], kinds: np.ndarray, word_start: np.ndarray) -> None:
    """Turn ``<0xHH>`` pieces into the byte they name."""
    for i, token in enumerate(tokens):
        if token in BYTE_PIECES:
            contents[i], kinds[i], word_start[i] = bytes([BYTE_PIECES[token]]), BYTE, False
