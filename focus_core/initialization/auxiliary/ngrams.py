"""What character n-grams say of tokens that little text says little of: they are drawn to those spelt alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from focus_core.tokenization.identity import BYTE, SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary

SIZES = (3, 4, 5)
END = ">"
"""Stands behind a token's text, so that its last characters are told from those within; its start has a mark."""
RARE = 10
"""Occurrences at which a token's own vector and that of its n-grams weigh as much; from them on it draws others."""
ALIKE = 1e-6
"""Length of a mean direction above which there is one; below it is rounding."""


def ngram_matrix(vocabulary: Vocabulary) -> Any:
    """Return tokens by character n-grams, weighted by rarity, rows of length one.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens; special ones and single bytes have no n-grams.

    Returns
    -------
    scipy.sparse.csr_array of shape (n, n_ngrams), dtype float64
        An n-gram of one token alone weighs nothing; a row may be empty.
    """
    from scipy import sparse

    numbers: dict[str, int] = {}
    row: list[int] = []
    column: list[int] = []
    spelt = vocabulary.present & (vocabulary.kinds != SPECIAL) & (vocabulary.kinds != BYTE)
    for i in np.flatnonzero(spelt).tolist():
        text = vocabulary.tokens[i] + END
        found = {text[k : k + size] for size in SIZES for k in range(len(text) - size + 1)}
        row += [i] * len(found)
        column += [numbers.setdefault(gram, len(numbers)) for gram in sorted(found)]
    matrix = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(vocabulary.n, len(numbers)))
    shared = matrix.sum(axis=0)
    matrix = (matrix * np.where(shared > 1, np.log(vocabulary.n / np.maximum(shared, 1)), 0.0)[None, :]).tocsr()
    length = np.sqrt((matrix**2).sum(axis=1))
    return (sparse.diags_array(1 / np.where(length > 0, length, 1.0)) @ matrix).tocsr()


def draw_rare_tokens(vectors: np.ndarray, vocabulary: Vocabulary, frequency: np.ndarray) -> np.ndarray:
    """Draw the vectors of rare tokens to where frequent ones point that share n-grams with them.

    A token that occurs f times keeps f / (f + 10) of its own direction, and takes the rest of the mean direction of
    the tokens that occur ten times or more, each weighted by how alike the n-grams are.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        By counting; rows of tokens without one are zero.
    vocabulary : Vocabulary
        The tokens.
    frequency : ndarray of shape (n,)
        Their occurrences.

    Returns
    -------
    ndarray of shape (n, d), dtype float32
        A token that never occurs gets what its n-grams say. One that shares none with a frequent one keeps its own
        direction, special tokens and bytes with them.
    """
    grams, own = ngram_matrix(vocabulary), _directions(vectors)
    asked = own * (frequency >= RARE)[:, None]
    mean = grams @ (grams.T @ asked) - (grams**2).sum(axis=1)[:, None] * asked  # without the token itself
    mean[np.linalg.norm(mean, axis=1) < ALIKE] = 0
    share = np.where(mean.any(axis=1), frequency / (frequency + RARE), 1.0)[:, None]
    return np.asarray((share * own + (1 - share) * _directions(mean)).astype(np.float32))


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Return vectors at length one; those of zeros stay."""
    exact = vectors.astype(np.float64)
    length = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.asarray(exact / np.where(length > 0, length, 1.0))
