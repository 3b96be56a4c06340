"""What is told before anything is spent: whom it concerns, with which figures, and what to do."""

from __future__ import annotations

import dataclasses

import pytest

from focus_core.errors import InvalidInputError
from focus_core.initialization.foresight import few_shared, foresee_overlap, foresee_text, refuse
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.overlap.statistics import shared_text
from focus_core.initialization.reading import Reading
from focus_core.types import MethodName
from tests.toy_run import toy_source, toy_target

FOCUS = METHODS[MethodName.FOCUS]
UNKNOWN = Reading(
    n_lines=400, n_letters=1000, n_unknown=930, n_bytes=0, n_byte_tokens=0, n_words=200, n_unknown_words=180
)
BYTES = Reading(n_lines=1, n_letters=100, n_unknown=0, n_bytes=88, n_byte_tokens=176, n_words=20, n_unknown_words=0)
KNOWN = dataclasses.replace(UNKNOWN, n_unknown=500, n_unknown_words=0)


def test_an_unknown_text_is_told_with_its_shares_and_three_ways_out() -> None:
    found = foresee_text(UNKNOWN, FOCUS)
    assert found is not None
    words = str(found.words)
    assert words.startswith(
        "93 % of the letters and 90 % of the words of the first 400 lines are unknown to the source"
    )
    assert all(way in words for way in ("source model", "--method multivariate-normal", "--map"))
    assert found.words.options == ("method", "map")
    assert words.endswith(".")


def test_bytes_are_not_called_unknown() -> None:
    found = foresee_text(BYTES, FOCUS)
    assert found is not None
    assert "cut into bytes, 2.0 a letter" in found.words
    assert "88 % of the letters of the only line" in found.words
    assert "unknown to" not in found.words


@pytest.mark.parametrize("method", [m for m in MethodName if not METHODS[m].copies_text])
def test_a_method_that_copies_no_text_is_not_warned_of(method: MethodName) -> None:
    assert foresee_text(UNKNOWN, METHODS[method]) is None


@pytest.mark.parametrize("method", [m for m in MethodName if METHODS[m].copies_text])
def test_every_other_method_is(method: MethodName) -> None:
    assert foresee_text(UNKNOWN, METHODS[method]) is not None


def test_half_is_not_most_and_a_map_waits_for_the_overlap() -> None:
    assert foresee_text(KNOWN, FOCUS) is None
    assert foresee_text(UNKNOWN, FOCUS, has_map=True) is None


def test_strictness_makes_the_four_parts_of_an_error_of_it() -> None:
    found = foresee_text(UNKNOWN, FOCUS)
    assert found is not None
    with pytest.raises(InvalidInputError) as refused:
        refuse(found)
    assert refused.value.exit_status == 2
    assert str(refused.value).startswith(
        "corpus: expected a text most of whose letters the source's tokenizer knows, got"
    )


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "nothing to make new embeddings of"),
        (1, "only 1 token of text is shared with the source, of 900 target tokens, so every new embedding would be a"),
        (19, "only 19 tokens of text are shared"),
    ],
)
def test_few_shared_tokens_are_told_by_their_number(n: int, words: str) -> None:
    found = few_shared(n, 900, FOCUS)
    assert found is not None
    assert words.lower() in found.words.lower()
    assert few_shared(20, 900, FOCUS) is None
    assert few_shared(n, 900, METHODS[MethodName.SCRIPT]) is None


def test_special_tokens_are_no_shared_text() -> None:
    source, target = toy_source(), toy_target()
    overlap = match_vocabularies(source, target)
    assert shared_text(overlap, target) == 23, "28 are shared, five of them special"
    assert foresee_overlap(overlap, target, FOCUS) is None
    assert foresee_overlap(match_vocabularies(source, source), source, FOCUS) is None, "nothing is new"
