"""Language modelling: masked tokens or the next one are predicted, in sequences cut from one stream."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.corpus.corpus import Corpus
from focus_core.export.forward import MLM
from focus_core.export.run_model import RunModel, evaluating
from focus_core.training.dataset import TrainingText, mask_tokens
from focus_core.training.losses import next_tokens, summed_loss
from focus_core.training.options import TrainConfig
from focus_core.training.task import Batch, HeldOutLoss

if TYPE_CHECKING:
    import torch

    from focus_core.training.task import Rows

RUNAWAY_NATS = 2.0
EVALUATION_TOKENS = 8192


@dataclass(frozen=True, kw_only=True, eq=False)
class LanguageModelling:
    """A text to predict; see `focus_core.training.task.Task`.

    Parameters
    ----------
    model : RunModel
        What predicts.
    text : TrainingText
        What is predicted.
    config : TrainConfig
        The options.
    device : str
        Where the products are made.
    corpus : Corpus, default=None
        Where the text is from, for the manifest.
    """

    model: RunModel
    text: TrainingText
    config: TrainConfig
    device: str
    corpus: Corpus | None = None

    @property
    def objective(self) -> str:
        """``mlm`` or ``clm``: what the model's head was made for."""
        return self.model.objective

    @property
    def unit(self) -> str:
        """Nats per predicted token."""
        return "nats"

    @property
    def length(self) -> int:
        """Tokens of one sequence."""
        return int(self.text.blocks.shape[1])

    @property
    def n_rows(self) -> int:
        """Sequences of one step."""
        return max(1, self.config.batch_tokens // self.length)

    def batch(self, step: int) -> Batch:
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
            targets = blocks
        else:
            inputs = blocks
            targets, chosen = next_tokens(blocks, torch.ones_like(blocks, dtype=torch.bool))
        return Batch(tensors=(inputs, targets, chosen), n=max(1, int(chosen.sum())))

    def example(self) -> Rows:
        """Return one sequence of which every token is predicted."""
        import torch

        blocks = torch.from_numpy(self.text.blocks[:1].astype(np.int64))
        return blocks, blocks, torch.ones_like(blocks, dtype=torch.bool)

    def summed_loss(self, rows: Rows, precision: str) -> torch.Tensor:
        """Return the cross entropy in nats, summed over the chosen positions."""
        inputs, targets, chosen = rows
        return summed_loss(self.model, inputs, targets, chosen, self.device, precision)

    def tokens_after(self, step: int) -> int:
        """Return the tokens seen after so many steps."""
        return step * self.n_rows * self.length

    def limit(self, first_loss: float) -> float:
        """Return above which loss a training has run away."""
        return first_loss + RUNAWAY_NATS

    def held_out(self, precision: str) -> HeldOutLoss:
        """Return nats per prediction and bits per character on the held-out lines."""
        nats, n = self._held_out_nats(precision)
        return HeldOutLoss(loss=nats / n, bits=nats / math.log(2) / self.text.held_out.n_characters)

    def _held_out_nats(self, precision: str) -> tuple[float, int]:
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

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says of the text."""
        known = {} if self.corpus is None else {"files": list(self.corpus.names), "digest": self.corpus.digest}
        return known | {
            "n_lines": self.text.n_lines,
            "n_tokens": self.text.n_tokens,
            "held_out_percent": self.text.percent,
            **({"held_out_from": self.text.first} if self.text.first else {}),
            "n_held_out_lines": self.text.held_out.n_lines,
            "n_measured_lines": len(self.text.held_out.sequences),
        }

    def warnings(self) -> list[str]:
        """Return what the user should know."""
        if self.model.objective == MLM and self.model.eos_id is None:
            return ["The vocabulary has no token that ends a line; lines were joined without one."]
        return []
