"""The loop: one step after the other, the held-out loss now and then, a checkpoint every minute.

Everything random is named by the seed and the number of the step, so that where a training was interrupted leaves no
trace.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.errors import FocusError, phrase
from focus_core.export.forward import out_of_memory, run_or_refuse
from focus_core.training.checkpoint import State, load_checkpoint, save_checkpoint
from focus_core.training.losses import own_stream
from focus_core.training.options import TrainConfig
from focus_core.training.task import Batch, Task, Trained
from focus_core.types import ProgressHook, no_progress

if TYPE_CHECKING:
    import torch

CHECKPOINT_SECONDS = 60.0
FIRST_STEPS = 10
TRAINS = "a model that transformers trains on token ids alone"


class _Clock:
    """How long the rest will take, from the steps taken so far; the first ones are slow and do not count."""

    def __init__(self, step: int, total: int) -> None:
        self._first, self._total = step + 2, total
        self._began = time.monotonic()

    def left(self, step: int) -> str:
        """Return ", about 3 min left"; nothing while it is too early to tell."""
        if step <= self._first:
            self._began = time.monotonic()
            return ""
        seconds = (time.monotonic() - self._began) / (step - self._first) * (self._total - step)
        return f", about {seconds:.0f} s left" if seconds < 100 else f", about {seconds / 60:.0f} min left"


class DivergedError(FocusError):
    """The loss ran away; the last good checkpoint is kept."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trainer:
    """A model, what it is to learn, and its options, ready to be trained.

    Parameters
    ----------
    model : Trained
        Trained in place.
    task : Task
        What it is to learn: batches, their loss, and the loss on what is held out.
    config : TrainConfig
        The options.
    device : str
        Where the products are made.
    folder : Path
        Where checkpoints and snapshots are kept.
    progress : ProgressHook, default=no_progress
        Told the steps done, of all steps, as stage ``train``.
    """

    model: Trained
    task: Task
    config: TrainConfig
    device: str
    folder: Path
    progress: ProgressHook = no_progress

    def parameters(self) -> dict[str, Any]:
        """Return what training may change: embeddings first, then the backbone unless it stays frozen."""
        trained = {f"token.{name}": p for name, p in self.model.matrices().items()}
        if self.config.train != "embeddings":
            trained |= {f"body.{name}": p for name, p in self.model.backbone().items()}
        return trained

    def run(self, snapshot: Callable[[int], None], precision: Callable[[], str]) -> State:
        """Train to the end, from the last checkpoint where there is one; a loss that runs away is a `DivergedError`."""
        parameters = self.parameters()
        optimizer = self._optimizer(parameters)
        state = load_checkpoint(self.folder, parameters, optimizer) or State(precision=precision())
        if not state.curve:
            self._add_row(state)
            save_checkpoint(self.folder, parameters, optimizer, state)
        rows, kept = self._row_steps(), self._snapshot_steps()
        clock = _Clock(state.step, self.config.n_steps)
        saved = time.monotonic()
        while state.step < self.config.n_steps and not self.reached(state):
            self._step(state, parameters, optimizer)
            if state.step in rows:
                self._add_row(state)
            if state.step in kept:
                snapshot(state.step)
            held_out = state.curve[-1]["held_out_loss"]
            note = f"loss {state.recent_loss:.3f}, held-out {held_out:.3f}{clock.left(state.step)}"
            self.progress("train", state.step, self.config.n_steps, note)
            middle = (state.first_loss + self.task.limit(state.first_loss)) / 2
            good = state.recent_loss < middle  # what may be running away is not kept
            if good and time.monotonic() - saved > CHECKPOINT_SECONDS:
                save_checkpoint(self.folder, parameters, optimizer, state)
                saved = time.monotonic()
        save_checkpoint(self.folder, parameters, optimizer, state)
        return state

    def reached(self, state: State) -> bool:
        """Tell whether the held-out loss last taken lies below the one that was asked for."""
        wanted = self.config.stop_below
        return wanted is not None and bool(state.curve) and state.curve[-1]["held_out_loss"] < wanted

    def _optimizer(self, parameters: dict[str, Any]) -> torch.optim.Optimizer:
        """Return AdamW; matrices of the backbone decay, embeddings and vectors do not."""
        import torch

        groups = [
            {
                "params": [p],
                "weight_decay": self.config.weight_decay if name.startswith("body.") and p.ndim > 1 else 0.0,
            }
            for name, p in parameters.items()
        ]
        return torch.optim.AdamW(groups, lr=self.config.learning_rate, betas=(0.9, 0.98))

    def _row_steps(self) -> set[int]:
        """Return after which steps the held-out loss is taken: densely at first."""
        n, total = self.config.evaluations, self.config.n_steps
        return {max(1, round(total * (i / n) ** 2)) for i in range(1, n + 1)}

    def _snapshot_steps(self) -> set[int]:
        """Return after which steps the input matrix is kept: half-way, a quarter of the way, and so on."""
        return {self.config.n_steps >> i for i in range(1, self.config.snapshots + 1)} - {0}

    def check(self) -> None:
        """Refuse a model that cannot be trained, before anything is kept of it: one sequence goes there and back.

        Raises
        ------
        ModelError
            Says what the model raised.
        """
        import torch

        self.model.model.train()
        try:
            with own_stream(self.device, self.config.seed), run_or_refuse("training", expected=TRAINS):
                torch.autograd.backward(self.task.summed_loss(self.task.example(), "float32"))
        except (MemoryError, RuntimeError) as reason:
            if not out_of_memory(reason):  # a step says what to do about memory
                raise
        self.model.model.zero_grad(set_to_none=True)

    # --- one step -----------------------------------------------------------------------------------------------

    def _step(self, state: State, parameters: dict[str, Any], optimizer: torch.optim.Optimizer) -> None:
        """Take one optimizer step; a batch that does not fit is cut into twice as many parts."""
        import torch

        self._prepare(state.step, optimizer)
        batch = self.task.batch(state.step)
        while True:
            try:
                with own_stream(self.device, self.config.seed * 1_000_003 + state.step):
                    loss = self._gradients(state, batch)
                break
            except (MemoryError, RuntimeError) as reason:
                if not out_of_memory(reason):
                    raise
            optimizer.zero_grad(set_to_none=True)
            self._cut_batch(state, batch.n_rows)
        length = torch.nn.utils.clip_grad_norm_(list(parameters.values()), self.config.max_grad_norm)
        if not math.isfinite(loss) or not math.isfinite(float(length)):
            raise diverged(state.step, state.first_loss, loss, self.task.unit)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        self._note_loss(state, loss)

    def _prepare(self, step: int, optimizer: torch.optim.Optimizer) -> None:
        """Set the learning rate and what is frozen."""
        for group in optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self.config.rate_factor(step)
        moving = self.config.trains_backbone(step)
        for parameter in self.model.backbone().values():
            parameter.requires_grad_(moving)
        self.model.model.train()

    def _gradients(self, state: State, batch: Batch) -> float:
        """Add up the gradients of the mean loss over all parts of a batch; return that loss."""
        import torch

        total = 0.0
        size = -(-batch.n_rows // state.parts)
        for start in range(0, batch.n_rows, size):
            loss = self.task.summed_loss(batch.rows(start, start + size), state.precision) / batch.n
            with run_or_refuse("training", expected=TRAINS):
                torch.autograd.backward(loss)
            total += loss.item()
        return total

    def _cut_batch(self, state: State, n_rows: int) -> None:
        """Halve what is computed at a time, and say so."""
        if state.parts >= n_rows:
            raise FocusError(
                f"training: expected memory for one sequence of {self.task.length} tokens, got too little",
                hint=phrase("give a smaller {max_seq_length}"),
            )
        state.parts *= 2
        state.warnings = [w for w in state.warnings if not w.startswith("Memory")]
        rows = -(-n_rows // state.parts)
        state.warnings.append(f"Memory ran out; a step now adds up {state.parts} parts of {rows} sequences.")
        self.progress("train", state.step, self.config.n_steps, state.warnings[-1])

    def _note_loss(self, state: State, loss: float) -> None:
        """Count a step, and stop where the loss stays far above that of the first steps."""
        state.step += 1
        state.loss_sum, state.loss_steps = state.loss_sum + loss, state.loss_steps + 1
        n = min(state.step, FIRST_STEPS)
        if state.step <= FIRST_STEPS:
            state.first_loss += (loss - state.first_loss) / n
        state.recent_loss += (loss - state.recent_loss) / min(state.step, 5 * FIRST_STEPS)
        if state.recent_loss > self.task.limit(state.first_loss):
            raise diverged(state.step, state.first_loss, state.recent_loss, self.task.unit)

    # --- the curve ----------------------------------------------------------------------------------------------

    def _add_row(self, state: State) -> None:
        """Measure on the held-out lines and add a row to the curve."""
        found = self.task.held_out(state.precision)
        state.curve.append(
            {
                "step": state.step,
                "tokens": self.task.tokens_after(state.step),
                "loss": state.loss_sum / state.loss_steps if state.loss_steps else None,
                "held_out_loss": found.loss,
                "held_out_bits": found.bits,
                "learning_rate": self.config.learning_rate * self.config.rate_factor(max(0, state.step - 1)),
            }
        )
        state.loss_sum, state.loss_steps = 0.0, 0


def diverged(step: int, first: float, now: float, unit: str) -> DivergedError:
    """Return the error of a loss that ran away."""
    hint = phrase("the last good checkpoint is kept; go on with {resume} and a lower {learning_rate}")
    message = f"training: expected a falling loss, got {now:.2f} {unit} at step {step:,}, {first:.2f} at the start"
    return DivergedError(message, hint=hint)
