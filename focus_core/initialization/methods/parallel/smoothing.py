"""Tokens that were never linked borrow from those whose text begins with theirs, or lies within it.

As in Trans-Tokenization (Remy et al., COLM 2024), but from counts that were not smoothed themselves, so that no token
depends on the order of others, and by a trie instead of a test of every token against every other one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy import sparse

from focus_core.initialization.methods.parallel.spreading import shares_of_rows
from focus_core.tokenization.identity import NORMAL
from focus_core.tokenization.vocabulary import Vocabulary

WORD_START = 2.0
"""What a source token that starts a word counts beside one that goes on from it."""


class Trie:
    """Texts of tokens, to be found by their beginnings.

    Parameters
    ----------
    ids : mapping of bytes to int
        The token of every text; no text is empty.
    """

    def __init__(self, ids: Mapping[bytes, int]) -> None:
        self._ids = ids
        self._sorted = sorted(ids)  # what begins alike lies together
        self._beginnings = {text[:end] for text in ids for end in range(1, len(text) + 1)}

    def beginning_with(self, text: bytes) -> list[int]:
        """Return the tokens whose text begins with another one, in the order of their texts."""
        found = []
        for place in range(bisect_left(self._sorted, text), len(self._sorted)):
            if not self._sorted[place].startswith(text):
                break
            found.append(self._ids[self._sorted[place]])
        return found

    def within(self, text: bytes) -> list[int]:
        """Return the tokens whose text lies within another one, and in no longer such text, from left to right."""
        ends = ((start, self._longest(text, start)) for start in range(len(text)))
        found = dict.fromkeys(text[start:end] for start, end in ends if end > start)
        return [self._ids[part] for part in found if not any(part != other and part in other for other in found)]

    def _longest(self, text: bytes, start: int) -> int:
        """Return where the longest text that begins at a place ends; the place itself if none does."""
        longest = start
        for end in range(start + 1, len(text) + 1):
            part = text[start:end]
            if part not in self._beginnings:
                break
            longest = end if part in self._ids else longest
        return longest


def smooth(
    counts: sparse.csr_array, texts: Sequence[bytes], wanted: Sequence[int], source_starts: np.ndarray
) -> sparse.csr_array:
    """Give tokens that were never linked the shares of those they have text in common with.

    Parameters
    ----------
    counts : scipy.sparse.csr_array of shape (n_target, n_source)
        Counts of tokens, none of them smoothed.
    texts : sequence of bytes, length n_target
        The text of every target token, by `spelled`; an empty one takes no part.
    wanted : sequence of int
        Target ids that need a row.
    source_starts : ndarray of shape (n_source,), dtype bool
        Which source tokens start a word: their share counts twice.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_target, n_source), dtype float64
        For a wanted token t the sum of p(source | u) over the linked tokens u whose text begins with that of t and
        those whose text lies within it, the longest ones alone. Other rows are empty.
    """
    linked = np.flatnonzero(np.diff(counts.indptr)).tolist()
    trie = Trie({texts[i]: i for i in linked if texts[i]})
    shares = shares_of_rows(counts) @ sparse.diags_array(np.where(source_starts, WORD_START, 1.0))
    pairs = [(i, other) for i in wanted if texts[i] for other in _relatives(trie, texts[i])]
    rows, columns = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    n_target = counts.shape[0]
    borrowed = sparse.csr_array((np.ones(len(pairs)), (rows, columns)), shape=(n_target, n_target))
    return sparse.csr_array(borrowed @ shares)


def _relatives(trie: Trie, text: bytes) -> Iterator[int]:
    yield from trie.beginning_with(text)
    yield from trie.within(text)


def spelled(vocabulary: Vocabulary) -> list[bytes]:
    """Return the text of every token as its tokenizer's family does not matter to it.

    Parameters
    ----------
    vocabulary : Vocabulary
        The target vocabulary.

    Returns
    -------
    list of bytes
        In UTF-8, a space in front where the token starts a word; empty for special tokens, bytes and gaps.
    """
    usable = (vocabulary.kinds == NORMAL) & vocabulary.present
    marked = zip(vocabulary.contents, vocabulary.word_start.tolist(), usable.tolist(), strict=True)
    return [(b" " * starts + content) if taken else b"" for content, starts, taken in marked]
