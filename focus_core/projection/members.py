"""What lies on one map: the embeddings of a run as initialised, as trained, and those of other runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from focus_core.errors import bad_input
from focus_core.runs.additions import open_training
from focus_core.runs.base import MatrixFolder
from focus_core.runs.folder import RunFolder
from focus_core.validation import check_finite

MATRIX = "input"
"""The matrix whose rows are placed."""

_BLOCK = 8192


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """One matrix with a row for every target id.

    Parameters
    ----------
    key : str
        ``initialised``, ``trained:NAME`` or ``other:TITLE``.
    title : str
        How a person calls it.
    digest : str
        Of the manifest of the run or the training.
    width : int
        Columns of the matrix.
    read : callable
        Takes ids and returns their rows in float32.
    """

    key: str
    title: str
    digest: str
    width: int
    read: Callable[[np.ndarray], np.ndarray]


def members_of(run: RunFolder, trained: Sequence[str], others: Sequence[RunFolder]) -> list[Member]:
    """Gather what one map compares.

    Parameters
    ----------
    run : RunFolder
        The run; its initialised rows come first.
    trained : sequence of str
        Names of its trainings.
    others : sequence of RunFolder
        Runs of the same target tokenizer; their initialised rows come last.

    Returns
    -------
    list of Member
        In this order.

    Raises
    ------
    InvalidInputError
        If a training is missing, damaged or without rows, a member is named twice, or another run has another target
        tokenizer or another width.
    """
    members = [_member(run, "initialised", "Initialised")]
    members += [_member(open_training(run, name), f"trained:{name}", f"Trained: {name}") for name in trained]
    for other in others:
        _check_vocabulary(run, other)
        members.append(_member(other, f"other:{other.path.name}", other.path.name))
    twice = [key for key, count in Counter(member.key for member in members).items() if count > 1]
    if twice:
        remedy = "name each training once, and rename runs of one name"
        raise bad_input("members of the map", expected="different ones", got=f"{twice[0]} twice", remedy=remedy)
    for member in members:
        if member.width != members[0].width:
            expected, got = (
                f"embeddings of width {members[0].width}, as of run {run.path.name}",
                f"width {member.width}",
            )
            raise bad_input(member.title, expected, got, "compare runs of one source model")
    return members


def _member(folder: MatrixFolder, key: str, title: str) -> Member:
    width = folder.rows(MATRIX, slice(0, 1)).shape[1]
    return Member(key=key, title=title, digest=folder.digest, width=width, read=lambda ids: folder.rows(MATRIX, ids))


def _check_vocabulary(run: RunFolder, other: RunFolder) -> None:
    """Raise where another run's ids are other tokens."""
    own, theirs = run.manifest["target"], other.manifest["target"]
    if own["digest"] != theirs["digest"]:
        expected, got = f"the target tokenizer {own['name']} of run {run.path.name}", f"another one, {theirs['name']}"
        raise bad_input(f"run {other.path.name}", expected, got, "initialise a run with the same target tokenizer")


def placeable(run: RunFolder, members: Sequence[Member]) -> np.ndarray:
    """Return the ids of tokens whose rows have a direction in every member.

    Parameters
    ----------
    run : RunFolder
        Says which ids hold a token.
    members : sequence of Member
        Whose rows.

    Returns
    -------
    ndarray of int
        Ascending; without the tokens that have a row of zeros somewhere, which no angle can place.

    Raises
    ------
    InvalidInputError
        If a token's row is not finite.
    """
    ids = np.flatnonzero(run.present())
    placed = np.ones(len(ids), bool)
    for member in members:
        for start in range(0, len(ids), _BLOCK):
            part = ids[start : start + _BLOCK]
            rows = member.read(part)
            if not np.isfinite(rows).all():
                everything = np.zeros((int(part[-1]) + 1, member.width), np.float32)  # so that ids are named
                everything[part] = rows
                check_finite(f"embeddings of {member.title}", everything, remedy="import or train it again")
            placed[start : start + _BLOCK] &= rows.any(axis=1)
    return np.asarray(ids[placed])
