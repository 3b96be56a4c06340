"""Lines of one side of parallel text as numbered words: the runs of tokens that a tokenizer makes of a word.

A word is what is linked to a word of the other side. Two spellings that a tokenizer reads alike, as an uncased one
reads *King* and *king*, are one word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from focus_core.tokenization.encoding import DirectEncoder
from focus_core.tokenization.identity import BYTE, NORMAL, SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary

UNSPACED = frozenset({"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"})
"""Scripts that put no space between words: a run of their letters is no word, so each of their tokens is one."""
INNER = frozenset("'’ʼ")
"""What stands within a word although it is no letter: the apostrophe of *don't* and *ng'ombe*."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WordLines:
    """Lines as numbers of words.

    Parameters
    ----------
    words : ndarray of shape (n_places,), dtype int32
        The word at every place, line after line.
    ends : ndarray of shape (n_lines,), dtype int64
        Where each line ends in ``words``.
    pieces : tuple of tuple of int
        The token ids of every word, by its number; those of special tokens, the unknown one among them, are left out.
    """

    words: np.ndarray
    ends: np.ndarray
    pieces: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        for array in (self.words, self.ends):
            array.setflags(write=False)

    @property
    def n_lines(self) -> int:
        """Number of lines, those without a word included."""
        return len(self.ends)


def read_words(vocabulary: Vocabulary, lines: Sequence[str]) -> WordLines:
    """Read lines as words.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokenizer of this side.
    lines : sequence of str
        The side's lines.

    Returns
    -------
    WordLines
        A word is a token that starts one, or follows something else than a letter, with all tokens of letters and
        digits that go on from it. Anything else is a word of its own: punctuation, a token of a script without spaces.
    """
    return _number(vocabulary, lines, _goes_on(vocabulary), _can_be_continued(vocabulary))


def read_tokens(vocabulary: Vocabulary, lines: Sequence[str]) -> WordLines:
    """Read lines as tokens, each a word of its own.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokenizer of this side.
    lines : sequence of str
        The side's lines.

    Returns
    -------
    WordLines
        One word a token.
    """
    never = np.zeros(vocabulary.n, bool)
    return _number(vocabulary, lines, never, never)


def _goes_on(vocabulary: Vocabulary) -> np.ndarray:
    """Which tokens may go on from another one within a word, shape (n,)."""
    return np.asarray(_is_letters(vocabulary) & ~vocabulary.word_start)


def _can_be_continued(vocabulary: Vocabulary) -> np.ndarray:
    """Which tokens another one may go on from, shape (n,): not those that end a word, nor a quote that opens one."""
    end = vocabulary.marks.word_end.encode()
    ends = np.array([bool(end) and content.endswith(end) for content in vocabulary.contents], bool)
    quotes = np.array([set(text) <= INNER for text in vocabulary.texts], bool) & vocabulary.word_start
    return np.asarray(_is_letters(vocabulary) & ~ends & ~quotes)


def _is_letters(vocabulary: Vocabulary) -> np.ndarray:
    """Which tokens are of letters, digits or parts of a character, in a script with spaces, shape (n,)."""
    text = (vocabulary.kinds == NORMAL) & [any(map(_in_words, text)) for text in vocabulary.texts]
    spaced = np.array([script not in UNSPACED for script in vocabulary.scripts], bool)
    return np.asarray((text & spaced) | (vocabulary.kinds == BYTE))


def _in_words(character: str) -> bool:
    return character.isalnum() or character in INNER


def _number(vocabulary: Vocabulary, lines: Sequence[str], goes_on: np.ndarray, continued: np.ndarray) -> WordLines:
    """Cut the tokens of lines into words and number these in the order in which they come."""
    # Byte-level tokenizers read the first word of a line otherwise than all others, unless a space stands before it.
    before = " " if vocabulary.marks.byte_level else ""
    encoded = DirectEncoder(vocabulary.backend, None).encode([line and before + line for line in lines])
    ids, line_of = encoded.ids, encoded.line_of
    first = np.ones(len(ids), bool)
    first[1:] = ~goes_on[ids[1:]] | ~continued[ids[:-1]] | (line_of[1:] != line_of[:-1])
    starts = np.flatnonzero(first)
    numbers: dict[bytes, int] = {}
    bounds = [*starts.tolist(), len(ids)]
    words = [numbers.setdefault(ids[a:b].tobytes(), len(numbers)) for a, b in pairwise(bounds)]
    ordinary = vocabulary.kinds != SPECIAL
    pieces = (np.frombuffer(word, np.int32) for word in numbers)
    return WordLines(
        words=np.array(words, np.int32),
        ends=np.cumsum(np.bincount(line_of[starts], minlength=len(lines))),
        pieces=tuple(tuple(row[ordinary[row]].tolist()) for row in pieces),
    )
