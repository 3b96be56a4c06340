"""How far a layout can be trusted, and how far points moved in it."""

from __future__ import annotations

import numpy as np

from focus_core.errors import bad_input
from focus_core.numerics.similarity import normalise_rows
from focus_core.validation import check_matrix, check_range

_BLOCK = 256


def trustworthiness(rows: np.ndarray, points: np.ndarray, *, k: int, queries: np.ndarray) -> np.ndarray:
    """Measure for some rows whether their neighbours in a layout are neighbours in the original space too.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        The original space; compared by cosine.
    points : ndarray of shape (n, 2)
        The layout; compared by Euclidean distance.
    k : int
        Neighbours looked at; less than half of ``n``.
    queries : ndarray of shape (n_queries,), dtype int
        Whose neighbours; ranks are taken among all rows.

    Returns
    -------
    ndarray of shape (n_queries,), dtype float64
        One number a query: their mean over all rows is the trustworthiness of Venna and Kaski (2001), over a random
        sample an estimate of it. 1: no neighbour in the layout that is none in the original space.

    Raises
    ------
    InvalidInputError
        If the layout has another number of rows, or ``k`` lies outside its range.

    Notes
    -----
    ``1 - 2 / (k (2 n - 3 k - 1)) * sum (r - k)`` over the ``k`` nearest points of a row that are not among its ``k``
    nearest rows, ``r`` being such a point's rank by cosine; equally near rows share the best of their ranks.
    """
    check_matrix("layout", points, n_rows=len(rows))
    check_range("k", k, low=1)
    if not 2 * k < len(rows):
        raise bad_input("neighbours to look at", "less than half of the rows", f"{k} of {len(rows)} rows", "lower k")
    unit, asked = normalise_rows(rows), np.asarray(queries, np.int64)
    near = _nearest_points(points, asked, k)
    excess = np.empty(len(asked), np.int64)
    for start in range(0, len(asked), _BLOCK):
        part = slice(start, start + _BLOCK)
        excess[part] = np.maximum(_ranks(unit, asked[part], near[part]) - k, 0).sum(axis=1)
    return np.asarray(1 - excess * 2 / (k * (2 * len(rows) - 3 * k - 1)))


def _nearest_points(points: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Return the ``k`` nearest points of some points, (n_queries, k), without themselves."""
    from scipy.spatial import KDTree

    found = KDTree(points).query(points[queries], k=k + 1)[1]
    other = found != queries[:, None]
    other[other.all(axis=1), -1] = False  # more than k points on the very same spot: itself was not found
    return np.asarray(found[other]).reshape(len(queries), k)


def _ranks(unit: np.ndarray, queries: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the rank of some rows among all rows by cosine with a query, 1 being its nearest."""
    import torch

    scores = torch.from_numpy(unit[queries]) @ torch.from_numpy(unit).T
    scores[torch.arange(len(queries)), torch.from_numpy(queries)] = -torch.inf
    ranks = np.empty(others.shape, np.int64)
    for column, ids in enumerate(others.T):
        at = torch.from_numpy(np.ascontiguousarray(ids))[:, None]
        ranks[:, column] = (scores > scores.gather(1, at)).sum(dim=1).numpy() + 1
    return ranks
