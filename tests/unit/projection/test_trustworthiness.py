"""Trustworthiness against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as reference

from focus_core.errors import InvalidInputError
from focus_core.projection.pca import principal_components
from focus_core.projection.trustworthiness import trustworthiness


def rows(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("k", [1, 5, 15])
def test_the_mean_over_all_rows_is_the_usual_number(k: int) -> None:
    matrix = rows(700, 12, 1)
    points, _ = principal_components(matrix)
    found = trustworthiness(matrix, points, k=k, queries=np.arange(700))
    expected = reference(matrix, points, n_neighbors=k, metric="cosine")
    assert 0.5 < expected < 0.9
    assert found.mean() == pytest.approx(expected, abs=1e-6)


def test_queries_are_ranked_among_all_rows() -> None:
    matrix = rows(300, 6, 2)
    points, _ = principal_components(matrix)
    everything = trustworthiness(matrix, points, k=7, queries=np.arange(300))
    some = np.array([299, 4, 80])
    np.testing.assert_allclose(trustworthiness(matrix, points, k=7, queries=some), everything[some])


def test_a_faithful_layout_and_a_shuffled_one() -> None:
    angles = np.sort(np.random.default_rng(3).uniform(0, 6.2, 200))
    circle = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    assert trustworthiness(circle, circle, k=5, queries=np.arange(200)).min() == pytest.approx(1, abs=1e-3)
    shuffled = circle[np.random.default_rng(4).permutation(200)]
    assert trustworthiness(circle, shuffled, k=5, queries=np.arange(200)).mean() == pytest.approx(0.5, abs=0.05)


def test_many_points_on_one_spot() -> None:
    matrix = rows(40, 5, 5)
    points = np.zeros((40, 2), np.float32)
    found = trustworthiness(matrix, points, k=3, queries=np.arange(40))
    assert np.isfinite(found).all()
    assert found.mean() < 0.9


def test_bad_input_is_named() -> None:
    matrix = rows(20, 5, 6)
    with pytest.raises(InvalidInputError, match="layout: expected 20 rows"):
        trustworthiness(matrix, np.zeros((19, 2)), k=3, queries=np.arange(3))
    with pytest.raises(InvalidInputError, match="less than half of the rows, got 10 of 20"):
        trustworthiness(matrix, np.zeros((20, 2)), k=10, queries=np.arange(3))
