"""The sample of a map: even over frequency, what is to be kept is kept, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.errors import InvalidInputError
from focus_core.projection.sampling import frequency_sample

NONE = np.empty(0, np.int64)


def test_every_part_of_the_ranks_has_its_share() -> None:
    frequency = np.random.default_rng(1).permutation(np.arange(1000) ** 3)
    drawn = frequency_sample(np.arange(1000), frequency=frequency, n=100, keep=NONE, seed=3)
    ranks = np.argsort(np.argsort(-frequency))[drawn]
    assert np.bincount(ranks // 100, minlength=10).tolist() == [10] * 10
    assert len(drawn) == len(set(drawn.tolist())) == 100
    assert (np.diff(drawn) > 0).all()


def test_every_token_is_as_likely_as_any_other() -> None:
    frequency = np.arange(60)[::-1]
    seen = np.zeros(60)
    for seed in range(600):
        seen[frequency_sample(np.arange(60), frequency=frequency, n=20, keep=NONE, seed=seed)] += 1
    assert abs(seen / 600 - 1 / 3).max() < 0.09  # four and a half standard deviations


def test_what_is_kept_is_kept_and_counts() -> None:
    keep = np.array([990, 3, 3, 500, 5000, -1])
    for seed in range(5):
        drawn = frequency_sample(np.arange(1000), frequency=np.arange(1000), n=30, keep=keep, seed=seed)
        assert {3, 500, 990} <= set(drawn.tolist())
        assert len(drawn) == 30
    more = frequency_sample(np.arange(1000), frequency=np.full(1000, np.nan), n=20, keep=np.arange(100, 150), seed=0)
    assert more.tolist() == list(range(100, 150))


def test_without_frequencies_the_draw_is_even_over_ids() -> None:
    drawn = frequency_sample(np.arange(1000), frequency=np.full(1000, np.nan), n=100, keep=NONE, seed=0)
    assert np.bincount(drawn // 10).tolist() == [1] * 100


def test_only_candidates_are_drawn_and_seeds_differ() -> None:
    candidates = np.arange(0, 400, 2)[::-1]
    frequency = np.ones(400)
    one, same, other = (
        frequency_sample(candidates, frequency=frequency, n=50, keep=np.array([7]), seed=seed) for seed in (1, 1, 2)
    )
    assert set(one.tolist()) <= set(candidates.tolist())
    np.testing.assert_array_equal(one, same)
    assert one.tolist() != other.tolist()


def test_all_where_no_more_are_there() -> None:
    assert frequency_sample(np.arange(5, 30), frequency=np.full(30, np.nan), n=25, keep=NONE).tolist() == list(
        range(5, 30)
    )
    assert frequency_sample(np.arange(5, 30), frequency=np.full(1000, np.nan), n=9000, keep=NONE).tolist() == list(
        range(5, 30)
    )


@settings(max_examples=50, deadline=None)
@given(n=st.integers(20, 300), total=st.integers(20, 300), seed=st.integers(0, 99), data=st.data())
def test_size_and_membership(n: int, total: int, seed: int, data: st.DataObject) -> None:
    keep = np.array(sorted(data.draw(st.sets(st.integers(0, total - 1), max_size=60))), np.int64)
    drawn = frequency_sample(np.arange(total), frequency=np.ones(total), n=n, keep=keep, seed=seed)
    assert len(set(drawn.tolist())) == len(drawn) == min(total, max(n, len(keep)))
    assert set(keep.tolist()) <= set(drawn.tolist())


def test_too_few_tokens_are_no_map() -> None:
    with pytest.raises(InvalidInputError, match="tokens to project: expected at least 20 tokens"):
        frequency_sample(np.arange(19), frequency=np.full(1000, np.nan), n=30, keep=NONE)
    with pytest.raises(InvalidInputError, match="sample: expected at least 20, got 19"):
        frequency_sample(np.arange(100), frequency=np.full(1000, np.nan), n=19, keep=NONE)
    with pytest.raises(InvalidInputError, match="seed"):
        frequency_sample(np.arange(100), frequency=np.full(1000, np.nan), n=20, keep=NONE, seed=-1)
