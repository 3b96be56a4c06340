"""Weights by which some points add up to a target, or come as near to it as they can; the smallest such weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SMALLEST = 1e-12
"""Eigenvalues of a Gram matrix below this share of the largest are rounding: singular values below a millionth."""

_BATCH_VALUES = 1 << 22  # numbers of the points that are solved together


def least_squares_weights(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Solve ``min ||w P - x||`` for many small systems.

    Parameters
    ----------
    points : ndarray of shape (n, k, d)
        The rows of ``P``, one set a target. A row of zeros gets the weight 0, so sets of unequal size are filled up.
    targets : ndarray of shape (n, d)
        The ``x``.

    Returns
    -------
    ndarray of shape (n, k), dtype float64
        ``w = x pinv(P)``: of all weights with the least error those with the smallest sum of squares, also where
        points depend on one another.

    Examples
    --------
    >>> least_squares_weights(np.array([[[1.0, 0.0], [1.0, 1.0]]]), np.array([[1.0, 2.0]])).round(6).tolist()
    [[-1.0, 2.0]]
    """
    import torch

    weights = np.zeros(points.shape[:2])
    size = max(1, _BATCH_VALUES // max(1, points.shape[1] * max(points.shape[1:])))
    for start in range(0, len(points), size):
        part = torch.from_numpy(np.asarray(points[start : start + size], np.float64))
        wanted = torch.from_numpy(np.asarray(targets[start : start + size], np.float64))
        weights[start : start + size] = _solve(part, wanted).numpy()
    return weights


def _solve(points: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return ``x Pᵀ (P Pᵀ)⁺``, which is ``x pinv(P)``: from eigenvalues, so that no system is too singular."""
    import torch

    values, vectors = torch.linalg.eigh(points @ points.mT)
    floor = _SMALLEST * values[:, -1:].clamp_min(0)
    inverse = torch.where(values > floor, 1 / values.clamp_min(torch.finfo(values.dtype).tiny), 0.0)
    seen = (points @ targets[:, :, None])[:, :, 0]
    weights: torch.Tensor = ((vectors * inverse[:, None]) @ (vectors.mT @ seen[:, :, None]))[:, :, 0]
    return weights


def barycentric_weights(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Solve ``min ||w P - x||`` with ``sum(w) = 1`` for many small systems.

    Parameters
    ----------
    points : ndarray of shape (n, k, d)
        The rows of ``P``, one set a target.
    targets : ndarray of shape (n, d)
        The ``x``.

    Returns
    -------
    ndarray of shape (n, k), dtype float64
        Equal shares and the least squares of what the points' mean leaves; of all solutions the smallest.

    Examples
    --------
    >>> barycentric_weights(np.array([[[0.0, 0.0], [4.0, 0.0]]]), np.array([[1.0, 5.0]])).round(6).tolist()
    [[0.75, 0.25]]
    """
    # (1, …, 1) is a null vector of the centred points, so their smallest solution sums to 0: nothing is projected.
    mean = np.asarray(points, np.float64).mean(axis=1)
    shares: np.ndarray = 1 / points.shape[1] + least_squares_weights(points - mean[:, None], targets - mean)
    return shares
