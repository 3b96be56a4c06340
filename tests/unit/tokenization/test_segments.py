"""The second text of a pair gets its token type where the model was trained to be told, and only there."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from focus_core.tokenization.segments import with_segments
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend

TYPES = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
SPECIALS = [("[CLS]", 0), ("[SEP]", 1)]


def vocabulary(pair: str | None, config: dict[str, Any] | None = None) -> Vocabulary:
    """Return a word-level tokenizer with a template for pairs."""
    words = {"[CLS]": 0, "[SEP]": 1, "a": 2, "b": 3, "<unk>": 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    if pair is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair=pair, special_tokens=SPECIALS
        )
    return vocabulary_from_backend(tokenizer, name="x", config=config or {})


BERT = "[CLS] $A [SEP] $B:1 [SEP]:1"
PLAIN = "[CLS] $A [SEP] $B [SEP]"


def test_a_plain_template_learns_from_the_source() -> None:
    """A tokenizer that was just trained, or one of another family; one text and the given object stay as they are."""
    target = vocabulary(PLAIN)
    found = with_segments(target, vocabulary(BERT, TYPES))
    assert found.backend.encode("a", "b b").type_ids == [0, 0, 0, 1, 1, 1]
    assert found.backend.encode("a b").type_ids == [0, 0, 0, 0]
    assert target.backend.encode("a", "b b").type_ids == [0] * 6
    assert found.tokens == target.tokens
    doubled = with_segments(vocabulary("[CLS] $A [SEP] [SEP] $B [SEP]"), vocabulary(BERT, TYPES))
    assert doubled.backend.encode("a", "b").type_ids == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (vocabulary(BERT), vocabulary(PLAIN)),
        (vocabulary(PLAIN, TYPES), vocabulary(PLAIN)),
        (vocabulary(BERT, TYPES), vocabulary(BERT)),
        (vocabulary(BERT, TYPES), vocabulary("[CLS] $A [SEP]:3 $B:2 [SEP]:2")),
        (vocabulary(BERT, TYPES), vocabulary(None)),
    ],
    ids=["the model has none", "the source gives none", "there already", "others of its own", "no template"],
)
def test_nothing_changes(source: Vocabulary, target: Vocabulary) -> None:
    assert with_segments(target, source) is target


def test_a_source_with_bert_s_own_post_processor() -> None:
    source = vocabulary(None, TYPES)
    source.backend.post_processor = processors.BertProcessing(("[SEP]", 1), ("[CLS]", 0))
    assert with_segments(vocabulary(PLAIN), source).backend.encode("a", "b").type_ids == [0, 0, 0, 1, 1]
