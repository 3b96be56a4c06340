"""What a tokenizer folder's configuration keeps when the folder is written again: inputs, lengths, sides, templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from focus_core.models.hub import TEMPLATE, TEMPLATES
from focus_core.tokenization.classes.model_types import known_layout

CARRIED = ("model_max_length", "clean_up_tokenization_spaces", "padding_side", "truncation_side", "model_input_names")
"""Keys that are kept beside special tokens and chat templates."""

TEMPLATE_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


def input_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a tokenizer returns for a text (``model_input_names``), as transformers takes it from a folder."""
    named = config.get("model_input_names")
    if isinstance(named, Sequence) and not isinstance(named, str) and all(isinstance(n, str) for n in named) and named:
        return tuple(named)
    return known_layout(config).inputs or ("input_ids", "attention_mask")


def carried_config(own: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tokenizer's configuration keeps beside its tokens.

    Parameters
    ----------
    own : mapping
        Its own.
    source : mapping
        That of the tokenizer that the model was trained with, ``{}`` where there is no such model.

    Returns
    -------
    dict
        What the model takes follows the source: its ``model_input_names``, so that no model is given token types it
        does not have, and the shorter ``model_max_length``. Sides are the tokenizer's own, else the source's.
    """
    kept: dict[str, Any] = {key: own[key] for key in CARRIED if own.get(key) is not None}
    said = any(source.get(key) for key in ("model_input_names", "tokenizer_class", "model_type"))
    names = input_names(source if said else own)
    if said or set(names) != {"input_ids", "attention_mask"}:
        kept["model_input_names"] = list(names)
    lengths = [c["model_max_length"] for c in (own, source) if isinstance(c.get("model_max_length"), int | float)]
    if lengths:
        kept["model_max_length"] = min(lengths)
    for key in ("padding_side", "truncation_side"):
        if key not in kept and source.get(key) in {"left", "right"}:
            kept[key] = source[key]
    if "padding_side" not in kept and known_layout(source or own).left_padding:
        kept["padding_side"] = "left"
    return kept


def template_files(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the chat templates of a configuration by the name of the file that holds each."""
    given = config.get("chat_template")
    if isinstance(given, str):
        given = {"default": given}
    elif isinstance(given, Sequence):
        given = {e["name"]: e["template"] for e in given if isinstance(e, Mapping) and {"name", "template"} <= set(e)}
    named = given if isinstance(given, Mapping) else {}
    return {
        TEMPLATE if name == "default" else f"{TEMPLATES}/{name}.jinja": text
        for name, text in named.items()
        if isinstance(text, str) and isinstance(name, str) and TEMPLATE_NAME.fullmatch(name)
    }
