"""Which lines and words are kept aside: by content alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.corpus.held_out import held_out_percent, is_held_out
from focus_core.corpus.word_masking import covered_tokens, masked_words
from focus_core.errors import CorpusError


def test_share_of_lines_kept_aside() -> None:
    lines = [f"mstari wa {i}" for i in range(20_000)]
    assert 0.015 < np.mean([is_held_out(line, 2) for line in lines]) < 0.025
    assert {line for line in lines if is_held_out(line, 2)} <= {line for line in lines if is_held_out(line, 10)}


def test_white_space_around_a_line_does_not_count() -> None:
    for i in range(200):
        assert is_held_out(f" {i}\n", 10) == is_held_out(str(i), 10)


@pytest.mark.parametrize(("n", "percent"), [(100, 10), (1_999, 10), (2_000, 2), (10**6, 2)])
def test_percent_by_size(n: int, percent: int) -> None:
    assert held_out_percent(n) == percent


def test_a_text_too_small_is_refused_with_its_size() -> None:
    with pytest.raises(CorpusError, match=r"at least 100 .*got 99"):
        held_out_percent(99)


@given(st.text(max_size=80), st.integers(0, 5))
def test_masked_words_are_words_and_the_same_each_time(line: str, seed: int) -> None:
    words = masked_words(line, share=0.5, seed=seed)
    assert words == masked_words(line, share=0.5, seed=seed)
    for begin, end in words:
        word = line[begin:end]
        assert word
        assert not any(c.isspace() for c in word)
        assert begin == 0 or line[begin - 1].isspace()
        assert end == len(line) or line[end].isspace()


def test_share_of_words() -> None:
    lines = [f"neno {i} la pili tatu nne tano {i * i}" for i in range(500)]
    share = np.mean([len(masked_words(line)) / len(line.split()) for line in lines])
    assert 0.13 < share < 0.17


@given(st.text(alphabet="ab ", max_size=40), st.data())
def test_covered_tokens_against_the_definition(line: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(line)), max_size=10)) | {0, len(line)})
    offsets = list(itertools.pairwise(cuts))
    words = masked_words(line, share=0.5)
    expected = [any(a < end and begin < b for begin, end in words) for a, b in offsets]
    assert covered_tokens(offsets, words).tolist() == expected


def test_slices_share_no_line_and_leave_none_out() -> None:
    """Ten slices of ten are the whole; the first is the one that goes without saying."""
    lines = [f"line {i}" for i in range(500)]
    slices = [{line for line in lines if is_held_out(line, 10, first=first)} for first in range(0, 100, 10)]
    assert sum(map(len, slices)) == 500
    assert set.union(*slices) == set(lines)
    assert slices[0] == {line for line in lines if is_held_out(line, 10)}
