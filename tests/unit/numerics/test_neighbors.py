"""Exact nearest rows: against brute force, with ties, zeros and rows to skip, and whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from focus_core.errors import InvalidInputError
from focus_core.numerics.neighbors import nearest_embeddings


def rows(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def cosines_of(queries: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return all cosines in float64, -inf where a row is zero."""
    q, b = queries.astype(np.float64), base.astype(np.float64)
    lengths = np.linalg.norm(q, axis=1)[:, None] * np.linalg.norm(b, axis=1)[None]
    return np.divide(q @ b.T, lengths, out=np.full(lengths.shape, -np.inf), where=lengths > 0)


def brute(queries: np.ndarray, base: np.ndarray, k: int, skip: np.ndarray | None = None) -> np.ndarray:
    scores = cosines_of(queries, base)
    if skip is not None:
        at = np.flatnonzero(skip >= 0)
        scores[at, skip[at]] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.where(np.take_along_axis(scores, order, 1) > -np.inf, order, -1)


def test_agrees_with_brute_force() -> None:
    queries, base = rows(300, 24, 1), rows(517, 24, 2)
    ids, cosines = nearest_embeddings(queries, base, k=7)
    assert ids.dtype == np.int32
    assert cosines.dtype == np.float32
    np.testing.assert_array_equal(ids, brute(queries, base, 7))
    np.testing.assert_allclose(cosines, np.take_along_axis(cosines_of(queries, base), ids, 1), atol=1e-6)


def test_a_row_is_not_its_own_neighbour_where_told_so() -> None:
    base = rows(90, 8, 3)
    skip = np.arange(90)
    skip[5] = -1
    ids, _ = nearest_embeddings(base, base, k=4, skip=skip)
    np.testing.assert_array_equal(ids, brute(base, base, 4, skip))
    assert ids[5, 0] == 5
    assert not (np.delete(ids, 5, axis=0) == np.delete(skip, 5)[:, None]).any()


def test_blocks_do_not_matter() -> None:
    base = np.repeat(rows(1500, 20, 4), 2, axis=0)  # every row twice: ties everywhere
    few = nearest_embeddings(base, base, k=9, memory_mib=1)  # 27 rows a block
    many = nearest_embeddings(base, base, k=9, memory_mib=64)
    np.testing.assert_array_equal(few[0], many[0])
    np.testing.assert_array_equal(few[1], many[1])


def test_equal_rows_come_by_id_even_where_the_cut_falls_between_them() -> None:
    base = np.repeat(np.eye(4, dtype=np.float32), 40, axis=0)[np.random.default_rng(5).permutation(160)]
    ids, cosines = nearest_embeddings(np.eye(4, dtype=np.float32) * 3, base, k=50)
    for axis in range(4):
        same, other = np.flatnonzero(base[:, axis] == 1), np.flatnonzero(base[:, axis] == 0)
        np.testing.assert_array_equal(ids[axis], [*same, *other[:10]])
    np.testing.assert_array_equal(cosines, np.repeat([[1.0] * 40 + [0.0] * 10], 4, axis=0).astype(np.float32))


def test_rows_that_differ_in_length_alone_tie() -> None:
    base = np.ones((70, 5), np.float32) * (2.0 ** np.arange(-35, 35))[:, None].astype(np.float32)
    ids, cosines = nearest_embeddings(base, base, k=3, skip=np.arange(70))
    np.testing.assert_array_equal(ids[0], [1, 2, 3])
    np.testing.assert_array_equal(ids[1], [0, 2, 3])
    np.testing.assert_array_equal(ids[-1], [0, 1, 2])
    assert (cosines <= 1).all()
    np.testing.assert_allclose(cosines, 1, atol=1e-6)


def test_rows_of_zeros_are_nobodys_neighbours_and_have_none() -> None:
    base = rows(20, 6, 6)
    base[[0, 7]] = 0
    ids, cosines = nearest_embeddings(base, base, k=20)
    assert not np.isin(ids, [0, 7]).any()
    assert (ids[[0, 7]] == -1).all()
    assert (cosines[[0, 7]] == -np.inf).all()
    assert (ids[1, :18] >= 0).all()
    assert ids[1, 18:].tolist() == [-1, -1]
    assert (cosines[1, 18:] == -np.inf).all()


def test_k_larger_than_the_base() -> None:
    base = rows(3, 4, 7)
    ids, cosines = nearest_embeddings(base, base, k=5, skip=np.arange(3))
    np.testing.assert_array_equal(ids[:, :2], brute(base, base, 2, np.arange(3)))
    assert (ids[:, 2:] == -1).all()
    assert (cosines[:, 2:] == -np.inf).all()


@pytest.mark.parametrize(("n", "m"), [(0, 5), (5, 0), (0, 0)])
def test_nothing_to_compare(n: int, m: int) -> None:
    ids, cosines = nearest_embeddings(np.zeros((n, 3), np.float32), np.ones((m, 3), np.float32), k=2)
    assert ids.shape == cosines.shape == (n, 2)
    assert (ids == -1).all()


@settings(max_examples=60, deadline=None)
@given(
    base=arrays(np.float32, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(-2, 2).map(float)),
    k=st.integers(1, 45),
    itself=st.booleans(),
)
def test_any_small_matrix(base: np.ndarray, k: int, itself: bool) -> None:
    """Few values, so that ties and zeros abound; rounding may part what is equal, but by no more than a millionth."""
    skip = np.arange(len(base)) if itself else None
    ids, cosines = nearest_embeddings(base, base, k=k, skip=skip)
    expected = brute(base, base, k, skip)
    n = expected.shape[1]
    np.testing.assert_array_equal(ids[:, :n] >= 0, expected >= 0)
    assert (ids[:, n:] == -1).all()
    scores = np.where(ids >= 0, np.take_along_axis(cosines_of(base, base), np.maximum(ids, 0), 1), -np.inf)
    np.testing.assert_allclose(cosines, scores, atol=1e-6)
    best = np.take_along_axis(cosines_of(base, base), np.maximum(expected, 0), 1)
    np.testing.assert_allclose(cosines[:, :n], np.where(expected >= 0, best, -np.inf), atol=1e-6)
    for found in ids:
        assert len(set(found[found >= 0].tolist())) == (found >= 0).sum()
    falling, equal = np.diff(ids, axis=1), (cosines[:, 1:] == cosines[:, :-1]) & (ids[:, 1:] >= 0)
    assert (falling[equal] > 0).all()
    assert (cosines[:, 1:] <= cosines[:, :-1]).all()


def test_progress_reaches_the_end_and_may_cancel() -> None:
    seen: list[tuple[str, float, float]] = []
    base = rows(2500, 4, 8)
    nearest_embeddings(base, base, k=2, progress=lambda stage, done, total, note="": seen.append((stage, done, total)))
    assert seen[-1] == ("nearest rows", 2500, 2500)
    assert len(seen) > 1

    def stop(stage: str, done: float, total: float, note: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nearest_embeddings(base, base, k=2, progress=stop)


def test_bad_input_is_named() -> None:
    base = rows(5, 4, 9)
    with pytest.raises(InvalidInputError, match="query rows: expected 4 columns"):
        nearest_embeddings(rows(5, 3, 9), base, k=1)
    spoilt = base.copy()
    spoilt[2, 1] = np.nan
    with pytest.raises(InvalidInputError, match=r"base rows: expected finite numbers.*1 rows: 2"):
        nearest_embeddings(base, spoilt, k=1)
    with pytest.raises(InvalidInputError, match="query rows: expected finite numbers"):
        nearest_embeddings(spoilt, base, k=1)
    with pytest.raises(InvalidInputError, match="k: expected at least 1"):
        nearest_embeddings(base, base, k=0)
    with pytest.raises(InvalidInputError, match="rows to skip: expected 5 rows of the base"):
        nearest_embeddings(base, base, k=1, skip=np.arange(1, 6))
    with pytest.raises(InvalidInputError, match="rows to skip"):
        nearest_embeddings(base, base, k=1, skip=np.arange(4))
