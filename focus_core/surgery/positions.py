"""Move the positions of a model to where a new padding id makes its class look for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.errors import ModelError, bad_input, phrase
from focus_core.models.architectures import (
    ConfigPath,
    architecture_config,
    load_config,
    meta_model,
    model_class,
    tensor_shapes,
)
from focus_core.models.positions import PositionTable
from focus_core.models.source import SourceModel
from focus_core.models.tensors import TensorFiles
from focus_core.surgery.exceptions import COUNTS_FROM_ZERO

if TYPE_CHECKING:
    import torch

LENGTH = "max_position_embeddings"


def move_positions(
    files: TensorFiles, model: SourceModel, config: dict[str, Any], replaced: dict[str, torch.Tensor]
) -> list[str]:
    """Move every table of positions that counts from the padding id.

    Parameters
    ----------
    files : TensorFiles
        The source's weights.
    model : SourceModel
        The source.
    config : dict
        The configuration for the new vocabulary; its padding id and its number of positions are set in place.
    replaced : dict of str to torch.Tensor
        New tensors by their names in the files; the moved tables are added.

    Returns
    -------
    list of str
        What the user should know, one sentence each.

    Raises
    ------
    ModelError
        If the class computes its positions or fixes the padding id, and the target's is another one.
    """
    shifts: dict[str, tuple[int, int]] = {}
    moved_places: set[ConfigPath] = set()
    for table in model.positions:
        place = _place(config, table.path)
        after = place.get("pad_token_id")
        stored = [key for key in table.keys if key in model.file_of]
        if not table.follows or not stored or model.model_type in COUNTS_FROM_ZERO:
            _require_same(model, table, after)
            continue
        after = place["pad_token_id"] = -1 if after is None else after
        if after != table.pad_id:
            shifts |= dict.fromkeys(stored, (table.pad_id, after))
            moved_places.add(table.path)
    if not shifts:
        return []
    for path in moved_places:
        _lengthen(config, model, path, next(iter(shifts.values())))
    replaced |= dict(_fitted(files, model, config, shifts))
    notes = [
        _say(*shifts[key], files.shapes[model.file_of[key]][0], len(replaced[model.file_of[key]])) for key in shifts
    ]
    return list(dict.fromkeys(sentence for told in notes for sentence in told))


def _lengthen(config: dict[str, Any], model: SourceModel, path: ConfigPath, shift: tuple[int, int]) -> None:
    """Add as many positions as the padding id moved on."""
    known = load_config(folder_of(model))
    for name in path:
        known = getattr(known, name)
    before, after = shift
    _place(config, path)[LENGTH] = int(getattr(known, LENGTH)) + after - before


def _fitted(
    files: TensorFiles, model: SourceModel, config: dict[str, Any], shifts: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the name in the files and the new tensor of everything that has another length now."""
    folder = folder_of(model)
    known = load_config(folder)
    kind = model_class(folder, known, files.where)
    old_shapes = tensor_shapes(meta_model(kind, known))
    new_shapes = tensor_shapes(meta_model(kind, architecture_config(folder, config)))
    vocabulary = model.layout.tensors if model.layout else {}
    for key, shape in new_shapes.items():
        if key not in model.file_of or key in vocabulary:
            continue
        if key in shifts:
            yield model.file_of[key], _fit(_moved(files.read(model.file_of[key]), *shifts[key]), shape[0])
        elif old_shapes.get(key, shape) != shape:
            # as long as the moved table, by the same field of the configuration, but counted from 0
            yield model.file_of[key], _fit(files.read(model.file_of[key]), shape[0])


def _fit(table: torch.Tensor, n_rows: int) -> torch.Tensor:
    """Return a table with rows of zeros after its last, or without rows that no position reaches."""
    import torch

    if len(table) >= n_rows:
        return table[:n_rows].clone()
    return torch.cat([table, table.new_zeros((n_rows - len(table), *table.shape[1:]))])


def folder_of(model: SourceModel) -> Path:
    """Return the folder of a source; one of embeddings alone has none, which is a fault of the caller."""
    if model.folder is None:
        raise ValueError("a source without a folder has no model to load")
    return model.folder


def _place(config: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the nested configuration at a path."""
    place = config
    for name in path:
        place = place.setdefault(name, {})
    return place


def _require_same(model: SourceModel, table: PositionTable, after: int | None) -> None:
    """Refuse a padding id from which the class cannot count the source's positions."""
    if after == table.pad_id:
        return
    why = "decides about positions that its class computes" if table.follows else "is written into its class"
    raise bad_input(
        f"the padding token of the target vocabulary, for {model.name} ({model.model_type})",
        expected=f"id {table.pad_id}, which {why}",
        got="no padding token" if after is None else f"id {after}",
        remedy=phrase(
            "give a target tokenizer with its padding token there; {train_tokenizer} unigram makes one with id 1"
        ),
        error=ModelError,
    )


def _moved(old: torch.Tensor, before: int, after: int) -> torch.Tensor:
    """Return a table whose first position in use is ``after + 1`` instead of ``before + 1``."""
    # RoBERTa numbers positions from its padding id on: the first token has position ``pad + 1``. Without a padding
    # token the id -1 does what is needed: no token is padding, and positions start at 0.
    import torch

    moved = torch.zeros((len(old) + after - before, *old.shape[1:]), dtype=old.dtype)
    moved[after + 1 :] = old[before + 1 :]
    if before >= 0 and after >= 0:
        moved[after] = old[before]
    return moved


def _say(before: int, after: int, n_before: int, n_after: int) -> list[str]:
    moved_on = (
        f"The architecture counts positions from the padding id, which moved from {before} to {after}; "
        f"the position embeddings moved along ({n_before} before, {n_after} now)."
    )
    remark = "There is no padding token; transformers remarks on the id -1 when it loads the model, which is harmless."
    return [moved_on, remark] if after < 0 else [moved_on]


def longest_text(config: Any, positions: tuple[PositionTable, ...]) -> int | None:
    """Return the most tokens that a model reads at once.

    Parameters
    ----------
    config : transformers.PretrainedConfig
        Its configuration.
    positions : tuple of PositionTable
        The tables that count from the padding id.

    Returns
    -------
    int or None
        ``None`` where the configuration gives no limit.
    """
    names = (LENGTH, "n_positions", "max_target_positions", "max_decoder_position_embeddings", "seq_length", "n_ctx")
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    values = [getattr(text, name, None) for name in names]
    limits = [int(value) for value in values if isinstance(value, int) and value > 0]
    if not limits:
        return None
    taken = max((table.pad_id + 1 for table in positions if table.keys), default=0)
    return min(limits) - taken
