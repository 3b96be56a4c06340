"""The loss that a training follows, what it is taken of, and how to tell that memory ran out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from focus_core.export.run_model import RunModel

if TYPE_CHECKING:
    import torch


def next_tokens(ids: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return at each position the next token (n, length), and whether that one is wanted."""
    import torch

    chosen = torch.zeros_like(wanted)
    chosen[:, :-1] = wanted[:, 1:]
    return ids.roll(-1, dims=1), chosen


def summed_loss(
    model: RunModel,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    chosen: torch.Tensor,
    device: str,
    precision: str,
    attention: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the cross entropy in nats, summed over the chosen positions.

    Parameters
    ----------
    model : RunModel
        Lies on ``device``.
    inputs, targets : torch.Tensor of shape (n, length), dtype int64
        What is read and what is to be said.
    chosen : torch.Tensor of shape (n, length), dtype bool
        Where.
    device : str
        ``cpu`` or ``cuda``.
    precision : {"float32", "bfloat16"}
        Arithmetic of the products; the loss itself is taken in float32.
    attention : torch.Tensor of shape (n, length), default=None
        0 at padding.

    Returns
    -------
    torch.Tensor of shape (), dtype float32
        0 where nothing is chosen.
    """
    import torch

    there = chosen.to(device)
    with torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        logits = model.logits_at(inputs.to(device), there, None if attention is None else attention.to(device))
    return torch.nn.functional.cross_entropy(logits.float(), targets.to(device)[there], reduction="sum")


@contextmanager
def own_stream(device: str, seed: int) -> Iterator[None]:
    """Give dropout a stream of random numbers of its own; the caller's goes on as if nothing had been drawn."""
    import torch

    devices = [torch.device(device)] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.random.manual_seed(seed)
        yield
