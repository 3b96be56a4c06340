"""Texts of copied tokens, and what a model makes of them.

A probe is a batch of lines of unequal lengths and one line as long as the source reads, in the ids of either side.
Owns what else a model needs to run: masks, decoder inputs, silence and grey images.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.models.architectures import each_config

if TYPE_CHECKING:
    import torch

LENGTHS = (3, 7, 12)
"""Tokens of the lines of the padded batch."""

MOST_LENGTH = 4096
"""Tokens of the long line where the configuration gives no limit, or a larger one."""

UNLIMITED = 256
"""Tokens of the long line where positions are computed for any length, so that a longer one proves nothing more."""

WORK = 2e12
"""Multiplications of a pass over the long line; a large model reads a shorter one."""

MOST_SCORES = 2**27
"""Scores over the vocabulary that the long line may have, half a gigabyte of them."""

TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Line:
    """Token places of a batch, not yet ids: numbers into a list of pairs; -1 is padding."""

    places: np.ndarray

    def ids(self, table: np.ndarray, pad: int) -> np.ndarray:
        """Return the batch in the ids of a vocabulary, shape (n, length), dtype int64."""
        return np.where(self.places < 0, pad, table[self.places]).astype(np.int64)

    @property
    def mask(self) -> np.ndarray:
        """Return 1 where there is a token and 0 at padding, shape (n, length), dtype int64."""
        return (self.places >= 0).astype(np.int64)


def probe_lines(n_pairs: int, longest: int, *, ends: bool, padded: bool, seed: int = 0) -> tuple[Line, ...]:
    """Choose the lines.

    Parameters
    ----------
    n_pairs : int
        How many tokens there are to choose from; the last one is the end of a text where ``ends``.
    longest : int
        Tokens of the long line.
    ends : bool
        Whether every line closes with the last token.
    padded : bool
        Whether lines of a batch may have unequal lengths.
    seed : int, default=0
        Of the choice.

    Returns
    -------
    tuple of Line
        A padded batch, and one long line.
    """
    draw = np.random.default_rng(seed)
    n = n_pairs - ends
    lengths = [min(length if padded else LENGTHS[-1], longest) for length in LENGTHS]
    short = np.full((len(lengths), max(lengths)), -1, np.int64)
    for row, length in zip(short, lengths, strict=True):
        row[:length] = draw.integers(0, n, length)
        if ends:
            row[length - 1] = n_pairs - 1
    long = np.resize(draw.permutation(n), longest)[None]
    if ends:
        long[0, -1] = n_pairs - 1
    return Line(places=short), Line(places=long)


def run_probe(
    model: Any, ids: np.ndarray, mask: np.ndarray, *, n_rows: int, columns: np.ndarray
) -> dict[str, torch.Tensor]:
    """Return what a model makes of a batch, over copied tokens and real positions.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In evaluation mode.
    ids, mask : ndarray of shape (n, length), dtype int64
        Ids, and 0 at padding.
    n_rows : int
        Entries of the model's vocabulary.
    columns : ndarray of int
        Ids of the copied tokens; outputs of ``n_rows`` columns keep these alone.

    Returns
    -------
    dict of str to torch.Tensor
        Floating-point outputs by name, in float32.

    Raises
    ------
    Exception
        Whatever the model raises.
    """
    import torch

    padded, real = bool((mask == 0).any()), torch.from_numpy(mask.astype(bool))
    reads = text_part(model)
    given = model_inputs(model, torch.from_numpy(ids), torch.from_numpy(mask), padded=padded)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(0).get_state())  # for classes that hash at random
        outputs = reads(**given)
    named = {"features": outputs}.items() if isinstance(outputs, torch.Tensor) else outputs.items()
    return {
        str(name): _comparable(value, n_rows, columns, real)
        for name, value in named
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }


def text_part(model: Any) -> Callable[..., Any]:
    """Return what reads texts: of a model that compares texts with images or sounds, its text side; else the model.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model.

    Returns
    -------
    callable
        Takes what `model_inputs` returns.
    """
    reads: Callable[..., Any] = getattr(model, "get_text_features", model)
    return reads


def _parameters(model: Any) -> Mapping[str, inspect.Parameter]:
    """Return what the part that reads texts takes, by name."""
    return inspect.signature(getattr(model, "get_text_features", model.forward)).parameters


def takes_mask(model: Any) -> bool:
    """Whether a model can be told what is padding."""
    return "attention_mask" in _parameters(model) or _is_pair(model)


def model_inputs(model: Any, ids: torch.Tensor, mask: torch.Tensor, *, padded: bool) -> dict[str, Any]:
    """Return the arguments of a forward pass over token ids, with what else the class needs.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model.
    ids, mask : torch.Tensor of shape (n, length), dtype int64
        Ids, and 0 at padding.
    padded : bool
        Whether there is padding.

    Returns
    -------
    dict of str to Any
        The arguments.
    """
    names = set(_parameters(model))
    if hasattr(model, "get_text_features"):
        return {"input_ids": ids, **({"attention_mask": mask} if padded and "attention_mask" in names else {})}
    decodes = bool(getattr(model.config, "is_encoder_decoder", False)) or _is_pair(model)
    given: dict[str, Any] = dict(_other_inputs(model, (len(ids), ids.shape[1])))
    if model.main_input_name == "inputs" and not _is_pair(model):  # Perceiver reads ids under that name
        given["inputs"] = ids
        if padded:
            given["attention_mask"] = mask
    elif "input_ids" in names and model.main_input_name in {"input_ids", "pixel_values"} and not _only_decodes(model):
        given["input_ids"] = ids
        if "attention_mask" in names and padded:
            given["attention_mask"] = mask
    if decodes:
        given["decoder_input_ids"] = ids
        if padded and "decoder_attention_mask" in names:
            given["decoder_attention_mask"] = mask
    if "use_cache" in names:
        given["use_cache"] = False
    return given


def _is_pair(model: Any) -> bool:
    """Whether a model is an encoder and a decoder of two classes."""
    return type(model).__name__.endswith("EncoderDecoderModel")


def _only_decodes(model: Any) -> bool:
    """Whether token ids go into the decoder alone."""
    decodes = bool(getattr(model.config, "is_encoder_decoder", False)) or _is_pair(model)
    return decodes and model.main_input_name != "input_ids"


def _other_inputs(model: Any, shape: tuple[int, int]) -> Iterator[tuple[str, Any]]:
    """Yield silence or a grey image for a model whose main input is none of text, and boxes for one of documents."""
    import torch

    main = model.main_input_name
    names = _parameters(model)
    required = {name for name, one in names.items() if one.default is inspect.Parameter.empty}
    if "bbox" in names and model.config.model_type == "bros":
        yield "bbox", torch.zeros((*shape, 4))
    if main == "input_features" or "input_features" in required:
        mels = _setting(model.config, "num_mel_bins", "input_feat_per_channel") or 80
        frames = 2 * (_setting(model.config, "max_source_positions") or 50)
        sounds = (mels, frames) if model.config.model_type == "whisper" else (min(frames, 200), mels)
        yield "input_features", torch.zeros((shape[0], *sounds))
    elif main == "input_values" or "input_values" in required or (main == "inputs" and _is_pair(model)):
        yield "input_values", torch.zeros((shape[0], 4000))
    elif main == "pixel_values" or "pixel_values" in required:
        side = _setting(model.config, "image_size") or 224
        height, width = side if isinstance(side, list | tuple) else (side, side)
        yield "pixel_values", torch.zeros((shape[0], _setting(model.config, "num_channels") or 3, height, width))


def _setting(config: Any, *names: str) -> Any:
    """Return the first value of some names in a configuration or one nested in it."""
    for _, part in each_config(config):
        for name in names:
            value = vars(part).get(name)
            if value is not None:
                return value
    return None


def differences(
    before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]
) -> Iterator[tuple[str, float, float]]:
    """Yield (name, largest difference, largest value) of every output.

    Parameters
    ----------
    before, after : mapping of str to torch.Tensor
        Outputs of source and result, as `run_probe` returns them.

    Yields
    ------
    tuple of (str, float, float)
        The name, the largest absolute difference, the largest absolute value. An output that one of the two lacks, or
        that has another shape, differs by infinity.
    """
    import torch

    for name in before.keys() | after.keys():
        if name not in before or name not in after or before[name].shape != after[name].shape:
            yield name, float("inf"), 0.0
        elif before[name].numel():
            x, y = before[name], after[name]
            same = (x == y) | (x.isnan() & y.isnan())  # both minus infinity is no difference
            gap = torch.where(same, 0.0, (x - y).abs()).nan_to_num(torch.inf).max()
            yield name, float(gap), float(x.nan_to_num(0, 0, 0).abs().max())


def _comparable(value: torch.Tensor, size: int, columns: np.ndarray, real: torch.Tensor) -> torch.Tensor:
    """Return the part of an output that copied tokens and real positions have a share in."""
    if value.shape[-1] == size and value.ndim >= 2:
        value = value[..., columns]
    if value.shape[:2] == real.shape:
        value = value[real]
    return value.float()
