"""What a training learns, as the loop sees it: batches of rows, their loss, and the loss on what is held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    Rows = tuple[torch.Tensor, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """What one step reads.

    Parameters
    ----------
    tensors : tuple of torch.Tensor
        One row a sequence in each.
    n : int
        By how much the summed loss is divided; at least 1.
    """

    tensors: Rows
    n: int

    @property
    def n_rows(self) -> int:
        """Sequences of the batch."""
        return len(self.tensors[0])

    def rows(self, start: int, end: int) -> Rows:
        """Return some of its rows, of every tensor."""
        return tuple(tensor[start:end] for tensor in self.tensors)


@dataclass(frozen=True, kw_only=True)
class HeldOutLoss:
    """The loss on what is held out.

    Parameters
    ----------
    loss : float
        The mean of what training makes small.
    bits : float or None
        Bits per character; ``None`` where nothing is predicted.
    """

    loss: float
    bits: float | None


class Trained(Protocol):
    """A model with parameters that belong to tokens, and others."""

    @property
    def model(self) -> Any:
        """The model of transformers."""

    def matrices(self) -> dict[str, Any]:
        """Return the parameters that belong to tokens, by their names in a run."""

    def backbone(self) -> dict[str, Any]:
        """Return all other parameters by their names in the model."""


class Task(Protocol):
    """What a model is to learn."""

    @property
    def objective(self) -> str:
        """Its name, as the option `objective` has it."""

    @property
    def unit(self) -> str:
        """In what its loss is counted."""

    @property
    def length(self) -> int:
        """Tokens of the longest sequence."""

    def batch(self, step: int) -> Batch:
        """Return what a step reads; equal steps read the same."""

    def example(self) -> Rows:
        """Return one row, to try the model with."""

    def summed_loss(self, rows: Rows, precision: str) -> torch.Tensor:
        """Return the loss summed over some rows, of shape ()."""

    def held_out(self, precision: str) -> HeldOutLoss:
        """Return the loss on what is held out, as the model is now."""

    def tokens_after(self, step: int) -> int:
        """Return the tokens seen after so many steps."""

    def limit(self, first_loss: float) -> float:
        """Return above which loss a training has run away that began with this one."""

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says of the text."""

    def warnings(self) -> list[str]:
        """Return what the user should know."""
