"""Which tensors of a loaded model belong to tokens and which to the backbone, and how kept ones are put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from focus_core.artifacts import map_array, tensor_names, to_float32
from focus_core.errors import RunFolderError, bad_input
from focus_core.models.vocabulary_tensors import find_vocabulary
from focus_core.runs.layout import OWN_ARRAYS

BACKBONE = "body.safetensors"
"""The file of a training that holds every trained weight but the embeddings."""


def vocabulary_parameters(model: Any, names: Sequence[str] = OWN_ARRAYS) -> dict[str, Any]:
    """Return what in a model has one entry a token, by its name in a run.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A loaded model.
    names : sequence of str, default=OWN_ARRAYS
        What the run has: ``input``, ``output``, ``bias``, and other tensors by their names in the model.

    Returns
    -------
    dict of str to torch.Tensor
        The live tensors; of the embeddings those that the model has apart.
    """
    inside = _input_embeddings(model)
    outside = model.get_output_embeddings()
    own = {"input": inside, "output": getattr(outside, "weight", None), "bias": getattr(outside, "bias", None)}
    if own["output"] is inside:
        own["output"] = None
    found = {name: own[name] for name in OWN_ARRAYS if name in names and own[name] is not None}
    return found | {name: model.get_parameter_or_buffer(name) for name in names if name not in OWN_ARRAYS}


def _input_embeddings(model: Any) -> Any:
    """Return the input embeddings: what the class says they are, else the first table that follows the vocabulary."""
    try:
        return model.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        return model.get_parameter(find_vocabulary(type(model), model.config, name=type(model).__name__).input)


def backbone_parameters(model: Any, names: Sequence[str] = OWN_ARRAYS) -> dict[str, Any]:
    """Return all other parameters of a model.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A loaded model.
    names : sequence of str, default=OWN_ARRAYS
        As `vocabulary_parameters`.

    Returns
    -------
    dict of str to torch.nn.Parameter
        The live parameters by their names in the model.
    """
    own = {id(tensor) for tensor in vocabulary_parameters(model, names).values()}
    return {name: p for name, p in model.named_parameters() if id(p) not in own}


def by_key(model: Any, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return live tensors of a model by their names in it.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A loaded model.
    tensors : mapping of str to torch.Tensor
        From `vocabulary_parameters`.

    Returns
    -------
    dict of str to torch.Tensor
        The same tensors, without their gradients.
    """
    keys = {id(tensor): key for key, tensor in (*model.named_parameters(), *model.named_buffers())}
    return {keys[id(tensor)]: tensor.detach() for tensor in tensors.values()}


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


class TokenParameters:
    """What everything that holds a run's model shares: its parameters, those that belong to tokens apart."""

    model: Any
    names: tuple[str, ...]

    def matrices(self) -> dict[str, Any]:
        """Return the parameters that belong to tokens, as in a run; see `vocabulary_parameters`.

        Returns
        -------
        dict of str to torch.nn.Parameter
            The live parameters of the model.
        """
        return vocabulary_parameters(self.model, self.names)

    def backbone(self) -> dict[str, Any]:
        """Return all other parameters by their names in the model.

        Returns
        -------
        dict of str to torch.nn.Parameter
            The live parameters.
        """
        return backbone_parameters(self.model, self.names)
