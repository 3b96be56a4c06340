"""A matrix as coordinates times primitives: by singular values (OFA) or with primitives >= 0 (UNKs Everywhere)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from focus_core.types import Factorization, ProgressHook, no_progress

if TYPE_CHECKING:
    import torch

ITERATIONS = 3000
"""Most steps of the semi-NMF, as the paper takes them."""

ENOUGH = 1e-6
"""Share of the squared error by which a step of the semi-NMF must lower it; less is the end."""

_SMALLEST = 1e-12  # eigenvalues of a Gram matrix below this share of the largest are rounding
_BLOCK_ROWS = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """``E ≈ C P``.

    Parameters
    ----------
    coordinates : ndarray of shape (n, rank), dtype float32
        ``C``: one row a token.
    primitives : ndarray of shape (rank, d), dtype float32
        ``P``, common to all tokens and languages.
    error : float
        ``||E - C P|| / ||E||`` in the Frobenius norm.
    steps : int
        Steps that were taken; 0 where there are none.
    """

    coordinates: np.ndarray
    primitives: np.ndarray
    error: float
    steps: int = 0

    def product(self) -> np.ndarray:
        """Return ``C P`` of shape (n, d), dtype float32."""
        return multiply(self.coordinates, self.primitives)


def multiply(coordinates: np.ndarray, primitives: np.ndarray) -> np.ndarray:
    """Return coordinates times primitives in float32, summed in float64, in blocks of one size.

    Parameters
    ----------
    coordinates : ndarray of shape (n, rank)
        One row a token.
    primitives : ndarray of shape (rank, d)
        The common factor.

    Returns
    -------
    ndarray of shape (n, d), dtype float32
        A row has the same bits whatever the number of the others.
    """
    rows = np.empty((len(coordinates), primitives.shape[1]), np.float32)
    block, wide = np.zeros((_BLOCK_ROWS, primitives.shape[0])), primitives.astype(np.float64)
    for start in range(0, len(rows), _BLOCK_ROWS):
        part = coordinates[start : start + _BLOCK_ROWS]
        block[: len(part)] = part
        rows[start : start + _BLOCK_ROWS] = (block @ wide)[: len(part)]
    return rows


def coordinates_of(rows: np.ndarray, primitives: np.ndarray) -> np.ndarray:
    """Return the coordinates of rows that lie in the space of some primitives.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Any rows; what lies outside of that space is lost.
    primitives : ndarray of shape (rank, d)
        The common factor.

    Returns
    -------
    ndarray of shape (n, rank), dtype float32
        ``rows Pᵀ (P Pᵀ)⁻¹``, the least squares.
    """
    wide = primitives.astype(np.float64)
    return multiply(rows, wide.T @ _inverse(wide @ wide.T))


def factorise(
    matrix: torch.Tensor | np.ndarray,
    rank: int,
    *,
    by: Factorization = Factorization.SVD,
    seed: int = 42,
    iterations: int = ITERATIONS,
    progress: ProgressHook = no_progress,
) -> Factors:
    """Cut a matrix to a rank.

    Parameters
    ----------
    matrix : torch.Tensor or ndarray of shape (n, d)
        Finite.
    rank : int
        Between 1 and ``d``.
    by : Factorization, default="svd"
        ``svd``: ``C = U``, ``P = Σ Vᵀ`` of the largest singular values. ``semi-nmf``: `semi_nmf`.
    seed : int, default=42
        Where the semi-NMF starts.
    iterations : int, default=3000
        Most steps of the semi-NMF.
    progress : ProgressHook, default=no_progress
        Called with the number of steps done.

    Returns
    -------
    Factors
        ``C`` and ``P``, both float32.
    """
    gram = _gram(matrix)
    if by is Factorization.SEMI_NMF:
        primitives, errors = semi_nmf(gram, rank, seed=seed, iterations=iterations, progress=progress)
        back = primitives.T @ _inverse(primitives @ primitives.T)
        steps, left = len(errors) - 1, errors[-1]
    else:
        primitives, back, left = _singular(gram, rank)
        steps = 0
    total = float(np.trace(gram))
    return Factors(
        coordinates=multiply(_array(matrix), back),
        primitives=primitives.astype(np.float32),
        error=float(np.sqrt(max(left, 0.0) / total)) if total else 0.0,
        steps=steps,
    )


def _array(matrix: torch.Tensor | np.ndarray) -> np.ndarray:
    """Return a matrix as float32 numbers of numpy."""
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.detach().float().numpy(), np.float32)


def _gram(matrix: torch.Tensor | np.ndarray) -> np.ndarray:
    """Return ``Eᵀ E`` in float64, over blocks of rows: all that either factorisation needs to know of ``E``."""
    total = np.zeros((matrix.shape[1], matrix.shape[1]))
    for start in range(0, len(matrix), _BLOCK_ROWS):
        block = _array(matrix[start : start + _BLOCK_ROWS]).astype(np.float64)
        total += block.T @ block
    return total


def _singular(gram: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return ``Σ Vᵀ``, ``V Σ⁻¹`` and the squared error of a rank; each direction points to its largest number."""
    values, vectors = np.linalg.eigh(gram)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))]
    kept = vectors[:, :rank] * np.where(largest[:rank] < 0, -1.0, 1.0)
    lengths = np.sqrt(np.where(values[:rank] > _SMALLEST * values[0], values[:rank], 0.0))
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (kept * lengths).T, kept * inverse, float(values[rank:].sum())


def semi_nmf(
    gram: np.ndarray, rank: int, *, seed: int = 42, iterations: int = ITERATIONS, progress: ProgressHook = no_progress
) -> tuple[np.ndarray, list[float]]:
    """Find ``P >= 0`` such that some ``C P`` is near to ``E``, from ``G = Eᵀ E`` alone (Ding, Li & Jordan 2010).

    Each step takes the best ``C = E Pᵀ (P Pᵀ)⁻¹`` and then

    ``P ← P ⊙ sqrt(((CᵀE)⁺ + (CᵀC)⁻ P) / ((CᵀE)⁻ + (CᵀC)⁺ P))``, ``M⁺ = (|M| + M) / 2``, ``M⁻ = (|M| - M) / 2``.

    ``C`` occurs only in ``CᵀE = K P G`` and ``CᵀC = K P G Pᵀ K`` with ``K = (P Pᵀ)⁻¹``, so a step costs what ``d``
    and ``rank`` cost, whatever the number of tokens.

    Parameters
    ----------
    gram : ndarray of shape (d, d), dtype float64
        ``Eᵀ E``.
    rank : int
        Between 1 and ``d``.
    seed : int, default=42
        Of the first ``P``: absolute values of normal numbers.
    iterations : int, default=3000
        Most steps; it ends before where a step lowers the squared error by less than `ENOUGH` of it.
    progress : ProgressHook, default=no_progress
        Called with the number of steps done.

    Returns
    -------
    primitives : ndarray of shape (rank, d), dtype float64
        ``P``, no number negative.
    errors : list of float
        ``||E - C P||²`` with the best ``C``, at the start and after every step; it never rises.
    """
    primitives = np.abs(np.random.default_rng(seed).standard_normal((rank, len(gram))))
    inverse, seen, error = _fit(gram, primitives)
    errors = [error]
    for step in range(iterations):
        following = _step(primitives, inverse, seen)
        inverse, seen, error = _fit(gram, following)
        if errors[-1] - error <= ENOUGH * errors[-1]:
            break  # no less, or by rounding more: what was there stays
        primitives = following
        errors.append(error)
        progress("semi-NMF", step + 1, iterations)
    return primitives, errors


def _inverse(square: np.ndarray) -> np.ndarray:
    """Return the pseudo-inverse of a symmetric matrix without negative eigenvalues."""
    found: np.ndarray = np.linalg.pinv(square, rcond=_SMALLEST, hermitian=True)
    return found


def _fit(gram: np.ndarray, primitives: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return ``K = (P Pᵀ)⁻¹``, ``CᵀE = K P G`` of the best ``C``, and the squared error that it leaves."""
    inverse = _inverse(primitives @ primitives.T)
    seen = inverse @ primitives @ gram
    return inverse, seen, float(np.trace(gram) - (seen * primitives).sum())


def _step(primitives: np.ndarray, inverse: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the next ``P`` from `_fit`; a number whose denominator is 0 stays."""
    own = seen @ primitives.T @ inverse
    above = np.maximum(seen, 0) + np.maximum(-own, 0) @ primitives
    below = np.maximum(-seen, 0) + np.maximum(own, 0) @ primitives
    following: np.ndarray = primitives * np.sqrt(np.divide(above, below, out=np.ones_like(above), where=below > 0))
    return following
