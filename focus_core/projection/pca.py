"""The exact principal components of a matrix of many rows and a few hundred columns."""

from __future__ import annotations

import numpy as np

_BLOCK = 4096


def principal_components(matrix: np.ndarray, *, n_components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Project rows on the directions of their largest variance.

    Parameters
    ----------
    matrix : ndarray of shape (n, d)
        Finite rows.
    n_components : int, default=2
        How many directions; where ``d`` is smaller the missing coordinates are 0.

    Returns
    -------
    points : ndarray of shape (n, n_components), dtype float32
        Coordinates, the mean row being the origin.
    explained : ndarray of shape (n_components,), dtype float64
        The share of the variance along each direction, falling; 0 where all rows are equal.

    Notes
    -----
    Eigenvectors of the covariance, d x d: products of blocks in float32, their sums in float64. The sign of a direction
    is such that its largest loading is positive.
    """
    import torch
    from scipy.linalg import eigh

    width = matrix.shape[1]
    mean = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
    covariance = torch.zeros((width, width), dtype=torch.float64)
    for start in range(0, len(matrix), _BLOCK):
        block = torch.from_numpy(np.asarray(matrix[start : start + _BLOCK], np.float32) - mean)
        covariance += block.T @ block
    found = min(n_components, width)
    variances, directions = eigh(covariance.numpy(), subset_by_index=(width - found, width - 1))
    variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1]
    largest = np.abs(directions).argmax(axis=0)
    directions = (directions * np.sign(directions[largest, np.arange(found)])).astype(np.float32)
    points, explained = np.zeros((len(matrix), n_components), np.float32), np.zeros(n_components)
    for start in range(0, len(matrix), _BLOCK):
        block = np.asarray(matrix[start : start + _BLOCK], np.float32) - mean
        points[start : start + _BLOCK, :found] = block @ directions
    total = float(covariance.trace())
    if total > 0:
        explained[:found] = variances / total
    return points, explained
