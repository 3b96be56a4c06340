"""How much of a text a tokenizer knows: the letters that it has tokens for, those that it cuts into bytes, the unknown.

Letters and digits are counted and nothing else: punctuation and space are known to almost every tokenizer, and a text
of which these alone are known is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import BYTE
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import SpecialTokenType

MOST = 0.5
"""Share of the letters above which most of a text is unknown, or cut into bytes."""
_UNKNOWN, _BYTES, _KNOWN = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a tokenizer knows of some lines.

    Parameters
    ----------
    n_lines : int
        The lines.
    n_letters : int
        Their letters and digits.
    n_unknown, n_bytes : int
        Letters for which the tokenizer has only the unknown token, or none; and those that it writes as single bytes.
    n_byte_tokens : int
        Tokens that are the bytes of such letters.
    n_words, n_unknown_words : int
        Words, which end at white space, and those of them most of whose letters are unknown.
    """

    n_lines: int
    n_letters: int
    n_unknown: int
    n_bytes: int
    n_byte_tokens: int
    n_words: int
    n_unknown_words: int

    @property
    def unknown_share(self) -> float:
        """Share of the letters that are unknown, 0 to 1."""
        return self.n_unknown / self.n_letters if self.n_letters else 0.0

    @property
    def byte_share(self) -> float:
        """Share of the letters that are cut into bytes, 0 to 1."""
        return self.n_bytes / self.n_letters if self.n_letters else 0.0

    @property
    def bytes_a_letter(self) -> float:
        """Byte tokens for a letter that is cut into bytes; 0 where there is none."""
        return self.n_byte_tokens / self.n_bytes if self.n_bytes else 0.0

    @property
    def mostly_unknown(self) -> bool:
        """Whether most letters are unknown."""
        return self.unknown_share > MOST

    @property
    def mostly_bytes(self) -> bool:
        """Whether most letters are cut into bytes."""
        return self.byte_share > MOST


def read_lines(vocabulary: Vocabulary, lines: Sequence[str]) -> Reading:
    """Look at which letters of some lines a tokenizer knows.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokenizer.
    lines : sequence of str
        Text.

    Returns
    -------
    Reading
        Counts over all lines. A letter that no token stands for, as under a tokenizer that drops what it does not
        know, is unknown.
    """
    backend, known = plain_backend(vocabulary.backend), _kinds_of_knowledge(vocabulary)
    counts = np.zeros(6, np.int64)
    for line, encoding in zip(lines, backend.encode_batch(list(lines), add_special_tokens=False), strict=True):
        kinds = known[np.array(encoding.ids, np.int64)]
        grades = _grades(len(line), encoding.offsets, kinds)
        letters = np.fromiter(map(str.isalnum, line), dtype=bool, count=len(line))
        lost, cut = letters & (grades == _UNKNOWN), letters & (grades == _BYTES)
        words, unknown_words = _words(line, letters, lost)
        places = np.flatnonzero(kinds == _BYTES).tolist() if cut.any() else []
        n_byte_tokens = sum(bool(cut[slice(*encoding.offsets[place])].any()) for place in places)
        counts += [letters.sum(), lost.sum(), cut.sum(), n_byte_tokens, words, unknown_words]
    n_letters, n_unknown, n_bytes, n_byte_tokens, n_words, n_unknown_words = counts.tolist()
    return Reading(
        n_lines=len(lines),
        n_letters=n_letters,
        n_unknown=n_unknown,
        n_bytes=n_bytes,
        n_byte_tokens=n_byte_tokens,
        n_words=n_words,
        n_unknown_words=n_unknown_words,
    )


def _kinds_of_knowledge(vocabulary: Vocabulary) -> np.ndarray:
    """Return by id what a token says of the letters in its span; the mark of a word's start alone says nothing."""
    known = np.where(vocabulary.kinds == BYTE, _BYTES, _KNOWN).astype(np.int8)
    known[[not content for content in vocabulary.contents]] = _UNKNOWN
    known[vocabulary.special_token_types.get(SpecialTokenType.UNK, [])] = _UNKNOWN
    return known


def _grades(n: int, offsets: Sequence[tuple[int, int]], kinds: np.ndarray) -> np.ndarray:
    """Return how well each character is known; one that several tokens share is known as its best."""
    grades = np.full(n, _UNKNOWN, np.int8)
    for (begin, end), kind in zip(offsets, kinds.tolist(), strict=True):
        np.maximum(grades[begin:end], kind, out=grades[begin:end])
    return grades


def _words(line: str, letters: np.ndarray, lost: np.ndarray) -> tuple[int, int]:
    """Return how many words of a line have letters, and how many of these are mostly unknown."""
    space = np.fromiter(map(str.isspace, line), dtype=bool, count=len(line))
    word_of = np.cumsum(space)
    of_letters = np.bincount(word_of[letters], minlength=1)
    of_lost = np.bincount(word_of[lost], minlength=len(of_letters))
    return int((of_letters > 0).sum()), int((of_lost * 2 > of_letters).sum())
