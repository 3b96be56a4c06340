"""Every option of a training, its range, and which may change when it is resumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from focus_core.errors import bad_input, phrase
from focus_core.validation import check_options

OLD_NAMES = {
    "mask_share": "mlm_probability",
    "warm_up_share": "warmup_ratio",
    "clip": "max_grad_norm",
    "length": "max_seq_length",
}
"""What older manifests, scripts and links call an option -> its name."""


class Objective(StrEnum):
    """What is learned: masked tokens, the next one, or the sentence embeddings of the source (on pairs of lines)."""

    MLM = "mlm"
    CLM = "clm"
    DISTILL = "distill"


class Trained(StrEnum):
    """Which parameters training may change.

    ``embeddings``: input and output embeddings and bias; the backbone stays frozen. ``embeddings-first``: these
    alone for the first part, then everything. ``all``: everything from the first step.
    """

    EMBEDDINGS = "embeddings"
    EMBEDDINGS_FIRST = "embeddings-first"
    ALL = "all"


class Schedule(StrEnum):
    """How the learning rate goes on after the warmup."""

    LINEAR = "linear"
    COSINE = "cosine"
    CONSTANT = "constant"


class Precision(StrEnum):
    """Arithmetic of the products; ``auto`` takes bfloat16 where it measures faster. Parameters stay float32."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The options of one training.

    Parameters
    ----------
    tokens : int, default=None
        Tokens to see, padding excluded; either this or ``steps``.
    steps : int, default=None
        Optimizer steps to take.
    objective : Objective, default=None
        What to learn; ``None`` takes what the model's head was made for.
    train : Trained, default="all"
        Which parameters change.
    first_share : float, default=0.2
        With ``embeddings-first``, the part of all steps that changes embeddings alone (Dobler & de Melo 2023).
    learning_rate : float, default=0.0005
        At its highest.
    schedule : Schedule, default="linear"
        After the warmup: down to zero in a line or a cosine, or constant.
    warmup_ratio : float, default=0.05
        The part of all steps over which the rate rises from zero.
    weight_decay : float, default=0.01
        Of the backbone's matrices; embeddings and vectors do not decay.
    max_grad_norm : float, default=1.0
        Norm to which a longer gradient is clipped, as one vector over all parameters.
    batch_tokens : int, default=4096
        Tokens of one step.
    max_seq_length : int, default=128
        Tokens of one sequence; at most what the model can take.
    mlm_probability : float, default=0.15
        With ``mlm``, the part of tokens to predict: 80 % become the mask, 10 % another token, 10 % stay.
    evaluations : int, default=20
        How often the held-out loss is taken after the start; more densely early on.
    snapshots : int, default=4
        How many times the input embeddings are kept on the way.
    precision : Precision, default="auto"
        Arithmetic of the products.
    stop_below : float, default=None
        Stop once the held-out loss is below this many nats; ``None`` goes on to the end.
    seed : int, default=42
        Seed of the order of sequences, of masks and of dropout.
    device : str, default="auto"
        ``cpu``, ``cuda`` or ``auto``.
    threads : int, default=None
        Threads of the products on the CPU; ``None`` leaves it to torch. Results are equal to the bit only for equal
        numbers of threads.

    Raises
    ------
    InvalidInputError
        If an option lies outside its range, or not exactly one of ``tokens`` and ``steps`` is given.
    """

    tokens: int | None = None
    steps: int | None = None
    objective: Objective | None = None
    train: Trained = Trained.ALL
    first_share: float = 0.2
    learning_rate: float = 5e-4
    schedule: Schedule = Schedule.LINEAR
    warmup_ratio: float = 0.05
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    batch_tokens: int = 4096
    max_seq_length: int = 128
    mlm_probability: float = 0.15
    evaluations: int = 20
    snapshots: int = 4
    precision: Precision = Precision.AUTO
    stop_below: float | None = None
    seed: int = 42
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        if (self.tokens is None) == (self.steps is None):
            got = "neither" if self.tokens is None else "both"
            raise bad_input("length of the training", phrase("{steps} or {tokens}"), got, "give one")
        check_options(self, _RANGES)

    @property
    def n_steps(self) -> int:
        """Optimizer steps in all."""
        if self.steps is not None:
            return self.steps
        return -(-int(self.tokens or 0) // self.batch_tokens)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain JSON values, in the order of the fields."""
        return dataclasses.asdict(self)

    def rate_factor(self, step: int) -> float:
        """Return the learning rate of a step as a share of the highest."""
        import math

        warm = max(1, round(self.warmup_ratio * self.n_steps))
        if step < warm:
            return (step + 1) / warm
        left = (self.n_steps - step) / max(1, self.n_steps - warm)
        if self.schedule is Schedule.LINEAR:
            return left
        return 0.5 * (1 - math.cos(math.pi * left)) if self.schedule is Schedule.COSINE else 1.0

    def trains_backbone(self, step: int) -> bool:
        """Tell whether a step changes the body."""
        if self.train is Trained.EMBEDDINGS_FIRST:
            return step >= round(self.first_share * self.n_steps)
        return self.train is Trained.ALL


def with_current_names(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored options under the names that they have now.

    Parameters
    ----------
    stored : mapping of str to any
        Options of a training as its manifest or its unfinished folder holds them, from this version or an older one.

    Returns
    -------
    dict of str to any
        The same values in the same order.
    """
    return {OLD_NAMES.get(name, name): value for name, value in stored.items()}


_RANGES: dict[str, tuple[float, float]] = {
    "tokens": (1, 10**13),
    "steps": (1, 10**9),
    "first_share": (0, 1),
    "learning_rate": (1e-8, 10),
    "warmup_ratio": (0, 1),
    "weight_decay": (0, 1),
    "max_grad_norm": (1e-6, 1e6),
    "batch_tokens": (16, 10**8),
    "max_seq_length": (8, 10**5),
    "mlm_probability": (0.01, 0.9),
    "evaluations": (1, 10_000),
    "snapshots": (0, 1_000),
    "stop_below": (0, 1_000),
    "seed": (0, 2**31 - 1),
    "threads": (1, 1024),
}
