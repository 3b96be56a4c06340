"""Vectors from counts, against three lines worked out by hand and against dense algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from focus_core.errors import AuxiliaryError, CancelledError
from focus_core.initialization.auxiliary.counted import (
    CountSettings,
    context_matrices,
    counted_vectors,
    positive_information,
)
from focus_core.initialization.auxiliary.counting import PairCounter, PairCounts
from focus_core.initialization.auxiliary.svd import truncated_svd

EVERY = np.ones(7, dtype=bool)
LINES = st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=9), min_size=1, max_size=12)


def counted(lines: list[list[int]], *, n_tokens: int = 7, window: int = 2) -> PairCounts:
    counter = PairCounter(n_tokens, window)
    for i, line in enumerate(lines):
        counter.add(np.array(line, dtype=np.int32), np.full(len(line), i, dtype=np.int32))
    return counter.finish()


def test_three_lines_by_hand() -> None:
    """0 1, 0 1 and 0 2: what comes after 0 is 1 twice and 2 once; what comes before either is 0 alone."""
    before, after = context_matrices(counted([[0, 1], [0, 1], [0, 2]]), np.arange(3), CountSettings(window=1))
    assert after.toarray().tolist() == [[0, 2, 1], [0, 0, 0], [0, 0, 0]]
    assert before.toarray().tolist() == [[0, 0, 0], [2, 0, 0], [1, 0, 0]]
    # P(1) is proportional to 2^0.75, P(2) to 1: the share of 2 among what follows 0 is above it, that of 1 below.
    common, rare = 2**0.75, 1.0
    expected = math.log(1 / 3 / (rare / (common + rare)))
    assert math.log(2 / 3 / (common / (common + rare))) > 0 > expected
    information = positive_information(after, 0.75).toarray()
    assert information[0] == pytest.approx([0, math.log(2 / 3 * (common + rare) / common), 0])
    # Whatever 1 and 2 are, what stands before them is 0 for sure, and says nothing of them.
    assert positive_information(before, 0.75).nnz == 0


def test_places_together_are_one_matrix() -> None:
    (both,) = context_matrices(counted([[0, 1, 2]]), np.arange(3), CountSettings(apart=False))
    assert both.toarray().tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]


def dense_information(counts: np.ndarray, exponent: float) -> np.ndarray:
    """Return max(0, log P(t, c) / (P(t) P_α(c))), cell by cell."""
    total, found = counts.sum(), np.zeros(counts.shape)
    smoothed = np.array([c**exponent if c else 0.0 for c in counts.sum(axis=0)])
    for i, j in zip(*np.nonzero(counts), strict=True):
        chance = counts[i].sum() / total * smoothed[j] / smoothed.sum()
        found[i, j] = max(0.0, math.log(counts[i, j] / total / chance))
    return found


@settings(deadline=None)
@given(LINES, st.booleans(), st.sampled_from([0.5, 0.75, 1.0]), st.sampled_from([0.0, 0.5, 1.0]))
def test_vectors_are_those_of_a_dense_decomposition(
    lines: list[list[int]], apart: bool, context: float, power: float
) -> None:
    how = CountSettings(apart=apart, context_exponent=context, singular_exponent=power, dim=7)
    counts = counted(lines)
    matrices = [m.toarray() for m in context_matrices(counts, np.arange(7), how)]
    whole = np.hstack([dense_information(m, context) for m in matrices])
    u, s, _ = np.linalg.svd(whole, full_matrices=False)
    assume(s[0] > 0)
    clear = s > 1e-4 * s[0]
    assume(np.all(clear | (s < 1e-9 * s[0])))  # a value near rounding may count as zero or not
    vectors, has_vector = counted_vectors(counts, EVERY, how)
    expected = (u[:, clear] * s[clear] ** power) @ (u[:, clear] * s[clear] ** power).T
    assert vectors @ vectors.T == pytest.approx(expected, abs=2e-3 * max(1.0, s[0] ** (2 * power)))
    assert has_vector.tolist() == (np.abs(whole).sum(axis=1) > 0).tolist()


def some_text(seed: int = 0) -> list[list[int]]:
    """Lines in which each token is followed by one of a few."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 200, 800)
    return [[int((start + k * k + rng.integers(0, 3)) % 200) for k in range(9)] for start in starts]


def test_a_permutation_of_ids_permutes_the_vectors() -> None:
    lines, order = some_text(), np.random.default_rng(1).permutation(200)
    how, every = CountSettings(dim=10, width=10, n_iter=10), np.ones(200, dtype=bool)
    ours = counted_vectors(counted(lines, n_tokens=200), every, how)[0]
    others = counted_vectors(counted([order[line].tolist() for line in lines], n_tokens=200), every, how)[0]
    assert others[order] @ others[order].T == pytest.approx(ours @ ours.T, abs=1e-3)


def test_threads_and_order_of_lines_leave_the_bytes() -> None:
    lines, every = some_text(), np.ones(200, dtype=bool)
    how = CountSettings(dim=20, width=8)
    first = counted_vectors(counted(lines, n_tokens=200), every, how)[0]
    for threads in (1, 2, 3):
        again = counted_vectors(counted(lines[::-1], n_tokens=200), every, how, threads=threads)[0]
        assert again.tobytes() == first.tobytes()


def test_tokens_that_may_not_have_none_and_are_no_neighbours() -> None:
    lines = some_text()
    eligible = np.ones(200, dtype=bool)
    eligible[:50] = False
    vectors, has_vector = counted_vectors(counted(lines, n_tokens=200), eligible, CountSettings(dim=10))
    assert not vectors[:50].any()
    assert not has_vector[:50].any()
    # They keep their place: what is left counts as it does where the others are left out of every pair.
    marked = [[token if token >= 50 else 199 + 1 for token in line] for line in lines]
    one = np.append(eligible, False)
    same = counted_vectors(counted(marked, n_tokens=201), one, CountSettings(dim=10))[0]
    assert same[:200].tobytes() == vectors.tobytes()


def test_a_token_alone_in_its_lines_has_no_vector() -> None:
    lines = [*some_text(), [200], [200]]
    vectors, has_vector = counted_vectors(counted(lines, n_tokens=202), np.ones(202, bool), CountSettings(dim=10))
    assert has_vector[:200].all()
    assert not has_vector[200:].any()
    assert not vectors[200:].any()


def test_columns_beyond_the_rank_are_zero() -> None:
    vectors, _ = counted_vectors(counted([[0, 1], [0, 1], [2, 3]]), EVERY, CountSettings(dim=50))
    assert vectors.shape == (7, 50)
    rank = int(np.linalg.matrix_rank(vectors))
    assert 0 < rank <= 4
    assert not vectors[:, rank:].any()


def test_the_largest_entry_of_a_column_is_positive() -> None:
    vectors, _ = counted_vectors(counted(some_text(), n_tokens=200), np.ones(200, bool), CountSettings(dim=20))
    columns = np.arange(20)
    assert (vectors[np.argmax(np.abs(vectors), axis=0), columns] > 0).all()


def test_a_krylov_space_finds_the_singular_values() -> None:
    """The first twenty of a matrix whose values fall slowly, against a dense decomposition."""
    rng = np.random.default_rng(5)
    u, v = (np.linalg.qr(rng.standard_normal((400, 400))).Q for _ in range(2))
    values = 1 / np.arange(1, 401) ** 0.5
    dense = (u * values) @ v.T
    blocks = [csr_array(part.astype(np.float32)) for part in np.split(dense, 2, axis=1)]
    found, s = truncated_svd(blocks, 20, width=10)
    assert s == pytest.approx(values[:20], rel=1e-3)
    assert found.T @ found == pytest.approx(np.eye(20), abs=1e-12)
    assert np.abs(np.sum(found[:, :10] * u[:, :10], axis=0)) == pytest.approx(np.ones(10), abs=1e-2)


@pytest.mark.parametrize("lines", [[], [[0]], [[0, 0, 0]], [[0, 1], [0, 1]]])
def test_nothing_to_tell_tokens_apart_is_refused(lines: list[list[int]]) -> None:
    with pytest.raises(AuxiliaryError, match=r"^corpus: expected tokens that tell by their neighbours, got none"):
        counted_vectors(counted(lines), EVERY, CountSettings())


def test_progress_cancels() -> None:
    def stop(stage: str, done: float, total: float, note: str = "") -> None:
        if done >= 3:
            raise CancelledError(f"{stage} {done} of {total}")

    with pytest.raises(CancelledError, match=r"factorise counts 3 of 4"):
        counted_vectors(counted(some_text(), n_tokens=200), np.ones(200, bool), CountSettings(), progress=stop)
