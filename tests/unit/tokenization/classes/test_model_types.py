"""The class of every model type is that of transformers, and what a configuration names is found in it."""

from __future__ import annotations

from typing import Any

import pytest

from focus_core.tokenization.classes.layouts import (
    LANGUAGES_25,
    LANGUAGES_50,
    LANGUAGES_100,
    PLAIN,
    SENTENCEPIECE,
)
from focus_core.tokenization.classes.model_types import (
    CLASS_OF_TYPE,
    class_of,
    further_tokens,
    known_layout,
    layout_of,
    roles_of,
)

OURS = {
    "bigbird_pegasus", "distilbert", "longt5", "pegasus_x", "pix2struct", "pop2piano", "umt5", "xlm-roberta-xl",
}  # fmt: skip
"""Types whose class is documented, though the library's table leaves it generic or names BERT's for DistilBERT."""


def test_every_model_type_has_the_class_of_the_library() -> None:
    """Named, so that it is applied or refused by name, and never read as if its class were generic."""
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    generic = {"TokenizersBackend", "MistralCommonBackend", "RagTokenizer", None}
    named = {type_: name for type_, name in TOKENIZER_MAPPING_NAMES.items() if name not in generic}
    expected = {type_: name.removesuffix("Fast") for type_, name in named.items() if type_ not in OURS}
    assert {type_: name for type_, name in CLASS_OF_TYPE.items() if type_ not in OURS} == expected
    assert set(CLASS_OF_TYPE) >= OURS


def test_languages_are_those_of_the_library() -> None:
    from transformers.convert_slow_tokenizer import MBART50_LANGUAGES, MBART_LANGUAGES
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    assert list(LANGUAGES_25) == MBART_LANGUAGES
    assert list(LANGUAGES_50) == MBART50_LANGUAGES
    assert list(LANGUAGES_100) == FAIRSEQ_LANGUAGE_CODES["m2m100"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ""),
        ({"model_type": "camembert"}, "CamembertTokenizer"),
        ({"model_type": "llama"}, ""),
        ({"tokenizer_class": "T5TokenizerFast", "model_type": "gpt2"}, "T5Tokenizer"),
        ({"tokenizer_class": "PreTrainedTokenizerFast", "model_type": "camembert"}, "CamembertTokenizer"),
        ({"tokenizer_class": None, "model_type": 3}, ""),
    ],
)
def test_class_of_a_configuration(config: dict[str, Any], expected: str) -> None:
    assert class_of(config) == expected


def test_unknown_classes_are_told_from_generic_ones() -> None:
    assert layout_of({}, SENTENCEPIECE) is PLAIN
    assert layout_of({"tokenizer_class": "HouseTokenizer"}, SENTENCEPIECE) is None
    assert known_layout({"tokenizer_class": "HouseTokenizer"}) is PLAIN


def test_a_configuration_comes_before_its_class() -> None:
    layout = SENTENCEPIECE["AlbertTokenizer"]
    config = {"mask_token": {"content": "<m>"}, "sep_token": None, "bos_token": ""}
    named = {"eos": "[SEP]", "unk": "<unk>", "pad": "<pad>", "cls": "[CLS]", "mask": "<m>"}
    assert roles_of(layout, config) == named
    assert list(roles_of(layout, {})) == ["bos", "eos", "unk", "sep", "pad", "cls", "mask"]


def test_further_tokens() -> None:
    assert further_tokens({"additional_special_tokens": ["<a>", {"content": "<b>"}, 3]}) == ["<a>", "<b>"]
    assert further_tokens({"extra_special_tokens": {"image_token": "<image>"}}) == ["<image>"]
    assert further_tokens({"additional_special_tokens": None}) == []
