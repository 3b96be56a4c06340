"""A trimmed tokenizer: what it keeps, that it is whole, and that it cuts as before where nothing dropped was used."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from focus_core.errors import InvalidInputError
from focus_core.tokenization.trimming.closure import MergeTable, needs_of
from focus_core.tokenization.trimming.trim import Trimmed, trim_vocabulary
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from tests.tiny_models import (
    BERT_ROLES,
    GPT2_ROLES,
    LLAMA_ROLES,
    ROBERTA_ROLES,
    SOURCE_LINES,
    byte_level_bpe,
    sentencepiece_bpe,
    unigram,
    word_pieces,
)

SOURCES: dict[str, Vocabulary] = {
    "wordpiece": vocabulary_from_backend(word_pieces(), name="wordpiece", config=BERT_ROLES),
    "unigram": vocabulary_from_backend(unigram(), name="unigram", config=ROBERTA_ROLES),
    "byte-level": vocabulary_from_backend(byte_level_bpe(), name="byte-level", config=GPT2_ROLES),
    "sentencepiece": vocabulary_from_backend(sentencepiece_bpe(), name="sentencepiece", config=LLAMA_ROLES),
}
WORDS = sorted({word for line in SOURCE_LINES for word in line.split()})


def counted(source: Vocabulary, *lines: str) -> np.ndarray:
    """Return how often each token occurs."""
    ids = [i for e in source.backend.encode_batch(list(lines), add_special_tokens=False) for i in e.ids]
    return np.bincount(np.array(ids, np.int64), minlength=source.n)


def cut(vocabulary: Vocabulary, line: str, *, specials: bool = False) -> list[str]:
    return list(vocabulary.backend.encode(line, add_special_tokens=specials).tokens)


@pytest.mark.parametrize("family", SOURCES)
def test_the_text_itself_is_cut_as_before(family: str) -> None:
    source = SOURCES[family]
    line = SOURCE_LINES[0]
    trimmed = trim_vocabulary(source, counted(source, line), min_frequency=1).vocabulary
    assert trimmed.n < source.n
    assert cut(trimmed, line, specials=True) == cut(source, line, specials=True)
    assert trimmed.n == trimmed.n_present
    assert dict(trimmed.special_token_types).keys() == dict(source.special_token_types).keys()
    again = Tokenizer.from_str(trimmed.backend.to_str())
    assert again.encode(line).ids == trimmed.backend.encode(line).ids


@pytest.mark.parametrize("family", SOURCES)
def test_ids_name_the_tokens_that_they_were(family: str) -> None:
    """Also those of the special tokens that a post-processor puts around a text."""
    source = SOURCES[family]
    made = trim_vocabulary(source, counted(source, SOURCE_LINES[2]), min_frequency=1)
    assert [source.tokens[i] for i in made.source_ids] == list(made.vocabulary.tokens)
    encoding = made.vocabulary.backend.encode(SOURCE_LINES[2])
    assert [made.vocabulary.tokens[i] for i in encoding.ids] == encoding.tokens


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(SOURCES)),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
    st.lists(st.text("abdefhilmnorstw,", min_size=1, max_size=9), min_size=1, max_size=4),
    st.integers(0, 40),
)
def test_what_uses_nothing_that_was_dropped_is_cut_as_before(
    family: str, seen: list[str], others: list[str], room: int
) -> None:
    """For any text that it was trimmed by, any room, and any line: words of it, parts of them, nonsense."""
    source = SOURCES[family]
    frequency = counted(source, " ".join(seen))
    always = trim_vocabulary(source, frequency, min_frequency=1)
    size = always.vocabulary.n - room
    try:
        made = trim_vocabulary(source, frequency, vocab_size=size, min_frequency=1) if room else always
    except InvalidInputError:  # there is no room for anything but what is always kept
        return
    assert made.vocabulary.n <= size or not room
    kept = set(made.vocabulary.tokens)
    unknown = {"[UNK]"}  # a word that is unknown as a whole may be known by smaller pieces
    for line in (" ".join(seen), " ".join(others), f"{seen[0]}{others[0]} {others[-1]}"):
        before = cut(source, line)
        if set(before) <= kept and not unknown & set(before):
            assert cut(made.vocabulary, line) == before


@pytest.mark.parametrize("family", ["byte-level", "sentencepiece"])
def test_every_token_of_merges_is_made_by_them(family: str) -> None:
    """A token stands in the vocabulary only if it is a symbol or some merge of two tokens makes it."""
    source = SOURCES[family]
    made = trim_vocabulary(source, counted(source, *SOURCE_LINES[:2]), min_frequency=1).vocabulary
    model = json.loads(made.backend.to_str())["model"]
    table = MergeTable(model)
    assert all({*pair, table.made(pair)} <= model["vocab"].keys() for pair in table.ranks)
    joined = {table.made(pair) for pair in table.ranks}
    whole = [made.tokens[i] for i in range(made.n) if made.kinds[i] == 0 and len(made.tokens[i]) > 1]
    assert whole
    assert set(whole) <= joined


def bpe(vocab: tuple[str, ...], merges: list[tuple[str, str]], **options: str) -> Vocabulary:
    backend = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(vocab)}, merges=merges, **options))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return vocabulary_from_backend(backend, name="bpe")


def only(source: Vocabulary, *tokens: str) -> np.ndarray:
    """Return a frequency of 2 for some tokens."""
    frequency = np.zeros(source.n, np.int64)
    frequency[[source.tokens.index(token) for token in tokens]] = 2
    return frequency


def test_merges_by_hand() -> None:
    """abc is made as ab c, for a b merges first: ab and the letters stay; bc and its merges are of no use to it."""
    source = bpe(
        ("a", "b", "c", "d", "ab", "bc", "abc", "cd"), [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "bc"), ("c", "d")]
    )
    made = trim_vocabulary(source, only(source, "abc")).vocabulary
    assert made.tokens == ("a", "b", "c", "ab", "abc")
    assert json.loads(made.backend.to_str())["model"]["merges"] == [["a", "b"], ["ab", "c"]]


@pytest.mark.parametrize(
    ("options", "vocab", "merges", "wanted", "kept"),
    [
        (
            {"end_of_word_suffix": "</w>"}, ("a", "b", "b</w>", "ab</w>", "ab"), [("a", "b</w>"), ("a", "b")],
            "ab</w>", {"a", "b</w>", "ab</w>"},
        ),
        (
            {"continuing_subword_prefix": "##"}, ("a", "##b", "##c", "##bc", "abc"), [("##b", "##c"), ("a", "##bc")],
            "abc", {"a", "##b", "##c", "##bc", "abc"},
        ),
    ],
)  # fmt: skip
def test_symbols_with_marks(
    options: dict[str, str], vocab: tuple[str, ...], merges: list[tuple[str, str]], wanted: str, kept: set[str]
) -> None:
    source = bpe(vocab, merges, **options)
    assert set(trim_vocabulary(source, only(source, wanted)).vocabulary.tokens) == kept


def test_letters_stay_as_tokens_of_their_own() -> None:
    needs = needs_of(
        {"type": "WordPiece", "vocab": {"a": 0, "##b": 1, "ab": 2, "c": 3}, "continuing_subword_prefix": "##"}
    )
    assert needs("ab") == {"a", "##b"}
    assert needs_of({"type": "Unigram", "vocab": [["▁", 0], ["a", 0], ["▁ab", 0]]})("▁ab") == {"▁", "a"}


def test_the_score_of_the_unknown_does_not_move() -> None:
    """It hangs on the least score of all, whose piece is kept for that."""
    source = SOURCES["unigram"]
    made = trim_vocabulary(source, counted(source, "the farmer"), min_frequency=1).vocabulary
    least = [min(score for _, score in json.loads(v.backend.to_str())["model"]["vocab"]) for v in (source, made)]
    assert least[0] == least[1]


def test_ids_in_pairs_of_name_and_id_move() -> None:
    """RoBERTa's own post-processor writes tokens beside their ids."""
    backend = unigram(specials=("<unused>", "<s>", "<pad>", "</s>", "<unk>"))
    backend = Tokenizer.from_str(backend.to_str())
    backend.post_processor = processors.RobertaProcessing(("</s>", 3), ("<s>", 1))
    source = vocabulary_from_backend(backend, name="roberta", config=ROBERTA_ROLES)
    made = trim_vocabulary(source, counted(source, "the rain"), min_frequency=1).vocabulary
    tokens = [made.tokens[i] for i in made.backend.encode("the rain").ids]
    assert tokens == ["<s>", "▁the", "▁rain", "</s>"]


def test_the_most_frequent_first() -> None:
    source = SOURCES["wordpiece"]
    frequency = counted(source, "the the the market market rain")

    def trim(size: int) -> Trimmed:
        return trim_vocabulary(source, frequency, vocab_size=size, min_frequency=1)

    specials = len(BERT_ROLES)
    made = trim(specials + 6)
    assert "the" in made.vocabulary.tokens
    assert "market" not in made.vocabulary.tokens
    assert made.report["n_used"] == 3
    assert made.report["kept_share"] == pytest.approx(0.5)
    with pytest.raises(InvalidInputError, match=f"--vocab-size: expected more than {specials}: the special tokens"):
        trim(specials)


def test_a_text_without_a_frequent_token() -> None:
    source = SOURCES["wordpiece"]
    with pytest.raises(
        InvalidInputError, match="occur 3 times or more, got none that does; give more text, or a lower"
    ):
        trim_vocabulary(source, counted(source, "the rain"), min_frequency=3)
