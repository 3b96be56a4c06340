"""VocADT (Han et al., ICLR 2025) on FOCUS's support: weights that are trained through the frozen backbone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.fallback import initialise_tensor
from focus_core.initialization.methods.focus import focus
from focus_core.initialization.methods.learned.body import FrozenBody, load_body, on_one_thread, refuse_no_number
from focus_core.initialization.methods.learned.text import training_rows
from focus_core.initialization.weights import COMBINED, WeightMatrix, spread
from focus_core.models.source import SourceModel

if TYPE_CHECKING:
    import torch

TRAIN_TOKENS = 30_000
"""Tokens that it is trained on where no number is given; a comparison pays them from its budget."""

RATE = 3e-4
BATCH_ROWS = 16


def vocadt(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; train the weights that FOCUS gives the others with the model's own loss.

    Parameters
    ----------
    inputs : MethodInput
        What FOCUS reads, and the text and the source model.

    Returns
    -------
    MethodOutput
        ``W`` with FOCUS's non-zero entries, whose values were trained: of either sign and any sum.

    Raises
    ------
    ModelError
        If the loss is no number.
    """
    start = focus(inputs)
    if inputs.model is None or not (start.weights.origins == COMBINED).any():
        return start
    rows = training_rows(
        inputs.corpus, inputs.target, n_tokens=inputs.config.train_tokens or TRAIN_TOKENS, seed=inputs.config.seed
    )
    with on_one_thread():
        tensors = start_tensors(inputs, start.weights)
        entries = Entries(start.weights, inputs.model, tensors)
        losses = _train(inputs, load_body(inputs, tensors), entries, rows)
    notes = {"tokens": rows.size, "loss_start": losses[0], "loss_end": losses[-1]}
    return dataclasses.replace(start, weights=entries.weights(), notes=notes)


def start_tensors(inputs: MethodInput, weights: WeightMatrix) -> dict[str, torch.Tensor]:
    """Return every tensor of the vocabulary as ``W`` and the fallback make it, in float32."""
    model = inputs.model
    options: dict[str, Any] = {"source": inputs.source, "target": inputs.target, "config": inputs.config}
    given = {} if model is None else model.tensors
    return {
        name: initialise_tensor(weights, tensor.float(), model.axis_of(name), name=name, **options).rows
        for name, tensor in given.items()
        if model is not None
    }


class Entries:
    """The weights of combined rows as parameters, and the tensors that they make.

    Parameters
    ----------
    start : WeightMatrix
        Whose non-zero entries they are.
    model : SourceModel
        The source's tensors.
    tensors : mapping of str to torch.Tensor
        The target's, as ``start`` makes them; rows that are not combined stay so.
    """

    def __init__(self, start: WeightMatrix, model: SourceModel, tensors: dict[str, torch.Tensor]) -> None:
        import torch

        self.start = start
        ids = np.flatnonzero(start.origins == COMBINED)
        counts = start.support[ids]
        self.places = spread(start.matrix.indptr[ids].astype(np.int64), counts)
        self.values = torch.from_numpy(start.matrix.data[self.places].copy()).requires_grad_()
        self._ids, self._offsets = torch.from_numpy(ids), torch.from_numpy(np.cumsum(counts) - counts)
        self._sources = torch.from_numpy(start.matrix.indices[self.places].astype(np.int64))
        named = {name: t for name, t in model.tensors.items() if t.ndim <= 2 and model.axis_of(name) == 0}
        self._matrices = {name: (t[:, None] if t.ndim == 1 else t).float() for name, t in named.items()}
        self._fixed = {name: tensors[name] for name in named}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the tensors of the target; a gradient of theirs reaches the weights."""
        return {name: self._filled(name) for name in self._matrices}

    def _filled(self, name: str) -> torch.Tensor:
        import torch

        combined = torch.nn.functional.embedding_bag(
            self._sources, self._matrices[name], self._offsets, mode="sum", per_sample_weights=self.values
        )
        fixed = self._fixed[name]
        return fixed.index_copy(0, self._ids, combined.reshape(-1, *fixed.shape[1:]))

    def weights(self) -> WeightMatrix:
        """Return ``W`` with the weights as they are now."""
        matrix = self.start.matrix
        data = matrix.data.copy()
        data[self.places] = self.values.detach().numpy()
        trained = sparse.csr_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)
        return dataclasses.replace(self.start, matrix=trained)


def _train(inputs: MethodInput, body: FrozenBody, entries: Entries, rows: np.ndarray) -> list[float]:
    """Take a step of Adam for every batch, at a rate that falls to zero; return the losses."""
    import torch

    optimizer, losses = torch.optim.Adam([entries.values], lr=RATE), []
    n_steps = -(-len(rows) // BATCH_ROWS)
    for step in range(n_steps):
        batch = rows[step * BATCH_ROWS : (step + 1) * BATCH_ROWS]
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / n_steps)
        optimizer.zero_grad()
        loss = body.language_loss(entries.tensors(), batch, seed=inputs.config.seed, step=step)
        refuse_no_number(loss.item(), inputs.config.method)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
        inputs.progress("train", step + 1, n_steps, f"{losses[-1]:.2f} nats a token")
    return losses
