"""Counting pairs: what is a pair, that shards add up, that nothing depends on batches or on the table's size."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.initialization.auxiliary import counting
from focus_core.initialization.auxiliary.counting import PairCounter, PairCounts

LINES = st.lists(st.lists(st.integers(0, 6), max_size=9), max_size=12)


def counted(lines: list[list[int]], *, n_tokens: int = 7, window: int = 2, batch: int = 100) -> PairCounts:
    counter = PairCounter(n_tokens, window)
    for i in range(0, len(lines), batch):
        part = lines[i : i + batch]
        ids = np.array([token for line in part for token in line], dtype=np.int32)
        counter.add(ids, np.repeat(np.arange(len(part), dtype=np.int32), [len(line) for line in part]))
    return counter.finish()


def as_dict(counts: PairCounts) -> dict[tuple[int, int, int], int]:
    ids = np.arange(counts.n_tokens)
    found = {}
    for distance in range(1, counts.window + 1):
        matrix = counts.matrix(distance, ids).tocoo()
        for i, j, n in zip(*matrix.coords, matrix.data, strict=True):
            found[distance, int(i), int(j)] = int(n)
    return found


def by_hand(lines: list[list[int]], window: int) -> dict[tuple[int, int, int], int]:
    return dict(
        Counter(
            (distance, line[i], line[i + distance])
            for line in lines
            for distance in range(1, window + 1)
            for i in range(len(line) - distance)
        )
    )


def test_pairs_of_two_lines() -> None:
    """0 1 0 1 and 1 0: at distance one 01 twice and 10 twice, at distance two 00 and 11; never across the line end."""
    assert as_dict(counted([[0, 1, 0, 1], [1, 0]])) == {(1, 0, 1): 2, (1, 1, 0): 2, (2, 0, 0): 1, (2, 1, 1): 1}


@settings(deadline=None)
@given(LINES, st.integers(1, 4), st.integers(1, 5))
def test_counts_are_those_of_a_plain_loop_whatever_the_batch(lines: list[list[int]], window: int, batch: int) -> None:
    counts = counted(lines, window=window, batch=batch)
    assert as_dict(counts) == by_hand(lines, window)
    assert counts.digest == counted(lines, window=window).digest


@settings(deadline=None)
@given(LINES, LINES)
def test_shards_add_up(one: list[list[int]], other: list[list[int]]) -> None:
    both, whole = counted(one) + counted(other), counted(one + other)
    assert both.digest == whole.digest
    assert as_dict(both) == as_dict(whole)


def test_a_table_that_grows_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = np.random.default_rng(3).integers(0, 300, (400, 12)).tolist()
    whole = counted(lines, n_tokens=300, window=3)
    monkeypatch.setattr(counting, "FIRST_BITS", 3)
    small = counted(lines, n_tokens=300, window=3)
    assert small.digest == whole.digest
    assert as_dict(small) == by_hand(lines, 3)


def test_some_tokens_alone() -> None:
    counts = counted([[0, 1, 2, 1], [2, 1]])
    matrix = counts.matrix(1, np.array([1, 2])).toarray()
    assert matrix.tolist() == [[0, 1], [2, 0]]  # 12 once, 21 twice; 01 is left out
    assert counts.seen.tolist() == [True, True, True, False, False, False, False]
    assert not counts.keys.flags.writeable


def test_other_counts_have_another_digest() -> None:
    digests = {counted([[0, 1]]).digest, counted([[1, 0]]).digest, counted([[0, 1], [0, 1]]).digest}
    digests |= {counted([[0, 1]], window=3).digest, counted([[0, 1]], n_tokens=8).digest}
    assert len(digests) == 5
