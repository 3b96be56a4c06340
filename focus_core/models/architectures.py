"""Architectures as transformers knows them: the class of a folder, its configuration, a model without memory.

Owns every call that builds a model on the meta device, and the names that a file's tensors have in the model. Reads no
weight and runs no code from a folder.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from focus_core.errors import InvalidInputError, ModelError, bad_input, phrase

HEADED = ("MODEL_FOR_CAUSAL_LM_MAPPING", "MODEL_FOR_MASKED_LM_MAPPING", "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING")
"""Where a class with a head is looked for when a configuration names none."""

ConfigPath = tuple[str, ...]
"""Names of nested configurations, outermost first; empty for the outermost itself."""


def load_config(folder: Path) -> Any:
    """Return the configuration of a folder as an object of its class.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``.

    Returns
    -------
    transformers.PretrainedConfig
        The configuration.

    Raises
    ------
    ModelError
        If transformers knows no such architecture, or refuses what the file says.
    """
    from transformers import AutoConfig

    with refusing(folder.name, "an architecture that transformers knows"):
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


@contextmanager
def refusing(subject: str, expected: str, remedy: str = "") -> Iterator[None]:
    """Turn whatever transformers raises inside into one line; what is one already passes.

    Parameters
    ----------
    subject, expected : str
        Parts of the line.
    remedy : str, default=""
        The way out; "" names embeddings alone as one.

    Yields
    ------
    None
        While the library works, quietly.

    Raises
    ------
    ModelError
        For anything that was raised, but for an interrupt.
    """
    try:
        with quiet_transformers():
            yield
    except (InvalidInputError, MemoryError):
        raise
    except Exception as reason:
        got = (str(reason).strip() or type(reason).__name__).split("\n", maxsplit=1)[0][:300]
        way_out = remedy or phrase("give {source_tokenizer} and {source_embeddings} instead")
        raise bad_input(subject, expected, f"{type(reason).__name__}: {got}", way_out, ModelError) from reason


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' progress bars, reports and warnings; they are turned into errors or nothing."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def architecture_config(folder: Path, values: dict[str, Any]) -> Any:
    """Return a configuration of the class that a folder's ``config.json`` names.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``.
    values : dict
        What the configuration says, as in such a file.

    Returns
    -------
    transformers.PretrainedConfig
        The configuration.

    Raises
    ------
    ModelError
        If the class refuses a value.
    """
    return config_from_values(type(load_config(folder)), values, folder.name)


def config_from_values(kind: Any, values: Mapping[str, Any], name: str) -> Any:
    """Return a configuration as its class reads it from a file of its own.

    Parameters
    ----------
    kind : type
        The class of the configuration.
    values : mapping
        What the file says.
    name : str
        How messages call the model.

    Returns
    -------
    transformers.PretrainedConfig
        The configuration.

    Raises
    ------
    ModelError
        If the class refuses a value.
    """
    with refusing(f"the configuration of {name}", f"values that {kind.__name__} takes"):
        return kind.from_dict(_read_numbers(values))


def _read_numbers(value: Any) -> Any:
    """Return values as a configuration's file means them: numbers that JSON has not are ``{"__float__": ...}``."""
    if isinstance(value, Mapping):
        if set(value) == {"__float__"}:
            return float(value["__float__"])
        return {key: _read_numbers(one) for key, one in value.items()}
    return [_read_numbers(one) for one in value] if isinstance(value, list) else value


def model_class(folder: Path, config: Any = None, keys: Iterable[str] = ()) -> Any:
    """Return the transformers class of a folder.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``.
    config : transformers.PretrainedConfig, default=None
        The configuration, where it is known already.
    keys : iterable of str, default=()
        Names of the tensors in the folder's files. They decide where the configuration names no class: the first
        one with a head that has a place for all of them.

    Returns
    -------
    type
        A subclass of ``PreTrainedModel``: the one that the configuration names first, else one with a head that the
        tensors fit, else that of the bare model.

    Raises
    ------
    ModelError
        If transformers has no model for the configuration.
    """
    import transformers
    from transformers.models.auto import modeling_auto

    config = load_config(folder) if config is None else config
    for name in config.architectures or ():
        found = getattr(transformers, name, None)
        if _is_model_of(found, config):
            return found
    mappings = [getattr(modeling_auto, name) for name in HEADED]
    headed = [mapping[type(config)] for mapping in mappings if type(config) in mapping]
    for found in headed if keys else ():
        renamed = file_names(meta_model(found, config), keys)
        if len(renamed) == len(set(keys)):
            return found
    with refusing(folder.name, "an architecture with a model in transformers"):
        return modeling_auto.MODEL_MAPPING[type(config)]


def _is_model_of(found: Any, config: Any) -> bool:
    """Whether something is a class of models, and one that takes a configuration of this type or is listed for it."""
    from transformers import PreTrainedModel
    from transformers.models.auto import modeling_auto

    if not isinstance(found, type) or not issubclass(found, PreTrainedModel):
        return False
    taken: Any = getattr(found, "config_class", None)
    if taken is None or isinstance(config, taken):
        return True
    listed = [names.get(config.model_type) for key, names in vars(modeling_auto).items() if key.endswith("_NAMES")]
    return any(found.__name__ in ((names,) if isinstance(names, str) else names or ()) for names in listed)


def meta_model(kind: Any, config: Any) -> Any:
    """Build a model without memory for its weights.

    Parameters
    ----------
    kind : type
        A subclass of ``PreTrainedModel``.
    config : transformers.PretrainedConfig
        Its configuration; it is not changed.

    Returns
    -------
    transformers.PreTrainedModel
        On the meta device.

    Raises
    ------
    ModelError
        If the class cannot be built.
    """
    import torch

    with (
        refusing(f"a model of type {config.model_type}", "a configuration that its class builds"),
        torch.device("meta"),
    ):
        return kind(copy.deepcopy(config))


def tensor_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter and buffer of a model, under all of its names."""
    everything = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    return {key: tuple(tensor.shape) for key, tensor in everything}


def file_names(model: Any, names: Iterable[str]) -> dict[str, str]:
    """Return what the tensors of a file are called in a model, by transformers' own conversions.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Built on the meta device.
    names : iterable of str
        Names in the file.

    Returns
    -------
    dict of str to str
        Name in the file to name in the model's state; names that the model has no place for are left out, and so are
        those of tensors that are put together from several or cut up.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

    state = model.state_dict()
    mapping = get_model_conversion_mapping(model)
    renamings = [entry for entry in mapping if isinstance(entry, WeightRenaming)]
    converters = [entry for entry in mapping if isinstance(entry, WeightConverter)]
    found: dict[str, str] = {}
    for name in names:
        key, _ = rename_source_key(name, renamings, converters, model.base_model_prefix, state)
        if key in state or name in state:
            found[name] = key if key in state else name
    return found


def each_config(config: Any, path: ConfigPath = ()) -> Iterator[tuple[ConfigPath, Any]]:
    """Yield a configuration and every one that is nested in it, each with the path that leads there."""
    yield path, config
    from transformers import PretrainedConfig

    for name, nested in list(vars(config).items()):
        if isinstance(nested, PretrainedConfig):
            yield from each_config(nested, (*path, name))


def changed_config(config: Any, path: ConfigPath, change: Callable[[Any], None]) -> Any:
    """Return a copy of a configuration in which ``change`` was applied to the one at a path."""
    changed = copy.deepcopy(config)
    place = changed
    for name in path:
        place = getattr(place, name)
    change(place)
    return changed
