"""What a training did to the tokens of a run: which drifted most, and which neighbours one kept, lost and gained.

Measures come from the table that was made when the training was written; only one token's neighbours are computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.analysis.provenance.neighbours import _blocks_of, _cosines, _largest
from focus_core.errors import RunFolderError, bad_input
from focus_core.numerics.drift import change_score
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder

K = 10
"""Neighbours that are compared, as in a training's own table."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedTokens:
    """The tokens of a run that a training has measures of, the one that changed most first.

    Parameters
    ----------
    id : ndarray of shape (n,), dtype int64
        Target ids.
    cosine, norm_ratio, kept : ndarray of shape (n,), dtype float64
        As in the training's table; never NaN.
    score : ndarray of shape (n,), dtype float64
        What they are ordered by; see `change_score`.
    frequency : ndarray of shape (n,), dtype float64
        Occurrences in the run's corpus; NaN where the run had none.
    """

    id: np.ndarray
    cosine: np.ndarray
    norm_ratio: np.ndarray
    kept: np.ndarray
    score: np.ndarray
    frequency: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ChangedNeighbour:
    """A token that was near another before or after training.

    Parameters
    ----------
    id : int
        The neighbour's target id.
    text : str
        Its readable text.
    word_start : bool
        Whether it begins a word.
    origin, rule : str
        Where its initialised row came from.
    before, after : float
        Cosine with the token's row, both initialised and both trained.
    """

    id: int
    text: str
    word_start: bool
    origin: str
    rule: str
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class ChangedNeighbours:
    """The neighbours of one token before and after training.

    Parameters
    ----------
    kept, lost : tuple of ChangedNeighbour
        Those before that are and that are not among those after, nearest first as they were before.
    gained : tuple of ChangedNeighbour
        Those after that were none before, nearest first.
    """

    kept: tuple[ChangedNeighbour, ...]
    lost: tuple[ChangedNeighbour, ...]
    gained: tuple[ChangedNeighbour, ...]

    @property
    def before(self) -> tuple[ChangedNeighbour, ...]:
        """The neighbours before training, nearest first."""
        return tuple(sorted((*self.kept, *self.lost), key=lambda near: (-near.before, near.id)))

    @property
    def after(self) -> tuple[ChangedNeighbour, ...]:
        """The neighbours after training, nearest first."""
        return tuple(sorted((*self.kept, *self.gained), key=lambda near: (-near.after, near.id)))


def changed_tokens(run: RunFolder, training: TrainingFolder) -> ChangedTokens | None:
    """Return every token of a training's table with its frequency, most changed first, equal ones by id.

    Parameters
    ----------
    run : RunFolder
        The run.
    training : TrainingFolder
        One of its trainings.

    Returns
    -------
    ChangedTokens or None
        Tokens without measures are left out; ``None`` where the training recorded no change.

    Raises
    ------
    RunFolderError
        If the table is damaged or is another vocabulary's.
    """
    table = training.tokens()
    if table is None:
        return None
    ids = table.column("id").to_numpy().astype(np.int64)
    frequency = np.asarray(run.column("tokens", "frequency"), dtype=np.float64)
    if len(ids) != len(frequency) or not np.array_equal(ids, np.arange(len(frequency))):
        expected, got = f"one row for each of {len(frequency)} ids", f"{len(ids)} rows"
        raise bad_input(f"training {training.name}", expected, got, "make it again", RunFolderError)
    measures = [np.array(table.column(n).to_numpy(), dtype=np.float64) for n in ("cosine", "norm_ratio", "kept")]
    score = change_score(measures[0], measures[2])
    known = np.flatnonzero(~np.isnan(score) & ~np.isnan(measures[1]))
    order = known[np.argsort(-score[known], kind="stable")]
    cosine, norm_ratio, kept = (values[order] for values in measures)
    return ChangedTokens(
        id=ids[order], cosine=cosine, norm_ratio=norm_ratio, kept=kept, score=score[order], frequency=frequency[order]
    )


def neighbour_change(run: RunFolder, training: TrainingFolder, target_id: int, *, k: int = K) -> ChangedNeighbours:
    """Compare the nearest rows of one token before and after training, exactly and in the original space.

    Parameters
    ----------
    run : RunFolder
        The run: its rows are those before.
    training : TrainingFolder
        A training of it that kept its input matrix.
    target_id : int
        The token.
    k : int, default=10
        How many neighbours on each side.

    Returns
    -------
    ChangedNeighbours
        Empty where the id holds no token or its row is zero on either side.

    Raises
    ------
    RunFolderError
        If the training kept no matrix.
    """
    present = run.present()
    before = _to_all(run, target_id, len(present))
    after = _to_all(training, target_id, len(present))
    comparable = present & np.isfinite(before) & np.isfinite(after)
    if not comparable[target_id]:
        return ChangedNeighbours(kept=(), lost=(), gained=())
    comparable[target_id] = False
    old, new = (_nearest(cosines, comparable, k) for cosines in (before, after))
    lists = {
        "kept": [i for i in old if i in set(new)],
        "lost": [i for i in old if i not in set(new)],
        "gained": [i for i in new if i not in set(old)],
    }
    return ChangedNeighbours(**{name: _described(run, ids, before, after) for name, ids in lists.items()})


def _to_all(rows: RunFolder | TrainingFolder, target_id: int, n_rows: int) -> np.ndarray:
    """Return the cosine of one row with every row, -inf for zero rows; all -inf where the row itself is zero."""
    query = rows.rows("input", [target_id])[0]
    length = np.float32(np.linalg.norm(query))
    if length == 0:
        return np.full(n_rows, -np.inf, dtype=np.float32)
    return _cosines(_blocks_of(rows, "input"), query / length, n_rows)


def _nearest(cosines: np.ndarray, among: np.ndarray, k: int) -> list[int]:
    ids = np.flatnonzero(among)
    return [int(i) for i in ids[_largest(cosines[ids], k)]]


def _described(run: RunFolder, ids: list[int], before: np.ndarray, after: np.ndarray) -> tuple[ChangedNeighbour, ...]:
    names = ("id", "text", "word_start", "origin", "rule")
    return tuple(
        ChangedNeighbour(
            **{name: row[name] for name in names}, before=float(before[row["id"]]), after=float(after[row["id"]])
        )
        for row in run.token_rows(ids)
    )
