"""What a written tokenizer folder says about its model's inputs, lengths, sides and chat templates."""

from __future__ import annotations

from typing import Any

import pytest

from focus_core.tokenization.classes.folder_config import carried_config, input_names, template_files

PLAIN = ["input_ids", "attention_mask"]
TYPES = ["input_ids", "token_type_ids", "attention_mask"]


@pytest.mark.parametrize(
    ("own", "source", "expected"),
    [
        ({}, {}, {}),
        ({"model_type": "bert"}, {}, {"model_input_names": TYPES}),
        ({"model_type": "bert"}, {"model_type": "roberta"}, {"model_input_names": PLAIN}),
        ({}, {"tokenizer_class": "BertTokenizerFast"}, {"model_input_names": TYPES}),
        ({"model_input_names": PLAIN}, {"model_type": "bert"}, {"model_input_names": TYPES}),
        ({"model_input_names": TYPES}, {}, {"model_input_names": TYPES}),
        ({"model_max_length": 512}, {"model_max_length": 77}, {"model_max_length": 77}),
        ({"model_max_length": 77}, {"model_max_length": 512}, {"model_max_length": 77}),
        ({}, {"model_max_length": 512}, {"model_max_length": 512}),
        ({"padding_side": "right"}, {"padding_side": "left"}, {"padding_side": "right"}),
        ({}, {"padding_side": "left", "truncation_side": "left"}, {"padding_side": "left", "truncation_side": "left"}),
        ({"truncation_side": "left", "auto_map": 1}, {}, {"truncation_side": "left"}),
    ],
)
def test_what_a_folder_keeps(own: dict[str, Any], source: dict[str, Any], expected: dict[str, Any]) -> None:
    """The model's own inputs and length come from the tokenizer that it was trained with."""
    assert carried_config(own, source) == expected


def test_decoders_pad_on_the_left() -> None:
    kept = carried_config({}, {"tokenizer_class": "LlamaTokenizer"})
    assert kept == {"model_input_names": PLAIN, "padding_side": "left"}


def test_names_of_inputs_that_are_none() -> None:
    assert input_names({"model_input_names": "input_ids"}) == tuple(PLAIN)
    assert input_names({"model_input_names": [], "model_type": "fnet"}) == ("input_ids", "token_type_ids")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {}),
        ("x", {"chat_template.jinja": "x"}),
        ({"default": "x", "tools": "y"}, {"chat_template.jinja": "x", "additional_chat_templates/tools.jinja": "y"}),
        ([{"name": "tools", "template": "y"}, 3], {"additional_chat_templates/tools.jinja": "y"}),
        ({"../up": "x", "a/b": "y", ".hidden": "z", "": "w", "fine": 3}, {}),
    ],
)
def test_templates_have_files_of_their_own(given: Any, expected: dict[str, str]) -> None:
    """A name that would lead out of the folder has none."""
    assert template_files({"chat_template": given}) == expected
