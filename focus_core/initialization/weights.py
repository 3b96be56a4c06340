"""The one record of an initialisation: a sparse matrix from source to target tokens, with an origin per token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from focus_core.errors import ModelError, bad_input
from focus_core.types import ORIGINS, Origin

if TYPE_CHECKING:
    import torch

COPIED, COMBINED, FALLBACK = (ORIGINS.index(origin) for origin in (Origin.COPIED, Origin.COMBINED, Origin.FALLBACK))
_BLOCK_VALUES = 1 << 22  # numbers of a block of rows: 16 MiB in float32
_MOST_CONTRIBUTORS = 4  # times the rows of a block


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseRows:
    """Some rows of a weight matrix, in compressed form.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,)
        Target ids, each at most once.
    indptr : ndarray of shape (n_rows + 1,)
        Row ``i`` lies in ``indptr[i]:indptr[i + 1]`` of the arrays below.
    source_ids : ndarray of shape (nnz,)
        Contributors.
    weights, similarities : ndarray of shape (nnz,)
        Their weights, and the similarities these came from (NaN: from none).
    """

    rows: np.ndarray
    indptr: np.ndarray
    source_ids: np.ndarray
    weights: np.ndarray
    similarities: np.ndarray

    @classmethod
    def copies(cls, rows: np.ndarray, source_ids: np.ndarray) -> SparseRows:
        """Return rows that are one source row each.

        Parameters
        ----------
        rows, source_ids : ndarray of shape (n,)
            Target ids and the source ids they copy.

        Returns
        -------
        SparseRows
            One weight of 1 a row.
        """
        n = len(rows)
        unknown = np.full(n, np.nan, np.float32)
        return cls(
            rows=rows,
            indptr=np.arange(n + 1),
            source_ids=source_ids,
            weights=np.ones(n, np.float32),
            similarities=unknown,
        )


def stacked(parts: Sequence[SparseRows]) -> SparseRows:
    """Return the rows of several parts, one part after another; no row may be in two."""
    ends = np.cumsum([0, *(part.indptr[-1] for part in parts)])
    starts = [part.indptr[:-1] + end for part, end in zip(parts, ends, strict=False)]
    return SparseRows(
        rows=np.concatenate([part.rows for part in parts]),
        indptr=np.concatenate([*starts, ends[-1:]]),
        source_ids=np.concatenate([part.source_ids for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        similarities=np.concatenate([part.similarities for part in parts]),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightMatrix:
    """``W`` of shape (n_target, n_source): how much of every source row each target row is made of.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array of shape (n_target, n_source), dtype float32
        The weights; columns ascend within a row, no column twice.
    similarities : ndarray of shape (nnz,), dtype float32
        Aligned with ``matrix.data``; NaN where a weight came from no similarity.
    origins : ndarray of shape (n_target,), dtype uint8
        Codes in ``types.ORIGINS``. A copied row has one weight of 1, a combined row at least one, a fallback row
        none or the fallback's own. Ids without a token are fallback rows.
    rules : ndarray of shape (n_target,), dtype uint8
        Codes in ``types.RULES``: which rule matched a copied row, else ``none``.
    """

    matrix: sparse.csr_array
    similarities: np.ndarray
    origins: np.ndarray
    rules: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.matrix.data, self.matrix.indices, self.matrix.indptr):
            array.setflags(write=False)
        for array in (self.similarities, self.origins, self.rules):
            array.setflags(write=False)

    @property
    def n_target(self) -> int:
        """Number of rows."""
        return int(self.matrix.shape[0])

    @property
    def n_source(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    @cached_property
    def support(self) -> np.ndarray:
        """Number of contributors a row, shape (n_target,), dtype int64."""
        return np.asarray(np.diff(self.matrix.indptr).astype(np.int64))

    @cached_property
    def max_weight(self) -> np.ndarray:
        """Largest weight a row, shape (n_target,), dtype float32; 0 for an empty row."""
        largest = np.zeros(self.n_target, np.float32)
        full = self.support > 0
        if full.any():
            largest[full] = np.maximum.reduceat(self.matrix.data, self.matrix.indptr[:-1][full])
        return largest

    @cached_property
    def effective_contributors(self) -> np.ndarray:
        """``exp(entropy)`` of every row's weights, shape (n_target,), dtype float32; 0 for an empty row.

        Between 1, all weight on one source token, and the support, weights all equal. Signed weights count by size.
        """
        effective = np.zeros(self.n_target, np.float32)
        full = self.support > 0
        if full.any():
            size = np.abs(self.matrix.data.astype(np.float64))
            starts = self.matrix.indptr[:-1][full]
            share = size / np.repeat(np.add.reduceat(size, starts), self.support[full])
            effective[full] = np.exp(-np.add.reduceat(share * np.log(np.where(share > 0, share, 1.0)), starts))
        return effective

    def contributors(self, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what one target row is made of.

        Parameters
        ----------
        row : int
            Target id.

        Returns
        -------
        source_ids : ndarray of shape (k,), dtype int32
            By weight, largest first; lower ids first among equals.
        weights, similarities : ndarray of shape (k,), dtype float32
            Their weights, and the similarities these came from.
        """
        part = slice(int(self.matrix.indptr[row]), int(self.matrix.indptr[row + 1]))
        order = np.argsort(-self.matrix.data[part], kind="stable")
        return self.matrix.indices[part][order], self.matrix.data[part][order], self.similarities[part][order]

    def moved(self, rows: np.ndarray, places: np.ndarray) -> SparseRows:
        """Return some rows under other ids.

        Parameters
        ----------
        rows : ndarray of shape (n,)
            Target ids of this matrix.
        places : ndarray of shape (n,)
            Their ids in the matrix that they are to be part of.

        Returns
        -------
        SparseRows
            The same contributors, weights and similarities.
        """
        counts = self.support[rows]
        at = spread(self.matrix.indptr[rows].astype(np.int64), counts)
        return SparseRows(
            rows=places,
            indptr=np.concatenate([[0], np.cumsum(counts)]),
            source_ids=self.matrix.indices[at],
            weights=self.matrix.data[at],
            similarities=self.similarities[at],
        )

    def apply(self, matrix: torch.Tensor) -> torch.Tensor:
        """Make the target rows that have weights: ``W @ matrix``, copied rows bit for bit.

        Parameters
        ----------
        matrix : torch.Tensor of shape (n_rows, d)
            Source rows, ``n_rows`` at least ``n_source``: the input or the output matrix, or the bias as one column.

        Returns
        -------
        torch.Tensor of shape (n_target, d)
            Of the source's dtype; float32 for integers. Rows without a weight are zero.

        Raises
        ------
        ModelError
            If the matrix has another rank or fewer rows than ``W`` has columns.

        Notes
        -----
        Sums run in float32 (float64 for a float64 source), in ascending order of source ids, and are cast back.
        """
        import torch

        if matrix.ndim != 2 or matrix.shape[0] < self.n_source:
            expected, got = f"at least {self.n_source} embeddings of one width", f"shape {tuple(matrix.shape)}"
            remedy = "give the embeddings that belong to the source tokenizer"
            raise bad_input("source embeddings", expected=expected, got=got, remedy=remedy, error=ModelError)
        dtype = matrix.dtype if matrix.is_floating_point() else torch.float32
        rows = torch.zeros((self.n_target, matrix.shape[1]), dtype=dtype)
        self._copy(matrix, rows)
        self._combine(matrix, rows)
        return rows

    def _copy(self, matrix: torch.Tensor, rows: torch.Tensor) -> None:
        """Fill in the copied rows, a block at a time: no second copy of them all is ever made."""
        import torch

        copied = np.flatnonzero(self.origins == COPIED)
        sources = self.matrix.indices[self.matrix.indptr[copied]]
        block = _rows_of_a_block(matrix)
        for start in range(0, len(copied), block):
            part = torch.from_numpy(sources[start : start + block])
            rows[torch.from_numpy(copied[start : start + block])] = matrix.index_select(0, part).to(rows.dtype)

    def _combine(self, matrix: torch.Tensor, rows: torch.Tensor) -> None:
        """Fill in every row that has weights and is no copy, a block at a time."""
        targets = np.flatnonzero((self.origins != COPIED) & (self.support > 0))
        ends = np.cumsum(self.support[targets])
        block, first = _rows_of_a_block(matrix), 0
        while first < len(targets):
            # A block's contributors are widened to the type of the sums, so their number has a bound too.
            before = int(ends[first - 1]) if first else 0
            last = min(first + block, max(first + 1, int(np.searchsorted(ends, before + _MOST_CONTRIBUTORS * block))))
            self._combine_block(matrix, rows, targets[first:last])
            first = last

    def _combine_block(self, matrix: torch.Tensor, rows: torch.Tensor, targets: np.ndarray) -> None:
        import torch

        starts, counts = self.matrix.indptr[targets].astype(np.int64), self.support[targets]
        at = spread(starts, counts)
        used, local = np.unique(self.matrix.indices[at], return_inverse=True)
        dtype = torch.float64 if matrix.dtype == torch.float64 else torch.float32
        combined = torch.nn.functional.embedding_bag(
            torch.from_numpy(local.reshape(-1)),
            matrix.index_select(0, torch.from_numpy(used)).to(dtype),
            torch.from_numpy(np.cumsum(counts) - counts),
            mode="sum",
            per_sample_weights=torch.from_numpy(self.matrix.data[at]).to(dtype),
        )
        rows[torch.from_numpy(targets)] = combined.to(rows.dtype)


def _rows_of_a_block(matrix: torch.Tensor) -> int:
    return max(1, _BLOCK_VALUES // max(matrix.shape[1], 1))


def assemble(
    parts: list[SparseRows], *, shape: tuple[int, int], origins: np.ndarray, rules: np.ndarray
) -> WeightMatrix:
    """Put rows from several places together into one matrix.

    Parameters
    ----------
    parts : list of SparseRows
        Together they name every target id at most once; target ids they do not name get an empty row.
    shape : (int, int)
        (n_target, n_source).
    origins, rules : ndarray of shape (n_target,), dtype uint8
        Codes of every row.

    Returns
    -------
    WeightMatrix
        Contributors that occur twice in a row are merged: weights add up, the larger similarity is kept.
    """
    counts = np.zeros(shape[0], np.int64)
    for part in parts:
        counts[part.rows] = np.diff(part.indptr)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    similarities = np.empty(indptr[-1], np.float32)
    for part in parts:
        at = spread(indptr[part.rows], np.diff(part.indptr))
        indices[at], data[at], similarities[at] = part.source_ids, part.weights, part.similarities
    rows = np.repeat(np.arange(shape[0]), counts)
    indptr, indices, data, similarities = _canonical(rows, indptr, indices, data, similarities)
    small = indptr.astype(np.int32) if indptr[-1] < 2**31 else indptr
    matrix = sparse.csr_array((data, indices, small), shape=shape)
    return WeightMatrix(
        matrix=matrix, similarities=similarities, origins=origins.astype(np.uint8), rules=rules.astype(np.uint8)
    )


def spread(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the positions ``starts[i], starts[i] + 1, ...`` (``counts[i]`` of them), one row after the other."""
    ends = np.cumsum(counts)
    return np.repeat(starts - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)


def _canonical(
    rows: np.ndarray, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, similarities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Order columns within rows and merge equal ones; costs next to nothing where that is so already."""
    same_row = rows[1:] == rows[:-1]
    if not (same_row & (indices[1:] < indices[:-1])).any() and not (same_row & (indices[1:] == indices[:-1])).any():
        return indptr, indices, data, similarities
    order = np.lexsort((indices, rows))
    rows, indices, data, similarities = rows[order], indices[order], data[order], similarities[order]
    first = np.ones(len(rows), bool)
    first[1:] = (rows[1:] != rows[:-1]) | (indices[1:] != indices[:-1])
    starts = np.flatnonzero(first)
    counts = np.bincount(rows[first], minlength=len(indptr) - 1)
    return (
        np.concatenate([[0], np.cumsum(counts)]),
        indices[first],
        np.add.reduceat(data, starts, dtype=np.float64).astype(np.float32),
        np.fmax.reduceat(similarities, starts),
    )
