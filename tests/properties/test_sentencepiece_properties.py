"""A SentencePiece model with user-defined symbols splits any text as the SentencePiece library does."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from focus_core.tokenization.vocabulary import load_vocabulary
from tests.conftest import SENTENCES

SYMBOLS = (".", "(", ")", "-", "<cut>", "..", "ﬁ")
TEXT = st.lists(
    st.sampled_from(
        [*SYMBOLS, " ", " ", "  ", "\n", "\t", "milk", "farmer", "the", "a", "é", "ß", "字", "<cut", "1/2", "½"]
    ),
    max_size=12,
).map("".join)


@cache
def pair(kind: str, dummy_prefix: bool, rule: str) -> tuple[sentencepiece.SentencePieceProcessor, Tokenizer]:
    """Return a model as the library reads it and as we do."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20),
        model_writer=model,
        model_type=kind,
        vocab_size=120,
        hard_vocab_limit=kind == "bpe",
        user_defined_symbols=list(SYMBOLS),
        add_dummy_prefix=dummy_prefix,
        normalization_rule_name=rule,
        minloglevel=2,
    )
    with TemporaryDirectory() as name:
        path = Path(name) / "m.model"
        path.write_bytes(model.getvalue())
        return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()), load_vocabulary(path).backend


@pytest.mark.parametrize("rule", ["nmt_nfkc", "identity"])
@pytest.mark.parametrize("dummy_prefix", [True, False])
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_user_symbols_spaces(kind: str, dummy_prefix: bool, rule: str) -> None:
    """A space after a symbol stays, at starts and ends, doubled, and where the symbol is one that is normalised."""
    reference, backend = pair(kind, dummy_prefix, rule)

    @settings(max_examples=60)
    @example("milk. the farmer")
    @example("(milk) the")
    @example(" . ")
    @example("..")
    @example("a- -b")
    @example("\n. \n")
    @example("the ﬁ ﬁre")
    @given(TEXT)
    def agree(text: str) -> None:
        assert backend.encode(text, add_special_tokens=False).ids == reference.encode(text)

    agree()
