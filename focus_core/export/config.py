"""Adapt ``config.json`` and ``generation_config.json`` of a model to another vocabulary.

An id of the source means another token under the target tokenizer, so no id is kept by default: the id of a special
token becomes the target's id of that type, and any other becomes ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SPECIAL_TYPE_KEYS = {f"{type_}_token_id": type_ for type_ in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")}
ALWAYS = ("bos_token_id", "eos_token_id", "pad_token_id")
"""Written even where the source's file leaves them to a default, since that default is an id of the source."""

ID_KEY = re.compile(r".*(_token_ids?|_token_index)")
DROPPED = (
    "_name_or_path", "auto_map", "bad_words_ids", "begin_suppress_tokens", "force_words_ids", "forced_decoder_ids",
    "prefix", "sequence_bias", "suppress_tokens", "task_specific_params", "tokenizer_class", "tokenizer_name",
)  # fmt: skip
"""What holds ids or names of the source tokenizer, or code that is never run."""


def adapt_config(
    config: Mapping[str, Any],
    *,
    n_rows: int,
    n_target: int,
    source_special_types: Mapping[str, int],
    target_special_types: Mapping[str, int],
    extended: bool = False,
    defaults: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a configuration for another vocabulary."""
    stale = {key: value for key, value in (defaults or {}).items() if ID_KEY.fullmatch(key) and value is not None}
    adapted = {**stale, **config}
    adapted |= {key: None for key in ALWAYS if key not in adapted}
    names = {token_id: type_ for type_, token_id in reversed(list(source_special_types.items()))}
    for key, value in list(adapted.items()):
        if isinstance(value, dict) and "vocab_size" in value:
            options: dict[str, Any] = {
                "source_special_types": source_special_types,
                "target_special_types": target_special_types,
                "extended": extended,
            }
            adapted[key] = adapt_config(value, n_rows=n_rows, n_target=n_target, **options)
        elif key == "vocab_size" and value == n_rows:
            adapted[key] = n_target
        elif ID_KEY.fullmatch(key) and not (extended and value is not None):
            type_ = SPECIAL_TYPE_KEYS.get(key) or names.get(value if isinstance(value, int) else -1, "")
            adapted[key] = target_special_types.get(type_)
    return {key: value for key, value in adapted.items() if extended or key not in DROPPED}
