"""Which words of a line are masked for measuring: the same ones whichever tokenizer reads the line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

SHARE = 0.15
_WORD = re.compile(r"\S+")


def masked_words(line: str, *, share: float = SHARE, seed: int = 0) -> list[tuple[int, int]]:
    """Choose words of a line by a hash of the line and of the place where the word begins.

    Parameters
    ----------
    line : str
        One line of text.
    share : float, default=0.15
        The part of all words that is chosen, on average.
    seed : int, default=0
        Another seed chooses other words.

    Returns
    -------
    list of (int, int)
        Begin and end of each chosen word, in characters: a word is a run of characters without white space.

    Examples
    --------
    >>> masked_words("soko la samaki liko karibu na bahari", share=0.3)
    [(0, 4), (8, 14)]
    """
    chosen = []
    start = hashlib.blake2b(f"{seed}\0{line}\0".encode("utf-8", "surrogatepass"), digest_size=8)
    for word in _WORD.finditer(line):
        here = start.copy()
        here.update(str(word.start()).encode())
        if int.from_bytes(here.digest(), "big") < share * 2**64:
            chosen.append(word.span())
    return chosen


def covered_tokens(offsets: Sequence[tuple[int, int]], words: Sequence[tuple[int, int]]) -> np.ndarray:
    """Tell which tokens a set of words covers.

    Parameters
    ----------
    offsets : sequence of (int, int)
        Begin and end of every token, in characters of the line; a token may begin with the space before its word.
    words : sequence of (int, int)
        Begin and end of the words.

    Returns
    -------
    ndarray of shape (n_tokens,), dtype bool
        True where a token shares at least one character with a word.

    Examples
    --------
    >>> covered_tokens([(0, 4), (4, 7), (7, 9)], [(5, 9)])
    array([False,  True,  True])
    """
    if not len(offsets) or not len(words):
        return np.zeros(len(offsets), bool)
    begins, ends = np.array(offsets).T
    first, last = np.array(words).T
    at = np.searchsorted(last, begins, side="right")  # the first word that ends behind the token's begin
    known = np.minimum(at, len(words) - 1)
    return np.asarray((at < len(words)) & (first[known] < ends) & (begins < ends))
