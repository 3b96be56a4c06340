"""How finely a tokenizer cuts text: tokens per word, continued words, characters per token.

Owns the counting. Refuses to know a model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from focus_core.domain import Role
from focus_core.line_encoding import plain_backend
from focus_core.vocabulary import Vocabulary

_RUN = re.compile(r"\S+")
_LINES_AT_ONCE = 1024


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


def measure_segmentation(vocabulary: Vocabulary, lines: Sequence[str]) -> Segmentation:
    """Count how a tokenizer cuts some lines.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokenizer.
    lines : sequence of str
        Text.

    Returns
    -------
    Segmentation
        A token counts for every word that it shares a character with; a token that is only the space before a
        word, such as a bare ``▁``, counts for that word.
    """
    backend = plain_backend(vocabulary.backend)
    unknown_id = vocabulary.roles.get(Role.UNK, -1)
    per_word: list[np.ndarray] = []
    n_tokens = n_unknown = 0
    for start in range(0, len(lines), _LINES_AT_ONCE):
        part = list(lines[start : start + _LINES_AT_ONCE])
        for line, encoding in zip(part, backend.encode_batch(part, add_special_tokens=False), strict=True):
            n_tokens += len(encoding.ids)
            n_unknown += encoding.ids.count(unknown_id)
            per_word.append(_tokens_of_words(word_spans(line), list(encoding.offsets), line))
    counts = np.concatenate(per_word) if per_word else np.zeros(0, np.int64)
    return Segmentation(
        n_characters=sum(map(len, lines)),
        n_words=len(counts),
        n_tokens=n_tokens,
        n_word_tokens=int(counts.sum()),
        n_continued=int((counts > 1).sum()),
        n_unknown=n_unknown,
    )


def _tokens_of_words(words: list[tuple[int, int]], offsets: list[tuple[int, int]], line: str) -> np.ndarray:
    """Return how many tokens each word takes.

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
    found: np.ndarray = np.maximum(counts, 0)
    return found
