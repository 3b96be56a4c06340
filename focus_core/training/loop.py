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

import numpy as np

from focus_core.errors import FocusError, phrase
from focus_core.export.forward import MLM, out_of_memory, run_or_refuse
from focus_core.export.run_model import RunModel, evaluating
from focus_core.training.checkpoint import State, load_checkpoint, save_checkpoint
from focus_core.training.dataset import TrainingText, mask_tokens
from focus_core.training.losses import next_tokens, own_stream, summed_loss
from focus_core.training.options import TrainConfig
from focus_core.types import ProgressHook, no_progress

if TYPE_CHECKING:
    import torch

CHECKPOINT_SECONDS = 60.0
FIRST_STEPS = 10
RUNAWAY_NATS = 2.0
EVALUATION_TOKENS = 8192
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
    """A model, its text and its options, ready to be trained.

    Parameters
    ----------
    model : RunModel
        Trained in place.
    text : TrainingText
        What it is trained on.
    config : TrainConfig
        The options.
    device : str
        Where the products are made.
    folder : Path
        Where checkpoints and snapshots are kept.
    progress : ProgressHook, default=no_progress
        Told the steps done, of all steps, as stage ``train``.
    """

    model: RunModel
    text: TrainingText
    config: TrainConfig
    device: str
    folder: Path
    progress: ProgressHook = no_progress

    @property
    def length(self) -> int:
        """Tokens of one sequence."""
        return int(self.text.blocks.shape[1])

    @property
    def n_rows(self) -> int:
        """Sequences of one step."""
        return max(1, self.config.batch_tokens // self.length)

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
            good = state.recent_loss < state.first_loss + RUNAWAY_NATS / 2  # what may be running away is not kept
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

        blocks = torch.from_numpy(self.text.blocks[:1].astype(np.int64))
        chosen = torch.ones_like(blocks, dtype=torch.bool)
        self.model.model.train()
        try:
            with own_stream(self.device, self.config.seed), run_or_refuse("training", expected=TRAINS):
                torch.autograd.backward(summed_loss(self.model, blocks, blocks, chosen, self.device, "float32"))
        except (MemoryError, RuntimeError) as reason:
            if not out_of_memory(reason):  # a step says what to do about memory
                raise
        self.model.model.zero_grad(set_to_none=True)

    # --- one step -----------------------------------------------------------------------------------------------

    def _step(self, state: State, parameters: dict[str, Any], optimizer: torch.optim.Optimizer) -> None:
        """Take one optimizer step; a batch that does not fit is cut into twice as many parts."""
        import torch

        self._prepare(state.step, optimizer)
        inputs, targets, chosen = self._batch(state.step)
        while True:
            try:
                with own_stream(self.device, self.config.seed * 1_000_003 + state.step):
                    loss = self._gradients(state, inputs, targets, chosen)
                break
            except (MemoryError, RuntimeError) as reason:
                if not out_of_memory(reason):
                    raise
            optimizer.zero_grad(set_to_none=True)
            self._cut_batch(state, len(inputs))
        length = torch.nn.utils.clip_grad_norm_(list(parameters.values()), self.config.max_grad_norm)
        if not math.isfinite(loss) or not math.isfinite(float(length)):
            raise diverged(state.step, state.first_loss, loss)
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

    def _batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return input ids, target ids and where predictions are wanted, each of shape (n_rows, length)."""
        import torch

        blocks = torch.from_numpy(self.text.batch(step, self.n_rows, self.config.seed))
        if self.model.objective == MLM:
            inputs, chosen = mask_tokens(
                blocks,
                mask_id=int(self.model.mask_id or 0),
                ordinary=self.text.ordinary,
                share=self.config.mlm_probability,
                seed=self.config.seed,
                step=step,
            )
            return inputs, blocks, chosen
        return blocks, *next_tokens(blocks, torch.ones_like(blocks, dtype=torch.bool))

    def _gradients(self, state: State, inputs: torch.Tensor, targets: torch.Tensor, chosen: torch.Tensor) -> float:
        """Add up the gradients of the mean loss over all parts of a batch; return that loss."""
        import torch

        n, total = max(1, int(chosen.sum())), 0.0
        size = -(-len(inputs) // state.parts)
        for start in range(0, len(inputs), size):
            part = slice(start, start + size)
            loss = summed_loss(self.model, inputs[part], targets[part], chosen[part], self.device, state.precision) / n
            with run_or_refuse("training", expected=TRAINS):
                torch.autograd.backward(loss)
            total += loss.item()
        return total

    def _cut_batch(self, state: State, n_rows: int) -> None:
        """Halve what is computed at a time, and say so."""
        if state.parts >= n_rows:
            raise FocusError(
                f"training: expected memory for one sequence of {self.length} tokens, got too little",
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
        if state.recent_loss > state.first_loss + RUNAWAY_NATS:
            raise diverged(state.step, state.first_loss, state.recent_loss)

    # --- the curve ----------------------------------------------------------------------------------------------

    def _add_row(self, state: State) -> None:
        """Measure on the held-out lines and add a row to the curve."""
        nats, n = self._held_out(state.precision)
        state.curve.append(
            {
                "step": state.step,
                "tokens": state.step * self.n_rows * self.length,
                "loss": state.loss_sum / state.loss_steps if state.loss_steps else None,
                "held_out_loss": nats / n,
                "held_out_bits": nats / math.log(2) / self.text.held_out.n_characters,
                "learning_rate": self.config.learning_rate * self.config.rate_factor(max(0, state.step - 1)),
            }
        )
        state.loss_sum, state.loss_steps = 0.0, 0

    def _held_out(self, precision: str) -> tuple[float, int]:
        """Return nats over all predictions on the held-out lines, and how many these are."""
        import torch

        nats, n = 0.0, 0
        with evaluating(self.model.model):
            for numbers in self._held_out_batches():
                ids, chosen, attention = self._padded(numbers)
                inputs, targets = ids, ids
                if self.model.objective == MLM:
                    inputs = torch.where(chosen, int(self.model.mask_id or 0), ids)
                else:
                    targets, chosen = next_tokens(ids, chosen)
                nats += float(summed_loss(self.model, inputs, targets, chosen, self.device, precision, attention))
                n += int(chosen.sum())
        return nats, n

    def _held_out_batches(self) -> list[np.ndarray]:
        """Return numbers of the held-out lines, shortest first; of one length where the model reads no padding."""
        lengths = np.array([len(ids) for ids in self.text.held_out.sequences])
        order = np.argsort(lengths, kind="stable")
        rows = max(1, EVALUATION_TOKENS // max(self.length, 1))
        ends = np.arange(rows, len(order), rows)
        if self.model.reading.padding:
            return np.split(order, ends)
        groups = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
        return [batch for group in groups for batch in np.split(group, np.arange(rows, len(group), rows))]

    def _padded(self, numbers: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return ids, predictions and attention of some held-out lines, padded to one length."""
        import torch

        held = self.text.held_out
        width = max(len(held.sequences[i]) for i in numbers)
        ids = np.full((len(numbers), width), self.model.pad_id or 0, np.int64)
        chosen, attention = np.zeros(ids.shape, bool), np.zeros(ids.shape, np.int64)
        for row, i in enumerate(numbers.tolist()):
            n = len(held.sequences[i])
            ids[row, :n], chosen[row, :n], attention[row, :n] = held.sequences[i], held.chosen[i], 1
        return torch.from_numpy(ids), torch.from_numpy(chosen), torch.from_numpy(attention)


def diverged(step: int, first: float, now: float) -> DivergedError:
    """Return the error of a loss that ran away."""
    hint = phrase("the last good checkpoint is kept; go on with {resume} and a lower {learning_rate}")
    message = f"training: expected a falling loss, got {now:.2f} nats at step {step:,}, {first:.2f} at the start"
    return DivergedError(message, hint=hint)
