"""The ridge map: by hand, against leaving out in truth, and its weights against its rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.initialization.methods.learned.ridge import (
    PENALTIES,
    RidgeMap,
    fit_ridge,
    heaviest_rows,
    left_out_error,
)


def fit_by_hand(vectors: np.ndarray, penalty: float) -> RidgeMap:
    """Return the map of a given penalty, written from the singular value decomposition."""
    mean = vectors.mean(axis=0)
    left, values, right = np.linalg.svd(vectors - mean, full_matrices=False)
    scaled = right.T * (values / (values**2 + penalty))
    return RidgeMap(mean=mean, left=left, right=scaled, penalty=penalty, error=0.0)


def test_a_line_by_hand() -> None:
    """Vectors -1, 0, 1 and embeddings -2, 0, 4: UᵀU = 2, UᵀE = 6, ē = 2/3, so that λ = 1 gives e = 2/3 + 2 u."""
    vectors, embeddings = np.array([[-1.0], [0.0], [1.0]]), np.array([[-2.0], [0.0], [4.0]])
    fitted = fit_by_hand(vectors, 1.0)
    at = np.array([[1.0], [-2.0]])
    np.testing.assert_allclose(fitted.apply(at, embeddings), [[8 / 3], [-10 / 3]], rtol=1e-6)
    np.testing.assert_allclose(fitted.weights(at), [[0, 1 / 3, 2 / 3], [1, 1 / 3, -1 / 3]], atol=1e-12)


def draw(n: int, d: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(n)
    vectors = generator.normal(size=(n, d)) + 3
    return vectors, vectors @ generator.normal(size=(d, k)) + generator.normal(size=(n, k))


def test_the_error_is_that_of_leaving_out() -> None:
    """Each anchor predicted by a map that was fitted on all others, at every λ; the mean is fitted anew too."""
    vectors, embeddings = draw(17, 4, 3)
    centred = embeddings - embeddings.mean(axis=0)
    left, values, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    for penalty in (0.1, 3.0, 40.0):
        gaps = []
        for i in range(len(vectors)):
            rest = np.delete(np.arange(len(vectors)), i)
            mean, own = vectors[rest].mean(axis=0), embeddings[rest].mean(axis=0)
            part = vectors[rest] - mean
            slope = np.linalg.solve(part.T @ part + penalty * np.eye(4), part.T @ (embeddings[rest] - own))
            gaps.append(embeddings[i] - own - (vectors[i] - mean) @ slope)
        found = left_out_error(left, values, centred, penalty)
        # Without one row its mean moves too, which the hat values of the centred map have in them exactly
        assert found == pytest.approx(float(np.square(gaps).sum()), rel=1e-9)


def test_the_penalty_is_the_one_that_predicts_best() -> None:
    """Noise alone takes the largest λ, a line without noise the smallest."""
    vectors, _ = draw(40, 5, 2)
    noise = np.random.default_rng(9).normal(size=(40, 2))
    unit = np.square(np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)).mean()
    assert fit_ridge(vectors, noise).penalty == pytest.approx(PENALTIES[-1] * unit)
    exact = fit_ridge(vectors, vectors @ np.ones((5, 2)))
    assert exact.penalty == pytest.approx(PENALTIES[0] * unit)
    assert exact.error < 1e-6


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(1, 5), st.integers(1, 4), st.integers(1, 8))
def test_rows_are_their_weights_times_the_anchors(n: int, d: int, k: int, n_new: int) -> None:
    """The weights sum to 1; all of them give the row; the heaviest are the first by size."""
    vectors, embeddings = draw(n, d, k)
    fitted = fit_ridge(vectors, embeddings)
    new = np.random.default_rng(n_new).normal(size=(n_new, d))
    weights = fitted.weights(new)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(fitted.apply(new, embeddings), weights @ embeddings, atol=1e-4)
    rows = heaviest_rows(fitted, new, np.arange(n_new), np.arange(n) + 7, 2, 16)
    best = np.sort(-np.abs(weights), axis=1)[:, :2]
    np.testing.assert_allclose(-np.abs(rows.weights.reshape(n_new, -1)), best, atol=1e-6)
    assert rows.source_ids.min() >= 7


def test_a_row_does_not_depend_on_the_others() -> None:
    """Bit for bit."""
    vectors, embeddings = draw(30, 6, 4)
    fitted = fit_ridge(vectors, embeddings)
    new = np.random.default_rng(1).normal(size=(9, 6))
    together = fitted.apply(new, embeddings)
    np.testing.assert_array_equal(fitted.apply(new[4:5], embeddings), together[4:5])
