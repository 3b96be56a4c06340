"""Token Distillation (Dobler, Elliott & de Melo, ICLR 2026): a new token does in the backbone what its pieces did.

The source reads a text in its own tokens, the target's tokens read it through the same frozen backbone. The input
embeddings of new tokens are moved until the last states agree wherever tokens of both sides end at one character.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from focus_core.errors import ModelError, bad_input, option, phrase
from focus_core.initialization.learned_rows import LearnedRows
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.learned.body import (
    FrozenBody,
    check_trainable,
    load_body,
    load_teacher,
    on_one_thread,
    refuse_no_number,
)
from focus_core.initialization.methods.learned.paired_text import PairedText
from focus_core.initialization.methods.learned.vocadt import start_tensors
from focus_core.initialization.methods.subword_mean import subword_mean
from focus_core.initialization.weights import COMBINED
from focus_core.surgery.positions import longest_text

if TYPE_CHECKING:
    import torch

TRAIN_TOKENS = 30_000
"""Tokens that it is trained on where no number is given; a comparison pays them from its budget."""

RATE = 1e-3
BATCH_ROWS = 16
TIED_WEIGHT = 1.0
"""Weight of the language-model term where one matrix is input and output, and none is given."""


def token_distillation(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; move the input embeddings of others until the backbone makes of them what it makes of pieces.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies, overlap, text and the source model.

    Returns
    -------
    MethodOutput
        ``W`` of the mean of pieces, from which they started, and the rows of the input matrix that were learned.

    Raises
    ------
    ModelError
        If the loss is no number.
    """
    start = subword_mean(inputs)
    ids = np.flatnonzero(start.weights.origins == COMBINED)
    if inputs.model is None or not len(ids):
        return start
    with on_one_thread():
        teacher, tensors = load_teacher(inputs), start_tensors(inputs, start.weights)
        longest = longest_text(teacher.model.config, inputs.model.positions)
        text = PairedText(inputs.corpus, inputs.source, inputs.target, longest=longest)
        numbers = text.drawn(n_tokens=inputs.config.train_tokens or TRAIN_TOKENS, seed=inputs.config.seed)
        distiller = Distiller(text, teacher, load_body(inputs, tensors), tensors, ids)
        losses = _train(inputs, distiller, numbers)
    notes = {"tokens": text.target_rows(numbers).size, "loss_start": losses[0], "loss_end": losses[-1]}
    made = LearnedRows(ids=ids.astype(np.int32), tensors={"input": distiller.rows.detach().numpy()})
    return dataclasses.replace(start, learned=made, notes=notes | {"language_weight": language_weight(inputs)})


def check_distillable(inputs: MethodInput) -> None:
    """Refuse what `check_trainable` does, and a tied source without the language-model term.

    Parameters
    ----------
    inputs : MethodInput
        The source model, the target vocabulary, the text and the options.

    Raises
    ------
    InvalidInputError
        If states alone would be learned for a matrix that the model predicts with too.
    """
    check_trainable(inputs)
    if inputs.model is not None and inputs.model.tied and not language_weight(inputs):
        expected = "more than 0 where input and output embeddings are one matrix"
        remedy = phrase("leave it out, give more, or choose another {method}")
        raise bad_input(option("language_weight"), expected, "0", remedy, ModelError)


def language_weight(inputs: MethodInput) -> float:
    """Return the weight of the language-model term: the one that was given, else 0, or 1 of a tied source."""
    if inputs.config.language_weight is not None:
        return inputs.config.language_weight
    return TIED_WEIGHT if inputs.model is not None and inputs.model.tied else 0.0


class Distiller:
    """The input embeddings of new tokens as parameters, and what they are taught by.

    Parameters
    ----------
    text : PairedText
        In the tokens of both sides.
    teacher, student : FrozenBody
        The source, and its backbone under the target's vocabulary.
    tensors : mapping of str to torch.Tensor
        The target's, as they start.
    ids : ndarray of shape (n_new,), dtype int64
        Which rows of the input matrix are learned.
    """

    def __init__(
        self,
        text: PairedText,
        teacher: FrozenBody,
        student: FrozenBody,
        tensors: dict[str, torch.Tensor],
        ids: np.ndarray,
    ) -> None:
        import torch

        self.text, self.teacher, self.student = text, teacher, student
        self._fixed, self._ids = tensors, torch.from_numpy(ids.astype(np.int64))
        self.rows = tensors["input"][self._ids].clone().requires_grad_()
        self.is_new = np.zeros(len(tensors["input"]), bool)
        self.is_new[ids] = True

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the tensors of the target; a gradient of theirs reaches the learned rows."""
        return {**self._fixed, "input": self._fixed["input"].index_copy(0, self._ids, self.rows)}

    def distillation_loss(self, tensors: dict[str, torch.Tensor], numbers: np.ndarray) -> torch.Tensor:
        """Return the mean squared difference of the last states of both sides, over places and dimensions.

        Parameters
        ----------
        tensors : mapping of str to torch.Tensor
            As `tensors` returns them.
        numbers : ndarray of shape (n,), dtype int64
            Rows of the text.

        Returns
        -------
        torch.Tensor of shape (), dtype float32
            The loss; 0 where no row has a new token.
        """
        import torch

        pairs = [self.text.matches(int(number), self.is_new) for number in numbers]
        if not sum(len(mine) for mine, _ in pairs):
            return torch.zeros(())
        wanted = [self._taught(int(number), theirs) for number, (_, theirs) in zip(numbers, pairs, strict=True)]
        row = np.repeat(np.arange(len(pairs)), [len(mine) for mine, _ in pairs])
        places = torch.from_numpy(row), torch.from_numpy(np.concatenate([mine for mine, _ in pairs]))
        states = self.student.run(tensors, torch.from_numpy(self.text.target_rows(numbers))).hidden_states[-1]
        return torch.nn.functional.mse_loss(states[places], torch.cat(wanted))

    def _taught(self, number: int, places: np.ndarray) -> torch.Tensor:
        """Return the source's states at some places of a row, (n, d); one row at a time, so that none is padded."""
        import torch

        with torch.no_grad():
            found = self.teacher.run({}, torch.from_numpy(self.text.source_row(number)[None])).hidden_states[-1]
        states: torch.Tensor = found[0, torch.from_numpy(places)].float()
        return states

    def loss(self, numbers: np.ndarray, *, weight: float, seed: int, step: int) -> torch.Tensor:
        """Return the distillation loss and ``weight`` times the model's own loss on the same rows."""
        tensors = self.tensors()
        loss = self.distillation_loss(tensors, numbers)
        if not weight:
            return loss
        return loss + weight * self.student.language_loss(tensors, self.text.target_rows(numbers), seed=seed, step=step)


def _train(inputs: MethodInput, distiller: Distiller, numbers: np.ndarray) -> list[float]:
    """Take a step of Adam for every batch, at a rate that falls to zero; return the losses."""
    import torch

    optimizer, losses, weight = torch.optim.Adam([distiller.rows], lr=RATE), [], language_weight(inputs)
    batches = list(distiller.text.batches(numbers, BATCH_ROWS))
    for step, batch in enumerate(batches):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / len(batches))
        optimizer.zero_grad()
        loss = distiller.loss(batch, weight=weight, seed=inputs.config.seed, step=step)
        refuse_no_number(loss.item(), inputs.config.method)
        if loss.requires_grad:  # not so of rows without a new token
            torch.autograd.backward(loss)
            optimizer.step()
        losses.append(loss.item())
        inputs.progress("train", step + 1, len(batches), f"loss {losses[-1]:.3f}")
    return losses
