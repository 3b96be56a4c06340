"""Models loaded for a proof: in float32, a large one a module at a time.

A large model keeps the type it is stored in, its weights mapped from the files; each module that has parameters of its
own is given them in float32 for its own forward pass alone. Of a table only the rows that are read are widened, and a
product with a large matrix goes through blocks of it. So what is resident beside the files is the largest other module.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.models.architectures import architecture_config
from focus_core.models.source import SourceModel
from focus_core.models.tensors import open_tensor_folder
from focus_core.surgery.loading import load_whole
from focus_core.surgery.parts import ModelParts
from focus_core.surgery.positions import folder_of

if TYPE_CHECKING:
    import torch

MOST_BYTES = 2**30
"""Weights in float32 up to which a model is loaded as a whole."""


def load_for_proof(model: SourceModel, *, parts: ModelParts | None = None, folder: Path | None = None) -> Any:
    """Load the source, what was put together from it, or a folder that was written.

    Parameters
    ----------
    model : SourceModel
        The source.
    parts : ModelParts, default=None
        What was put together.
    folder : Path, default=None
        The folder that was written; both ``None`` loads the source.

    Returns
    -------
    transformers.PreTrainedModel
        In evaluation mode; it computes in float32.

    Raises
    ------
    ModelError
        If it does not load whole.
    """
    import torch

    place = folder or folder_of(model)
    subject = "the exported model" if folder else f"the result for {model.name}" if parts else model.name
    large = _float32_bytes(model) > MOST_BYTES
    options: dict[str, Any] = {"dtype": "auto" if large else torch.float32, "subject": subject}
    if parts is None:
        # files of older releases hold a bias once that a class now has twice
        partners = model.layout.partners if model.layout is not None and folder is None else {}
        loaded = load_whole(place, place, partners=partners, **options)
    else:
        config = architecture_config(place, parts.config)
        state = {name: parts.read(name) for name in parts.home}
        if large:
            options["dtype"] = next(iter(state.values())).dtype
        loaded = load_whole(place, None, config=config, state_dict=state, **options)
    return _by_module(loaded) if large else loaded


def _float32_bytes(model: SourceModel) -> int:
    """Return the size of a source's weights in float32."""
    shapes = open_tensor_folder(folder_of(model)).shapes
    return 4 * sum(math.prod(shape) for shape in shapes.values())


BLOCK_VALUES = 1 << 24
"""Numbers of a matrix that are widened together: 64 MiB."""


def _by_module(model: Any) -> Any:
    """Let every module compute in float32, one at a time."""
    from torch import nn

    for module in model.modules():
        kind: Any = type(module)
        if kind is nn.Embedding:
            module.forward = _rows_in_float32(module.forward)
        elif kind is nn.Linear and module.weight.numel() > BLOCK_VALUES:
            module.forward = _product_in_blocks(module)
        elif any(True for _ in module.parameters(recurse=False)):
            module.forward = _in_float32(module, module.forward)
    for name, buffer in model.named_buffers():
        if buffer.is_floating_point():
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, buffer.float())
    return model


def _rows_in_float32(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a look-up whose rows are widened after they were read: the same numbers."""
    return lambda ids: forward(ids).float()


def _product_in_blocks(linear: Any) -> Callable[..., Any]:
    """Return a product with a matrix that is widened a block of rows at a time."""
    import torch

    def product(given: torch.Tensor) -> torch.Tensor:
        n = max(1, BLOCK_VALUES // linear.in_features)
        weights = torch.split(linear.weight.data, n)
        biases = [None] * len(weights) if linear.bias is None else [b.float() for b in torch.split(linear.bias.data, n)]
        parts = zip(weights, biases, strict=True)
        return torch.cat([torch.nn.functional.linear(given, w.float(), b) for w, b in parts], -1)

    return product


def _in_float32(module: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward pass under which a module's own parameters are float32."""

    def widened(*arguments: Any, **options: Any) -> Any:
        stored: dict[str, torch.Tensor] = {name: p.data for name, p in module.named_parameters(recurse=False)}
        try:
            for name, parameter in module.named_parameters(recurse=False):
                parameter.data = stored[name].float()
            return forward(*arguments, **options)
        finally:
            for name, parameter in module.named_parameters(recurse=False):
                parameter.data = stored[name]

    return widened
