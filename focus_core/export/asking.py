"""How a model is fed and what it predicts: found out by asking it, once, about a few tokens.

Names of classes say little: some models read the tokens that they would predict, some change a score after the head,
some cannot read padding, or read only so many tokens at a time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from focus_core.errors import ModelError, bad_input
from focus_core.export.forward import (
    CLM,
    MLM,
    MOST_POSITIONS,
    Reading,
    all_scores,
    inputs_of,
    out_of_memory,
    run_or_refuse,
    scores_at,
)

if TYPE_CHECKING:
    import torch

POSITION_LIMITS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
"""What configurations call the length of the longest sequence; -1, 0 and nothing mean that there is none."""

MULTIPLES = (1, 16, 32, 64, 128, 256, 512)
"""Lengths that are tried: some attentions read whole blocks alone."""

N_ASKED = 8
EQUAL = 1e-5
UNMOVED = 2e-6
"""Shares of the largest score: within the first two ways of computing it agree, within the second nothing changed."""

LARGE = 300_000_000
"""Parameters; a larger model is not asked for a whole sequence, its configuration is believed."""

NO_SCORE = 1e30
"""What is larger marks tokens that a model never says."""


def ask(subject: str, model: Any, *, ordinary: Sequence[int], n_tokens: int, pad_id: int | None) -> Reading:
    """Find out what a model predicts and how it is fed.

    Parameters
    ----------
    subject : str
        What messages call it.
    model : transformers.PreTrainedModel
        In evaluation mode, on the CPU: an index that is too large ruins a GPU's whole process.
    ordinary : sequence of int
        Ids of tokens that are not special.
    n_tokens : int
        Tokens of its vocabulary.
    pad_id : int or None
        What is put after a short sequence.

    Returns
    -------
    Reading
        How it is fed.

    Raises
    ------
    ModelError
        If it reads more than tokens, predicts no tokens, or reads the very tokens that it would predict.
    """
    import torch

    if getattr(model.config, "is_encoder_decoder", False):
        got = f"{type(model).__name__}, an encoder-decoder, which predicts one text from another"
        raise no_head(subject, got, "export it, and train it on pairs of texts")
    _undo_rescaling(model)
    _name_outputs(model)
    ids = _some(ordinary, n_tokens)
    with torch.no_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a model remarks on eight tokens concerns nobody
        with run_or_refuse(subject):
            reading, scores = _first_answer(model, ids)
            _check_scores(subject, model, scores, ids, n_tokens)
            reading = replace(reading, objective=_objective(subject, model, reading, ids, scores))
            padded = _padded(ids, pad_id or 0)
            reading = replace(reading, padding=_reads_padding(model, reading, *padded))
            reading = replace(reading, head_alone=_head_alone(model, reading, *padded))
            reading = replace(reading, n_positions=_positions(model, reading, ids))
            return replace(reading, zeros=_zeros_for_training(model, reading, ids, scores))


def _undo_rescaling(model: Any) -> None:
    """Give RWKV its weights back: it divides them in place when it evaluates, so that what is kept would be wrong."""
    if getattr(model.config, "rescale_every", 0) and hasattr(model.base_model, "_rescale_layers"):
        model.train()
        model.base_model._rescale_layers()
        model.eval()
        model.config.rescale_every = 0  # float32 does not overflow


def _name_outputs(model: Any) -> None:
    """Let every part return names: where a configuration asks for tuples, transformers itself does not find its own."""
    for part in model.modules():
        if getattr(getattr(part, "config", None), "return_dict", True) is False:
            part.config.return_dict = True


def _some(ordinary: Sequence[int], n_tokens: int) -> torch.Tensor:
    """Return one sequence of ids to ask about, of shape (1, N_ASKED)."""
    import torch

    known = list(ordinary) or list(range(n_tokens))
    return torch.tensor([[int(known[i * len(known) // N_ASKED]) for i in range(N_ASKED)]])


def _first_answer(model: Any, ids: torch.Tensor) -> tuple[Reading, torch.Tensor]:
    """Return the smallest multiple of tokens that a model reads, and its scores; raise what it raises on one block."""
    failure: Exception | None = None
    for multiple in MULTIPLES:
        reading = Reading(multiple=multiple)
        try:
            return reading, all_scores(model, reading, ids)
        except Exception as reason:  # raised below if no length works
            failure = failure or reason
            if isinstance(reason, MemoryError):
                raise
    raise failure or ValueError("no length works")


def _check_scores(subject: str, model: Any, scores: Any, ids: torch.Tensor, n_tokens: int) -> None:
    """Refuse what is not one score a token at every position."""
    shape = tuple(getattr(scores, "shape", ()))
    if len(shape) != 3 or shape[:2] != tuple(ids.shape) or shape[2] < n_tokens or model.get_output_embeddings() is None:
        raise no_head(subject, f"{type(model).__name__}, which has no language-model head")


def _objective(subject: str, model: Any, reading: Reading, ids: torch.Tensor, scores: torch.Tensor) -> str:
    """Return what a model predicts: by its class where that is a masked model, else by what it reads."""
    from transformers.models.auto import modeling_auto as auto

    name = type(model).__name__
    masked = name in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values() or "ForPreTraining" in name
    causal = _is_causal(model, reading, ids, scores)
    if masked and not (causal and name in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()):
        return MLM
    if not causal:
        got = f"{name}, which reads the tokens that it would predict, as run on token ids alone"
        raise no_head(subject, got, "export it, and train it with the inputs that it is made for")
    return CLM


def _is_causal(model: Any, reading: Reading, ids: torch.Tensor, scores: torch.Tensor) -> bool:
    """Whether another last token changes nothing before it."""
    other = ids.clone()
    other[0, -1] = ids[0, 0]
    return _close(all_scores(model, reading, other)[:, :-1], scores[:, :-1], UNMOVED)


def _padded(ids: torch.Tensor, pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a whole sequence and a shorter one beside it, and their attention."""
    import torch

    attention = torch.ones_like(ids).repeat(2, 1)
    attention[1, N_ASKED - 3 :] = 0
    return torch.where(attention == 1, ids, pad_id), attention


def _reads_padding(model: Any, reading: Reading, ids: torch.Tensor, attention: torch.Tensor) -> bool:
    """Whether padding after a sequence changes none of its scores."""
    n = int(attention[1].sum())
    together = _tried(lambda: all_scores(model, reading, ids, attention))
    return together is not None and _close(together[1:, :n], all_scores(model, reading, ids[1:, :n]), EQUAL)


def _head_alone(model: Any, reading: Reading, ids: torch.Tensor, attention: torch.Tensor) -> bool:
    """Whether the output matrix over chosen positions gives the scores of the whole pass."""
    import torch

    if reading.multiple > 1:
        return False
    rows = slice(None) if reading.padding else slice(1)
    ids, attention = ids[rows], attention[rows]
    chosen = torch.zeros_like(attention, dtype=torch.bool)
    chosen[0, [1, 4]] = True
    chosen[-1, 3] = True
    quick = replace(reading, head_alone=True)
    found = _tried(lambda: scores_at(model, quick, ids, chosen, attention))
    return found is not None and _close(found, all_scores(model, reading, ids, attention)[chosen], EQUAL)


def _zeros_for_training(model: Any, reading: Reading, ids: torch.Tensor, scores: torch.Tensor) -> tuple[str, ...]:
    """Return which inputs of zeros a model asks for while it is trained, where these change nothing."""
    names, _ = inputs_of(type(model))
    if "token_type_ids" not in names or _tried(lambda: _while_training(model, reading, ids)) is not None:
        return ()
    zeros = replace(reading, zeros=("token_type_ids",))
    if _tried(lambda: _while_training(model, zeros, ids)) is None:
        return ()
    same = _tried(lambda: all_scores(model, zeros, ids))
    return zeros.zeros if same is not None and _close(same, scores, EQUAL) else ()


def _while_training(model: Any, reading: Reading, ids: torch.Tensor) -> torch.Tensor:
    model.train()
    try:
        return all_scores(model, reading, ids)
    finally:
        model.eval()


def _positions(model: Any, reading: Reading, ids: torch.Tensor) -> int:
    """Return the length of the longest sequence, at most ``MOST_POSITIONS``: what is said of it, and then tried."""
    most = min(stated_positions(model), MOST_POSITIONS)
    most = max(N_ASKED, most // reading.multiple * reading.multiple)
    if model.num_parameters() > LARGE or _reads(model, reading, ids, most):
        return most
    low, high = N_ASKED, most  # reads `low`, and does not read `high`
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _reads(model, reading, ids, middle) else (low, middle)
    return low


def _reads(model: Any, reading: Reading, ids: torch.Tensor, n: int) -> bool:
    """Whether a model reads a sequence of ``n`` tokens; the last one is scored, so that no head makes all of them."""
    import torch

    long = ids.repeat(1, -(-n // N_ASKED))[:, :n]
    chosen = torch.zeros_like(long, dtype=torch.bool)
    chosen[0, -1] = True
    return _tried(lambda: scores_at(model, reading, long, chosen)) is not None


def stated_positions(model: Any) -> int:
    """Return how many positions a configuration and tables of positions leave for tokens."""
    import torch

    text = model.config.get_text_config()
    named = [getattr(text, name, None) for name in POSITION_LIMITS]
    most = min((n for n in named if isinstance(n, int) and n > 0), default=MOST_POSITIONS)
    pad_id = getattr(text, "pad_token_id", None)
    if pad_id is not None and pad_id < 0:
        return most  # such a model counts from row 0
    for name, module in model.named_modules():
        # a table that knows padding has its first position after it
        if isinstance(module, torch.nn.Embedding) and "position" in name and module.padding_idx is not None:
            most = min(most, module.num_embeddings - module.padding_idx - 1)
    return most


def _tried(work: Callable[[], torch.Tensor]) -> torch.Tensor | None:
    """Return what a model answers, ``None`` where it raises; lack of memory passes."""
    try:
        return work()
    except Exception as reason:
        if out_of_memory(reason):
            raise
        return None


def _close(one: torch.Tensor, other: torch.Tensor, share: float) -> bool:
    """Whether two tensors agree within a share of the largest value."""
    if one.shape != other.shape:
        return False
    said, known = one.abs() < NO_SCORE, other.abs() < NO_SCORE
    if not bool((said == known).all()) or not bool(known.any()):
        return False
    one, other = one[known], other[known]
    return bool((one - other).abs().max() <= share * other.abs().max())


def no_head(subject: str, got: str, remedy: str = "make the run from a model with a language-model head") -> ModelError:
    """Return the error of what predicts no tokens, masked or next."""
    return bad_input(subject, "a model that predicts tokens, masked or next", got, remedy, ModelError)
