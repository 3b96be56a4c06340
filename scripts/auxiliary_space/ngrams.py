"""What character n-grams could add to a space by counting: columns of their own, or a pull on rare tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from focus_core.initialization.auxiliary.counted import CountSettings, context_matrices, positive_information
from focus_core.initialization.auxiliary.counting import PairCounts
from focus_core.initialization.auxiliary.svd import truncated_svd
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary

SIZES = (3, 4, 5)
RARE = 10.0
"""Occurrences at which a token's own vector and that of its n-grams weigh as much."""
SHARE = 0.5
"""Sum of squares of the n-grams' columns, as a share of that of the counts'."""


def ngram_matrix(vocabulary: Vocabulary) -> Any:
    """Return tokens by character n-grams, weighted by rarity, rows of length one.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens; special ones have no n-grams.

    Returns
    -------
    scipy.sparse.csr_array of shape (n, n_ngrams), dtype float64
        An n-gram of one token alone weighs nothing.
    """
    numbers: dict[str, int] = {}
    row: list[int] = []
    column: list[int] = []
    for i in np.flatnonzero(vocabulary.present & (vocabulary.kinds != SPECIAL)).tolist():
        text = f"{vocabulary.tokens[i]}>"
        found = {text[k : k + size] for size in SIZES for k in range(len(text) - size + 1)}
        row += [i] * len(found)
        column += [numbers.setdefault(gram, len(numbers)) for gram in sorted(found)]
    matrix = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(vocabulary.n, len(numbers)))
    shared = matrix.sum(axis=0)
    matrix = (matrix * np.where(shared > 1, np.log(vocabulary.n / np.maximum(shared, 1)), 0.0)[None, :]).tocsr()
    length = np.sqrt((matrix**2).sum(axis=1))
    return (sparse.diags_array(1 / np.where(length > 0, length, 1.0)) @ matrix).tocsr()


def vectors_with_ngrams(
    counts: PairCounts, eligible: np.ndarray, settings: CountSettings, vocabulary: Vocabulary
) -> np.ndarray:
    """Return vectors of the counts with the n-grams as columns beside them, shape (n, dim)."""
    ids = np.flatnonzero(eligible & counts.seen)
    blocks = [positive_information(m, settings.context_exponent) for m in context_matrices(counts, ids, settings)]
    grams = ngram_matrix(vocabulary)[ids].astype(np.float32)
    size = sum(float((block.data**2).sum()) for block in blocks)
    u, s = truncated_svd([*blocks, grams * np.float32(np.sqrt(SHARE * size / (grams.data**2).sum()))], settings.dim)
    vectors = np.zeros((vocabulary.n, settings.dim), np.float32)
    vectors[ids, : len(s)] = u * s**settings.singular_exponent
    return vectors


def draw_rare_tokens(vectors: np.ndarray, vocabulary: Vocabulary, frequency: np.ndarray) -> np.ndarray:
    """Draw the vectors of rare tokens to the mean of the frequent ones that share n-grams with them.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        By counting.
    vocabulary : Vocabulary
        The tokens.
    frequency : ndarray of shape (n,)
        Their occurrences; one of ``RARE`` is drawn half of the way.

    Returns
    -------
    ndarray of shape (n, d), dtype float32
        Tokens that never occurred get what their n-grams say.
    """
    grams = ngram_matrix(vocabulary)
    near = (grams @ grams.T).tocsr()
    near.setdiag(0)
    unit = _unit(vectors)
    mean = _unit((near * (frequency >= RARE)[None, :]) @ unit)
    own = np.where(mean.any(axis=1), frequency / (frequency + RARE), 1.0)[:, None]
    drawn = (own * unit + (1 - own) * mean).astype(np.float32)
    drawn[vocabulary.kinds == SPECIAL] = 0
    return drawn


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
