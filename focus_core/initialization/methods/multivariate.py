"""Embeddings from a normal distribution with the full covariance of the source embeddings.

Hewitt (2021, "Initializing new word embeddings for pretrained language models") draws from N(mean, 1e-5 Sigma) and
transformers (`resize_token_embeddings`, since 4.46) from N(mean, 1e-9 Sigma): both are the mean with a little noise.
Here the scale is an option, and 1 unless it is given, so that new embeddings lie where source embeddings lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SOURCE_ROWS = 2048
_DRAWN_ROWS = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class MultivariateNormal:
    """N(mean, Sigma), ready to shape standard normal rows.

    Parameters
    ----------
    mean : ndarray of shape (d,), dtype float32
        Its mean.
    root : ndarray of shape (d, d), dtype float64
        The symmetric square root of Sigma.
    """

    mean: np.ndarray
    root: np.ndarray

    def shape_rows(self, standard: np.ndarray) -> np.ndarray:
        """Return ``mean + standard @ root`` for independent standard normal rows (n, d).

        In float64 and in blocks of one size, the last one filled up: a row gets the same bits whatever the number of
        the others.
        """
        rows = np.empty(standard.shape, np.float32)
        block = np.zeros((_DRAWN_ROWS, standard.shape[1]))
        for start in range(0, len(rows), _DRAWN_ROWS):
            part = standard[start : start + _DRAWN_ROWS]
            block[: len(part)] = part
            rows[start : start + _DRAWN_ROWS] = (block @ self.root + self.mean)[: len(part)]
        return rows


def fit_normal(matrix: torch.Tensor, rows: np.ndarray, *, mean: np.ndarray, scale: float) -> MultivariateNormal:
    """Fit a normal distribution to some rows of a matrix, its unbiased covariance (zero for one row) times ``scale``.

    The root comes from the eigenvalues in float64, those that rounding made negative set to zero, so fewer rows than
    dimensions do no harm; being the symmetric one it does not depend on how the eigenvectors of equal eigenvalues are
    chosen.
    """
    values, vectors = np.linalg.eigh(scale * _covariance(matrix, rows, mean))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return MultivariateNormal(mean=mean, root=root)


def _covariance(matrix: torch.Tensor, rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return the unbiased covariance, shape (d, d), float64: products in float64, over blocks of rows."""
    import torch

    total = np.zeros((len(mean), len(mean)))
    for start in range(0, len(rows), _SOURCE_ROWS):
        block = matrix.index_select(0, torch.from_numpy(rows[start : start + _SOURCE_ROWS])).double().numpy() - mean
        total += block.T @ block
    return total / max(len(rows) - 1, 1)
