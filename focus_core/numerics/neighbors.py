"""Exact nearest rows by cosine: many queries against one matrix, a block of similarities at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from focus_core.errors import bad_input
from focus_core.numerics.similarity import MIN_ROWS, normalise_rows
from focus_core.types import ProgressHook, no_progress
from focus_core.validation import check_finite, check_matrix, check_range

if TYPE_CHECKING:
    import torch

MAX_ROWS = 1024
"""Most rows of a block of queries."""

_COLUMNS = 64  # base rows come in multiples of this, so that each is multiplied by the same kernel
_BYTES_PER_SCORE = 12  # a score, and what selecting the largest of its row takes
_NORMALISED_AT_ONCE = 8192


def nearest_embeddings(
    queries: np.ndarray,
    base: np.ndarray,
    *,
    k: int,
    skip: np.ndarray | None = None,
    memory_mib: int = 256,
    progress: ProgressHook = no_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows of a matrix that are nearest to each query by cosine, exactly.

    Parameters
    ----------
    queries : ndarray of shape (n, d)
        Whose neighbours. A row of zeros has none.
    base : ndarray of shape (m, d)
        Among which rows. A row of zeros is nobody's neighbour.
    k : int
        How many.
    skip : ndarray of shape (n,), dtype int, default=None
        The base row that is the query itself, which is no neighbour; -1: none.
    memory_mib : int, default=256
        What a block of similarities may take, MiB. The matrices and the result are not counted.
    progress : ProgressHook, default=no_progress
        Called with the number of queries done; raising from it ends the work.

    Returns
    -------
    ids : ndarray of shape (n, k), dtype int32
        Base rows, nearest first, equal ones by id; -1 where there are fewer than ``k``.
    cosines : ndarray of shape (n, k), dtype float32
        Their cosines; ``-inf`` where there are fewer than ``k``.

    Raises
    ------
    InvalidInputError
        If the matrices are not finite or of different widths, or an option lies outside its range.

    Notes
    -----
    Products are in float32. Blocks depend on ``memory_mib`` and the shapes alone, so equal input gives equal output.
    """
    check_matrix("base rows", base)
    check_matrix("query rows", queries, n_columns=base.shape[1])
    check_finite("base rows", base)
    if queries is not base:
        check_finite("query rows", queries)
    check_range("k", k, low=1)
    check_range("memory", memory_mib, low=1)
    n, m = len(queries), len(base)
    itself = np.full(n, -1, np.int64) if skip is None else _checked_skip(skip, n, m)
    ids, cosines = np.full((n, k), -1, np.int32), np.full((n, k), -np.inf, np.float32)
    if not n or not m:
        return ids, cosines
    width = min(k, m)
    for start, scores in _score_blocks(queries, base, itself, memory_mib=memory_mib):
        part = slice(start, start + len(scores))
        ids[part, :width], cosines[part, :width] = largest_of_rows(scores, width)
        progress("nearest rows", min(part.stop, n), n)
    return ids, cosines


def _checked_skip(skip: np.ndarray, n: int, m: int) -> np.ndarray:
    """Return ``skip`` as int64, or raise where it names no row of the base."""
    if skip.shape != (n,) or (len(skip) and not -1 <= int(skip.min()) <= int(skip.max()) < m):
        expected, got = f"{n} rows of the base or -1", f"shape {skip.shape}, values from {skip.min(initial=0)}"
        remedy = f"give one number from -1 to {m - 1} a query"
        raise bad_input("rows to skip", expected=expected, got=f"{got} to {skip.max(initial=0)}", remedy=remedy)
    return skip.astype(np.int64)


def _score_blocks(
    queries: np.ndarray, base: np.ndarray, itself: np.ndarray, *, memory_mib: int
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield (first query, its and the next cosines with all base rows); the next block overwrites them."""
    import torch

    table, is_zero = _unit_table(base)
    rows = max(MIN_ROWS, min(MAX_ROWS, memory_mib * 2**20 // (_BYTES_PER_SCORE * len(table))))
    scores = torch.empty((rows, len(table)))
    for start in range(0, len(queries), rows):
        unit = torch.zeros((rows, base.shape[1]))  # a product of another shape may sum in another order
        part = normalise_rows(np.asarray(queries[start : start + rows]))
        unit[: len(part)] = torch.from_numpy(part)
        torch.mm(unit, table.T, out=scores)
        scores.clamp_(-1, 1)
        scores[:, is_zero] = -torch.inf
        own = itself[start : start + rows]
        at = np.flatnonzero(own >= 0)
        scores[torch.from_numpy(at), torch.from_numpy(own[at])] = -torch.inf
        scores[torch.from_numpy(np.flatnonzero(~part.any(axis=1)))] = -torch.inf
        yield start, scores[: len(part), : len(base)]


def _unit_table(base: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows at length 1, padded with rows of zeros, and the positions of all rows of zeros."""
    import torch

    table = torch.zeros((-(-len(base) // _COLUMNS) * _COLUMNS, base.shape[1]))
    for start in range(0, len(base), _NORMALISED_AT_ONCE):
        part = normalise_rows(np.asarray(base[start : start + _NORMALISED_AT_ONCE]))
        table[start : start + len(part)] = torch.from_numpy(part)
    return table, torch.nonzero(~table.any(dim=1))[:, 0]


def largest_of_rows(scores: torch.Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the largest scores of every row, exactly.

    Parameters
    ----------
    scores : torch.Tensor of shape (n, m)
        On the CPU; minus infinity is never found.
    k : int
        How many, between 1 and ``m``.

    Returns
    -------
    columns : ndarray of shape (n, k)
        Falling by score, equal ones by column; -1 where there are fewer than ``k``.
    values : ndarray of shape (n, k)
        Their scores.
    """
    import torch

    found, at = torch.topk(scores, min(k + 1, scores.shape[1]), dim=1)  # the next one tells where a tie was cut
    values, ids = found.numpy(), at.numpy()
    order = np.lexsort((ids, -values), axis=1)
    values, ids = np.take_along_axis(values, order, 1), np.take_along_axis(ids, order, 1)
    if values.shape[1] > k:
        for row in np.flatnonzero((values[:, k] == values[:, k - 1]) & np.isfinite(values[:, k])):
            line = scores[row].numpy()
            equal = np.flatnonzero(line >= values[row, k])
            chosen = equal[np.argsort(-line[equal], kind="stable")][:k]
            values[row, :k], ids[row, :k] = line[chosen], chosen
    values, ids = values[:, :k], ids[:, :k]
    return np.where(np.isfinite(values), ids, -1), values
