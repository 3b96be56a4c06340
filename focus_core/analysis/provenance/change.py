"""What a training did to the tokens of a run: which drifted most, and which neighbours one kept, lost and gained.

Measures come from the table that was made when the training was written; only one token's neighbours are computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.analysis.provenance.neighbours import _blocks_of, _cosines_with, _nearest_ids
from focus_core.numerics.drift import K, change_score
from focus_core.runs.additions import MEASURES, TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import frequency
from focus_core.training.drift import stored_change


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
    change = stored_change(run, training)
    if change is None:
        return None
    score = change_score(change.cosine, change.kept)
    known = np.flatnonzero(~np.isnan(score) & ~np.isnan(change.norm_ratio))
    ids = known[np.argsort(-score[known], kind="stable")]
    measures = {name: getattr(change, name)[ids] for name in MEASURES}
    return ChangedTokens(id=ids, **measures, score=score[ids], frequency=frequency(run)[ids])


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
    k : int, default=K
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
    before, after = (_cosines_with(_blocks_of(f, "input"), target_id, len(present)) for f in (run, training))
    comparable = present & np.isfinite(before) & np.isfinite(after)
    if not comparable[target_id]:
        return ChangedNeighbours(kept=(), lost=(), gained=())
    comparable[target_id] = False
    old, new = (_nearest_ids(cosines, comparable, k) for cosines in (before, after))
    lists = {
        "kept": [i for i in old if i in set(new)],
        "lost": [i for i in old if i not in set(new)],
        "gained": [i for i in new if i not in set(old)],
    }
    return ChangedNeighbours(**{name: _described(run, ids, before, after) for name, ids in lists.items()})


def _described(run: RunFolder, ids: list[int], before: np.ndarray, after: np.ndarray) -> tuple[ChangedNeighbour, ...]:
    names = ("id", "text", "word_start", "origin", "rule")
    return tuple(
        ChangedNeighbour(
            **{name: row[name] for name in names}, before=float(before[row["id"]]), after=float(after[row["id"]])
        )
        for row in run.token_rows(ids)
    )
