"""Which tensors of a loaded model belong to tokens and which to the backbone, and how kept ones are put back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from focus_core.artifacts import map_array, tensor_names, to_float32
from focus_core.errors import RunFolderError, bad_input

BACKBONE = "body.safetensors"
"""The file of a training that holds every trained weight but the embeddings."""


def vocabulary_parameters(model: Any) -> dict[str, Any]:
    """Return everything in a model that has one entry a token, by its name in a run.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A loaded model.

    Returns
    -------
    dict of str to torch.Tensor
        The live tensors: ``input`` and, where apart, ``output`` and ``bias``.
    """
    inside, outside = model.get_input_embeddings().weight, model.get_output_embeddings()
    found = {"input": inside}
    if getattr(outside, "weight", inside) is not inside:
        found["output"] = outside.weight
    if getattr(outside, "bias", None) is not None:
        found["bias"] = outside.bias
    return found


def backbone_parameters(model: Any) -> dict[str, Any]:
    """Return all other parameters of a model.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A loaded model.

    Returns
    -------
    dict of str to torch.nn.Parameter
        The live parameters by their names in the model.
    """
    own = {id(tensor) for tensor in vocabulary_parameters(model).values()}
    return {name: p for name, p in model.named_parameters() if id(p) not in own}


def put_back(tensors: Mapping[str, Any], path: Path, *, all_of_them: bool = True) -> None:
    """Read the named arrays of a file into tensors of the same shape.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        Written in place.
    path : Path
        A safetensors file.
    all_of_them : bool, default=True
        Whether the file must hold every one; where not, those that it lacks stay as they are.

    Raises
    ------
    RunFolderError
        If the file holds others, or others of that name.
    """
    import numpy as np
    import torch

    shapes = {name: shape for name, (_, shape) in tensor_names(path).items()}
    expected = {name: tuple(t.shape) for name, t in tensors.items() if all_of_them or name in shapes}
    if shapes != expected:
        odd = sorted(name for name in shapes.keys() | expected.keys() if shapes.get(name) != expected.get(name))[0]
        raise bad_input(
            f"{path.parent.name}/{path.name}",
            expected=f"{odd} of shape {expected.get(odd, 'none')}",
            got=f"{shapes.get(odd, 'none')}",
            remedy="it belongs to another run",
            error=RunFolderError,
        )
    with torch.no_grad():
        for name in expected:
            tensors[name].copy_(torch.from_numpy(np.array(to_float32(*map_array(path, name)))))
