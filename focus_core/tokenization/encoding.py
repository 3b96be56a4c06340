"""Lines of text to token ids, fast.

Whole lines go through the tokenizer's batch call; word by word through a bounded cache where the tokenizer provably
treats words apart. Both give the same ids.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from focus_core.tokenization.text_form import ACCENTS, FOLDS

MAX_WORDS = 300_000
"""Words kept; the cache starts anew beyond it. With words of at most 64 characters this stays under 150 MiB."""
MAX_WORD = 64
"""Characters of a word that is kept."""
UNITS = 64
"""Words handed to the tokenizer as one text."""
MARK = "▁"
OUTER_SPACES, LEADING_MARK = r"\A +|[ ▁]+\z", r"\A▁"
"""What SentencePiece takes off the ends of a text, and what it does not take for the mark that it puts in front."""

_LOCAL_NORMALIZERS = {
    "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer", "Nmt", "Precompiled",
}  # fmt: skip
_SPLITTERS = {"WhitespaceSplit", "Whitespace", "BertPreTokenizer"}
_LOCAL_PATTERNS = {
    # GPT-2
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    # Llama 3
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+",
    # Qwen 2
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
"""Patterns that always end a piece before a single space, and look at nothing before it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedLines:
    """The tokens of some lines.

    Parameters
    ----------
    ids : ndarray of shape (n_tokens,), dtype int32
        Token ids; in order within a line, lines in any order.
    line_of : ndarray of shape (n_tokens,), dtype int32
        Position of the line that each token belongs to.
    rows : list of bytes
        The names of each line's tokens, joined by a space; one entry a line. Empty where ids have no names.
    """

    ids: np.ndarray
    line_of: np.ndarray
    rows: list[bytes]


class DirectEncoder:
    """Encodes whole lines; the tokenizer works on all cores."""

    def __init__(self, backend: Tokenizer, names: Sequence[bytes] | None) -> None:
        self.backend = plain_backend(backend)
        self.names = names

    def encode_ids(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the ids of each line, without special tokens around it."""
        return [e.ids for e in self.backend.encode_batch_fast(list(lines), add_special_tokens=False)]

    def encode(self, lines: Sequence[str]) -> EncodedLines:
        """Return the tokens of the lines."""
        ids = self.encode_ids(lines)
        lengths = np.fromiter(map(len, ids), dtype=np.int64, count=len(ids))
        return EncodedLines(
            ids=np.fromiter(chain.from_iterable(ids), dtype=np.int32, count=int(lengths.sum())),
            line_of=np.repeat(np.arange(len(ids), dtype=np.int32), lengths),
            rows=[] if self.names is None else [b" ".join(map(self.names.__getitem__, row)) for row in ids],
        )


class _Numbers(dict[str, int]):
    """Numbers words in the order in which they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._new: list[str] = []

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        self._new.append(word)
        return number

    def take_new(self) -> list[str]:
        """Return the words numbered since the last call."""
        new, self._new = self._new, []
        return new


class WordEncoder:
    """Encodes each word once and remembers its tokens."""

    # A line is cut at single spaces. Its tokens are those of its words, one after another, wherever the tokenizer's
    # parts are of the kinds that `word_prefix` admits and every word is plain (see `_is_plain`); any other line goes
    # to the `DirectEncoder`.

    def __init__(self, direct: DirectEncoder, *, prefix: str) -> None:
        self.direct = direct
        self.prefix = prefix
        normalizer = direct.backend.normalizer
        self._normalize = normalizer.normalize_str if normalizer is not None else str
        self._added = np.array(sorted(direct.backend.get_added_tokens_decoder()), dtype=np.int32)
        self._forget()

    def _forget(self) -> None:
        """Empty the table of words: their numbers, their names, and the tokens of all of them in one array."""
        self._numbers = _Numbers()
        self._names: list[bytes] = []
        self._ids = np.zeros(0, dtype=np.int32)
        self._sizes = np.zeros(0, dtype=np.int64)
        self._starts = np.zeros(0, dtype=np.int64)

    def encode(self, lines: Sequence[str]) -> EncodedLines:
        """Return the tokens of the lines."""
        split = [line.split(" ") for line in lines]
        for line in split if self.prefix else ():
            line[0] = "\n" + line[0]  # without a space before it, the first word of a line is of its own kind
        if len(self._numbers) > MAX_WORDS:
            self._forget()
        lengths = np.fromiter(map(len, split), dtype=np.int64, count=len(split))
        number = map(self._numbers.__getitem__, chain.from_iterable(split))
        words = np.fromiter(number, dtype=np.int64, count=int(lengths.sum()))
        self._learn(self._numbers.take_new())
        line_of = np.repeat(np.arange(len(split), dtype=np.int32), lengths)
        odd = np.zeros(len(split), dtype=bool)
        odd[line_of[self._sizes[words] == 0]] = True
        named = self.direct.names is not None
        rows = self._rows(words.tolist(), np.cumsum(lengths).tolist()) if named else []
        keep = ~odd[line_of]
        words, line_of = words[keep], line_of[keep]
        known = EncodedLines(ids=self._tokens(words), line_of=np.repeat(line_of, self._sizes[words]), rows=rows)
        return self._with_odd(lines, np.flatnonzero(odd), known)

    def _rows(self, words: list[int], ends: list[int]) -> list[bytes]:
        """Return the names of each line's words; those of a line that is odd are replaced later."""
        name = self._names.__getitem__
        return [b" ".join(map(name, words[start:end])) for start, end in zip([0, *ends], ends, strict=False)]

    def _tokens(self, words: np.ndarray) -> np.ndarray:
        """Return the ids of some words, one word after another."""
        sizes = self._sizes[words]
        ends = np.cumsum(sizes)
        within = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - sizes, sizes)
        return np.asarray(self._ids[np.repeat(self._starts[words], sizes) + within])

    def _with_odd(self, lines: Sequence[str], odd: np.ndarray, known: EncodedLines) -> EncodedLines:
        """Add the lines that have to be encoded whole."""
        if not odd.size:
            return known
        whole = self.direct.encode([lines[i] for i in odd.tolist()])
        for i, row in zip(odd.tolist() if whole.rows else [], whole.rows, strict=True):
            known.rows[i] = row
        return EncodedLines(
            ids=np.concatenate([known.ids, whole.ids]),
            line_of=np.concatenate([known.line_of, odd.astype(np.int32)[whole.line_of]]),
            rows=known.rows,
        )

    def _learn(self, new: list[str]) -> None:
        """Encode words that are not known yet; one that is not plain has no tokens here."""
        plain = [i for i, key in enumerate(new) if self._is_plain(key.removeprefix("\n"))]
        units = [new[i][1:] if new[i].startswith("\n") else self.prefix + new[i] for i in plain]
        ids, sizes = self._encode_apart(units)
        ends = np.cumsum(sizes)
        foreign = np.concatenate([[0], np.cumsum(np.isin(ids, self._added))])
        sound = foreign[ends] == foreign[ends - sizes]
        every, starts = np.zeros((2, len(new)), dtype=np.int64)
        every[plain], starts[plain] = sizes * sound, self._ids.size + ends - sizes
        if self.direct.names is not None:
            self._names += self._named(self.direct.names, len(new), plain, ids, ends - sizes, ends)
        self._ids = np.concatenate([self._ids, ids])
        self._sizes = np.concatenate([self._sizes, every])
        self._starts = np.concatenate([self._starts, starts])

    @staticmethod
    def _named(
        names: Sequence[bytes], n_new: int, plain: list[int], ids: np.ndarray, starts: np.ndarray, ends: np.ndarray
    ) -> list[bytes]:
        """Return the names of each new word's tokens; none for one that is not plain."""
        found, tokens = [b""] * n_new, ids.tolist()
        for i, start, end in zip(plain, starts.tolist(), ends.tolist(), strict=True):
            found[i] = b" ".join(map(names.__getitem__, tokens[start:end]))
        return found

    def _encode_apart(self, units: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of all units, one after another, and the number of ids of each."""
        # Units given as one pretokenized text are encoded each on its own, without the price of a call for each.
        texts = [units[i : i + UNITS] for i in range(0, len(units), UNITS)]
        done = self.direct.backend.encode_batch(texts, is_pretokenized=True, add_special_tokens=False)
        ids: list[int] = []
        sizes = np.zeros(len(units), dtype=np.int64)
        for i, (text, encoding) in enumerate(zip(texts, done, strict=True)):
            word_of = encoding.word_ids
            if None in word_of:  # an added token stands in a word, and belongs to none
                rows = self.direct.encode_ids(text)
                ids.extend(chain.from_iterable(rows))
                sizes[i * UNITS : (i + 1) * UNITS] = list(map(len, rows))
            else:
                ids.extend(encoding.ids)
                sizes[i * UNITS : (i + 1) * UNITS] = np.bincount(np.array(word_of), minlength=len(text))
        return np.array(ids, dtype=np.int32), sizes

    def _is_plain(self, word: str) -> bool:
        """Say whether no normaliser can make a word interact with the space before or after it."""
        # Printable characters only; none that normalises to white space (NFKC makes a space of a spacing accent); no
        # combining mark at the front, which would attach to the space.
        if not (word and word.isprintable() and len(word) <= MAX_WORD):
            return False
        if word.isascii():
            return True
        if unicodedata.category(word[0])[0] == "M":
            return False
        inside = self._normalize(f"a {word} a").replace(MARK, " ").removeprefix(" ")
        parts = inside.split(" ")
        return len(parts) == 3 and parts[0] == parts[2] == "a" and bool(parts[1]) and not _has_space(parts[1])


def _has_space(text: str) -> bool:
    return any(map(str.isspace, text)) or any(map(str.isspace, unicodedata.normalize("NFKC", text)))


def plain_backend(backend: Tokenizer) -> Tokenizer:
    """Return the tokenizer without truncation and padding; the one given stays as it is."""
    if backend.truncation is None and backend.padding is None:
        return backend
    copy = Tokenizer.from_str(backend.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


LineEncoder = DirectEncoder | WordEncoder


def make_encoder(backend: Tokenizer, names: Sequence[bytes] | None, sample: Sequence[str]) -> LineEncoder:
    """Return the fastest encoder that is right for a tokenizer.

    Parameters
    ----------
    backend : Tokenizer
        The tokenizer.
    names : sequence of bytes or None
        One name per id; ``None`` where ids alone are asked for.
    sample : sequence of str
        First lines of the corpus. The words' way is taken only if it gives the same ids on them; the rule of
        `word_prefix` is the reason that it does, this is the guard against a part of a tokenizer that is not
        what its name says.

    Returns
    -------
    LineEncoder
        Ready to use.
    """
    direct = DirectEncoder(backend, names)
    prefix = word_prefix(direct.backend)
    if prefix is None or not sample:
        return direct
    words = WordEncoder(direct, prefix=prefix)
    distinct = len(set(chain.from_iterable(line.split(" ") for line in sample)))
    total = sum(line.count(" ") + 1 for line in sample)
    if total > 2000 and distinct > 0.7 * total:  # hardly a word comes twice: a script without spaces
        return direct
    return words if _same_ids(words.encode(sample), direct.encode(sample)) else direct


def _same_ids(one: EncodedLines, other: EncodedLines) -> bool:
    """Say whether lines have the same tokens."""
    orders = [np.argsort(lines.line_of, kind="stable") for lines in (one, other)]
    return all(
        np.array_equal(*(getattr(lines, name)[order] for lines, order in zip((one, other), orders, strict=True)))
        for name in ("line_of", "ids")
    )


def word_prefix(backend: Tokenizer) -> str | None:
    """Return what to put before a word so that it is encoded as within a line; ``None`` where words interact."""
    added = [token.content for token in backend.get_added_tokens_decoder().values()]
    if any(map(_has_space, added)) or "" in added or getattr(backend.model, "dropout", None):
        return None
    normalizers = _parts(backend.normalizer, "normalizers")
    splits = _parts(backend.pre_tokenizer, "pretokenizers")
    prepends = any(part["type"] == "Prepend" for part in normalizers)
    if not all(map(_normalizer_is_local, normalizers)) or not all(map(_splitter_is_local, splits)):
        return None
    if any(part["type"] == "Strip" or _strips(part) for part in normalizers) and not all(
        map(_ignores_outer_space, splits)
    ):
        return None
    if any(map(_splits_words, splits)):
        return "" if any(map(_ignores_outer_space, splits)) or any(map(_adds_space, splits)) else " "
    return ("" if prepends else " ") if _never_joins_words(backend) else None


def _parts(component: Any, key: str) -> list[dict[str, Any]]:
    """Return the parts of a normaliser or pre-tokenizer as it describes itself."""
    if component is None:
        return []
    return list(_flat(json.loads(component.__getstate__()), key))


def _flat(state: dict[str, Any], key: str) -> Iterable[dict[str, Any]]:
    if state.get("type") != "Sequence":
        return [state]
    return chain.from_iterable(_flat(part, key) for part in state[key])


def _strips(part: dict[str, Any]) -> bool:
    """Say whether a part takes spaces off both ends of a text, and nothing else."""
    return part["type"] == "Replace" and part["pattern"].get("Regex") == OUTER_SPACES and not part["content"]


def _normalizer_is_local(part: dict[str, Any]) -> bool:
    if part["type"] == "Replace":
        pattern = part["pattern"]
        if _strips(part) or pattern.get("Regex") == LEADING_MARK:  # a word with a mark of its own is never plain
            return True
        if pattern.get("Regex") == ACCENTS or pattern.get("String") in FOLDS:
            return not _has_space(part["content"])
        return (pattern.get("Regex") == " {2,}" or pattern.get("String") == " ") and part["content"] in {" ", MARK}
    if part["type"] == "Prepend":
        return part["prepend"] in {" ", MARK}
    return part["type"] in _LOCAL_NORMALIZERS or part["type"] == "Strip"


def _splitter_is_local(part: dict[str, Any]) -> bool:
    if part["type"] == "Split":
        return part["pattern"].get("Regex") in _LOCAL_PATTERNS and part["behavior"] == "Isolated" and not part["invert"]
    return part["type"] in _SPLITTERS | {"Metaspace", "ByteLevel", "Digits", "Punctuation"}


def _ignores_outer_space(part: dict[str, Any]) -> bool:
    return part["type"] in _SPLITTERS or (part["type"] == "Metaspace" and part.get("prepend_scheme") == "always")


def _adds_space(part: dict[str, Any]) -> bool:
    """Say whether a part puts a space or its mark before a text that has none."""
    if part["type"] == "Metaspace":
        return part.get("prepend_scheme") in {"always", "first"}
    return part["type"] == "ByteLevel" and bool(part.get("add_prefix_space"))


def _splits_words(part: dict[str, Any]) -> bool:
    if part["type"] == "Metaspace":
        return bool(part.get("split", True))
    if part["type"] == "ByteLevel":
        return bool(part.get("use_regex", True))
    return part["type"] in _SPLITTERS or part["type"] == "Split"


def _never_joins_words(backend: Tokenizer) -> bool:
    """Say whether a BPE without pre-tokenizer keeps words apart: no token has the mark after another character."""
    if type(backend.model).__name__ != "BPE":
        return False
    return not any(MARK in token.lstrip(MARK) for token in backend.get_vocab(with_added_tokens=False))
