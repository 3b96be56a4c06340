"""Ids in configurations: those that a class assumes, and those of a row's own tokenizer in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ROLES = ("pad", "bos", "eos", "unk", "cls", "sep", "mask")
ID_FIELD = re.compile(r"(.+?)_(?:token_ids?|token_index|id)")
NO_TOKENS = ("num_", "layer", "suppress", "begin_suppress", "bad_words", "lang_id", "codebook", "label")


def assumed_roles(config: Any) -> dict[str, int]:
    """Return the ids that a configuration's class assumes for pad, bos, eos and the like, the outermost first."""
    found: dict[str, int] = {}
    for part in parts_of(config):
        for role in ROLES:
            value = getattr(part, f"{role}_token_id", None)
            value = value[0] if isinstance(value, (list, tuple)) and value else value
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                found.setdefault(role, value)
    return found


def parts_of(config: Any) -> list[Any]:
    """Return a configuration and all that lie in it."""
    inside = [value for value in vars(config).values() if hasattr(value, "model_type") and hasattr(value, "to_dict")]
    return [config, *(part for value in inside for part in parts_of(value))]


def named_tokens(config: Any) -> list[str]:
    """Return a special token for every id of a configuration that is no role's, such as that of an image."""
    roles = assumed_roles(config)
    found: dict[str, None] = {}
    for part in parts_of(config):
        for field, value in id_fields(part).items():
            stem = ID_FIELD.fullmatch(field)[1]  # type: ignore[index]
            if stem not in ROLES and value not in roles.values():
                found.setdefault(f"<|{stem}|>")
    return list(found)


def id_fields(config: Any) -> dict[str, int]:
    """Return the fields of one configuration that hold the id of a token, without nested ones."""
    found = {}
    for field, value in vars(config).items():
        value = value[0] if isinstance(value, (list, tuple)) and len(value) > 0 else value
        if field.startswith(NO_TOKENS) or isinstance(value, bool) or not isinstance(value, int):
            continue
        if ID_FIELD.fullmatch(field) and value >= 0:
            found[field] = value
    return found


def id_values(config: Any, own: Mapping[str, int | None], names: Mapping[str, int]) -> dict[str, Any]:
    """Return every id field with the id of the row's own tokenizer.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
        With the values that its class assumes.
    own : mapping of str to int
        Roles of the row's source tokenizer.
    names : mapping of str to int
        Ids of the tokens of `named_tokens`.

    Returns
    -------
    dict
        Nested configurations as dictionaries.
    """
    return _id_values(config, assumed_roles(config), own, names)


def _id_values(
    config: Any, assumed: Mapping[str, int], own: Mapping[str, int | None], names: Mapping[str, int]
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    by_value = {value: role for role, value in reversed(list(assumed.items()))}
    for field, value in id_fields(config).items():
        stem = ID_FIELD.fullmatch(field)[1]  # type: ignore[index]
        role = stem if stem in ROLES else by_value.get(value, "")
        one = own.get(role) if role else names.get(f"<|{stem}|>")
        listed = isinstance(getattr(config, field), (list, tuple))
        made[field] = [one] if listed and one is not None else one
    for field, value in vars(config).items():
        if hasattr(value, "model_type") and hasattr(value, "to_dict"):
            made[field] = _id_values(value, assumed, own, names)
    return made
