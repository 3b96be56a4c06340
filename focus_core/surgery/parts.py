"""What a model with a new vocabulary is made of: files of its source, tensors in place of theirs, configurations.

Nothing is resized and nothing is drawn: the backbone's tensors stay what they are, bit for bit; what follows the
vocabulary is replaced by name, and positions that count from the padding id move along with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.errors import ModelError, bad_input
from focus_core.models.architectures import load_config
from focus_core.models.source import SourceModel
from focus_core.models.tensors import TensorFiles, open_tensor_folder, read_json
from focus_core.models.vocabulary_read import COPIES, UNUSED
from focus_core.models.vocabulary_tensors import VocabularyLayout
from focus_core.surgery.config import AdaptedConfig, IdMap, adapt_config, without_refused_nulls
from focus_core.surgery.exceptions import ZEROES_PADDING, corrected_ids
from focus_core.surgery.positions import move_positions

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelParts:
    """What a model is made of.

    Parameters
    ----------
    folder : Path
        The source's folder.
    files : TensorFiles
        Its weights.
    replaced : mapping of str to torch.Tensor
        Tensors in place of the source's, by their names in the files.
    home : mapping of str to Path
        The source's file of every tensor of the model; of a new one, the last file.
    config : dict
        The content of ``config.json``.
    generation : dict or None
        The content of ``generation_config.json``; ``None`` where the source has none.
    notes : list of str
        What the user should know, one sentence each.
    """

    folder: Path
    files: TensorFiles
    replaced: Mapping[str, torch.Tensor]
    home: Mapping[str, Path]
    config: dict[str, Any]
    generation: dict[str, Any] | None
    notes: list[str]

    def read(self, name: str) -> torch.Tensor:
        """Return a tensor of the model.

        Parameters
        ----------
        name : str
            One of ``home``.

        Returns
        -------
        torch.Tensor
            The new one, else the source's, mapped.
        """
        return self.replaced[name] if name in self.replaced else self.files.read(name)


def model_parts(model: SourceModel, arrays: Mapping[str, torch.Tensor], ids: IdMap) -> ModelParts:
    """Put together what new tensors make of a source.

    Parameters
    ----------
    model : SourceModel
        The source, with a backbone.
    arrays : mapping of str to torch.Tensor
        ``input`` and, where the source has them, ``output``, ``bias`` and each of its ``extra``.
    ids : IdMap
        Where the ids of its configuration go.

    Returns
    -------
    ModelParts
        Everything that a model folder needs but its tokenizer.

    Raises
    ------
    ModelError
        If the source has no backbone, or the target's padding token lies where the architecture cannot have it.
    """
    folder = model.folder
    layout = known_layout(model)
    if folder is None or model.config is None:
        raise bad_input(model.name, "a model folder", "embeddings alone", "name the model's folder", ModelError)
    files = open_tensor_folder(folder)
    known = load_config(folder)
    ids = dataclasses.replace(ids, n_rows=layout.tensors[layout.input].n_rows)
    adapted = _adapted(model, known, corrected_ids(model, ids))
    values = adapted.values
    _set_tied(values, model)
    if model.model_type in ZEROES_PADDING and known.pad_token_id is None:
        values["pad_token_id"] = None
    replaced = _replacements(model, arrays)
    notes = move_positions(files, model, values, replaced)
    generation = read_json(folder / "generation_config.json")
    adapted_generation = None if generation is None else adapt_config(generation, ids)
    lost = sorted({*adapted.lost, *(adapted_generation.lost if adapted_generation else ())})
    return ModelParts(
        folder=folder,
        files=files,
        replaced=replaced,
        home=_homes(files, model, replaced),
        config=values,
        generation=None if adapted_generation is None else adapted_generation.values,
        notes=[*notes, *_say_lost(lost)],
    )


def known_layout(model: SourceModel) -> VocabularyLayout:
    """Return which tensors of a source follow its vocabulary.

    Parameters
    ----------
    model : SourceModel
        The source.

    Returns
    -------
    VocabularyLayout
        The layout.

    Raises
    ------
    ModelError
        If the source has no backbone.
    """
    if model.layout is None:
        raise bad_input(model.name, "a model folder", "embeddings alone", "name the model's folder", ModelError)
    return model.layout


def keys_of(model: SourceModel, arrays: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return tensors by their names in the model.

    Parameters
    ----------
    model : SourceModel
        The source.
    arrays : mapping of str to torch.Tensor
        By their names in a run: ``input``, ``output``, ``bias``, and further ones by that of the model already.

    Returns
    -------
    dict of str to torch.Tensor
        The same tensors.
    """
    layout = model.layout
    own = {} if layout is None else {"input": layout.input, "output": layout.output, "bias": layout.bias}
    return {own.get(name) or name: tensor for name, tensor in arrays.items()}


def _adapted(model: SourceModel, known: Any, ids: IdMap) -> AdaptedConfig:
    """Return the configuration for the new vocabulary, in values that its class takes."""
    layout = model.layout
    fields = tuple(_in_file(known, path) for path in (layout.size_fields if layout else ()))
    adapted = adapt_config(model.config or {}, ids, defaults=known.to_dict(), size_fields=fields)
    return without_refused_nulls(type(known), adapted, model.name)


def _in_file(known: Any, path: tuple[str, ...]) -> tuple[str, ...]:
    """Return a field's path as the file writes it: some architectures have another name for it."""
    place = known
    for name in path[:-1]:
        place = getattr(place, name)
    own = (getattr(place, "attribute_map", None) or {}).get(path[-1], path[-1])
    return (*path[:-1], own)


def _set_tied(values: dict[str, Any], model: SourceModel) -> None:
    """Say whether the output embeddings are the input embeddings, where the configuration is wrong about it."""
    layout = model.layout
    if layout is None or not layout.output:
        return
    ties = layout.groups[layout.output] == layout.groups[layout.input]
    if ties is not model.tied and layout.partners.get(layout.output) is not None:
        values["tie_word_embeddings"] = model.tied


def _say_lost(lost: list[str]) -> list[str]:
    """Return what to say of ids without a counterpart."""
    if not lost:
        return []
    named = ", ".join(lost[:8]) + (f" and {len(lost) - 8} more" if len(lost) > 8 else "")
    return [
        f"The target vocabulary has no token for these ids of the source's configuration, which are left out: {named}."
    ]


def _replacements(model: SourceModel, arrays: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the new tensor of every name in the files that follows the vocabulary."""
    return {
        name: tensor.clone() if again else tensor  # two parameters never lie in one place
        for kind, tensor in arrays.items()
        for again, name in enumerate(model.tensor_names[kind])
    }


def _homes(files: TensorFiles, model: SourceModel, replaced: Mapping[str, torch.Tensor]) -> dict[str, Path]:
    """Return the file of every tensor but tied copies, which transformers makes, and those that no class has."""
    left_out = {name for kind in (COPIES, UNUSED) for name in model.tensor_names.get(kind, ())}
    names = sorted({*files.where, *replaced} - left_out)
    return {name: files.where.get(name, files.files[-1]) for name in names}
