"""How much of a text a tokenizer knows, counted in letters: known, cut into bytes, unknown or dropped."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.initialization.reading import Reading, read_lines
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from tests import tiny_models
from tests.language_samples import sample_lines

HEBREW = "שלום עולם"


def vocabulary(family: str) -> Vocabulary:
    build, roles = tiny_models.TOKENIZERS[family]
    return vocabulary_from_backend(build(tiny_models.SOURCE_LINES), name=family, config=roles)


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2", "llama"])
def test_its_own_text_is_known_to_every_tokenizer(family: str) -> None:
    found = read_lines(vocabulary(family), tiny_models.SOURCE_LINES)
    assert found.n_lines == len(tiny_models.SOURCE_LINES)
    assert found.n_letters == sum(c.isalnum() for line in tiny_models.SOURCE_LINES for c in line)
    assert (found.n_unknown, found.n_unknown_words) == (0, 0)
    assert found.n_words > 0
    assert not found.mostly_unknown
    assert not found.mostly_bytes


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("language", ["he", "zh"])
def test_letters_of_another_script_are_unknown_whatever_punctuation_is_known(family: str, language: str) -> None:
    lines = sample_lines(language, 20)
    found = read_lines(vocabulary(family), lines)
    assert found.unknown_share == 1.0
    assert found.n_unknown_words == found.n_words
    assert found.mostly_unknown
    assert not found.mostly_bytes


def test_the_mark_of_a_words_start_says_nothing_of_the_letter_after_it() -> None:
    """In ``▁שלום`` the mark is a known token, whose span is the first letter."""
    found = read_lines(vocabulary("roberta"), [HEBREW])
    assert (found.n_letters, found.n_unknown, found.n_words, found.n_unknown_words) == (8, 8, 2, 2)


def test_a_word_is_unknown_when_most_of_its_letters_are() -> None:
    found = read_lines(vocabulary("roberta"), ["market market של"])
    assert (found.n_letters, found.n_unknown, found.n_words, found.n_unknown_words) == (14, 2, 3, 1)
    assert found.unknown_share == pytest.approx(2 / 14)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_with_bytes_nothing_is_unknown_but_letters_are_cut(family: str) -> None:
    found = read_lines(vocabulary(family), ["下雨 market"])
    assert (found.n_letters, found.n_unknown) == (8, 0)
    assert found.n_bytes == 2
    assert found.n_byte_tokens == 6, "each of these letters has three bytes"
    assert found.bytes_a_letter == 3.0
    assert not found.mostly_bytes
    assert read_lines(vocabulary(family), ["下雨以后"]).mostly_bytes


def test_what_a_tokenizer_drops_is_unknown() -> None:
    """A BPE without an unknown token leaves out the letters that it lacks."""
    backend = Tokenizer(models.BPE({"a": 0, "b": 1}, []))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    found = read_lines(vocabulary_from_backend(backend, name="two letters"), ["ab ba של"])
    assert (found.n_letters, found.n_unknown) == (6, 2)


@pytest.mark.parametrize("lines", [[], ["", "..."]])
def test_no_letters_give_no_shares(lines: list[str]) -> None:
    found = read_lines(vocabulary("roberta"), lines)
    assert found == Reading(
        n_lines=len(lines), n_letters=0, n_unknown=0, n_bytes=0, n_byte_tokens=0, n_words=0, n_unknown_words=0
    )
    assert (found.unknown_share, found.byte_share, found.bytes_a_letter) == (0.0, 0.0, 0.0)
