"""The leading singular values of sparse matrices side by side, from a block Krylov space with a fixed start.

The factors of A = [A_1 … A_b], (m, Σ n_i), are found without A: only A Aᵀ is applied, block after block, to a few
columns at a time, and the best of all columns made on the way is taken (Musco & Musco 2015). Singular values of counts
fall slowly: with as many products, subspace iteration leaves a fifth of the nearest neighbours different from those of
the exact factors, this one in two hundred. Equal input gives equal bytes on one kind of machine whatever the number of
threads: each row of a sparse product is one thread's own, and dense algebra runs on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from focus_core.numerics.compiled import compiled, share_rows
from focus_core.types import ProgressHook, no_progress

STAGE = "factorise counts"
START = 0
"""Seed of the start: always the same, so that a space is a matter of the text alone."""
COLUMNS_PER_VALUE = 5
DEPENDENT = 1e-9
"""Least eigenvalue of the columns' inner products, of the greatest, below which they count as nearly dependent."""


def truncated_svd(
    blocks: Sequence[Any],
    dim: int,
    *,
    width: int = 32,
    n_iter: int | None = None,
    threads: int = 1,
    progress: ProgressHook = no_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Return left singular vectors and singular values of matrices side by side.

    Parameters
    ----------
    blocks : sequence of scipy.sparse.csr_array, each of shape (m, n_i), dtype float32
        The matrices.
    dim : int
        How many singular values at most.
    width : int, default=32
        Columns that A Aᵀ is applied to at once.
    n_iter : int, default=None
        How often it is applied; ``None`` goes on until there are five columns for each singular value. With ``m``
        columns or more the result is exact.
    threads : int, default=1
        Threads of the sparse products.
    progress : ProgressHook
        Told the products done; raising from it ends the work.

    Returns
    -------
    u : ndarray of shape (m, r), dtype float64
        Orthonormal columns, r ≤ ``dim``. The entry of a column that is largest by amount is positive, of equal ones
        the first.
    s : ndarray of shape (r,), dtype float64
        Singular values, descending; those within rounding of zero are left out.
    """
    from threadpoolctl import threadpool_limits

    pairs = [(block, block.T.tocsr()) for block in blocks]
    n_rows = blocks[0].shape[0]
    n_blocks = n_iter or -(-COLUMNS_PER_VALUE * dim // width)
    whole = n_rows <= n_blocks * width
    steps = _Steps(progress, len(pairs) * (1 if whole else 2 * n_blocks + 1))
    with threadpool_limits(1, user_api="blas"):
        basis = np.eye(n_rows) if whole else _krylov(pairs, dim, width, n_blocks, threads, steps).astype(np.float64)
        # The last step decides the singular values, and is taken in twice the precision.
        u, s = _ritz(pairs, basis if whole else _orthonormal(_orthonormal(basis)), threads, steps)
    noise = np.finfo(np.float32).eps * np.sqrt(sum(float((b.data.astype(np.float64) ** 2).sum()) for b in blocks))
    kept = min(dim, int((s > noise).sum()))
    return _signed(u[:, :kept]), s[:kept]


class _Steps:
    """Counts products for a progress hook."""

    def __init__(self, progress: ProgressHook, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self) -> None:
        self._done += 1
        self._progress(STAGE, self._done, self._total)


def _krylov(
    pairs: Sequence[tuple[Any, Any]], dim: int, width: int, n_blocks: int, threads: int, steps: _Steps
) -> np.ndarray:
    """Return columns near the leading singular vectors, from all blocks that A Aᵀ makes of a random one in turn."""
    n_rows = pairs[0][0].shape[0]
    made = np.empty((n_rows, width * n_blocks), dtype=np.float32, order="F")
    squared = np.zeros((made.shape[1], made.shape[1]))
    block = _orthonormal(np.random.default_rng(START).standard_normal((n_rows, width), dtype=np.float32))
    for stop in range(width, made.shape[1] + 1, width):
        made[:, stop - width : stop] = block
        known = made[:, :stop]
        block = _gram_times(pairs, block, threads, steps)
        inner = known.T @ block
        squared[:stop, stop - width : stop] = inner
        # Twice, since what is left of a block after the first time may be small.
        block = _orthonormal(block - known @ inner)
        block = _orthonormal(block - known @ (known.T @ block))
    rotation = np.linalg.eigh(squared, UPLO="U").eigenvectors[:, ::-1]
    return np.asarray(made @ rotation[:, :dim].astype(np.float32))


def _gram_times(pairs: Sequence[tuple[Any, Any]], dense: np.ndarray, threads: int, steps: _Steps) -> np.ndarray:
    """Return A Aᵀ times a dense matrix."""
    total = np.zeros_like(dense)
    for block, transposed in pairs:
        inner = sparse_times(transposed, dense, threads=threads)
        steps()
        sparse_times(block, inner, threads=threads, out=total)
        steps()
    return total


def _ritz(
    pairs: Sequence[tuple[Any, Any]], basis: np.ndarray, threads: int, steps: _Steps
) -> tuple[np.ndarray, np.ndarray]:
    """Return the singular vectors and values of A within the space of an orthonormal basis."""
    squared = np.zeros((basis.shape[1], basis.shape[1]))
    for _, transposed in pairs:
        part = sparse_times(transposed, basis, threads=threads)
        squared += part.T @ part
        steps()
    values, rotation = np.linalg.eigh(squared)
    return basis @ rotation[:, ::-1], np.sqrt(np.maximum(values[::-1], 0.0))


def _orthonormal(dense: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the columns."""
    # By their inner products, a tenth of the time of Householder's reflections, which columns that are nearly
    # dependent need (Stathopoulos & Wu 2002).
    values, rotation = np.linalg.eigh(dense.T.astype(np.float64) @ dense)
    if values[0] <= DEPENDENT * values[-1]:
        return np.linalg.qr(dense).Q
    return np.asarray(dense @ (rotation / np.sqrt(values)).astype(dense.dtype))


def _signed(u: np.ndarray) -> np.ndarray:
    largest = np.argmax(np.abs(u), axis=0)
    signs = np.sign(u[largest, np.arange(u.shape[1])])
    return np.asarray(u * np.where(signs == 0, 1.0, signs))


def sparse_times(matrix: Any, dense: np.ndarray, *, threads: int = 1, out: np.ndarray | None = None) -> np.ndarray:
    """Return the product of a sparse matrix with a dense one, added to ``out`` where that is given.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array of shape (m, n)
        The sparse one.
    dense : ndarray of shape (n, k), dtype float32 or float64
        The dense one, rows contiguous.
    threads : int, default=1
        Threads; they share out the rows.
    out : ndarray of shape (m, k), default=None
        What the product is added to; ``None`` is zero.

    Returns
    -------
    ndarray of shape (m, k)
        The sum, of the type of ``dense``.
    """
    total = np.zeros((matrix.shape[0], dense.shape[1]), dtype=dense.dtype) if out is None else out
    given = (matrix.indptr.astype(np.int64), matrix.indices, matrix.data, np.ascontiguousarray(dense), total)
    share_rows(lambda start, stop: compiled(_add_rows)(*given, start, stop), np.diff(matrix.indptr), threads)
    return total


def _add_rows(
    ends: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    dense: np.ndarray,
    total: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Add some rows of a product, each in the order of its columns."""
    for i in range(start, stop):
        for j in range(ends[i], ends[i + 1]):
            value, column = values[j], columns[j]
            for k in range(dense.shape[1]):
                total[i, k] += value * dense[column, k]
