"""Find every tensor of a model that follows its text vocabulary, and along which axis.

The model is built on the meta device once as it is and once for each field that sizes a text vocabulary, with that
field raised by one: what changes its shape follows the vocabulary, and nothing else does. No architecture is listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from focus_core.errors import ModelError, bad_input, phrase
from focus_core.models.architectures import ConfigPath, changed_config, each_config, meta_model, tensor_shapes

FIELD = re.compile(r"(src_|tgt_|text_|encoder_|decoder_)?vocab_size(_per_layer_input)?")
"""Fields that size a text vocabulary; those of segment types, entities and codes do not match."""

NO_TEXT = frozenset(
    ("audio", "vision", "image", "speech", "codec", "code", "acoustic", "t2u", "vocoder", "depth", "talker", "vq")
)
"""Words in the names of nested configurations whose vocabulary is not one of text."""

STEPS = (1, 8, 64, 128)
"""What a field is raised by: by one, or by more where a class asks for a multiple."""


@dataclass(frozen=True, kw_only=True)
class VocabularyTensor:
    """A parameter or buffer that follows a vocabulary.

    Parameters
    ----------
    key : str
        Its name in the model's state.
    axis : int
        The axis along which it has one entry a token.
    shape : tuple of int
        Its shape.
    size_field : tuple of str
        The field that sizes it: names of nested configurations, then the field's own.
    """

    key: str
    axis: int
    shape: tuple[int, ...]
    size_field: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """Number of entries along the vocabulary."""
        return self.shape[self.axis]


@dataclass(frozen=True, kw_only=True)
class VocabularyLayout:
    """Which tensors of a model follow its text vocabulary.

    Parameters
    ----------
    tensors : mapping of str to VocabularyTensor
        Every one, by its name in the model's state; several names of one tensor are all there.
    input : str
        The name of the input embeddings.
    output : str, default=""
        The name of the output embeddings; "" where the head has none of its own.
    bias : str, default=""
        The name of the output's bias; "" where there is none.
    groups : mapping of str to str
        For every name, the name that stands for all names of the same tensor.
    partners : mapping of str to str
        For every name, the one that the class ties it to where its configuration asks for that.
    """

    tensors: Mapping[str, VocabularyTensor]
    input: str
    output: str = ""
    bias: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    partners: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_fields(self) -> tuple[tuple[str, ...], ...]:
        """The fields that size the vocabulary."""
        return tuple(dict.fromkeys(tensor.size_field for tensor in self.tensors.values()))


def find_vocabulary(kind: Any, config: Any, *, name: str) -> VocabularyLayout:
    """Find every tensor that follows the text vocabulary of a model.

    Parameters
    ----------
    kind : type
        A subclass of ``PreTrainedModel``.
    config : transformers.PretrainedConfig
        Its configuration.
    name : str
        How messages call the model.

    Returns
    -------
    VocabularyLayout
        The tensors, by their names in the model's state.

    Raises
    ------
    ModelError
        If the class cannot be built, if nothing follows a text vocabulary, or if there are two vocabularies of
        different sizes.
    """
    model = meta_model(kind, config)
    found: dict[str, VocabularyTensor] = {}
    for path, field_name in _fields(config):
        found |= {key: tensor for key, tensor in _follow(kind, config, path, field_name, model) if key not in found}
    if not found:
        remedy = phrase("give {source_tokenizer} and {source_embeddings} instead")
        raise bad_input(name, "a model with a text vocabulary", f"{kind.__name__}, which has none", remedy, ModelError)
    return _layout(model, found, name)


def _fields(config: Any) -> Iterator[tuple[ConfigPath, str]]:
    """Yield the fields that may size a text vocabulary, nested ones first."""
    found = []
    for path, part in each_config(config):
        if not is_of_text(path):
            continue
        names = [name for name in [*vars(part), "vocab_size"] if FIELD.fullmatch(name)]
        found += [(path, n) for n in dict.fromkeys(names) if isinstance(getattr(part, n, None), int)]
    yield from sorted(found, key=lambda entry: -len(entry[0]))


def is_of_text(path: ConfigPath) -> bool:
    """Whether a nested configuration is of a part that reads or writes text, by the names that lead to it."""
    return not any(word in NO_TEXT for name in path for word in name.split("_"))


def _follow(
    kind: Any, config: Any, path: ConfigPath, field_name: str, model: Any
) -> Iterator[tuple[str, VocabularyTensor]]:
    """Yield the tensors whose shape changes with a field."""
    before, kept = tensor_shapes(model), model.state_dict().keys()
    after, step = _raised(kind, config, path, field_name)
    for key, shape in before.items():
        new = after.get(key, shape)
        if new == shape or key not in kept:
            continue
        axes = [axis for axis, (old, now) in enumerate(zip(shape, new, strict=True)) if old != now]
        if len(axes) != 1 or new[axes[0]] - shape[axes[0]] != step:
            got = f"{key} of shape {shape}, then {new}"
            raise bad_input(
                f"a model of type {config.model_type}",
                expected=f"tensors that grow by one entry a token along one axis when {field_name} grows",
                got=got,
                remedy=phrase("give {source_tokenizer} and {source_embeddings} instead"),
                error=ModelError,
            )
        yield key, VocabularyTensor(key=key, axis=axes[0], shape=shape, size_field=(*path, field_name))


def _raised(kind: Any, config: Any, path: ConfigPath, field_name: str) -> tuple[dict[str, tuple[int, ...]], int]:
    """Return the shapes of the model with a field raised, and by how much it was."""
    for step in STEPS:
        try:
            raised = changed_config(config, path, partial(_raise, field_name=field_name, step=step))
            return tensor_shapes(meta_model(kind, raised)), step
        except ModelError:
            if step == STEPS[-1]:
                raise
    raise AssertionError("unreachable")


def _raise(part: Any, *, field_name: str, step: int) -> None:
    setattr(part, field_name, getattr(part, field_name) + step)


def _layout(model: Any, found: dict[str, VocabularyTensor], name: str) -> VocabularyLayout:
    """Say what each tensor is, and which are one."""
    entrance = _input_key(model, found)
    main = found[entrance]
    for tensor in found.values():
        if tensor.n_rows != main.n_rows and not tensor.size_field[-1].endswith("_per_layer_input"):
            raise _sizes_differ(name, main, tensor)
    way_out = _module(model.get_output_embeddings)
    output = _name_of(getattr(way_out, "weight", None), model, found)
    bias = _name_of(getattr(way_out, "bias", None), model, found)
    groups = _groups(model, found)
    return VocabularyLayout(
        tensors=found, input=entrance, output=output, bias=bias, groups=groups, partners=_partners(model, found)
    )


def _sizes_differ(name: str, main: VocabularyTensor, other: VocabularyTensor) -> ModelError:
    """Return the refusal of two vocabularies, or of a table with entries of another kind after those of tokens."""
    ours, theirs = ".".join(main.size_field), ".".join(other.size_field)
    remedy = phrase("give the matrix of one of them by {source_embeddings} with its {source_tokenizer}")
    if ours == theirs:
        got = f"{main.key} with {main.n_rows:,} and {other.key} with {other.n_rows:,}"
        return bad_input(name, f"tensors with as many entries as {ours} says", got, remedy, ModelError)
    got = f"two of different sizes: {main.n_rows:,} by {ours}, {other.n_rows:,} by {theirs}"
    return bad_input(name, "one vocabulary", got, remedy, ModelError)


def _input_key(model: Any, found: Mapping[str, VocabularyTensor]) -> str:
    """Return the name of the input embeddings: what the class says they are, else the first embedding that follows."""
    import torch

    inside = _name_of(getattr(_module(model.get_input_embeddings), "weight", None), model, found)
    if inside:
        return inside
    embeddings = [
        f"{name}.weight"
        for name, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, torch.nn.Embedding) and f"{name}.weight" in found
    ]
    tables = [key for key, tensor in found.items() if len(tensor.shape) == 2 and tensor.axis == 0]
    return (embeddings or tables or list(found))[0]


def _module(getter: Any) -> Any:
    """Return what a class says its embeddings are; ``None`` where it says nothing."""
    try:
        return getter()
    except (NotImplementedError, AttributeError):
        return None


def _name_of(tensor: Any, model: Any, found: Mapping[str, VocabularyTensor]) -> str:
    """Return the first name of a tensor among those that follow the vocabulary; "" where it is none of them."""
    names = [key for key, value in _everything(model) if value is tensor and key in found]
    return names[0] if names else ""


def _everything(model: Any) -> Iterator[tuple[str, Any]]:
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _groups(model: Any, found: Mapping[str, VocabularyTensor]) -> dict[str, str]:
    """Return for every name the one that stands for its tensor: tied or shared names have one."""
    first: dict[int, str] = {}
    groups = {key: first.setdefault(id(value), key) for key, value in _everything(model) if key in found}
    for key, partner in model.all_tied_weights_keys.items():
        if key in groups and partner in groups:
            old, new = groups[key], groups[partner]
            groups = {name: new if group == old else group for name, group in groups.items()}
    return groups


def _partners(model: Any, found: Mapping[str, VocabularyTensor]) -> dict[str, str]:
    """Return what the class would tie, whatever its configuration says."""
    declared = getattr(model, "_tied_weights_keys", None) or {}
    if not isinstance(declared, Mapping):
        return {}
    pairs = {key: partner for key, partner in declared.items() if key in found and partner in found}
    return pairs | {partner: key for key, partner in pairs.items() if partner not in pairs}
