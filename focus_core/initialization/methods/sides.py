"""The two sides of a model: what is read before its backbone, and what its predictions are made by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

INPUT, OUTPUT = "input", "output"
_BLOCK_ROWS = 2048


def side_of(name: str, tensor: torch.Tensor, axis: int = 0) -> str:
    """Return the side of a tensor that follows the vocabulary.

    Parameters
    ----------
    name : str
        ``input``, ``output``, ``bias`` or a further tensor's own name.
    tensor : torch.Tensor
        The source's.
    axis : int, default=0
        The axis of the vocabulary.

    Returns
    -------
    str
        ``output`` for the output matrix and for whatever has one number a token, as the biases of predictions have;
        else ``input``.
    """
    one_number = tensor.numel() == tensor.shape[axis]
    return OUTPUT if name == OUTPUT or (name != INPUT and one_number) else INPUT


def scale_rows(rows: torch.Tensor, scale: np.ndarray) -> None:
    """Multiply rows in place, a block at a time; those whose scale is 1 stay bit for bit.

    Parameters
    ----------
    rows : torch.Tensor of shape (n_target, d)
        A new matrix; the products are taken in float32.
    scale : ndarray of shape (n_target,), dtype float32
        One number a row.
    """
    import torch

    ids = np.flatnonzero(scale != 1)
    for start in range(0, len(ids), _BLOCK_ROWS):
        block = torch.from_numpy(ids[start : start + _BLOCK_ROWS])
        factors = torch.from_numpy(scale[ids[start : start + _BLOCK_ROWS]])[:, None]
        rows[block] = (rows[block].float() * factors).to(rows.dtype)
