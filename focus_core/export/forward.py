"""A model's scores of the next or of masked tokens, whatever its class makes of them.

Owns the call of a model. Whatever transformers raises there becomes one line.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from focus_core.errors import FocusError, ModelError, bad_input

if TYPE_CHECKING:
    import torch

MLM, CLM = "mlm", "clm"
MOST_POSITIONS = 512
NEXT = ("CausalLM", "LMHead", "ForConditionalGeneration")
MASKED = ("XLMWithLMHeadModel", "FlaubertWithLMHeadModel")
NO_TOKENS = ("XLNetLMHeadModel", "ElectraForPreTraining", "FunnelForPreTraining")
"""Marks in names of classes, and classes whose name misleads."""

RUNS = "a model that transformers runs on token ids alone"
REMEDY = "make the run from a model that predicts tokens from tokens alone"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a model is fed and asked.

    Parameters
    ----------
    objective : {"mlm", "clm"}, default="clm"
        What its head predicts: masked tokens, or the next one.
    n_positions : int, default=512
        Most tokens of one sequence.
    head_alone : bool, default=False
        Whether the output matrix may be multiplied with the chosen positions alone.
    padding : bool, default=True
        Whether sequences of different lengths may be read together.
    multiple : int, default=1
        Sequences are padded to a multiple of it.
    zeros : tuple of str, default=()
        Further inputs that are zero everywhere.
    """

    objective: str = CLM
    n_positions: int = MOST_POSITIONS
    head_alone: bool = False
    padding: bool = True
    multiple: int = 1
    zeros: tuple[str, ...] = ()


PLAIN = Reading()


def objective_of(class_name: str) -> str:
    """Return what a class of transformers is expected to predict, by its name; a model that is loaded is asked.

    Parameters
    ----------
    class_name : str
        Its name; of a class that is no encoder-decoder.

    Returns
    -------
    str
        ``mlm``, ``clm`` or "" for neither.

    Examples
    --------
    >>> [objective_of(name) for name in ("BertForMaskedLM", "GPT2LMHeadModel", "BertModel")]
    ['mlm', 'clm', '']
    """
    if class_name in NO_TOKENS:
        return ""
    if class_name in MASKED or "MaskedLM" in class_name or "ForPreTraining" in class_name:
        return MLM
    return CLM if any(mark in class_name for mark in NEXT) else ""


def out_of_memory(reason: BaseException) -> bool:
    """Tell whether an error of torch means that memory ran out.

    Parameters
    ----------
    reason : BaseException
        What was raised.

    Returns
    -------
    bool
        True for ``MemoryError``, CUDA's own error, and the CPU allocator's.
    """
    text = str(reason).lower()
    return isinstance(reason, MemoryError) or "out of memory" in text or "can't allocate memory" in text


@contextmanager
def run_or_refuse(subject: str, *, expected: str = RUNS, remedy: str = REMEDY) -> Iterator[None]:
    """Turn whatever a model raises into one line; lack of memory and errors that are one already pass.

    Parameters
    ----------
    subject : str
        What is asked.
    expected : str, default="a model that transformers runs on token ids alone"
        What it should have been.
    remedy : str, default="make the run from a model that predicts tokens from tokens alone"
        What to do.

    Yields
    ------
    None
        While the model is at work.

    Raises
    ------
    ModelError
        If the model raised anything.
    """
    try:
        yield
    except FocusError:
        raise
    except Exception as reason:  # a model is code of a hundred authors, who raise every kind of error
        if out_of_memory(reason):
            raise
        first = (str(reason).strip().splitlines() or [""])[0]
        got = f"{type(reason).__name__}: {first[:200]}".rstrip(": ")
        raise bad_input(subject, expected, got, remedy, ModelError) from reason


def all_scores(model: Any, reading: Reading, ids: torch.Tensor, attention: torch.Tensor | None = None) -> torch.Tensor:
    """Return the scores of all tokens at all positions, as the model's own forward pass gives them.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model.
    reading : Reading
        How it is fed.
    ids : torch.Tensor of shape (n, length), dtype int64
        Sequences.
    attention : torch.Tensor of shape (n, length), default=None
        0 at padding; ``None`` where there is none.

    Returns
    -------
    torch.Tensor of shape (n, length, n_vocabulary)
        Scores.
    """
    import torch

    length, lacking = ids.shape[1], -ids.shape[1] % reading.multiple
    if lacking:
        attention = torch.ones_like(ids) if attention is None else attention
        pad_id = getattr(model.config, "pad_token_id", None)
        filler = pad_id if isinstance(pad_id, int) and pad_id >= 0 else 0
        ids, attention = (
            torch.nn.functional.pad(given, (0, lacking), value=value)
            for given, value in ((ids, filler), (attention, 0))
        )
    names, takes_any = inputs_of(type(model))
    given: dict[str, Any] = {"input_ids": ids}
    if attention is not None and (takes_any or "attention_mask" in names):
        given["attention_mask"] = attention
    if takes_any or "use_cache" in names:
        given["use_cache"] = False  # nothing is generated, and caches of hybrid models refuse some shapes
    found = model(**given, **{name: torch.zeros_like(ids) for name in reading.zeros})
    logits = _logits_of(found)
    return logits[:, :length] if lacking else logits


def inputs_of(kind: type) -> tuple[frozenset[str], bool]:
    """Return the names that the forward pass of a class takes, and whether it takes any other.

    Parameters
    ----------
    kind : type
        The class.

    Returns
    -------
    names : frozenset of str
        Its inputs.
    any_other : bool
        Whether it takes more.
    """
    given = inspect.signature(kind.forward).parameters.values()  # type: ignore[attr-defined]
    return frozenset(p.name for p in given), any(p.kind is p.VAR_KEYWORD for p in given)


def _logits_of(found: Any) -> torch.Tensor:
    """Return the scores in what a forward pass returned: a named output, that of a pre-training head, or a tuple."""
    for name in ("logits", "prediction_logits"):
        if getattr(found, name, None) is not None:
            logits: torch.Tensor = getattr(found, name)
            return logits
    first: torch.Tensor = found[0]
    return first


def scores_at(
    model: Any,
    reading: Reading,
    ids: torch.Tensor,
    chosen: torch.Tensor,
    attention: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the scores of all tokens at some positions.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model.
    reading : Reading
        How it is fed.
    ids : torch.Tensor of shape (n, length), dtype int64
        Sequences.
    chosen : torch.Tensor of shape (n, length), dtype bool
        Where predictions are wanted.
    attention : torch.Tensor of shape (n, length), default=None
        0 at padding; ``None`` where there is none.

    Returns
    -------
    torch.Tensor of shape (n_chosen, n_vocabulary)
        In the order of ``chosen.nonzero()``.

    Notes
    -----
    An output matrix works position by position, so it may as well see the chosen positions alone: a hook hands it
    those. With a few masked tokens a line this saves most of the product. Where that gives other scores than the
    model's own pass, which is found out once, all positions are computed and the chosen ones taken.
    """
    if not reading.head_alone:
        return all_scores(model, reading, ids, attention)[chosen]

    def keep_chosen(module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        del module
        hidden = arguments[0]
        return (hidden[chosen].unsqueeze(0), *arguments[1:]) if hidden.shape[:2] == chosen.shape else arguments

    handle = model.get_output_embeddings().register_forward_pre_hook(keep_chosen)
    try:
        return all_scores(model, reading, ids, attention)[0]
    finally:
        handle.remove()
