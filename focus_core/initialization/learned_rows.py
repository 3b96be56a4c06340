"""Embeddings that a method made itself, where the sparse ``W`` does not say all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedRows:
    """Rows that take the place of ``W·E``; ``W`` names what weighs most in them, or what they started from.

    Parameters
    ----------
    ids : ndarray of shape (n,), dtype int32
        Target ids, ascending; each has a combined row of ``W``.
    tensors : mapping of str to ndarray of shape (n, k), dtype float32
        Rows by the name of the tensor in a run, each flattened. A tensor that is not there follows ``W`` alone.
    """

    ids: np.ndarray
    tensors: Mapping[str, np.ndarray]

    def put(self, name: str, tensor: torch.Tensor, axis: int) -> np.ndarray | None:
        """Put the rows into one tensor of the target, in place.

        Parameters
        ----------
        name : str
            Which tensor this is.
        tensor : torch.Tensor
            With n_target entries along ``axis``; what stands there is ``W·E``.
        axis : int
            The axis of the vocabulary.

        Returns
        -------
        ndarray of shape (n,), dtype float32, or None
            How long the part of each row is that is not ``W·E``, as a share of the row; ``None`` without such rows.
        """
        import torch

        if name not in self.tensors:
            return None
        front, places = tensor.movedim(axis, 0), torch.from_numpy(self.ids.astype(np.int64))
        wanted = torch.from_numpy(self.tensors[name]).to(tensor.dtype)
        before = front[places].reshape(len(places), -1).float()
        front[places] = wanted.reshape(len(places), *front.shape[1:])
        lengths = wanted.float().norm(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
        shares: np.ndarray = ((wanted.float() - before).norm(dim=1) / lengths).numpy()
        return shares

    def moved(self, places: np.ndarray) -> LearnedRows:
        """Return the rows under other ids.

        Parameters
        ----------
        places : ndarray of shape (n_target,)
            The new id of every old one; -1 where it has none.

        Returns
        -------
        LearnedRows
            Without the rows that have no place.
        """
        ids = places[self.ids]
        order = np.argsort(ids, kind="stable")
        order = order[ids[order] >= 0]
        tensors = {name: rows[order] for name, rows in self.tensors.items()}
        return LearnedRows(ids=ids[order].astype(np.int32), tensors=tensors)
