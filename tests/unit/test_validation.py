"""focus_core.validation: rank, size, finiteness and range, each with a message that names both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.errors import AuxiliaryError, InvalidInputError
from focus_core.validation import check_finite, check_matrix, check_range


def test_a_fitting_matrix_passes() -> None:
    check_matrix("E", np.zeros((3, 2)), n_rows=3, min_rows=3, n_columns=2)


def test_matrix_of_wrong_rank() -> None:
    with pytest.raises(InvalidInputError, match=r"^E: expected a matrix of rank 2, got shape \(3,\); "):
        check_matrix("E", np.zeros(3))


def test_matrix_with_fewer_rows_than_ids() -> None:
    with pytest.raises(InvalidInputError, match=r"E: expected at least 4 rows, got shape \(3, 2\)"):
        check_matrix("E", np.zeros((3, 2)), min_rows=4)


def test_vectors_of_the_wrong_length() -> None:
    with pytest.raises(AuxiliaryError, match=r"F: expected 5 columns, got shape \(3, 2\); train again"):
        check_matrix("F", np.zeros((3, 2)), n_columns=5, remedy="train again", error=AuxiliaryError)


def test_matrix_with_another_number_of_rows() -> None:
    with pytest.raises(InvalidInputError, match=r"E: expected 2 rows, got shape \(3, 2\)"):
        check_matrix("E", np.zeros((3, 2)), n_rows=2)


def test_matrix_with_nan_names_three_tokens_of_all() -> None:
    """Rows 1, 2, 4 and 5 are bad: four rows, of which the first three are named."""
    matrix = np.zeros((6, 2), dtype=np.float32)
    matrix[[1, 2, 4], 0] = np.nan, np.inf, -np.inf
    matrix[5, 1] = np.nan
    with pytest.raises(InvalidInputError, match=r"NaN or infinity in 4 rows: 1 \('b'\), 2 \('c'\), 4;"):
        check_finite("E", matrix, tokens=["a", "b", "c"])


def test_nan_in_a_later_block_keeps_its_row_number() -> None:
    matrix = np.zeros((7, 1))
    matrix[6] = np.nan
    with pytest.raises(InvalidInputError, match="in 1 rows: 6;"):
        check_finite("E", matrix, block=2)


def test_integers_are_finite() -> None:
    check_finite("E", np.zeros((3, 2), dtype=np.int8))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_range_is_closed_and_refuses_nan(value: float) -> None:
    if 0.5 <= value <= 2:
        check_range("--x", value, low=0.5, high=2)
    else:
        with pytest.raises(InvalidInputError, match=r"--x: expected at least 0\.5 and at most 2, got "):
            check_range("--x", value, low=0.5, high=2)


@pytest.mark.parametrize(("low", "high", "words"), [(1, None, "at least 1,"), (None, -1, "at most -1,")])
def test_a_range_open_on_one_side(low: int | None, high: int | None, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        check_range("--x", 0, low=low, high=high)
