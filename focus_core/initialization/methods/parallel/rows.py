"""From counts of tokens to rows of weights."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from focus_core.initialization.methods.parallel.spreading import shares_of_rows
from focus_core.initialization.weights import SparseRows


def count_rows(counts: sparse.csr_array, ids: np.ndarray, *, top_k: int | None = None) -> SparseRows:
    """Return the rows of some target tokens: p(source | target) = count / sum of counts.

    Parameters
    ----------
    counts : scipy.sparse.csr_array of shape (n_target, n_source)
        Counts, at least 0.
    ids : ndarray of shape (n_ids,), dtype int32
        Target ids; those without a count get no row.
    top_k : int, default=None
        Most contributors of a row: the largest are kept, of equal ones the lowest ids; ``None`` keeps all.

    Returns
    -------
    SparseRows
        Weights above 0 that sum to 1; they come from no similarity (NaN).
    """
    kept = ids[np.diff(counts.indptr)[ids] > 0]
    part = sparse.csr_array(counts[kept])
    part.eliminate_zeros()
    if top_k is not None:
        part = _largest(part, top_k)
    shares = shares_of_rows(part)
    shares.sort_indices()
    return SparseRows(
        rows=kept.astype(np.int32),
        indptr=shares.indptr.astype(np.int64),
        source_ids=shares.indices.astype(np.int32),
        weights=shares.data.astype(np.float32),
        similarities=np.full(shares.nnz, np.nan, np.float32),
    )


def _largest(counts: sparse.csr_array, k: int) -> sparse.csr_array:
    """Keep the k largest entries of every row."""
    row_of = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    order = np.lexsort((counts.indices, -counts.data, row_of))
    rank = np.arange(len(order)) - counts.indptr[:-1][row_of[order]]
    kept = order[rank < k]
    places = (row_of[kept], counts.indices[kept])
    return sparse.csr_array((counts.data[kept], places), shape=counts.shape)
