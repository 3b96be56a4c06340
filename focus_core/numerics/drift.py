"""Embedding drift: how far training moved each one, and which neighbours it kept; exact, in the original space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.errors import bad_input
from focus_core.numerics.neighbors import nearest_embeddings
from focus_core.types import ProgressHook, no_progress
from focus_core.validation import check_matrix

K = 10
"""Neighbours that are compared."""
_BLOCK = 65_536


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenChange:
    """How training changed every row; NaN where a row is absent, or zero before or after.

    Parameters
    ----------
    cosine : ndarray of shape (n,), dtype float32
        Cosine of the row before with the row after.
    norm_ratio : ndarray of shape (n,), dtype float32
        Length after, divided by the length before.
    kept : ndarray of shape (n,), dtype float32
        Neighbours kept: Jaccard index of the k nearest rows before and the k nearest rows after.
    """

    cosine: np.ndarray
    norm_ratio: np.ndarray
    kept: np.ndarray


def token_change(
    initial: np.ndarray,
    trained: np.ndarray,
    *,
    present: np.ndarray,
    k: int = K,
    progress: ProgressHook = no_progress,
) -> TokenChange:
    """Measure how far every embedding drifted and how many of its neighbours it kept.

    Parameters
    ----------
    initial, trained : ndarray of shape (n, d)
        The matrix before and after.
    present : ndarray of shape (n,), dtype bool
        False where no token has this id: such a row has no measures and is nobody's neighbour.
    k : int, default=10
        Neighbours compared; all there are where there are fewer.
    progress : ProgressHook, default=no_progress
        Called with the number of rows compared.

    Returns
    -------
    TokenChange
        Three measures a row.

    Raises
    ------
    InvalidInputError
        If the matrices differ in shape or are not finite.
    """
    ids = _comparable(initial, trained, present)
    before, after = (np.asarray(m, np.float32)[ids] for m in (initial, trained))
    cosine, norm_ratio, kept = (np.full(len(initial), np.nan, np.float32) for _ in range(3))
    lengths = [np.sqrt(_dots(m, m)) for m in (before, after)]
    cosine[ids] = np.clip(_dots(before, after) / lengths[0] / lengths[1], -1, 1)
    norm_ratio[ids] = np.minimum(lengths[1] / lengths[0], np.finfo(np.float32).max)
    itself = np.arange(len(ids))
    near = [nearest_embeddings(m, m, k=k, skip=itself, progress=progress)[0] for m in (before, after)]
    kept[ids] = _jaccard(near[0], near[1])
    return TokenChange(cosine=cosine, norm_ratio=norm_ratio, kept=kept)


def _comparable(initial: np.ndarray, trained: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the ids that have a token and a row other than zero on both sides."""
    check_matrix("the matrix before", initial)
    check_matrix("the matrix after", trained, n_rows=initial.shape[0], n_columns=initial.shape[1])
    if present.shape != (len(initial),):
        raise bad_input("present", f"{len(initial)} flags", f"shape {present.shape}", "give one flag a row")
    return np.flatnonzero(present & initial.any(axis=1) & trained.any(axis=1))


def _dots(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the dot product of each pair of rows in float64, where no square of a float32 vanishes."""
    return np.asarray(np.einsum("ij,ij->i", left, right, dtype=np.float64))


def _jaccard(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the Jaccard index of two id lists a row, -1 being no id; NaN where both lists are empty."""
    found = np.empty(len(left), np.float32)
    for start in range(0, len(left), _BLOCK):
        a, b = left[start : start + _BLOCK], right[start : start + _BLOCK]
        common = ((a[:, :, None] == b[:, None, :]) & (a >= 0)[:, :, None]).sum(axis=(1, 2))
        union = (a >= 0).sum(axis=1) + (b >= 0).sum(axis=1) - common
        found[start : start + _BLOCK] = np.where(union > 0, common / np.maximum(union, 1), np.nan)
    return found


def change_score(cosine: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Score rows by how much training changed them; the largest score is the row that changed most.

    Parameters
    ----------
    cosine, kept : ndarray of shape (n,)
        As in `TokenChange`.

    Returns
    -------
    ndarray of shape (n,), dtype float64
        ``(1 - cosine) * (1 - kept)``, at least 0; NaN where a row has no measures.

    Notes
    -----
    A row changed where it both turned away and came among other rows. The angle alone ranks frequent tokens high that
    training turned a long way together with all their neighbours; the neighbours alone are exchanged as well for any
    row that lies in a crowd, however little it drifted, and a Jaccard index of ten has so few values that most tie.
    The product keeps the order of the angle and uses the neighbours to part rows of the same angle. Of a trained
    matrix a tenth of whose rows was exchanged it finds these better than either (the figures are in
    ``docs/decisions/0016-measures.md``). The length is left out: training lengthens rows of frequent tokens without
    changing what they stand for.
    """
    return np.asarray((1.0 - np.asarray(cosine, np.float64)) * (1.0 - np.asarray(kept, np.float64)))


def drift_foreseen(initial: np.ndarray, trained: np.ndarray, mean: np.ndarray, rows: np.ndarray) -> float:
    """Return how much of the way that training went an initialisation had foreseen.

    Parameters
    ----------
    initial, trained : ndarray of shape (n, d)
        The matrix before and after.
    mean : ndarray of shape (d,)
        The mean row of the source: where a row starts that knows nothing.
    rows : ndarray of int or of bool
        The rows that count: those that were not copied.

    Returns
    -------
    float
        ``1 - sum |t - e|^2 / sum |t - m|^2`` over these rows, e before, t after, m the mean. 1: training had nothing
        to do; 0: no better than the mean; below 0: worse than it. NaN where there is no such row, or where all
        ended on the mean.

    Notes
    -----
    Runs from different starts are comparable only where training went on until the start was forgotten: a row that
    training hardly touched still lies where it began, far from the mean, and counts as foreseen however it was drawn.
    To compare them earlier, take ``trained`` from one and the same training for all of them.
    """
    after = np.asarray(trained[rows], np.float64)
    missed = float(np.square(after - np.asarray(initial[rows], np.float64)).sum())
    whole = float(np.square(after - np.asarray(mean, np.float64)).sum())
    return 1.0 - missed / whole if whole > 0 else float("nan")
