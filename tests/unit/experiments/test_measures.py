"""What a text costs without a model, by hand; and which pairs of a dictionary are measured on."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.corpus.word_masking import masked_words
from focus_core.experiments.measures import (
    count_characters,
    find_listed,
    is_given,
    measure_retrieval,
    unigram_bits,
)
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import MatchMode
from tests.toy_run import unigram


def test_characters_are_counted() -> None:
    assert count_characters(["ab", "b c"]) == Counter({"b": 2, "a": 1, " ": 1, "c": 1})


def test_a_line_costs_what_its_characters_do() -> None:
    """Counts a 3, b 1, one more for each and for the unseen: 4 / 7, 2 / 7 and 1 / 7."""
    bits = unigram_bits(Counter("aaab"), ["ab", "x", ""], seed=None)
    np.testing.assert_allclose(bits, [math.log2(7 / 4) + math.log2(7 / 2), math.log2(7), 0.0])


def test_masked_words_alone_cost_and_spaces_are_no_outcome() -> None:
    line = "soko la samaki liko karibu na bahari kubwa sana"
    spans = masked_words(line, seed=3)
    assert spans  # else this would test nothing
    counts = count_characters([line])
    seen = {c: n for c, n in counts.items() if c != " "}
    total = sum(seen.values()) + len(seen) + 1
    expected = sum(math.log2(total / (seen[c] + 1)) for begin, end in spans for c in line[begin:end])
    assert unigram_bits(counts, [line], seed=3)[0] == pytest.approx(expected)


@given(st.text("abc ", max_size=12))
def test_frequent_characters_are_cheaper(line: str) -> None:
    bits = unigram_bits(Counter({"a": 8, "b": 2, "c": 1, " ": 1}), [line, line + "a", line + "b"], seed=None)
    assert 0 <= bits[0] < bits[1] < bits[2]


def vocabulary(*words: str) -> Vocabulary:
    return vocabulary_from_backend(unigram(tuple(f"▁{word}" for word in words)), name="toy", config={})


SOURCE = vocabulary("market", "bread", "soko", "rain")
TARGET = vocabulary("soko", "mkate", "mvua")
PAIRS = (("market", "soko"), ("bread", "mkate"), ("rain", "mvua"), ("bread", "absent"))


def test_pairs_whose_target_token_is_shared_are_apart() -> None:
    """The source has ``▁soko`` too, so that most methods copy its row, whatever it means."""
    rows = np.eye(SOURCE.n, dtype=np.float32)
    found = find_listed(SOURCE, TARGET, PAIRS, rows, match=MatchMode.EXACT, given=False)
    assert (len(found.new.pairs), len(found.shared.pairs)) == (2, 1)
    target = np.zeros((TARGET.n, SOURCE.n), np.float32)
    for word, row in (("soko", "soko"), ("mkate", "bread"), ("mvua", "market")):
        target[TARGET.tokens.index(f"▁{word}")] = rows[SOURCE.tokens.index(f"▁{row}")]
    measured = measure_retrieval(found, target, seed=1)
    assert measured["new"]["precision"]["1"] == 0.5  # mkate lies at bread; mvua at market, and not at rain
    assert measured["shared"]["precision"]["1"] == 0.0  # soko lies at the source's soko
    assert measured["new"]["n_candidates"] == 3


def test_half_of_the_words_stay_unseen_where_a_method_reads_the_dictionary() -> None:
    rows = np.eye(SOURCE.n, dtype=np.float32)
    found = find_listed(SOURCE, TARGET, PAIRS, rows, match=MatchMode.EXACT, given=True)
    unseen = [pair for pair in PAIRS if not is_given(pair[0])]
    assert found.new.n_listed == len(unseen)
    assert 400 < sum(is_given(f"word {i}") for i in range(1000)) < 600


def test_a_dictionary_of_other_words_gives_nothing_to_measure() -> None:
    rows = np.eye(SOURCE.n, dtype=np.float32)
    found = find_listed(SOURCE, TARGET, [("absent", "soko")], rows, match=MatchMode.EXACT, given=False)
    measured = measure_retrieval(found, np.ones((TARGET.n, SOURCE.n), np.float32), seed=1)
    assert measured["new"]["precision"] == {"1": None, "5": None, "10": None}
