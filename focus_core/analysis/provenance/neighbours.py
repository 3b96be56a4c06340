"""Exact nearest tokens, in the auxiliary space and in the space of the new embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from focus_core.artifacts import to_float32
from focus_core.runs.base import MatrixFolder
from focus_core.runs.folder import RunFolder

BLOCK = 8192


@dataclass(frozen=True, kw_only=True)
class TokenText:
    """How a token is written.

    Parameters
    ----------
    token, text : str
        Its native form and its readable text.
    word_start : bool
        Whether it begins a word.
    """

    token: str
    text: str
    word_start: bool


@dataclass(frozen=True, kw_only=True)
class Neighbour(TokenText):
    """A target token near another.

    Parameters
    ----------
    id : int
        The neighbour's target id.
    token, text : str
        Its native form and its readable text.
    word_start : bool
        Whether it begins a word.
    origin : str
        Where its row came from.
    cosine : float
        Cosine similarity, in the original space.
    """

    id: int
    origin: str
    cosine: float


def auxiliary_neighbours(run: RunFolder, target_id: int, *, k: int = 10) -> list[Neighbour]:
    """Return the target tokens whose auxiliary vectors are nearest by cosine.

    Parameters
    ----------
    run : RunFolder
        The run.
    target_id : int
        Whose neighbours.
    k : int, default=10
        How many.

    Returns
    -------
    list of Neighbour
        Nearest first, equal ones by id; empty where the token or the run has no auxiliary vector.
    """
    vectors = run.auxiliary()
    if vectors is None:
        return []
    kept = run.column("tokens", "has_auxiliary").astype(bool)
    return _neighbours(run, lambda rows: vectors[rows], kept, target_id, k)


def embedding_neighbours(run: RunFolder, target_id: int, *, k: int = 10, name: str = "input") -> list[Neighbour]:
    """Return the ``k`` target tokens whose new embeddings are nearest by cosine, equal ones by id."""
    return _neighbours(run, _blocks_of(run, name), run.present(), target_id, k)


def _neighbours(
    run: RunFolder, read: Callable[[slice], np.ndarray], kept: np.ndarray, target_id: int, k: int
) -> list[Neighbour]:
    if not kept[target_id]:
        return []
    return _nearest(run, _cosines_with(read, target_id, len(kept)), kept, target_id, k)


def _nearest(run: RunFolder, cosines: np.ndarray, kept: np.ndarray, target_id: int, k: int) -> list[Neighbour]:
    """Return the ``k`` kept tokens other than one with the largest cosines, equal ones by id."""
    others = kept & np.isfinite(cosines)
    others[target_id] = False
    near = run.token_rows(_nearest_ids(cosines, others, k))
    names = ("id", "token", "text", "word_start", "origin")
    return [Neighbour(**{name: row[name] for name in names}, cosine=float(cosines[row["id"]])) for row in near]


def _nearest_ids(cosines: np.ndarray, among: np.ndarray, k: int) -> list[int]:
    """Return the ids of the ``k`` largest cosines among some, largest first, equal ones by id."""
    ids = np.flatnonzero(among)
    return [int(i) for i in ids[_largest(cosines[ids], k)]]


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """Return the places of the ``k`` largest values, largest first, equal ones by place; sorts no others."""
    if k >= len(values):
        return np.argsort(-values, kind="stable")
    last = np.partition(-values, k - 1)[k - 1]
    among = np.flatnonzero(~(-values > last))  # so said, NaN stays among them and sorts last
    return among[np.argsort(-values[among], kind="stable")[:k]]


def _blocks_of(rows: MatrixFolder, name: str) -> Callable[[slice], np.ndarray]:
    """Return what reads a block of rows as float32: a view where they are stored so, else a copy of the block alone."""
    array, dtype = rows.mapped(name)
    return lambda block: to_float32(array[block], dtype)


def _cosines_with(read: Callable[[slice], np.ndarray], target_id: int, n_rows: int) -> np.ndarray:
    """Return the cosine of one row with every row, -inf for zero rows; all -inf where the row itself is zero."""
    query = np.asarray(read(slice(target_id, target_id + 1)), dtype=np.float32)[0]
    length = np.float32(np.linalg.norm(query))
    if length == 0:
        return np.full(n_rows, -np.inf, dtype=np.float32)
    return _cosines(read, query / length, n_rows)


def _cosines(read: Callable[[slice], np.ndarray], units: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the cosine of every row with a unit vector (d,) or several (m, d), block by block; -inf for zero rows."""
    # Row by row rather than as a matrix product: that one waits for all its threads, which costs more than it saves
    # while the browser on the same machine draws.
    cosines = np.full((n_rows, *units.shape[:-1]), -np.inf, dtype=np.float32)
    for start in range(0, n_rows, BLOCK):
        place = slice(start, min(start + BLOCK, n_rows))
        block = read(place)[(slice(None), *[None] * (units.ndim - 1))]
        lengths = np.sqrt(np.vecdot(block, block))
        np.divide(np.vecdot(block, units), lengths, out=cosines[place], where=lengths > 0)
    return cosines
