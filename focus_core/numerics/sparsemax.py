"""From blocks of scores to sparse rows of weights: candidates from group maxima, then sparsemax.

A row of scores ``z`` has the threshold ``tau`` that solves ``sum(max(z - tau, 0)) = 1``; its weights are ``max(z - tau,
0)`` (Martins & Astudillo 2016, arXiv 1602.02068). The threshold of any subset of the scores is at most the threshold of
all of them, so the maxima of groups of columns give a lower bound of ``tau`` for the price of reading the scores once,
and nothing at or below that bound can have a weight. What is left, about as much as the support itself, goes through
``entmax.sparsemax``: the result is exact, whatever the scores are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from focus_core.errors import AuxiliaryError, bad_input
from focus_core.types import ProgressHook, no_progress
from focus_core.validation import check_finite, check_matrix, check_range

if TYPE_CHECKING:
    import torch

_ROWS = 128  # rows of a block of given scores
_SLABS = 8  # columns in the innermost group
_GROUPS = 32  # group maxima that the bound is taken from
_BATCH = 1 << 18  # candidates that go through entmax together, as the longest row would have it


@dataclass(frozen=True, kw_only=True, eq=False)
class RowWeights:
    """Sparse rows of weights over anchors, in compressed form; columns ascend within a row.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), dtype int64
        Row ``i`` lies in ``indptr[i]:indptr[i + 1]`` of the other arrays.
    indices : ndarray of shape (nnz,), dtype int32
        Positions of anchors.
    weights : ndarray of shape (nnz,), dtype float32
        Positive; every row sums to 1.
    similarities : ndarray of shape (nnz,), dtype float32
        The scores that the weights came from (cosines, before the temperature).
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    similarities: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.indptr, self.indices, self.weights, self.similarities):
            array.setflags(write=False)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    @property
    def support(self) -> np.ndarray:
        """Number of weights a row, shape (n_rows,), dtype int64."""
        return np.diff(self.indptr)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """How columns are grouped: column = slab * (nests * width) + nest * width + place.

    Groups are strided, so that both maxima are elementwise maxima of long contiguous pieces.

    Parameters
    ----------
    columns : int
        Columns that hold scores.
    nests : int
        Innermost groups in an outer group.
    width : int
        Number of outer groups.
    """

    columns: int
    nests: int
    width: int

    @classmethod
    def for_columns(cls, columns: int) -> Grid:
        """Choose groups for a number of columns: several hundred outer ones where there are thousands of columns."""
        nests = max(1, min(8, columns // 2048))
        return cls(columns=columns, nests=nests, width=-(-columns // (_SLABS * nests)))

    @property
    def slab(self) -> int:
        """Columns between two neighbours of an innermost group."""
        return self.nests * self.width

    @property
    def padded(self) -> int:
        """Columns with the padding."""
        return _SLABS * self.slab


@dataclass(frozen=True)
class _Workspace:
    """What a block is reduced into; made once, since fresh pages cost more than the arithmetic."""

    inner: torch.Tensor
    outer: torch.Tensor
    mask: torch.Tensor

    @classmethod
    def like(cls, scores: torch.Tensor, grid: Grid) -> _Workspace:
        import torch

        n_rows = scores.shape[0]
        inner = scores.new_empty((n_rows, grid.slab))
        return cls(inner, scores.new_empty((n_rows, grid.width)), torch.empty_like(inner, dtype=torch.bool))


@dataclass(frozen=True)
class _Entries:
    """Entries of consecutive rows, ordered by row, then column; tensors of shape (nnz,)."""

    n_rows: int
    rows: torch.Tensor
    columns: torch.Tensor
    values: torch.Tensor


def sparsemax_rows(scores: np.ndarray | torch.Tensor, *, top_k: int | None = None) -> RowWeights:
    """Map every row of scores to the simplex, exactly, in time that barely exceeds reading them once.

    Parameters
    ----------
    scores : ndarray or tensor of shape (n, m)
        Finite; ``m`` at least 1. Other dtypes than float32 and float64 become float64.
    top_k : int, default=None
        Let only the ``top_k`` largest scores of a row take part, lower columns first among equals; ``None``: all.

    Returns
    -------
    RowWeights
        ``max(z - tau, 0)`` of every row, with the scores as similarities.

    Raises
    ------
    InvalidInputError
        If the scores are not a finite matrix with a column, or ``top_k`` is below 1.

    See Also
    --------
    focus_core.numerics.similarity.similarity_weights : The same from two sets of vectors, without holding their scores.

    Examples
    --------
    >>> rows = sparsemax_rows(np.array([[0.9, 0.1, 0.5], [0.2, 0.2, -1.5]]))
    >>> rows.indptr.tolist(), rows.indices.tolist(), rows.weights.round(3).tolist()
    ([0, 2, 4], [0, 2, 0, 1], [0.699999988079071, 0.30000001192092896, 0.5, 0.5])
    """
    import torch

    tensor = scores if isinstance(scores, torch.Tensor) else torch.from_numpy(np.array(scores))
    tensor = tensor.detach() if tensor.dtype in {torch.float32, torch.float64} else tensor.detach().double()
    check_matrix("scores", tensor.cpu().numpy(), error=AuxiliaryError)
    check_finite("scores", tensor.cpu().numpy(), error=AuxiliaryError)
    check_columns(tensor.shape[1], top_k)
    grid = Grid.for_columns(tensor.shape[1])
    n_rows = tensor.shape[0]
    blocks = (_pad_columns(tensor[start : start + _ROWS], grid) for start in range(0, n_rows, _ROWS))
    return reduce_blocks(blocks, grid, top_k=top_k, scale=1.0, n_rows=n_rows, progress=no_progress)


def check_columns(columns: int, top_k: int | None) -> None:
    """Refuse rows without columns (there is no anchor) and a ``top_k`` below 1."""
    if columns < 1:
        remedy = "give auxiliary vectors that cover overlapping tokens"
        raise bad_input("anchors", expected="at least one", got="none", remedy=remedy, error=AuxiliaryError)
    if top_k is not None:
        check_range("top-k", top_k, low=1)


def _pad_columns(scores: torch.Tensor, grid: Grid) -> torch.Tensor:
    padded = scores.new_full((scores.shape[0], grid.padded), -float("inf"))
    padded[:, : grid.columns] = scores
    return padded


def reduce_blocks(
    blocks: Iterator[torch.Tensor], grid: Grid, *, top_k: int | None, scale: float, n_rows: int, progress: ProgressHook
) -> RowWeights:
    """Reduce blocks of scores to rows of weights.

    Parameters
    ----------
    blocks : iterator of tensors of shape (<= rows, grid.padded)
        Scores of consecutive rows, minus infinity in the padding; a block may reuse the memory of the one before.
        The first is the largest.
    grid : Grid
        How the columns are grouped.
    top_k : int or None
        Scores of a row that may take part; ``None``: all.
    scale : float
        Turns a score back into the similarity that is recorded.
    n_rows : int
        Rows of all blocks together.
    progress : ProgressHook
        Called with the number of rows done.

    Returns
    -------
    RowWeights
        One row for every row of scores.
    """
    counts, indices, weights, similarities, done = [np.zeros(1, np.int64)], [], [], [], 0
    progress("similarities", 0, n_rows)
    for entries in _batches(_scan(blocks, grid)):
        size, kept, weight = _project(entries, top_k)
        counts.append(size.cpu().numpy())
        indices.append(entries.columns[kept].cpu().numpy().astype(np.int32))
        weights.append(weight.cpu().numpy().astype(np.float32))
        similarities.append((entries.values[kept] * scale).cpu().numpy().astype(np.float32))
        done += entries.n_rows
        progress("similarities", done, n_rows)
    return RowWeights(
        indptr=np.cumsum(np.concatenate(counts)),
        indices=np.concatenate([np.zeros(0, np.int32), *indices]),
        weights=np.concatenate([np.zeros(0, np.float32), *weights]),
        similarities=np.concatenate([np.zeros(0, np.float32), *similarities]),
    )


def _scan(blocks: Iterator[torch.Tensor], grid: Grid) -> Iterator[_Entries]:
    space: _Workspace | None = None
    for block in blocks:
        space = space or _Workspace.like(block, grid)
        yield _candidates(block, grid, space)


def _candidates(scores: torch.Tensor, grid: Grid, space: _Workspace) -> _Entries:
    """Find every score above a lower bound of its row's threshold: the support and little more."""
    import torch

    n_rows = scores.shape[0]
    inner, outer, mask = space.inner[:n_rows], space.outer[:n_rows], space.mask[:n_rows]
    torch.amax(scores.view(n_rows, _SLABS, grid.slab), dim=1, out=inner)
    torch.amax(inner.view(n_rows, grid.nests, grid.width), dim=1, out=outer)
    floor = _threshold_floor(outer)
    spots = _flat_nonzero(torch.gt(inner, floor, out=mask))
    row = torch.div(spots, grid.slab, rounding_mode="floor")
    slabs = torch.arange(_SLABS, device=scores.device) * grid.slab
    flat = (spots + row * (grid.padded - grid.slab))[:, None] + slabs
    above = _flat_nonzero(torch.take(scores, flat) > floor[row])
    flat = _sorted(flat.view(-1)[above])
    rows = torch.div(flat, grid.padded, rounding_mode="floor")
    return _Entries(n_rows, rows, flat - rows * grid.padded, torch.take(scores, flat))


def _threshold_floor(maxima: torch.Tensor) -> torch.Tensor:
    """Bound each row's threshold from below by the threshold of its largest group maxima."""
    # ``max_k (sum of the k largest - 1) / k``, taken relative to the largest score to keep the digits, less a margin
    # for rounding. Shape (n, groups) to (n, 1).
    import torch

    top = _sorted(maxima)[:, -_GROUPS:].flip(1)
    sizes = torch.arange(1, top.shape[1] + 1, device=top.device, dtype=top.dtype)
    largest = top[:, :1]
    bound = (((top - largest).cumsum(1) - 1) / sizes).amax(1, keepdim=True)
    return largest + bound - (1e-6 + 4 * torch.finfo(torch.float32).eps * largest.abs())


def _flat_nonzero(mask: torch.Tensor) -> torch.Tensor:
    """Positions of true values in the flattened mask, ascending; numpy is several times faster on a CPU."""
    import torch

    if mask.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.view(-1).nonzero().view(-1)


def _sorted(values: torch.Tensor) -> torch.Tensor:
    """Sort along the last axis, ascending; numpy's vectorised sort is several times faster on a CPU."""
    import torch

    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=-1))
    return values.sort(dim=-1).values


def _batches(blocks: Iterator[_Entries]) -> Iterator[_Entries]:
    """Join the entries of several blocks until they are worth a call of entmax."""
    held: list[_Entries] = []
    rows = longest = 0
    for entries in blocks:
        held.append(entries)
        rows += entries.n_rows
        longest = max(longest, len(entries.rows) // entries.n_rows)
        if rows * longest >= _BATCH or rows >= 2048:
            yield _join(held)
            held, rows, longest = [], 0, 0
    if held:
        yield _join(held)


def _join(parts: list[_Entries]) -> _Entries:
    import torch

    starts = np.cumsum([0] + [part.n_rows for part in parts])
    return _Entries(
        int(starts[-1]),
        torch.cat([part.rows + int(start) for part, start in zip(parts, starts, strict=False)]),
        torch.cat([part.columns for part in parts]),
        torch.cat([part.values for part in parts]),
    )


def _project(entries: _Entries, top_k: int | None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Map candidates to the simplex: (weights a row, which entries have one, these weights)."""
    import torch
    from entmax import sparsemax

    counts = torch.bincount(entries.rows, minlength=entries.n_rows)
    place = torch.arange(len(entries.rows), device=counts.device) - (counts.cumsum(0) - counts)[entries.rows]
    padded = entries.values.new_full((entries.n_rows, int(counts.max())), -float("inf"))
    padded[entries.rows, place] = entries.values
    if top_k is not None and top_k < padded.shape[1]:
        order = padded.argsort(dim=1, descending=True, stable=True)
        padded.scatter_(1, order[:, top_k:], -float("inf"))
    with torch.no_grad():
        weights = sparsemax(padded, dim=1)[entries.rows, place]
    kept = weights > 0
    return torch.bincount(entries.rows[kept], minlength=entries.n_rows), kept, weights[kept]
