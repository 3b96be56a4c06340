"""The counts of an overlap add up, in tokens and in occurrences."""

from __future__ import annotations

import json

import numpy as np
import pytest

from focus_core.errors import InvalidInputError
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.overlap.statistics import overlap_statistics
from focus_core.types import MatchMode
from tests.unit.initialization.overlap.test_matching import byte_level, sentencepiece

SOURCE = sentencepiece("<s>", "▁a", "The", "12", specials=("<s>",))
TARGET = sentencepiece("<s>", "▁a", "the", "да", "▁ab", specials=("<s>",))


def test_counts() -> None:
    """`<s>` and `▁a` match exactly, `the` fuzzily; `да` and `▁ab` are new."""
    overlap = match_vocabularies(SOURCE, TARGET, mode=MatchMode.FUZZY)
    found = overlap_statistics(SOURCE, TARGET, overlap, None)
    assert (found["n_source"], found["n_target"], found["n_overlap"], found["n_new"]) == (4, 5, 3, 2)
    assert found["share_overlapping"] == 0.6
    assert found["by_rule"] == {
        "exact": {"overlapping": 2, "new": 0},
        "none": {"overlapping": 0, "new": 2},
        "fuzzy": {"overlapping": 1, "new": 0},
    }
    assert found["by_script"] == {
        "Latin": {"overlapping": 2, "new": 1},
        "Cyrillic": {"overlapping": 0, "new": 1},
        "Special": {"overlapping": 1, "new": 0},
    }
    assert found["by_length"] == {
        "2": {"overlapping": 0, "new": 2},
        "3": {"overlapping": 2, "new": 0},
        "1": {"overlapping": 1, "new": 0},
    }
    assert found["by_kind"] == {"normal": {"overlapping": 2, "new": 2}, "special": {"overlapping": 1, "new": 0}}
    assert found["ambiguous"] == 0
    assert "occurrences" not in found


def test_shares_of_occurrences() -> None:
    """Of 100 occurrences, 60 + 20 fall on overlapping tokens."""
    overlap = match_vocabularies(SOURCE, TARGET, mode=MatchMode.FUZZY)
    found = overlap_statistics(SOURCE, TARGET, overlap, np.array([0, 60, 20, 15, 5]))
    assert found["occurrences"] == 100
    assert found["share_occurrences_overlapping"] == 0.8
    assert found["by_script"]["Cyrillic"]["occurrences_new"] == 15
    assert found["by_script"]["Latin"] == {
        "overlapping": 2, "new": 1, "occurrences_overlapping": 80, "occurrences_new": 5,
    }  # fmt: skip


@pytest.mark.parametrize("mode", list(MatchMode))
def test_every_table_adds_up(mode: MatchMode) -> None:
    source, target = byte_level("à", "Ġa", "A", "b", "Ċ"), sentencepiece("▁a", "a", "▁", "b", "…", "x" * 40)
    overlap = match_vocabularies(source, target, mode=mode)
    frequency = np.arange(target.n)
    found = overlap_statistics(source, target, overlap, frequency)
    for name in ("by_rule", "by_script", "by_length", "by_kind"):
        rows = list(found[name].values())
        assert sum(row["overlapping"] for row in rows) == overlap.n_overlap
        assert sum(row["new"] for row in rows) == overlap.n_new
        assert sum(row["occurrences_overlapping"] + row["occurrences_new"] for row in rows) == frequency.sum()
    json.dumps(found, allow_nan=False)


def test_ambiguous_tokens_are_those_with_several_candidates() -> None:
    source = sentencepiece("The", "▁the", "b")
    target = sentencepiece("the", "b")
    overlap = match_vocabularies(source, target, mode=MatchMode.FUZZY)
    assert overlap_statistics(source, target, overlap)["ambiguous"] == 1


def test_frequency_without_occurrences() -> None:
    found = overlap_statistics(SOURCE, TARGET, match_vocabularies(SOURCE, TARGET), np.zeros(TARGET.n, dtype=np.int64))
    assert found["share_occurrences_overlapping"] == 0.0


def test_frequency_of_another_vocabulary() -> None:
    overlap = match_vocabularies(SOURCE, TARGET)
    with pytest.raises(InvalidInputError, match="frequency: expected 5 rows"):
        overlap_statistics(SOURCE, TARGET, overlap, np.zeros(4))
