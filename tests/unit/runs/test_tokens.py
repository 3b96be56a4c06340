"""Which tokens of a run come first: one rule for words, for the order of ties, and for those that show the method."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import (
    by_frequency,
    frequency,
    frequent_words,
    letter_tokens,
    reads_as_word,
    showcase,
    table_rows,
)
from tests.toy_run import altered, id_of, source_id_of, write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("tokens") / "toy")


def changed(run: RunFolder, token: str, **values: object) -> RunFolder:
    """Return the run with some values of one token replaced."""
    columns = {}
    for name, value in values.items():
        columns[f"tokens.{name}"] = np.array(run.column("tokens", name))
        columns[f"tokens.{name}"][id_of(run, token)] = value
    return altered(run, columns=columns)


def everything(run: RunFolder) -> np.ndarray:
    return np.arange(run.tokens().num_rows)


def test_the_most_frequent_come_first_and_equal_ones_by_id(run):
    seen = np.zeros(run.tokens().num_rows)
    seen[[7, 9, 3]] = 5, 8, 5
    told = altered(run, columns={"tokens.frequency": seen})
    assert by_frequency(told, np.array([9, 7, 3, 1, 0])).tolist() == [9, 3, 7, 0, 1]
    silent = altered(run, columns={"tokens.frequency": np.full(len(seen), np.nan)})
    assert np.isnan(frequency(silent)).all()
    assert by_frequency(silent, np.array([9, 7, 3])).tolist() == [3, 7, 9]


def test_either_vocabulary_has_its_own_frequencies_and_rows(run):
    source = source_id_of(run, "▁milk")
    assert frequency(run, "source")[source] == run.column("source_tokens", "frequency")[source]
    assert table_rows(run, (source,), "source")[0]["token"] == "▁milk"
    assert table_rows(run, (id_of(run, "▁nyumba"),))[0]["token"] == "▁nyumba"


@pytest.mark.parametrize(
    ("text", "script", "is_word"),
    [
        ("abc", "Latin", True),
        ("ab", "Latin", False),
        ("abc1", "Latin", False),
        ("", "Han", False),
        ("水", "Han", True),
        ("水", "Latin", False),
        ("हिन्दी", "Devanagari", True),
        ("e\u0301te\u0301", "Latin", True),
    ],
)
def test_a_word_is_letters_with_their_marks_and_enough_of_them(text, script, is_word):
    assert reads_as_word(text, script) is is_word


@pytest.mark.parametrize(
    "values", [{"word_start": False}, {"kind": "special"}, {"text": "nyumba2"}, {"text": "ny"}, {"frequency": 0}]
)
def test_what_is_no_whole_word_of_the_text_is_left_out(run, values):
    word = id_of(run, "▁nyumba")
    assert word in frequent_words(run, everything(run))
    assert word not in frequent_words(changed(run, "▁nyumba", **values), everything(run))


def test_words_come_by_frequency_and_only_from_what_is_asked_for(run):
    words = frequent_words(run, everything(run))
    assert words.tolist() == by_frequency(run, words).tolist()
    assert frequent_words(run, words[[2, 0]]).tolist() == words[[0, 2]].tolist()
    inside = changed(run, "▁nyumba", word_start=False)
    assert letter_tokens(inside)[id_of(run, "▁nyumba")], "letters within a word are letters, too"


def test_without_a_count_of_the_text_words_come_by_id(run):
    silent = altered(run, columns={"tokens.frequency": np.full(run.tokens().num_rows, np.nan)})
    words = frequent_words(silent, everything(run)).tolist()
    assert id_of(run, "▁nyumba") in words
    assert words == sorted(words)


def test_the_showcase_holds_words_with_a_few_contributors(run):
    chosen = showcase(run)
    rows = run.token_rows(chosen)
    assert len(chosen) > 0
    assert {row["origin"] for row in rows} == {"combined"}
    assert id_of(run, "▁nyumba") in chosen
    assert all(3 <= row["n_contributors"] <= 12 for row in rows)
    assert chosen == frequent_words(run, np.array(chosen)).tolist()


def test_where_few_words_have_few_contributors_others_are_shown(run):
    n = run.tokens().num_rows
    many = altered(run, columns={"tokens.n_contributors": np.full(n, 90)})
    words = frequent_words(run, np.flatnonzero(run.column("tokens", "origin") == "combined"))
    assert showcase(many) == words[:24].tolist()
    short = changed(run, "▁nyumba", text="nyumb")
    assert id_of(run, "▁nyumba") not in showcase(short), "five letters, and others have six"
    wordless = altered(run, columns={"tokens.word_start": np.zeros(n, dtype=bool)})
    combined = np.flatnonzero(run.column("tokens", "origin") == "combined")
    assert showcase(wordless) == by_frequency(run, combined)[:24].tolist()
