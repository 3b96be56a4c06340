"""A map without a projection: every token at its cosine to one direction and its cosine to another, both exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from focus_core.errors import bad_input
from focus_core.projection.members import Member

_BLOCK = 8192
_NOTHING = 1e-6
"""Shorter than this, what is left of unit rows that were added and taken away points nowhere."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """A sum of tokens' rows, each at length 1.

    Parameters
    ----------
    plus : tuple of int
        Target ids whose rows are added.
    minus : tuple of int, default=()
        Target ids whose rows are taken away.
    """

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()


def cosine_axes(members: Sequence[Member], ids: np.ndarray, axes: Sequence[Direction]) -> np.ndarray:
    """Return the cosine of every token's row with some directions, in every member by its own rows.

    Parameters
    ----------
    members : sequence of Member
        Whose rows; a direction is made of each member's own rows.
    ids : ndarray of shape (n,), dtype int
        Which tokens.
    axes : sequence of Direction
        The directions.

    Returns
    -------
    ndarray of shape (n_members, n, n_axes), dtype float32
        Between -1 and 1; 0 for a row of zeros.

    Raises
    ------
    InvalidInputError
        If a direction names no token, or its sum has no length.
    """
    found = np.empty((len(members), len(ids), len(axes)), dtype=np.float32)
    for place, member in enumerate(members):
        unit = np.stack([_direction(member, axis) for axis in axes], axis=1)
        for start in range(0, len(ids), _BLOCK):
            rows = np.asarray(member.read(ids[start : start + _BLOCK]), dtype=np.float32)
            found[place, start : start + len(rows)] = np.clip(_unit(rows) @ unit, -1.0, 1.0)
    return found


def _direction(member: Member, axis: Direction) -> np.ndarray:
    """Return a direction at length 1, shape (d,), float32."""
    if not axis.plus and not axis.minus:
        raise bad_input("axis", expected="at least one token", got="none", remedy="name a token for each axis")
    total = np.zeros(member.width, dtype=np.float64)
    for sign, ids in ((1.0, axis.plus), (-1.0, axis.minus)):
        if ids:
            total += sign * _unit(np.asarray(member.read(np.array(ids)), dtype=np.float64)).sum(axis=0)
    length = float(np.linalg.norm(total))
    if not length > _NOTHING:
        expected, got = f"tokens whose embeddings ({member.title}) leave a direction", "a sum of length 0"
        raise bad_input("axis", expected=expected, got=got, remedy="name other tokens for this axis")
    return np.asarray(total / length, dtype=np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Return rows at length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))
