"""What a training must remember to go on as if it had never stopped, and the file it is kept in.

One safetensors file whose header holds the state as JSON, replaced at once. No pickle.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.artifacts import dump_json, write_arrays
from focus_core.errors import RunFolderError, bad_input

if TYPE_CHECKING:
    import torch

CHECKPOINT = "checkpoint.safetensors"
_PARAMETER, _OPTIMIZER = "parameter.", "optimizer."


@dataclass
class State:
    """Everything of a training beside tensors.

    Parameters
    ----------
    step : int, default=0
        Steps done.
    loss_sum : float, default=0.0
        Sum of the losses since the last row of the curve, in nats.
    loss_steps : int, default=0
        How many these are.
    first_loss : float, default=0.0
        Mean loss of the first steps, in nats.
    recent_loss : float, default=0.0
        A running mean of the loss, in nats.
    parts : int, default=1
        Into how many parts a batch is cut for want of memory.
    precision : str, default="float32"
        Arithmetic of the products.
    curve : list of dict
        Rows of ``curve.parquet``.
    warnings : list of str
        What the user should know.
    """

    step: int = 0
    loss_sum: float = 0.0
    loss_steps: int = 0
    first_loss: float = 0.0
    recent_loss: float = 0.0
    parts: int = 1
    precision: str = "float32"
    curve: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def save_checkpoint(
    folder: Path, parameters: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer, state: State
) -> None:
    """Write a checkpoint in place of the last one; a kill at any moment leaves the one or the other."""
    import torch

    tensors = {f"{_PARAMETER}{name}": parameter.detach() for name, parameter in parameters.items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{number}.{key}": torch.as_tensor(value) for key, value in moments.items()}
    fresh = folder / f"{CHECKPOINT}.new"
    write_arrays(fresh, tensors, metadata={"state": dump_json(dataclasses.asdict(state), indent=None)})
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(folder / CHECKPOINT)


def load_checkpoint(
    folder: Path, parameters: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer
) -> State | None:
    """Put the last checkpoint back into parameters and optimizer, but for learning rates; ``None`` if there is none."""
    import torch
    from safetensors import SafetensorError, safe_open

    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            state = State(**json.loads(file.metadata()["state"]))
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(tensors.pop(f"{_PARAMETER}{name}"))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as reason:
        remedy = "remove the unfinished training and start it again"
        raise bad_input(CHECKPOINT, "a checkpoint of this training", "another", remedy, RunFolderError) from reason
    moments: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        number, key = name.removeprefix(_OPTIMIZER).split(".", 1)
        moments.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return state
