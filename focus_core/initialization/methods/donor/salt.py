"""SALT (Lee et al., ACL Findings 2025, arXiv 2505.10945): a token's donor embedding, rebuilt from tokens used alike."""

from __future__ import annotations

import numpy as np

from focus_core.initialization.methods.donor.least_squares import least_squares_weights
from focus_core.initialization.weights import spread
from focus_core.numerics.sparsemax import RowWeights
from focus_core.types import ProgressHook, no_progress

_AT_ONCE = 256  # rows whose systems are solved together


def salt_weights(
    new: np.ndarray, shared: np.ndarray, support: RowWeights, *, progress: ProgressHook = no_progress
) -> RowWeights:
    """Replace weights by those that rebuild a token's donor embedding from the same tokens.

    Parameters
    ----------
    new : ndarray of shape (n_new, d)
        Donor embeddings of new tokens, ``E_t[t]``.
    shared : ndarray of shape (n_shared, d)
        Donor embeddings of shared tokens, ``E_t``.
    support : RowWeights
        A row a new token over shared tokens: whose contributors ``S`` count, not their weights.
    progress : ProgressHook, default=no_progress
        Called with the number of rows done.

    Returns
    -------
    RowWeights
        ``w = E_t[t] pinv(E_t[S])``, signed and of any sum, so that ``w E_s[S]`` is the paper's
        ``E_t[t] (pinv(E_t[S]) E_s[S])``; similarities are NaN.
    """
    weights, sizes = np.zeros(len(support.weights)), support.support
    order = np.argsort(sizes, kind="stable")  # alike sizes together: less is filled up
    for start in range(0, len(order), _AT_ONCE):
        rows = order[start : start + _AT_ONCE]
        counts = sizes[rows]
        at = spread(support.indptr[rows], counts)
        row, place = np.repeat(np.arange(len(rows)), counts), spread(np.zeros(len(rows), np.int64), counts)
        points = np.zeros((len(rows), max(1, int(counts.max())), shared.shape[1]))
        points[row, place] = shared[support.indices[at]]
        weights[at] = least_squares_weights(points, new[rows])[row, place]
        progress("least squares", start + len(rows), len(order))
    return RowWeights(
        indptr=support.indptr,
        indices=support.indices,
        weights=weights.astype(np.float32),
        similarities=np.full(len(weights), np.nan, np.float32),
    )
