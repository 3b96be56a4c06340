"""A SentencePiece model, converted, splits text exactly as the SentencePiece library does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from focus_core.errors import VocabularyError
from focus_core.tokenization.sentencepiece_model import merges_of_scores
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import Family, SpecialTokenType, TokenKind
from tests.conftest import SENTENCES

TEXTS = (*SENTENCES, " leading", "trailing ", "two  spaces", "tab\tand\nline", "a▁b", "", "½ ﬁ Ａ", "x" * 300)


def train(folder: Path, **options: Any) -> Path:
    plain = {"vocab_size": 200, "model_type": "unigram", "minloglevel": 2, "hard_vocab_limit": False}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_prefix=str(folder / "m"), **(plain | options)
    )
    return folder / "m.model"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byte_fallback": True, "vocab_size": 400},
        {"split_by_whitespace": False},
        {"add_dummy_prefix": False},
        {"remove_extra_whitespaces": False, "normalization_rule_name": "identity"},
        {"model_type": "bpe", "vocab_size": 150},
        {"model_type": "bpe", "vocab_size": 400, "byte_fallback": True, "remove_extra_whitespaces": False},
    ],
    ids=str,
)
def test_splits_as_the_library_does(tmp_path: Path, options: dict[str, Any]) -> None:
    path = train(tmp_path, **options)
    reference = sentencepiece.SentencePieceProcessor(model_file=str(path))
    vocabulary = load_vocabulary(path)
    assert vocabulary.n == reference.get_piece_size()
    assert vocabulary.tokens == tuple(reference.id_to_piece(i) for i in range(vocabulary.n))
    for text in TEXTS:
        ids = vocabulary.backend.encode(text, add_special_tokens=False).ids
        assert ids == reference.encode(text), text


def test_kinds_and_roles(tmp_path: Path) -> None:
    """Control symbols keep the names that the trainer gave them; <0xHH> are bytes."""
    path = train(
        tmp_path, byte_fallback=True, vocab_size=400, bos_piece="@open", pad_id=3, user_defined_symbols=["foo"]
    )
    vocabulary = load_vocabulary(path)
    assert vocabulary.family is Family.UNIGRAM
    assert {role.value: vocabulary.tokens[i] for role, i in vocabulary.special_token_types.items()} == {
        "bos": "@open", "eos": "</s>", "unk": "<unk>", "pad": "<pad>",
    }  # fmt: skip
    assert vocabulary.kind_of(vocabulary.find("<0xE0>")[0]) is TokenKind.BYTE
    assert vocabulary.kind_of(vocabulary.find("foo")[0]) is TokenKind.NORMAL
    assert vocabulary.backend.encode("a foo", add_special_tokens=False).tokens[-1] == "foo"


def test_xlm_roberta_renumbers_its_pieces(tmp_path: Path) -> None:
    """fairseq's layout: <s> <pad> </s> <unk>, then the file's fourth piece at id 4, and <mask> at the end."""
    path = train(tmp_path)
    reference = sentencepiece.SentencePieceProcessor(model_file=str(path))
    config = {"tokenizer_class": "XLMRobertaTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    vocabulary = load_vocabulary(path)
    assert vocabulary.n == reference.get_piece_size() + 2
    assert vocabulary.tokens[:5] == ("<s>", "<pad>", "</s>", "<unk>", reference.id_to_piece(3))
    assert vocabulary.special_token_types[SpecialTokenType.MASK] == vocabulary.n - 1
    assert vocabulary.backend.encode("milk").ids[0] == 0


def test_classes_with_ids_of_their_own_are_refused(tmp_path: Path) -> None:
    path = train(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "NllbTokenizer"}', encoding="utf-8")
    with pytest.raises(VocabularyError, match="renumbered by NllbTokenizer"):
        load_vocabulary(path)


def test_added_tokens_follow_the_pieces(tmp_path: Path) -> None:
    path = train(tmp_path)
    n = sentencepiece.SentencePieceProcessor(model_file=str(path)).get_piece_size()
    config = {"added_tokens_decoder": {str(n): {"content": "<extra_id_0>", "special": True}}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    assert load_vocabulary(path).tokens[n] == "<extra_id_0>"
    config = {"added_tokens_decoder": {str(n + 5): {"content": "<extra_id_0>", "special": True}}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(VocabularyError, match="follow the pieces"):
        load_vocabulary(path)


def test_word_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="unigram or BPE"):
        load_vocabulary(train(tmp_path, model_type="word", vocab_size=50))


def test_merges_are_ranked_by_the_score_of_their_result() -> None:
    """ab (score -1) comes before bc (-2); abc (-3) can be made in two ways, the shorter left part first."""
    pieces = {"a": (-9.0, 0), "b": (-9.0, 1), "c": (-9.0, 2), "bc": (-2.0, 3), "ab": (-1.0, 4), "abc": (-3.0, 5)}
    assert merges_of_scores(pieces) == [("a", "b"), ("b", "c"), ("a", "bc"), ("ab", "c")]
