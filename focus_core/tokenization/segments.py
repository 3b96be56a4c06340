"""Token types: which of two texts a token belongs to, where the model was trained to be told."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tokenizers import Tokenizer

from focus_core.tokenization.classes.folder_config import input_names
from focus_core.tokenization.vocabulary import Vocabulary

TYPES_OF_THEIR_OWN = {"BertProcessing"}
"""Post-processors that tell two texts apart without a template."""


def with_segments(target: Vocabulary, source: Vocabulary) -> Vocabulary:
    """Give the second text of a pair its token type, where the source's tokenizer does and the target's does not.

    Parameters
    ----------
    target : Vocabulary
        The new tokenizer: one that was just trained, or one of a model without segments.
    source : Vocabulary
        The tokenizer that the model was trained with.

    Returns
    -------
    Vocabulary
        The target with another template for pairs; the target itself where nothing is to be changed.
    """
    if "token_type_ids" not in input_names(source.chat_and_config) or not _tells_apart(source):
        return target
    if _tells_apart(target) or not any(_pairs(_state(target))):
        return target
    state = json.loads(target.backend.to_str())
    for pair in _pairs(state["post_processor"]):
        second = next(i for i, part in enumerate(pair) if _is_second(part))
        for part in pair[second:]:
            next(iter(part.values()))["type_id"] = 1
    return dataclasses.replace(target, backend=Tokenizer.from_str(json.dumps(state)))


def _state(vocabulary: Vocabulary) -> Mapping[str, Any]:
    """Return what the post-processor says about itself."""
    processor = vocabulary.backend.post_processor
    return {} if processor is None else json.loads(processor.__getstate__())


def _tells_apart(vocabulary: Vocabulary) -> bool:
    """Tell whether a tokenizer gives the tokens of a second text another type."""
    state = _state(vocabulary)
    parts = [state, *(state.get("processors") or ())]
    if any(part.get("type") in TYPES_OF_THEIR_OWN for part in parts):
        return True
    return any(next(iter(part.values())).get("type_id") for pair in _pairs(state) for part in pair)


def _pairs(state: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the templates for two texts of a post-processor, nested ones too."""
    for part in (state, *(state.get("processors") or ())):
        if part.get("type") == "TemplateProcessing" and any(map(_is_second, part["pair"])):
            yield part["pair"]


def _is_second(part: Mapping[str, Any]) -> bool:
    """Tell whether a part of a template is the second text."""
    return bool(part.get("Sequence", {}).get("id") == "B")
