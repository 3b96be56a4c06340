"""Checks of arrays, numbers and plain JSON values at the border, one message each.

Owns the rank, size, dtype, finiteness, range and type checks. Refuses domain rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from focus_core.errors import InvalidInputError, bad_input, option


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


def check_options(options: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Check the numbers of some options, ``None`` being none, and their ``device``.

    Parameters
    ----------
    options : object
        Has them as attributes.
    ranges : mapping of str to tuple of float
        The least and the greatest value of each number.

    Raises
    ------
    InvalidInputError
        If one lies outside its range.
    """
    for name, (low, high) in ranges.items():
        value = getattr(options, name)
        check_range(option(name.removesuffix("_mib")), low if value is None else value, low=low, high=high)
    device: str = options.device
    if device != "auto" and device.split(":")[0] not in {"cpu", "cuda"}:
        raise bad_input(option("device"), "auto, cpu or cuda", repr(device), "choose one of them")


KINDS = {str: "a text", Path: "a path", int: "a whole number", float: "a number", bool: "true or false"}
"""What the types of plain values are called."""


def typed_fields(kind: type, mapping: object, *, where: str) -> dict[str, Any]:
    """Return plain JSON values as a dataclass has them.

    Parameters
    ----------
    kind : type
        The dataclass. Its fields are text, numbers, paths, closed choices, dataclasses (by their ``from_dict`` where
        they have one), tuples and dictionaries of these, or one of these or ``None``.
    mapping : object
        Values by the name of their field, as JSON gives them.
    where : str
        How a message calls the mapping.

    Returns
    -------
    dict
        The same values, typed; fields that were left out are left out.

    Raises
    ------
    InvalidInputError
        If it is no mapping, or a name or a value is not what the dataclass has.

    Examples
    --------
    >>> from dataclasses import make_dataclass
    >>> typed_fields(make_dataclass("Point", [("x", float)]), {"x": 1}, where="point")
    {'x': 1.0}
    """
    if not isinstance(mapping, Mapping):
        raise _not_that(where, "names with values", mapping)
    hints = get_type_hints(kind)
    for name in mapping:
        if name not in hints:
            known = ", ".join(hints)
            raise bad_input(where, expected=f"names among {known}", got=repr(name), remedy="correct or remove it")
    return {name: _typed(f"{where}.{name}", value, hints[name]) for name, value in mapping.items()}


def _typed(name: str, value: Any, hint: Any) -> Any:
    """Return a value as a type has it: ``X``, ``X | None``, ``X | E | None``, ``tuple[X, ...]`` or ``dict[X, Y]``."""
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise _not_that(name, "a list", value)
        return tuple(_typed(name, one, get_args(hint)[0]) for one in value)
    if get_origin(hint) is dict:
        key, one = get_args(hint)
        return {_typed(name, k, key): _typed(name, v, one) for k, v in dict(value).items()}
    kind, *others = get_args(hint) or (hint,)
    if value is None and NoneType in others:
        return None
    # A word that stands for a number has an enum of its own beside it.
    kind = next((one for one in others if issubclass(one, StrEnum) and value in list(one)), kind)
    if hasattr(kind, "from_dict"):
        return kind.from_dict(value)
    if hasattr(kind, "__dataclass_fields__"):
        return kind(**typed_fields(kind, value, where=name))
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise _not_that(name, ", ".join(kind), value)
    elif type(value) is not (str if kind is Path else kind) and not (kind is float and type(value) is int):
        raise _not_that(name, KINDS[kind], value)
    return kind(value)


def _not_that(name: str, expected: str, value: object) -> InvalidInputError:
    return bad_input(name, expected=expected, got=repr(value), remedy="correct it")
