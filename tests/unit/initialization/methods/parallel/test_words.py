"""How lines become words, in every family of tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.initialization.methods.parallel.words import WordLines, read_tokens, read_words
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend

LINES = ["The farmer sells milk, eggs.", "", "Milk (eggs)"]


def shown(read: WordLines, vocabulary: Vocabulary) -> list[list[str]]:
    """Each line's words, their pieces joined without marks."""
    texts = ["".join(vocabulary.texts[i] for i in pieces).strip() for pieces in read.pieces]
    starts = [0, *read.ends.tolist()]
    return [[texts[w] for w in read.words[a:b].tolist()] for a, b in pairwise(starts)]


@pytest.mark.parametrize("family", ["byte-level-bpe", "unigram", "wordpiece", "bpe"])
def test_pieces_of_a_word_are_one_word(family: str, build_tokenizer: Callable[[str], Tokenizer]) -> None:
    vocabulary = vocabulary_from_backend(build_tokenizer(family), name=family)
    read = read_words(vocabulary, LINES)
    first = [word for word in shown(read, vocabulary)[0] if word]
    assert first == ["The", "farmer", "sells", "milk", ",", "eggs", "."]
    assert shown(read, vocabulary)[1] == []
    assert read.n_lines == 3
    assert len(read.words) == read.ends[-1]


def test_the_first_word_of_a_line_is_the_same_as_within_one() -> None:
    """GPT-2's tokenizer reads it otherwise unless a space stands before it."""
    backend = Tokenizer(models.BPE({"Ġ": 0, "a": 1, "Ġa": 2}, [("Ġ", "a")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    vocabulary = vocabulary_from_backend(backend, name="tiny")
    read = read_words(vocabulary, ["a a"])
    assert read.words.tolist() == [0, 0]
    assert read.pieces == ((2,),)


def test_unknown_pieces_are_left_out_and_other_scripts_are_cut_by_token() -> None:
    names = ["[UNK]", "sun", "水", "##水", "月", "##s"]
    backend = Tokenizer(models.WordPiece({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    backend.add_special_tokens(["[UNK]"])
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    vocabulary = vocabulary_from_backend(backend, name="tiny", config={"unk_token": "[UNK]"})
    read = read_words(vocabulary, ["suns moon 水水月"])
    assert read.pieces[:2] == ((1, 5), ())
    assert len(read_words(vocabulary, ["水水"]).words) == 2


def test_tokens_are_words_of_their_own() -> None:
    backend = Tokenizer(models.WordPiece({"[UNK]": 0, "sun": 1, "##s": 2}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    vocabulary = vocabulary_from_backend(backend, name="tiny")
    assert read_tokens(vocabulary, ["suns sun"]).pieces == ((1,), (2,))
    assert read_tokens(vocabulary, ["suns sun"]).words.tolist() == [0, 1, 0]
    assert read_words(vocabulary, ["suns sun"]).pieces == ((1, 2), (1,))
