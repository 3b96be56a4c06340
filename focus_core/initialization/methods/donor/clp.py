"""CLP-Transfer (Ostendorff & Rehm 2023, arXiv 2301.09626): cosines in the donor's space, divided by their sum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from focus_core.initialization.methods.donor.space import row_shares
from focus_core.numerics.similarity import block_rows, normalise_rows
from focus_core.numerics.sparsemax import RowWeights
from focus_core.types import ProgressHook, no_progress


def clp_weights(
    new: np.ndarray,
    shared: np.ndarray,
    *,
    top_k: int | None = None,
    memory_mib: int = 512,
    progress: ProgressHook = no_progress,
) -> RowWeights:
    """Weigh shared tokens by ``w[o] = cos(x, h[o]) / sum of all cos(x, h)``.

    Parameters
    ----------
    new : ndarray of shape (n_new, d)
        Donor embeddings of new tokens.
    shared : ndarray of shape (n_shared, d)
        Donor embeddings of shared tokens.
    top_k : int, default=None
        Let only so many of the largest cosines take part; ``None``: all (the paper).
    memory_mib : int, default=512
        What a block of cosines may take, MiB.
    progress : ProgressHook, default=no_progress
        Called with the number of rows done.

    Returns
    -------
    RowWeights
        Signed; every row sums to 1, and its weights grow without bound as the cosines cancel out. A row whose cosines
        sum to nothing is empty.
    """
    rows = block_rows(len(shared), memory_mib=memory_mib)
    counts, columns, weights = [np.zeros(1, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for start, cosines in _cosines(new, shared, rows=rows):
        shares = row_shares(_taking_part(cosines, top_k))
        kept = shares != 0
        counts.append(kept.sum(axis=1))
        columns.append(np.nonzero(kept)[1])
        weights.append(shares[kept])
        progress("similarities", start + len(cosines), len(new))
    n_kept = sum(len(part) for part in columns)
    return RowWeights(
        indptr=np.cumsum(np.concatenate(counts)),
        indices=np.concatenate(columns).astype(np.int32),
        weights=np.concatenate(weights).astype(np.float32),
        similarities=np.full(n_kept, np.nan, np.float32),
    )


def _cosines(new: np.ndarray, shared: np.ndarray, *, rows: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first row of a block, and the cosines of it and the next with all shared rows."""
    import torch

    base, queries = torch.from_numpy(normalise_rows(shared)), normalise_rows(new)
    block = torch.zeros((rows, shared.shape[1]))
    for start in range(0, len(new), rows):
        part = torch.from_numpy(queries[start : start + rows])
        block[: len(part)] = part  # one size: a product of another shape may sum in another order
        yield start, torch.mm(block, base.T)[: len(part)].numpy()


def _taking_part(cosines: np.ndarray, top_k: int | None) -> np.ndarray:
    """Return a block with zeros in place of the cosines that take no part."""
    if top_k is None or top_k >= cosines.shape[1]:
        return cosines
    best = np.argsort(-cosines, axis=1, kind="stable")[:, :top_k]
    chosen = np.zeros_like(cosines)
    np.put_along_axis(chosen, best, np.take_along_axis(cosines, best, axis=1), axis=1)
    return chosen
