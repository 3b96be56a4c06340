"""Sparsemax as a projection on the simplex, for scores that hypothesis chooses."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from focus_core.numerics.similarity import similarity_weights
from focus_core.numerics.sparsemax import RowWeights, sparsemax_rows

SCORES = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=70),
    elements=st.floats(-3, 3, width=32) | st.sampled_from([0.0, 0.5, 1.0]),
)


def dense(rows: RowWeights, n_columns: int) -> np.ndarray:
    full = np.zeros((rows.n_rows, n_columns))
    full[np.repeat(np.arange(rows.n_rows), rows.support), rows.indices] = rows.weights
    return full


def by_sorting(z: np.ndarray) -> np.ndarray:
    """The definition: k = max{j: 1 + j z_(j) > sum of the j largest}, tau = (that sum - 1) / k."""
    ordered = np.sort(z)[::-1]
    sums, sizes = np.cumsum(ordered), np.arange(1, len(z) + 1)
    k = sizes[1 + sizes * ordered > sums].max()
    return np.maximum(z - (sums[k - 1] - 1) / k, 0)


@given(SCORES)
@settings(deadline=None, max_examples=150)
def test_it_is_the_definition(scores: np.ndarray) -> None:
    ours = dense(sparsemax_rows(scores), scores.shape[1])
    np.testing.assert_allclose(ours, [by_sorting(row) for row in scores], atol=1e-6)


@given(SCORES)
@settings(deadline=None)
def test_rows_are_convex_and_columns_ascend(scores: np.ndarray) -> None:
    rows = sparsemax_rows(scores)
    assert (rows.weights > 0).all()
    np.testing.assert_allclose(dense(rows, scores.shape[1]).sum(1), 1, atol=1e-5)
    for first, last in zip(rows.indptr, rows.indptr[1:], strict=False):
        assert (np.diff(rows.indices[first:last]) > 0).all()


@given(SCORES, st.floats(-50, 50))
@settings(deadline=None)
def test_adding_a_constant_changes_nothing(scores: np.ndarray, shift: float) -> None:
    moved = dense(sparsemax_rows(scores + shift), scores.shape[1])
    np.testing.assert_allclose(moved, dense(sparsemax_rows(scores), scores.shape[1]), atol=1e-5)


@given(SCORES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_columns_does_not_matter(scores: np.ndarray, random: object) -> None:
    order = list(range(scores.shape[1]))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = dense(sparsemax_rows(scores[:, order]), len(order))
    np.testing.assert_allclose(shuffled, dense(sparsemax_rows(scores), len(order))[:, order], atol=1e-6)


@given(SCORES, st.integers(1, 80))
@settings(deadline=None)
def test_top_k_is_sparsemax_of_the_k_best(scores: np.ndarray, k: int) -> None:
    ours = dense(sparsemax_rows(scores, top_k=k), scores.shape[1])
    for row, z in zip(ours, scores, strict=True):
        best = np.argsort(-z, kind="stable")[:k]
        expected = np.zeros_like(z)
        expected[best] = by_sorting(z[best])
        np.testing.assert_allclose(row, expected, atol=1e-6)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 20), st.just(6)), elements=st.floats(-2, 2, width=16)),
    arrays(np.float32, st.tuples(st.integers(1, 40), st.just(6)), elements=st.floats(-2, 2, width=16)),
    st.sampled_from([0.01, 0.3, 1.0, 10.0]),
)
@settings(deadline=None)
def test_vectors_of_any_kind_give_convex_rows(new: np.ndarray, anchors: np.ndarray, temperature: float) -> None:
    """Zero vectors, equal vectors and opposite vectors included; never NaN."""
    rows = similarity_weights(new, anchors, temperature=temperature)
    np.testing.assert_allclose(dense(rows, len(anchors)).sum(1), 1, atol=1e-4)
    assert (np.abs(rows.similarities) <= 1 + 1e-5).all()
