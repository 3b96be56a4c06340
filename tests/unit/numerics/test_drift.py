"""Movement between two matrices, derived by hand on rows of two and three numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score

from focus_core.errors import InvalidInputError
from focus_core.numerics.drift import change_score, drift_foreseen, token_change

ALL = np.ones(4, bool)
BEFORE = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
AFTER = np.array([[2, 0], [0.1, 1.2], [0, 1], [1, 0.2]], np.float32)
"""Rows 1 and 3 change sides; row 0 doubles; row 2 stays."""


def angles(*degrees: float) -> np.ndarray:
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def brute_neighbours(matrix: np.ndarray, k: int) -> list[list[int]]:
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k].tolist()


def test_cosine_and_length_of_each_row() -> None:
    change = token_change(BEFORE, AFTER, present=ALL, k=1)
    second = (0.1 + 0.12) / (np.hypot(1, 0.1) * np.hypot(0.1, 1.2))
    np.testing.assert_allclose(change.cosine[:3], [1, second, 1], rtol=1e-6)
    np.testing.assert_allclose(change.norm_ratio[:3], [2, np.hypot(0.1, 1.2) / np.hypot(1, 0.1), 1], rtol=1e-6)
    assert {a.dtype for a in (change.cosine, change.norm_ratio, change.kept)} == {np.dtype(np.float32)}


def test_kept_counts_common_neighbours_over_all_neighbours() -> None:
    before, after = angles(0, 10, 20, 30, 90), angles(0, 10, 95, 30, 90)
    present = np.ones(5, bool)
    # the two nearest rows: of row 0 {1, 2} -> {1, 3}, of row 4 {3, 2} -> {2, 3}, of row 2 {1, 3} -> {4, 3}
    change = token_change(before, after, present=present, k=2)
    np.testing.assert_allclose(change.kept[[0, 4, 2]], [1 / 3, 1, 1 / 3], rtol=1e-6)


def test_absent_and_zero_rows_have_no_measures_and_are_no_neighbours() -> None:
    before = angles(0, 1, 2, 50, 60)
    after = before.copy()
    before[1] = 0
    present = np.array([True, True, False, True, True])
    change = token_change(before, after, present=present, k=1)
    assert np.isnan([change.cosine[1], change.norm_ratio[1], change.kept[1], change.cosine[2], change.kept[2]]).all()
    np.testing.assert_array_equal(change.kept[[0, 3, 4]], [1, 1, 1])


def test_a_single_row_has_no_neighbours_to_keep() -> None:
    change = token_change(BEFORE, AFTER, present=np.array([True, False, False, False]))
    assert change.norm_ratio[0] == 2
    assert np.isnan(change.kept[0])


@given(
    hnp.arrays(np.float32, (12, 3), elements=st.floats(-1, 1, width=32)),
    hnp.arrays(np.float32, (12, 3), elements=st.floats(-1, 1, width=32)),
    hnp.arrays(bool, 12),
)
def test_kept_is_symmetric_and_between_0_and_1(left: np.ndarray, right: np.ndarray, present: np.ndarray) -> None:
    forth = token_change(left, right, present=present, k=3).kept
    np.testing.assert_array_equal(forth, token_change(right, left, present=present, k=3).kept)
    measured = forth[~np.isnan(forth)]
    assert ((measured >= 0) & (measured <= 1)).all()
    same = token_change(left, left * 2, present=present, k=3)
    assert set(same.kept[~np.isnan(same.kept)].tolist()) <= {1.0}


def test_kept_agrees_with_brute_force() -> None:
    generator = np.random.default_rng(0)
    before = generator.normal(size=(60, 8)).astype(np.float32)
    after = before + 0.5 * generator.normal(size=(60, 8)).astype(np.float32)
    present = np.ones(60, bool)
    change = token_change(before, after, present=present, k=5)
    old, new = brute_neighbours(before, 5), brute_neighbours(after, 5)
    for row, (before_it, after_it) in enumerate(zip(old, new, strict=True)):
        common = set(before_it) & set(after_it)
        assert change.kept[row] == np.float32(len(common) / len({*before_it, *after_it}))


def test_matrices_of_two_shapes_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"the matrix after: expected 2 columns, got shape \(4, 1\)"):
        token_change(BEFORE, AFTER[:, :1], present=ALL)
    with pytest.raises(InvalidInputError, match=r"present: expected 4 flags, got shape \(3,\)"):
        token_change(BEFORE, AFTER, present=ALL[:3])
    with pytest.raises(InvalidInputError, match="NaN or infinity in 1 rows: 2"):
        token_change(BEFORE, np.where(np.arange(4)[:, None] == 2, np.nan, AFTER), present=ALL)


def test_foreseen_is_1_0_and_negative() -> None:
    mean = np.array([1.0, 1.0])
    trained = np.array([[3.0, 1.0], [1.0, 5.0], [9.0, 9.0]])
    rows = np.array([0, 1])
    assert drift_foreseen(trained, trained, mean, rows) == 1
    assert drift_foreseen(np.tile(mean, (3, 1)), trained, mean, rows) == 0
    half = (trained + mean) / 2  # half of the way: a quarter of the squared distance is left
    assert drift_foreseen(half, trained, mean, np.array([True, True, False])) == pytest.approx(0.75)
    beyond = mean - (trained - mean)  # as far on the other side: four times the squared distance
    assert drift_foreseen(beyond, trained, mean, rows) == pytest.approx(-3)
    assert np.isnan(drift_foreseen(half, trained, mean, np.array([], int)))


def test_a_row_that_lost_direction_and_neighbours_changed_more_than_one_that_lost_either() -> None:
    scores = change_score(np.array([0.2, 0.2, 0.9, 1.0, np.nan]), np.array([0.0, 0.5, 0.0, 1.0, np.nan]))
    assert scores[0] == np.nanmax(scores)
    assert scores[3] == 0
    assert np.isnan(scores[4])


def test_exchanged_rows_are_found_among_rows_that_drifted() -> None:
    """Rows drift by half of their length, and fallback rows, whose neighbours mean nothing, drift together."""
    generator = np.random.default_rng(3)
    n, width = 2000, 64
    common = generator.normal(size=width)
    centres = generator.normal(size=(100, width))
    before = common + centres[generator.integers(100, size=n)] + 0.7 * generator.normal(size=(n, width))
    before[-300:] = common + 0.5 * generator.normal(size=(300, width))
    after = before + 0.5 * generator.normal(size=(n, width))
    after[-300:] += generator.normal(size=width)
    moved = np.zeros(n, bool)
    moved[generator.choice(n, n // 10, replace=False)] = True
    after[moved] = after[np.roll(np.flatnonzero(moved), 1)]
    change = token_change(before.astype(np.float32), after.astype(np.float32), present=np.ones(n, bool))
    assert roc_auc_score(moved, change_score(change.cosine, change.kept)) >= 0.99
