"""How finely text is tokenized: where its words lie, how many tokens each takes, the measures on these counts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

_RUN = re.compile(r"\S+")


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """Counts over some text, and the measures of Rust et al. (2021).

    Parameters
    ----------
    n_characters, n_words, n_tokens : int
        Size of the text; punctuation around a word is no part of it.
    n_word_tokens : int
        Tokens that words take, summed over words.
    n_continued : int
        Words of two tokens or more.
    n_unknown : int
        Tokens that are the unknown token.
    """

    n_characters: int
    n_words: int
    n_tokens: int
    n_word_tokens: int
    n_continued: int
    n_unknown: int

    @property
    def tokens_per_word(self) -> float:
        """Fertility: tokens that a word takes on average; NaN without words."""
        return self.n_word_tokens / self.n_words if self.n_words else float("nan")

    @property
    def continued_words(self) -> float:
        """Share of the words that take two tokens or more; NaN without words."""
        return self.n_continued / self.n_words if self.n_words else float("nan")

    @property
    def characters_per_token(self) -> float:
        """Characters, white space included, that a token stands for; NaN without tokens."""
        return self.n_characters / self.n_tokens if self.n_tokens else float("nan")


def word_spans(line: str) -> list[tuple[int, int]]:
    """Return begin and end of every word: a run without white space, less the punctuation and symbols around it.

    Parameters
    ----------
    line : str
        Text.

    Returns
    -------
    list of (int, int)
        In characters. A run of punctuation alone is no word.

    Examples
    --------
    >>> word_spans("«Habari», she said - ng'ombe!")
    [(1, 7), (10, 13), (14, 18), (21, 28)]
    """
    spans = []
    for run in _RUN.finditer(line):
        inner = [i for i in range(*run.span()) if unicodedata.category(line[i])[0] not in "PS"]
        if inner:
            spans.append((inner[0], inner[-1] + 1))
    return spans


def tokens_of_words(words: Sequence[tuple[int, int]], offsets: Sequence[tuple[int, int]], line: str) -> np.ndarray:
    """Return how many tokens each word takes.

    Parameters
    ----------
    words : sequence of (int, int)
        From `word_spans`.
    offsets : sequence of (int, int)
        Begin and end of every token in characters, in the order of the text.
    line : str
        The text.

    Returns
    -------
    ndarray of shape (n_words,), dtype int64
        A token counts for every word that it shares a character with; one that is only the space before a word, such
        as a bare ``▁``, counts for that word.

    Notes
    -----
    Offsets ascend, so the tokens of a word are those between the first that ends behind its begin and the last that
    begins before its end.
    """
    if not words or not offsets:
        return np.zeros(len(words), np.int64)
    first, last = np.array(words).T
    first = first - [begin > 0 and line[begin - 1].isspace() for begin, _ in words]
    begins, ends = np.array(offsets).T
    ends = np.array(list(accumulate(ends.tolist(), max)))
    counts = np.searchsorted(begins, last, side="left") - np.searchsorted(ends, first, side="right")
    return np.asarray(np.maximum(counts, 0))
