"""The source tokens nearest to each target token, ties broken by rule and not by chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from focus_core.numerics.similarity import normalise_rows
from focus_core.types import ProgressHook, no_progress

STAGE = "compare"
_ROWS = 256
_ALIKE = 1e-6
"""Cosines no further apart than this, rounding in float32, are a tie."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearest:
    """Contributors of some target tokens, the nearest first.

    Parameters
    ----------
    source_ids : ndarray of shape (n, k), dtype int32
        Source ids.
    cosines : ndarray of shape (n, k), dtype float32
        Their cosines.
    n_ties : int
        Tokens whose last place several source tokens shared, so that the rule decided.
    """

    source_ids: np.ndarray
    cosines: np.ndarray
    n_ties: int


def nearest_sources(
    new: np.ndarray,
    source: np.ndarray,
    source_ids: np.ndarray,
    *,
    k: int,
    new_starts: np.ndarray,
    source_starts: np.ndarray,
    progress: ProgressHook = no_progress,
) -> Nearest:
    """Find the ``k`` source tokens nearest to each target token by cosine.

    Parameters
    ----------
    new : ndarray of shape (n, d), dtype float32
        Vectors of target tokens, none of them zero.
    source : ndarray of shape (m, d), dtype float32
        Vectors of source tokens, none of them zero; at least ``k``.
    source_ids : ndarray of shape (m,), dtype int32
        Their ids, ascending.
    k : int
        How many.
    new_starts : ndarray of shape (n,), dtype bool
        Which target tokens begin a word.
    source_starts : ndarray of shape (m,), dtype bool
        Which source tokens do.
    progress : ProgressHook, default=no_progress
        Told the rows done.

    Returns
    -------
    Nearest
        Of equal cosines, source tokens that begin a word as the target token does come first, then lower ids.
    """
    right = normalise_rows(source).T.copy()
    ids, cosines, n_ties = np.empty((len(new), k), np.int32), np.empty((len(new), k), np.float32), 0
    for start, scores in _blocks(normalise_rows(new), right):
        progress(STAGE, start, len(new))
        last = np.partition(scores, -k, axis=1)[:, -k]
        for at, row in enumerate(scores):
            near = np.flatnonzero(row >= last[at] - _ALIKE)
            rounded = np.round(row[near] / _ALIKE)
            other = source_starts[near] != new_starts[start + at]
            chosen = near[np.lexsort((near, other, -rounded))[:k]]
            n_ties += len(near) > k
            ids[start + at], cosines[start + at] = source_ids[chosen], row[chosen]
    progress(STAGE, len(new), len(new))
    return Nearest(source_ids=ids, cosines=cosines, n_ties=int(n_ties))


def _blocks(left: np.ndarray, right: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first row and the cosines of consecutive rows; all blocks are of one size, so that rounding is too."""
    block = np.zeros((_ROWS, left.shape[1]), np.float32)
    for start in range(0, len(left), _ROWS):
        part = left[start : start + _ROWS]
        block[: len(part)] = part
        yield start, (block @ right)[: len(part)]
