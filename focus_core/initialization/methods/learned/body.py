"""The source's backbone under embeddings of the target that are still being found: frozen, run on token ids.

Owns how such a model is put together, fed and asked. What it predicts with are tensors that are handed to it at each
call, so that a gradient reaches whatever they were made of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.errors import CorpusError, ModelError, bad_input, option, phrase
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.learned.text import hide_tokens
from focus_core.initialization.overlap.id_map import id_map
from focus_core.models.architectures import architecture_config, refusing
from focus_core.surgery.layerwise import load_for_proof
from focus_core.surgery.loading import load_whole
from focus_core.surgery.parts import keys_of, model_parts
from focus_core.surgery.probe import model_inputs
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import SpecialTokenType

if TYPE_CHECKING:
    import torch

MASKED_MODEL, CAUSAL_MODELS = "ForMaskedLM", ("ForCausalLM", "LMHeadModel")
READS = "a model that reads token ids alone and predicts them"
OTHER = "choose another method, or another source"


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenBody:
    """A model whose embeddings are given anew at each call; nothing in it is trained.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In float32 and evaluation mode.
    keys : mapping of str to str
        The model's own name of each tensor of a run.
    vocabulary : Vocabulary
        Of the target.
    mask_id : int or None
        The mask; ``None`` where the model predicts the next token.
    """

    model: Any
    keys: Mapping[str, str]
    vocabulary: Vocabulary
    mask_id: int | None

    def run(self, tensors: Mapping[str, torch.Tensor], ids: torch.Tensor) -> Any:
        """Return what the model makes of some rows: scores of all tokens, and the states of every layer.

        Parameters
        ----------
        tensors : mapping of str to torch.Tensor
            By their names in a run; what is not there stays as the model was loaded.
        ids : torch.Tensor of shape (n, length), dtype int64
            Rows without padding.

        Returns
        -------
        transformers.utils.ModelOutput
            ``logits`` (n, length, n_target) and ``hidden_states``, the last of shape (n, length, d).

        Raises
        ------
        ModelError
            If the model raises anything.
        """
        import torch

        given = model_inputs(self.model, ids, torch.ones_like(ids), padded=False) | {"output_hidden_states": True}
        named = {self.keys[name]: tensor for name, tensor in tensors.items()}
        with refusing("the source's backbone", READS, OTHER):
            return torch.func.functional_call(self.model, named, args=(), kwargs=given)

    def language_loss(
        self, tensors: Mapping[str, torch.Tensor], rows: np.ndarray, *, seed: int, step: int
    ) -> torch.Tensor:
        """Return the mean cross entropy, in nats, of the masked tokens or of every next one.

        Parameters
        ----------
        tensors : mapping of str to torch.Tensor
            As `run` takes them.
        rows : ndarray of shape (n, length), dtype int64
            Token ids.
        seed, step : int
            Name the draw of the masked tokens.

        Returns
        -------
        torch.Tensor of shape (), dtype float32
            The loss.
        """
        import torch

        if self.mask_id is None:
            ids = torch.from_numpy(rows)
            logits, wanted = self.run(tensors, ids).logits[:, :-1], ids[:, 1:]
            return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten())
        inputs, chosen = hide_tokens(rows, self.vocabulary, self.mask_id, seed=seed, step=step)
        there = torch.from_numpy(chosen)
        logits = self.run(tensors, torch.from_numpy(inputs)).logits[there]
        return torch.nn.functional.cross_entropy(logits.float(), torch.from_numpy(rows)[there])


def check_trainable(inputs: MethodInput) -> None:
    """Refuse, before anything is read, what no backbone can be trained through.

    Parameters
    ----------
    inputs : MethodInput
        The source model, the target vocabulary and the text.

    Raises
    ------
    CorpusError
        If there is no text.
    ModelError
        If the model predicts no tokens from tokens alone, or masked ones while the target has no mask.
    """
    if inputs.corpus is None:
        raise bad_input(option("corpus"), "a text to train on", "none", "give one", CorpusError)
    names = _architectures(inputs)
    if not any(mark in name for name in names for mark in (MASKED_MODEL, *CAUSAL_MODELS)):
        raise bad_input(option("source"), READS, ", ".join(names) or "no head", OTHER, ModelError)
    if _predicts_masked(inputs) and SpecialTokenType.MASK not in inputs.target.special_token_types:
        remedy = "give a tokenizer with a mask token, for the source predicts masked words"
        raise bad_input(option("target_tokenizer"), "a mask token", "none", remedy, ModelError)


def _architectures(inputs: MethodInput) -> tuple[str, ...]:
    config = (inputs.model.config if inputs.model else None) or {}
    return () if config.get("is_encoder_decoder") else tuple(map(str, config.get("architectures") or ()))


def _predicts_masked(inputs: MethodInput) -> bool:
    return any(MASKED_MODEL in name for name in _architectures(inputs))


def load_body(inputs: MethodInput, tensors: Mapping[str, torch.Tensor]) -> FrozenBody:
    """Put the source's backbone and tensors of the target's vocabulary together.

    Parameters
    ----------
    inputs : MethodInput
        The source model and the vocabularies.
    tensors : mapping of str to torch.Tensor
        Every tensor that follows the vocabulary, by its name in a run.

    Returns
    -------
    FrozenBody
        Nothing of it asks for a gradient.

    Raises
    ------
    ModelError
        If transformers does not load it.
    """
    import torch

    source = inputs.model
    if source is None:
        raise bad_input("source", "a model with its backbone", "none", "give one", ModelError)
    parts = model_parts(source, tensors, id_map(inputs.source, inputs.target, inputs.overlap, source.n_rows))
    config = architecture_config(parts.folder, parts.config)
    state = {name: parts.read(name) for name in parts.home}
    model = load_whole(parts.folder, None, config=config, state_dict=state, dtype=torch.float32)
    keys = {name: next(iter(keys_of(source, {name: tensor}))) for name, tensor in tensors.items()}
    mask_id = inputs.target.special_token_types.get(SpecialTokenType.MASK) if _predicts_masked(inputs) else None
    return FrozenBody(model=model.requires_grad_(False), keys=keys, vocabulary=inputs.target, mask_id=mask_id)


def load_teacher(inputs: MethodInput) -> FrozenBody:
    """Return the source as it is, under its own vocabulary; it reads and predicts nothing that was masked.

    Parameters
    ----------
    inputs : MethodInput
        The source model and its vocabulary.

    Returns
    -------
    FrozenBody
        Run it with no tensors, and without gradients: of a large source one module at a time is in float32.

    Raises
    ------
    ModelError
        If transformers does not load it.
    """
    if inputs.model is None:
        raise bad_input("source", "a model with its backbone", "none", "give one", ModelError)
    model = load_for_proof(inputs.model).requires_grad_(False)
    return FrozenBody(model=model, keys={}, vocabulary=inputs.source, mask_id=None)


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Let torch work on one thread, so that sums of a training have equal bits everywhere; then as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def refuse_no_number(loss: float, method: str) -> None:
    """Refuse a loss that ran away."""
    if not math.isfinite(loss):
        remedy = phrase("choose another {method}, or more text")
        raise bad_input(option("method"), f"a finite loss of {method}", str(loss), remedy, ModelError)
