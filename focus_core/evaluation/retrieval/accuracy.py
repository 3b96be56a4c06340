"""Whether a sentence's nearest neighbour in the other language is its translation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.numerics.similarity import normalise_rows

TIE = 1e-6
"""Cosines closer than this are equal: products of equal rows may round apart."""
_BLOCK = 512


def retrieval_hits(queries: np.ndarray, candidates: np.ndarray, *, lines: Sequence[str] | None = None) -> np.ndarray:
    """Tell of each query whether its own candidate is nearer than every other, by cosine.

    Parameters
    ----------
    queries : ndarray of shape (n, d)
        Sentence embeddings.
    candidates : ndarray of shape (n, d)
        Those of their translations, in the same order.
    lines : sequence of str, default=None
        What the candidates say: equal lines are one candidate. ``None`` takes all for different.

    Returns
    -------
    ndarray of shape (n,), dtype bool
        A tie with another candidate counts against a query; so does an embedding of zeros on either side.

    Examples
    --------
    >>> retrieval_hits(np.eye(3), np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
    array([ True, False, False])
    """
    left, right = (normalise_rows(np.asarray(rows, np.float32)) for rows in (queries, candidates))
    labels = np.arange(len(right)) if lines is None else np.unique(list(lines), return_inverse=True)[1]
    found = np.zeros(len(left), bool)
    for start in range(0, len(left), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(left)))
        scores = (left[rows] @ right.T).astype(np.float64)
        own = scores[np.arange(len(rows)), rows]
        scores[labels[rows][:, None] == labels[None, :]] = -np.inf
        found[rows] = own > scores.max(axis=1, initial=-np.inf) + TIE
    there = left.any(axis=1) & right.any(axis=1)
    return np.asarray(found & there)
