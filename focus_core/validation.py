"""Checks of arrays and numbers at the border, one message each.

Owns the rank, size, dtype and finiteness checks. Refuses domain rules.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.errors import InvalidInputError, bad_input


def check_matrix(
    name: str,
    matrix: np.ndarray,
    *,
    n_rows: int | None = None,
    min_rows: int | None = None,
    n_columns: int | None = None,
    remedy: str = "give a matrix of that shape",
    error: type[InvalidInputError] = InvalidInputError,
) -> None:
    """Check rank and size of a matrix.

    Parameters
    ----------
    name : str
        How the message calls the matrix.
    matrix : ndarray
        What to check.
    n_rows, min_rows, n_columns : int, default=None
        Required sizes; ``None`` accepts any.
    remedy : str, default="give a matrix of that shape"
        The last part of the message.
    error : type of InvalidInputError, default=InvalidInputError
        The class to raise.

    Raises
    ------
    InvalidInputError
        If rank or size differ.
    """
    got = f"shape {tuple(matrix.shape)}"
    if matrix.ndim != 2:
        raise bad_input(name, expected="a matrix of rank 2", got=got, remedy=remedy, error=error)
    if n_rows is not None and matrix.shape[0] != n_rows:
        raise bad_input(name, expected=f"{n_rows} rows", got=got, remedy=remedy, error=error)
    if min_rows is not None and matrix.shape[0] < min_rows:
        raise bad_input(name, expected=f"at least {min_rows} rows", got=got, remedy=remedy, error=error)
    if n_columns is not None and matrix.shape[1] != n_columns:
        raise bad_input(name, expected=f"{n_columns} columns", got=got, remedy=remedy, error=error)


def check_finite(
    name: str,
    matrix: np.ndarray,
    *,
    tokens: Sequence[str] | None = None,
    remedy: str = "repair or replace these rows",
    error: type[InvalidInputError] = InvalidInputError,
    block: int = 16_384,
) -> None:
    """Check that no row holds NaN or infinity; name the first three that do.

    Parameters
    ----------
    name : str
        How the message calls the matrix.
    matrix : ndarray of shape (n_rows, n_columns)
        What to check.
    tokens : sequence of str, default=None
        Names of the rows; ``None`` names them by number.
    remedy : str, default="repair or replace these rows"
        The last part of the message.
    error : type of InvalidInputError, default=InvalidInputError
        The class to raise.
    block : int, default=16384
        Rows looked at together.

    Raises
    ------
    InvalidInputError
        If any value is not finite.
    """
    bad: list[int] = []
    for start in range(0, matrix.shape[0], block):
        part = np.asarray(matrix[start : start + block], dtype=np.float32)
        bad.extend((start + np.flatnonzero(~np.isfinite(part).all(axis=1))).tolist())
    if bad:
        shown = ", ".join(f"{i} ({tokens[i]!r})" if tokens is not None and i < len(tokens) else str(i) for i in bad[:3])
        raise bad_input(name, "finite numbers", f"NaN or infinity in {len(bad)} rows: {shown}", remedy, error)


def check_range(name: str, value: float, *, low: float | None = None, high: float | None = None) -> None:
    """Check that a number lies in a closed range.

    Parameters
    ----------
    name : str
        The option's name.
    value : float
        Its value.
    low, high : float, default=None
        Bounds, both allowed values; ``None`` is no bound.

    Raises
    ------
    InvalidInputError
        If the value lies outside or is NaN.
    """
    inside = (low is None or value >= low) and (high is None or value <= high)
    if not inside or value != value:
        bounds = " and ".join(
            p for p in (f"at least {low}" * (low is not None), f"at most {high}" * (high is not None)) if p
        )
        raise bad_input(name, expected=bounds, got=str(value), remedy="choose a value in that range")
