"""Interpolation between the nearest shared tokens in the donor's space, as mergekit's tokensurgeon offers it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from focus_core.initialization.methods.donor.least_squares import barycentric_weights, least_squares_weights
from focus_core.initialization.methods.donor.space import row_shares
from focus_core.numerics.neighbors import largest_of_rows, nearest_embeddings
from focus_core.numerics.similarity import block_rows
from focus_core.numerics.sparsemax import RowWeights
from focus_core.types import Interpolation, ProgressHook, no_progress

if TYPE_CHECKING:
    import torch

SMALLEST = 1e-6
"""A smaller distance counts as this one."""

_AT_ONCE = 512  # rows whose systems are solved together


def interpolate(
    new: np.ndarray,
    shared: np.ndarray,
    *,
    k: int,
    weighting: Interpolation = Interpolation.DISTANCE,
    memory_mib: int = 512,
    progress: ProgressHook = no_progress,
) -> RowWeights:
    """Weigh the ``k`` shared tokens that are nearest to each new one.

    Parameters
    ----------
    new : ndarray of shape (n_new, d)
        Donor embeddings of new tokens, none of zeros.
    shared : ndarray of shape (n_shared, d)
        Donor embeddings of shared tokens, none of zeros.
    k : int
        How many, between 1 and ``n_shared``.
    weighting : Interpolation, default="distance"
        How they are weighed; only `Interpolation.COSINE` is nearest by cosine, every other by distance.
    memory_mib : int, default=512
        What a block of similarities may take, MiB.
    progress : ProgressHook, default=no_progress
        Called with the number of rows done.

    Returns
    -------
    RowWeights
        ``k`` weights a row, signed but for `Interpolation.DISTANCE`; similarities are NaN.
    """
    if weighting is Interpolation.COSINE:
        columns, cosines = nearest_embeddings(new, shared, k=k, memory_mib=memory_mib, progress=progress)
        weights = row_shares(cosines)
    else:
        columns = _nearest(new, shared, k=k, memory_mib=memory_mib, progress=progress)
        weights = np.zeros(columns.shape)
        for start in range(0, len(new), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            weights[part] = _weigh(new[part].astype(np.float64), shared[columns[part]].astype(np.float64), weighting)
    return _as_rows(columns, weights)


def _nearest(new: np.ndarray, shared: np.ndarray, *, k: int, memory_mib: int, progress: ProgressHook) -> np.ndarray:
    """Return the columns of the ``k`` shared tokens with the least distance, the first of equal ones."""
    columns = np.zeros((len(new), k), np.int32)
    for start, nearness in _nearness(new, shared, rows=block_rows(len(shared), memory_mib=memory_mib)):
        part = slice(start, start + len(nearness))
        columns[part], _ = largest_of_rows(nearness, k)
        progress("similarities", part.stop, len(new))
    return columns


def _nearness(new: np.ndarray, shared: np.ndarray, *, rows: int) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield the first row of a block, and ``2 <x, p> - ||p||²`` of it and the next: the larger, the nearer."""
    import torch

    points = torch.from_numpy(np.asarray(shared, np.float32))
    lengths = (points.double() ** 2).sum(1).float()
    block = torch.zeros((rows, shared.shape[1]))
    for start in range(0, len(new), rows):
        part = new[start : start + rows]
        block[: len(part)] = torch.from_numpy(np.asarray(part, np.float32))  # one size: a product rounds the same way
        yield start, (2 * torch.mm(block, points.T) - lengths)[: len(part)]


def _weigh(targets: np.ndarray, points: np.ndarray, weighting: Interpolation) -> np.ndarray:
    """Return the weights of some rows; ``points`` has shape (n, k, d)."""
    if weighting is Interpolation.BARYCENTRIC:
        return barycentric_weights(points, targets)
    if weighting is Interpolation.LEAST_SQUARES:
        return least_squares_weights(points, targets)
    distances = np.linalg.norm(points - targets[:, None], axis=2)
    return row_shares(1 / np.maximum(distances, SMALLEST))


def _as_rows(columns: np.ndarray, weights: np.ndarray) -> RowWeights:
    """Return full rows as sparse ones, by column, without weights of 0."""
    order = np.argsort(columns, axis=1, kind="stable")
    columns, weights = (np.take_along_axis(v, order, 1) for v in (columns, weights.astype(np.float32)))
    kept = weights != 0
    return RowWeights(
        indptr=np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64),
        indices=columns[kept].astype(np.int32),
        weights=weights[kept],
        similarities=np.full(int(kept.sum()), np.nan, np.float32),
    )
