"""Which position tables of a model count from the id of its padding token.

In RoBERTa and its relatives the first token of a text has position ``pad + 1``; another padding id means other rows.
Such tables are found by building the model on the meta device with another padding id: ``padding_idx`` follows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from focus_core.models.architectures import ConfigPath, changed_config, each_config, meta_model

MARK = "osition"
"""What the names of positions have in common, in modules and in classes."""

STEP = 3
"""What the padding id is raised by; any number that keeps it within a vocabulary."""


@dataclass(frozen=True, kw_only=True)
class PositionTable:
    """A table of positions that counts from a padding id.

    Parameters
    ----------
    path : tuple of str
        The nested configuration that holds the padding id.
    pad_id : int
        The padding id from which it counts now.
    keys : tuple of str
        The parameters that hold its rows, by their names in the model's state; empty where the class computes them.
    follows : bool
        Whether it counts from another id when the configuration names another; else the id is fixed in the class.
    """

    path: ConfigPath
    pad_id: int
    keys: tuple[str, ...]
    follows: bool


def find_positions(kind: Any, config: Any) -> tuple[PositionTable, ...]:
    """Return the tables of positions that count from a padding id.

    Parameters
    ----------
    kind : type
        A subclass of ``PreTrainedModel``.
    config : transformers.PretrainedConfig
        Its configuration.

    Returns
    -------
    tuple of PositionTable
        Empty where positions start at a number of their own.

    Raises
    ------
    ModelError
        If the class cannot be built.
    """
    before = dict(_counting(meta_model(kind, config)))
    if not before:
        return ()
    found: dict[str, PositionTable] = {}
    for path, part in each_config(config):
        if not isinstance(getattr(part, "pad_token_id", None), int):
            continue
        moved = changed_config(config, path, partial(_move, by=STEP))
        after = dict(_counting(meta_model(kind, moved)))
        for name, (pad_id, keys) in before.items():
            if after.get(name, (pad_id, ()))[0] != pad_id:
                found[name] = PositionTable(path=path, pad_id=pad_id, keys=keys, follows=True)
    for name, (pad_id, keys) in before.items():
        found.setdefault(name, PositionTable(path=(), pad_id=pad_id, keys=keys, follows=False))
    return tuple(found.values())


def _move(part: Any, *, by: int) -> None:
    # a smaller id stays within every vocabulary
    part.pad_token_id = part.pad_token_id - by if part.pad_token_id >= by else part.pad_token_id + by


def _counting(model: Any) -> Iterator[tuple[str, tuple[int, tuple[str, ...]]]]:
    """Yield (name, (padding id, names of its parameters)) of every position module that has a padding id."""
    for name, module in model.named_modules():
        pad_id = getattr(module, "padding_idx", None)
        leaf = name.rpartition(".")[2]
        if isinstance(pad_id, int) and (MARK in leaf or MARK in type(module).__name__):
            yield name, (pad_id, tuple(f"{name}.{own}" for own, _ in module.named_parameters(recurse=False)))
