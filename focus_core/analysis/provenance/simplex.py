"""One row of scores to the simplex: sparsemax, entmax with alpha 1.5 and softmax, each exact, in float64.

Needs no torch, so that a page answers at once; whole matrices go through `focus_core.numerics.sparsemax`.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np


class SimplexMap(StrEnum):
    """How scores become weights that sum to 1."""

    SPARSEMAX = "sparsemax"
    ENTMAX15 = "entmax15"
    SOFTMAX = "softmax"


def map_row(scores: np.ndarray, kind: SimplexMap, *, top_k: int | None = None) -> np.ndarray:
    """Map one row of scores to the simplex.

    Parameters
    ----------
    scores : ndarray of shape (m,)
        Finite; ``m`` at least 1.
    kind : SimplexMap
        The map.
    top_k : int, default=None
        Let only the ``top_k`` largest scores take part, lower positions first among equals; ``None``: all.

    Returns
    -------
    ndarray of shape (m,), dtype float64
        Weights; 0 where a score has none.

    Examples
    --------
    >>> map_row(np.array([0.9, 0.1, 0.5]), SimplexMap.SPARSEMAX).round(3).tolist()
    [0.7, 0.0, 0.3]
    """
    order = np.argsort(-scores, kind="stable")[:top_k]
    falling = scores[order].astype(np.float64)
    weights = np.zeros(len(scores))
    weights[order] = _MAPS[kind](falling - falling[0])
    return weights


def cut_score(scores: np.ndarray, weights: np.ndarray, kind: SimplexMap) -> float | None:
    """Return the score at and below which a map gives no weight: ``tau`` of sparsemax; ``None`` for softmax."""
    best = int(np.argmax(weights))
    if kind is SimplexMap.SPARSEMAX:
        return float(scores[best] - weights[best])
    if kind is SimplexMap.ENTMAX15:
        return float(scores[best] - 2 * np.sqrt(weights[best]))
    return None


def _sparsemax(falling: np.ndarray) -> np.ndarray:
    """Martins & Astudillo 2016, algorithm 1; the largest score is 0."""
    sizes = np.arange(1, len(falling) + 1)
    sums = np.cumsum(falling)
    size = int(np.flatnonzero(1 + sizes * falling > sums)[-1])
    return np.asarray(np.maximum(falling - (sums[size] - 1) / (size + 1), 0.0))


def _entmax15(falling: np.ndarray) -> np.ndarray:
    """Peters, Niculae & Martins 2019 (arXiv 1905.05702), algorithm 2; the largest score is 0."""
    half = falling / 2
    sizes = np.arange(1, len(half) + 1)
    mean, mean_square = np.cumsum(half) / sizes, np.cumsum(half**2) / sizes
    tau = mean - np.sqrt(np.maximum(1 / sizes - (mean_square - mean**2), 0.0))
    size = int((tau <= half).sum()) - 1
    return np.asarray(np.maximum(half - tau[size], 0.0) ** 2)


def _softmax(falling: np.ndarray) -> np.ndarray:
    shares = np.exp(falling)
    return np.asarray(shares / shares.sum())


_MAPS = {SimplexMap.SPARSEMAX: _sparsemax, SimplexMap.ENTMAX15: _entmax15, SimplexMap.SOFTMAX: _softmax}
