"""From two sets of vectors to sparse rows of weights: cosine similarities in blocks, then sparsemax.

Owns the block loop, the choice of candidates and the map to the simplex. Refuses to know what a token is.

A row of scores ``z`` has the threshold ``tau`` that solves ``sum(max(z - tau, 0)) = 1``; its weights are
``max(z - tau, 0)`` (Martins & Astudillo 2016, arXiv 1602.02068). The threshold of any subset of the scores is at most
the threshold of all of them, so the maxima of groups of columns give a lower bound of ``tau`` for the price of
reading the scores once, and nothing at or below that bound can have a weight. What is left, about as much as the
support itself, goes through ``entmax.sparsemax``: the result is exact, whatever the scores are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from focus_core.domain import ProgressHook, no_progress
from focus_core.errors import AuxiliaryError, bad_input
from focus_core.validation import check_finite, check_matrix, check_range

if TYPE_CHECKING:
    import torch

MAX_ROWS = {"cpu": 128, "cuda": 2048}
"""Rows of a block: on a CPU a block and its maxima stay in the cache, on a GPU a block keeps the device busy."""

_BYTES_PER_SCORE = 48  # the score itself and, where every score survives, its index, its row and entmax's copies
_SLABS = 8  # columns in the innermost group
_GROUPS = 32  # group maxima that the bound is taken from
_BATCH = 1 << 20  # padded scores that go through entmax together


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
class _Grid:
    """How columns are grouped: column = slab * (nests * width) + nest * width + place.

    Groups are strided, so that both maxima are elementwise maxima of long contiguous pieces.
    """

    columns: int
    nests: int
    width: int

    @classmethod
    def for_columns(cls, columns: int) -> _Grid:
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
    def like(cls, scores: torch.Tensor, grid: _Grid) -> _Workspace:
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


def normalise_rows(vectors: np.ndarray) -> np.ndarray:
    """Scale every row to length 1; a row of zeros stays a row of zeros.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        Finite numbers of any real dtype.

    Returns
    -------
    ndarray of shape (n, d), dtype float32
        ``v / ||v||``; the length is summed in float64, so that neither tiny nor huge vectors are lost.

    Examples
    --------
    >>> normalise_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1.0
    return np.divide(vectors, lengths[:, None], dtype=np.float64, casting="unsafe").astype(np.float32)


def resolve_device(device: str) -> str:
    """Name the device that ``device`` stands for.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        ``auto`` is ``cuda`` where there is one.

    Returns
    -------
    {"cpu", "cuda"}
        The device.

    Raises
    ------
    InvalidInputError
        If the name is none of the three, or there is no such device.
    """
    import torch

    there = ["cpu"] + ["cuda"] * torch.cuda.is_available()
    if device == "auto":
        return there[-1]
    if device not in there:
        raise bad_input(
            "device", expected=" or ".join(["auto", *there]), got=repr(device), remedy="choose one of these"
        )
    return device


def block_rows(n_anchors: int, *, memory_mib: int, device: str = "cpu") -> int:
    """Give the number of rows that are compared with all anchors at once.

    It depends on options alone, never on free memory, so that a run can be repeated.

    Parameters
    ----------
    n_anchors : int
        Columns of a block.
    memory_mib : int
        What a block and its copies may take, MiB. The vectors and the result are not counted.
    device : {"cpu", "cuda"}, default="cpu"
        Where the product runs.

    Returns
    -------
    int
        At least 2: a block of one row would go through another kernel and round differently.
    """
    return max(2, min(MAX_ROWS[device], memory_mib * 2**20 // (_BYTES_PER_SCORE * max(n_anchors, 1))))


def sparsemax_rows(scores: np.ndarray | torch.Tensor, *, top_k: int | None = None) -> RowWeights:
    """Map every row of scores to the simplex, exactly.

    Parameters
    ----------
    scores : ndarray or tensor of shape (n, m), dtype float32 or float64
        Finite; ``m`` at least 1.
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
    similarity_weights : The same from two sets of vectors, without holding their scores.

    Examples
    --------
    >>> rows = sparsemax_rows(np.array([[0.9, 0.1, 0.5], [0.2, 0.2, -1.5]]))
    >>> rows.indptr.tolist(), rows.indices.tolist(), rows.weights.round(3).tolist()
    ([0, 2, 4], [0, 2, 0, 1], [0.699999988079071, 0.30000001192092896, 0.5, 0.5])
    """
    import torch

    tensor = scores if isinstance(scores, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(scores))
    check_matrix("scores", tensor.cpu().numpy(), error=AuxiliaryError)
    check_finite("scores", tensor.cpu().numpy(), error=AuxiliaryError)
    _check_columns(tensor.shape[1], top_k)
    grid = _Grid.for_columns(tensor.shape[1])
    rows = block_rows(grid.columns, memory_mib=512, device=tensor.device.type)
    blocks = (_pad_columns(tensor[start : start + rows], grid) for start in range(0, tensor.shape[0], rows))
    return _collect(blocks, grid, top_k=top_k, scale=1.0, n_rows=tensor.shape[0], progress=no_progress)


def similarity_weights(
    new_vectors: np.ndarray,
    anchor_vectors: np.ndarray,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    memory_mib: int = 512,
    device: str = "cpu",
    progress: ProgressHook = no_progress,
) -> RowWeights:
    """Weigh anchors by the sparsemax of their cosine similarities to new vectors.

    The heart of FOCUS: ``w = sparsemax(cos(new, anchors) / temperature)``. Similarities exist only a block at a time;
    the time is that of the matrix product and a third more.

    Parameters
    ----------
    new_vectors : ndarray of shape (n_new, d_aux)
        Auxiliary vectors of new tokens. A vector of zeros is equally similar (0) to all anchors.
    anchor_vectors : ndarray of shape (n_anchors, d_aux)
        Auxiliary vectors of the anchors.
    temperature : float, default=1.0
        Divides the cosines; 1.0 is the paper, smaller means fewer anchors.
    top_k : int, default=None
        Let only the ``top_k`` most similar anchors take part; ``None``: all (the paper).
    memory_mib : int, default=512
        What a block and its copies may take, MiB.
    device : {"auto", "cpu", "cuda"}, default="cpu"
        Where the product and the selection run.
    progress : ProgressHook, default=no_progress
        Called with the number of rows done.

    Returns
    -------
    RowWeights
        One row a new vector. A row depends neither on the other rows nor on the size of the blocks.

    Raises
    ------
    AuxiliaryError
        If there is no anchor, or the vectors are not finite matrices of one width.
    InvalidInputError
        If an option lies outside its range.
    """
    check_matrix("anchor vectors", anchor_vectors, error=AuxiliaryError)
    check_matrix("new vectors", new_vectors, n_columns=anchor_vectors.shape[1], error=AuxiliaryError)
    check_finite("anchor vectors", anchor_vectors, error=AuxiliaryError)
    check_finite("new vectors", new_vectors, error=AuxiliaryError)
    check_range("temperature", temperature, low=1e-4, high=1e6)
    check_range("memory", memory_mib, low=1)
    _check_columns(anchor_vectors.shape[0], top_k)
    device, grid = resolve_device(device), _Grid.for_columns(anchor_vectors.shape[0])
    rows = block_rows(grid.columns, memory_mib=memory_mib, device=device)
    new = normalise_rows(new_vectors) * np.float32(1 / temperature)
    blocks = _score_blocks(new, normalise_rows(anchor_vectors), grid, rows=rows, device=device)
    return _collect(blocks, grid, top_k=top_k, scale=temperature, n_rows=len(new), progress=progress)


def _check_columns(columns: int, top_k: int | None) -> None:
    if columns < 1:
        remedy = "give auxiliary vectors that cover overlapping tokens"
        raise bad_input("anchors", expected="at least one", got="none", remedy=remedy, error=AuxiliaryError)
    if top_k is not None:
        check_range("top-k", top_k, low=1)


def _score_blocks(
    new: np.ndarray, anchors: np.ndarray, grid: _Grid, *, rows: int, device: str
) -> Iterator[torch.Tensor]:
    """Yield scores of consecutive rows, (<= rows, grid.padded); the next block overwrites them."""
    import torch

    padded = torch.zeros((grid.padded, anchors.shape[1]), device=device)
    padded[: grid.columns] = torch.from_numpy(anchors)
    scores = torch.empty((rows, grid.padded), device=device)
    for start in range(0, len(new), rows):
        block = torch.from_numpy(new[start : start + rows]).to(device)
        count = len(block)
        if count < rows:  # a product of another shape may sum in another order
            block = torch.cat([block, block.new_zeros((rows - count, block.shape[1]))])
        torch.mm(block, padded.T, out=scores)
        scores[:, grid.columns :] = -torch.inf
        yield scores[:count]


def _pad_columns(scores: torch.Tensor, grid: _Grid) -> torch.Tensor:
    padded = scores.new_full((scores.shape[0], grid.padded), -float("inf"))
    padded[:, : grid.columns] = scores
    return padded


def _collect(
    blocks: Iterator[torch.Tensor], grid: _Grid, *, top_k: int | None, scale: float, n_rows: int, progress: ProgressHook
) -> RowWeights:
    """Reduce blocks of scores to rows of weights."""
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


def _scan(blocks: Iterator[torch.Tensor], grid: _Grid) -> Iterator[_Entries]:
    space: _Workspace | None = None
    for block in blocks:  # the first block is the largest
        space = space or _Workspace.like(block, grid)
        yield _candidates(block, grid, space)


def _candidates(scores: torch.Tensor, grid: _Grid, space: _Workspace) -> _Entries:
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
    """Bound each row's threshold from below by the threshold of its largest group maxima.

    ``max_k (sum of the k largest - 1) / k``, taken relative to the largest score to keep the digits, less a margin
    for rounding. Shape (n, groups) to (n, 1).
    """
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
        if rows * longest >= _BATCH // 4 or rows >= 2048:
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
