"""Adapt ``config.json`` and ``generation_config.json`` of a model to another vocabulary.

An id of the source means another token under the target tokenizer, so no id is kept by default: it becomes the id of
the target token that copied that very source token, else the target's id of the same special type. What has no
counterpart becomes null, and is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from focus_core.errors import ModelError
from focus_core.models.architectures import ConfigPath, config_from_values
from focus_core.models.vocabulary_tensors import FIELD, is_of_text

SPECIAL_TYPE_KEYS = {f"{type_}_token_id": type_ for type_ in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")}
ALWAYS = ("bos_token_id", "eos_token_id", "pad_token_id")
"""Written even where the source's file leaves them to a default, since that default is an id of the source."""

ID_KEY = re.compile(r".*(_token_ids?|_token_index)")
ID_LISTS = ("begin_suppress_tokens", "suppress_tokens", "bad_words_ids", "force_words_ids")
"""Lists of ids, or of lists of ids, whose members without a counterpart are left out."""

ID_DICTS = ("lang_to_id", "task_to_id", "lang_code_to_id")
"""Ids by name; a name without a counterpart is left out."""

DROPPED = (
    "_name_or_path", "auto_map", "prefix", "sequence_bias", "task_specific_params", "tokenizer_class", "tokenizer_name",
)  # fmt: skip
"""What holds names or text of the source tokenizer, or code that is never run."""


@dataclass(frozen=True, kw_only=True)
class IdMap:
    """Where the ids of a source's configuration go.

    Parameters
    ----------
    n_rows : int
        Entries of the source's vocabulary tensors.
    n_target : int
        Entries of the result's.
    copied : mapping of int to int
        Source id to the target id that copies it.
    source_special_types, target_special_types : mapping of str to int
        Ids of the special tokens by type.
    extended : bool, default=False
        Whether the source's ids are kept, new ones after them.
    """

    n_rows: int
    n_target: int
    copied: Mapping[int, int] = field(default_factory=dict)
    source_special_types: Mapping[str, int]
    target_special_types: Mapping[str, int]
    extended: bool = False

    def of(self, value: Any, type_: str = "") -> int | None:
        """Return the target's id for one of the source: of the token that copies it, else of its special type."""
        if isinstance(value, bool) or not isinstance(value, int):
            return self.target_special_types.get(type_)
        if self.extended:
            return value
        if self.source_special_types.get(type_) == value and type_ in self.target_special_types:
            # GPT-2's one special token is both start and end: two tokens of the target copy it, each for its type
            return self.target_special_types[type_]
        if value in self.copied:
            return int(self.copied[value])
        names = {token_id: name for name, token_id in reversed(list(self.source_special_types.items()))}
        return self.target_special_types.get(type_ or names.get(value, ""))


@dataclass(frozen=True, kw_only=True)
class AdaptedConfig:
    """A configuration for another vocabulary, and what it lost.

    Parameters
    ----------
    values : dict
        As in ``config.json``.
    lost : tuple of str
        The fields whose id has no counterpart, as paths with dots, sorted.
    """

    values: dict[str, Any]
    lost: tuple[str, ...] = ()


def adapt_config(
    config: Mapping[str, Any],
    ids: IdMap,
    *,
    defaults: Mapping[str, Any] | None = None,
    size_fields: tuple[tuple[str, ...], ...] = (),
) -> AdaptedConfig:
    """Return a configuration for another vocabulary.

    Parameters
    ----------
    config : mapping
        What the source's file says.
    ids : IdMap
        Where its ids go.
    defaults : mapping, default=None
        Every field of the architecture with nested ones as mappings, for what the file leaves out.
    size_fields : tuple of tuple of str, default=()
        The fields that size the vocabulary, with the paths that lead to them.

    Returns
    -------
    AdaptedConfig
        With no id of the source but those that were kept on purpose by an extension.
    """
    lost: list[str] = []
    adapted = _adapt(_copy(config), ids, _copy(defaults or {}), (), lost)
    for path in size_fields:
        place = adapted
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = ids.n_target
    return AdaptedConfig(values=adapted, lost=tuple(sorted(set(lost))))


def _adapt(
    config: Mapping[str, Any], ids: IdMap, defaults: Mapping[str, Any], path: ConfigPath, lost: list[str]
) -> dict[str, Any]:
    """Adapt one configuration and those nested in it; collect what has no counterpart."""
    stale = {key: value for key, value in defaults.items() if ID_KEY.fullmatch(key) and value is not None}
    adapted = {**stale, **config}
    if not path:
        adapted |= {key: None for key in ALWAYS if key not in adapted}
    for key, value in list(adapted.items()):
        adapted[key] = _adapt_value(key, value, ids, defaults, path, lost)
    return {key: value for key, value in adapted.items() if ids.extended or key not in DROPPED}


def _adapt_value(
    key: str, value: Any, ids: IdMap, defaults: Mapping[str, Any], path: ConfigPath, lost: list[str]
) -> Any:
    """Return the new value of a field."""
    if isinstance(value, Mapping) and key in ID_DICTS:
        return dict(_known(value, ids, ".".join((*path, key)), lost))
    if isinstance(value, Mapping) and is_of_text((key,)):
        inner = defaults.get(key)
        return _adapt(value, ids, inner if isinstance(inner, Mapping) else {}, (*path, key), lost)
    if FIELD.fullmatch(key) and value == ids.n_rows:
        return ids.n_target
    if key in ID_LISTS or key == "forced_decoder_ids":
        return _adapt_list(value, ids, ".".join((*path, key)), lost)
    if ID_KEY.fullmatch(key):
        return _adapt_id(key, value, ids, path, lost)
    return value


def _adapt_id(key: str, value: Any, ids: IdMap, path: ConfigPath, lost: list[str]) -> Any:
    """Return the target's id, or the list of them."""
    type_ = SPECIAL_TYPE_KEYS.get(key, "")
    if isinstance(value, list):
        found = list(dict.fromkeys(i for i in (ids.of(one, type_) for one in value) if i is not None))
        new = found if len(found) > 1 else found[0] if found else None
    else:
        new = ids.of(value, type_)
    if new is None and value is not None and value != []:
        lost.append(".".join((*path, key)))
    return new


def _adapt_list(value: Any, ids: IdMap, name: str, lost: list[str]) -> Any:
    """Return a list of ids, or of lists of them, without those that have no counterpart."""
    if not isinstance(value, list):
        return value
    kept: list[Any] = []
    for one in value:
        if name.endswith("forced_decoder_ids") and isinstance(one, list) and len(one) == 2:
            new: Any = [one[0], ids.of(one[1])]  # (position, id)
        else:
            new = [ids.of(inner) for inner in one] if isinstance(one, list) else ids.of(one)
        if new is None or (isinstance(new, list) and None in new):
            lost.append(name)
        else:
            kept.append(new)
    return kept


def _known(value: Mapping[str, Any], ids: IdMap, name: str, lost: list[str]) -> Iterator[tuple[str, int]]:
    """Yield the names whose id has a counterpart."""
    for key, one in value.items():
        new = ids.of(one)
        if new is None:
            lost.append(f"{name}.{key}")
        else:
            yield key, new


def without_refused_nulls(kind: Any, adapted: AdaptedConfig, name: str) -> AdaptedConfig:
    """Leave out the nulls that a class of configurations does not take.

    Parameters
    ----------
    kind : type
        The class of the configuration.
    adapted : AdaptedConfig
        The configuration; it is not changed.
    name : str
        How messages call the model.

    Returns
    -------
    AdaptedConfig
        With the fields whose null is refused left out, and named among those that are lost.

    Raises
    ------
    ModelError
        If the class refuses what is left.
    """
    nulls = list(_nulls(adapted.values))
    if _takes(kind, adapted.values):
        return adapted
    bare = _without(adapted.values, nulls)
    refused = [path for path in nulls if not _takes(kind, _without(adapted.values, [p for p in nulls if p != path]))]
    values = _without(adapted.values, refused)
    config_from_values(kind, values if _takes(kind, values) else bare, name)
    lost = sorted({*adapted.lost, *(".".join(path) for path in refused)})
    return AdaptedConfig(values=values if _takes(kind, values) else bare, lost=tuple(lost))


def _takes(kind: Any, values: Mapping[str, Any]) -> bool:
    """Whether a class of configurations takes some values."""
    try:
        config_from_values(kind, values, kind.__name__)
    except ModelError:
        return False
    return True


def _nulls(values: Mapping[str, Any], path: ConfigPath = ()) -> Iterator[ConfigPath]:
    """Yield the path of every null that stands for an id."""
    for key, value in values.items():
        if value is None and ID_KEY.fullmatch(key):
            yield (*path, key)
        elif isinstance(value, Mapping):
            yield from _nulls(value, (*path, key))


def _copy(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a copy as JSON has it: labels by number become text."""
    return {str(key): _copy(value) if isinstance(value, Mapping) else value for key, value in values.items()}


def _without(values: Mapping[str, Any], paths: list[ConfigPath]) -> dict[str, Any]:
    """Return a copy without some fields."""
    copied = _copy(values)
    for path in paths:
        place = copied
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]
    return copied
