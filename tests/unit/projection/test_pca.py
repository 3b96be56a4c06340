"""Principal components: against a singular value decomposition, with signs that do not depend on chance."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.projection.pca import principal_components


def rows(n: int, d: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (3 + random.normal(size=(n, d)) @ np.diag(np.linspace(2, 0.1, d))).astype(np.float32)


@pytest.mark.parametrize(("n", "d"), [(30, 50), (5000, 20)])
def test_agrees_with_a_singular_value_decomposition(n: int, d: int) -> None:
    matrix = rows(n, d, 1)
    points, explained = principal_components(matrix, n_components=3)
    centred = matrix.astype(np.float64) - matrix.mean(axis=0, dtype=np.float64)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :3] * values[:3]
    signs = np.sign((expected * points).sum(axis=0))
    np.testing.assert_allclose(points, expected * signs, atol=2e-3)
    np.testing.assert_allclose(explained, (values**2 / (values**2).sum())[:3], rtol=1e-4)
    assert points.dtype == np.float32
    assert (np.diff(explained) < 0).all()


def test_signs_follow_the_data_alone() -> None:
    matrix = rows(200, 8, 2)
    points, _ = principal_components(matrix)
    again, _ = principal_components(matrix.copy())
    reordered, _ = principal_components(matrix[::-1])
    np.testing.assert_array_equal(points, again)
    np.testing.assert_allclose(reordered[::-1], points, atol=1e-3)
    mirrored, _ = principal_components(-matrix)
    np.testing.assert_allclose(mirrored, -points, atol=1e-3)


def test_the_first_direction_points_where_its_largest_loading_does() -> None:
    line = np.outer(np.arange(20) - 9.5, [0.6, -0.8]).astype(np.float32)
    points, explained = principal_components(line)
    np.testing.assert_allclose(points[:, 0], -(np.arange(20) - 9.5), atol=1e-4)  # -0.8 becomes +0.8
    np.testing.assert_allclose(points[:, 1], 0, atol=1e-4)
    np.testing.assert_allclose(explained, [1, 0], atol=1e-6)


def test_fewer_columns_than_components_and_no_variance() -> None:
    points, explained = principal_components(np.arange(6, dtype=np.float32)[:, None])
    np.testing.assert_allclose(points[:, 0], np.arange(6) - 2.5)
    assert points[:, 1].tolist() == [0] * 6
    assert explained.tolist() == [1, 0]
    points, explained = principal_components(np.full((9, 4), 7, np.float32))
    assert not points.any()
    assert not explained.any()
