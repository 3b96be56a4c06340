"""Models loaded by transformers: quietly, from local files, without code from a folder, and checked.

Owns every call of ``from_pretrained`` that makes a model. Refuses to know runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from focus_core.errors import ModelError, bad_input
from focus_core.models.architectures import load_config, model_class, refusing
from focus_core.models.source import SourceModel
from focus_core.models.tensors import open_tensor_folder
from focus_core.surgery.parts import keys_of

if TYPE_CHECKING:
    import torch

WHOLE = "a folder that from_pretrained loads whole"
REMEDY = "does the source folder load by itself?"


def load_whole(
    folder: Path,
    *place: Path | None,
    subject: str = "the exported model",
    partners: Mapping[str, str] = MappingProxyType({}),
    **options: Any,
) -> Any:
    """Load a model of a folder's architecture; refuse one that transformers does not load whole.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``, which names the class.
    subject : str, default="the exported model"
        How messages call it.
    partners : mapping of str to str, default={}
        Parameters that may be missing, each with the one whose values it then takes.
    *place : Path or None
        Where the weights are; ``None`` where ``state_dict`` is among the options.
    **options : Any
        As ``from_pretrained`` takes them.

    Returns
    -------
    transformers.PreTrainedModel
        In evaluation mode.

    Raises
    ------
    ModelError
        If transformers raises anything, or weights are missing or have another shape.
    """
    # Weights of another shape are reported, and refused below by name; otherwise transformers prints them and raises.
    model, report = _from_pretrained(folder, *place, subject=subject, ignore_mismatched_sizes=True, **options)
    misshapen = sorted(report["mismatched_keys"], key=str)
    if misshapen:
        key, stored, built = misshapen[0]
        got = f"{key} of shape {tuple(stored)}, where its config.json makes {tuple(built)}"
        raise _does_not_load(subject, f"{got} ({len(misshapen)} such)" if len(misshapen) > 1 else got)
    missing = set(map(str, report["missing_keys"]))
    for key in sorted(key for key in missing if key in partners and partners[key] not in missing):
        model.get_parameter(key).data.copy_(model.get_parameter(partners[key]).data)
        missing.discard(key)
    if missing:
        raise _does_not_load(subject, f"{len(missing)} weights missing, such as {min(missing)}")
    return model.eval()


def check_arrays(model: Any, expected: Mapping[str, torch.Tensor], subject: str = "the exported model") -> None:
    """Check that a model holds the new tensors.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A loaded model.
    expected : mapping of str to torch.Tensor
        Tensors by their names in the model.
    subject : str, default="the exported model"
        How messages call it.

    Raises
    ------
    ModelError
        If one differs from the given one in any bit of the model's type.
    """
    for key, tensor in expected.items():
        loaded = model.get_parameter_or_buffer(key).detach()
        if loaded.shape != tensor.shape or not _same(loaded, tensor.to(loaded.dtype), _padding_of(model, key)):
            raise _does_not_load(subject, f"other values in {key}")


def _padding_of(model: Any, key: str) -> int | None:
    """Return the row that an embedding keeps for padding."""
    return getattr(model.get_submodule(key.rpartition(".")[0]), "padding_idx", None)


def _same(loaded: torch.Tensor, expected: torch.Tensor, padding: int | None) -> bool:
    """Whether two tensors are equal in every bit, but for a padding row that the class sets to zero as it loads."""
    import torch

    if torch.equal(loaded, expected):
        return True
    if padding is None or bool(loaded[padding].any()):
        return False
    # Funnel does so in _init_weights (modeling_funnel.py), to its source as well
    return torch.equal(loaded[:padding], expected[:padding]) and torch.equal(
        loaded[padding + 1 :], expected[padding + 1 :]
    )


def verify_folder(folder: Path, model: SourceModel, arrays: Mapping[str, torch.Tensor]) -> None:
    """Load a model folder as a user would and check that it holds the new tensors.

    Parameters
    ----------
    folder : Path
        The model folder.
    model : SourceModel
        Its source.
    arrays : mapping of str to torch.Tensor
        The new tensors, by their names in a run.

    Raises
    ------
    ModelError
        If weights are missing or have another shape, or a tensor differs from the given one in any bit.
    """
    check_arrays(load_whole(folder, folder, dtype="auto"), keys_of(model, arrays))


def load_float32(folder: Path) -> Any:
    """Load a model folder in float32, as it is."""
    import torch

    return _from_pretrained(folder, folder, subject=folder.name, dtype=torch.float32)[0]


def _from_pretrained(folder: Path, *place: Path | None, subject: str, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Return a model of a folder's architecture, and what transformers reports about loading it."""
    keys = () if load_config(folder).architectures else open_tensor_folder(folder).where
    kind = model_class(folder, keys=keys)
    with refusing(subject, WHOLE, REMEDY):
        model, report = kind.from_pretrained(
            *place, output_loading_info=True, local_files_only=True, trust_remote_code=False, **options
        )
    return model, report


def _does_not_load(subject: str, got: str) -> ModelError:
    return bad_input(subject, WHOLE, got, REMEDY, ModelError)
