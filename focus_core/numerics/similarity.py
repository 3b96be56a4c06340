"""From two sets of vectors to sparse rows of weights, a block of similarities at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from focus_core.errors import AuxiliaryError, bad_input
from focus_core.numerics.sparsemax import Grid, RowWeights, check_columns, reduce_blocks
from focus_core.types import ProgressHook, no_progress
from focus_core.validation import check_finite, check_matrix, check_range

if TYPE_CHECKING:
    import torch

MIN_ROWS = 16
"""Fewest rows of a block; from here on the product gives the same bits whatever the size of the block."""

_BLOCK_SCORES = {"cpu": 128 * 19_000, "cuda": 2048 * 19_000}
"""Scores of a block: on a CPU a block and its maxima stay in the cache, on a GPU a block keeps the device busy."""

MAX_ROWS = {"cpu": 1024, "cuda": 8192}
"""Most rows of a block, for few anchors."""

_BYTES_PER_SCORE = 48  # the score itself and, where every score survives, its index, its row and entmax's copies


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
    check_columns(anchor_vectors.shape[0], top_k)
    device, grid = resolve_device(device), Grid.for_columns(anchor_vectors.shape[0])
    rows = block_rows(grid.columns, memory_mib=memory_mib, device=device.split(":")[0])
    new = normalise_rows(new_vectors) * np.float32(1 / temperature)
    blocks = _score_blocks(new, normalise_rows(anchor_vectors), grid, rows=rows, device=device)
    return reduce_blocks(blocks, grid, top_k=top_k, scale=temperature, n_rows=len(new), progress=progress)


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
    >>> normalise_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths: np.ndarray = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    lengths[lengths == 0] = 1.0
    return np.asarray(np.divide(vectors, lengths[:, None], dtype=np.float64).astype(np.float32))


def resolve_device(device: str) -> str:
    """Name the device that ``device`` stands for.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "cuda:N"}
        ``auto`` is ``cuda`` where there is one.

    Returns
    -------
    str
        The device, as torch names it.

    Raises
    ------
    InvalidInputError
        If the name is none of these, or there is no such device.
    """
    import torch

    there = ["cpu", *(["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))] * torch.cuda.is_available())]
    if device == "auto":
        return there[min(1, len(there) - 1)]
    if device not in there:
        raise bad_input("device", " or ".join(["auto", *there]), repr(device), "choose one of these")
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
        At least 16: a block of one row, or of a few, goes through another kernel and rounds differently.
    """
    columns = max(n_anchors, 1)
    usual = max(128, min(MAX_ROWS[device], _BLOCK_SCORES[device] // columns))
    return max(MIN_ROWS, min(usual, memory_mib * 2**20 // (_BYTES_PER_SCORE * columns)))


def _score_blocks(
    new: np.ndarray, anchors: np.ndarray, grid: Grid, *, rows: int, device: str
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
