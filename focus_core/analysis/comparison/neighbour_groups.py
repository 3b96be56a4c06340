"""Tokens that changed together between two states: those that gained and lost the same neighbours.

Neighbours are exact, in the space of the embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from focus_core.errors import bad_input
from focus_core.numerics.drift import change_score
from focus_core.numerics.neighbors import nearest_embeddings
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import frequency
from focus_core.types import ProgressHook, no_progress

K = 10
"""Neighbours of a token in either state."""

ALIKE = 0.2
"""Tokens belong together from this share of common gains and losses on (Jaccard index)."""

LEAST = 4
"""Tokens of a group, at least."""

MOST_TOKENS = 4000
"""Tokens that are compared: of a larger vocabulary those that changed most; of rows of two widths the most frequent."""

RARE = 10
"""An embedding seen less often was hardly trained: it drifts by noise."""

MOST_NAMED = 6
_BLOCK = 8192
_MOST_SHARING = 400  # a neighbour that more tokens gained or lost tells none of them from another


@dataclass(frozen=True, kw_only=True)
class NeighbourGroup:
    """Tokens that gained and lost the same neighbours.

    Parameters
    ----------
    ids : tuple of int
        Their target ids, the one nearest to all the others first.
    agreement : float
        Mean Jaccard index of the gains and losses of the first with those of the others.
    gained, lost : tuple of int
        Tokens that became, or ceased to be, a neighbour of at least half of the group; the most common first.
    kept : float
        Mean Jaccard index of the neighbours of its tokens before and after.
    occurrences : float
        How often they occur in the run's corpus, together; NaN where it had none.
    """

    ids: tuple[int, ...]
    agreement: float
    gained: tuple[int, ...]
    lost: tuple[int, ...]
    kept: float
    occurrences: float


@dataclass(frozen=True, kw_only=True)
class NeighbourGroups:
    """All groups of two states.

    Parameters
    ----------
    groups : tuple of NeighbourGroup
        The largest product of size and agreement first.
    n_compared : int
        How many tokens were looked at.
    n_total : int
        How many there are.
    """

    groups: tuple[NeighbourGroup, ...]
    n_compared: int
    n_total: int


def training_groups(
    run: RunFolder, training: TrainingFolder, *, progress: ProgressHook = no_progress
) -> NeighbourGroups:
    """Return the tokens that drifted together in a training.

    Parameters
    ----------
    run : RunFolder
        The run; its initialised rows are the state before.
    training : TrainingFolder
        A training that began from them and kept its input matrix.
    progress : ProgressHook, default=no_progress
        Told the tokens whose neighbours are known.

    Returns
    -------
    NeighbourGroups
        Maybe without groups.

    Raises
    ------
    InvalidInputError
        If the training began from the rows of another run.
    """
    if training.manifest["run_digest"] != run.digest:
        remedy = "choose a training that began from this run's own embeddings"
        raise bad_input(f"training {training.name}", expected="one of this run", got="another run's", remedy=remedy)
    return changed_groups(run, run.embeddings("input"), training.embeddings("input"), progress=progress)


def changed_groups(
    run: RunFolder, before: np.ndarray, after: np.ndarray, *, progress: ProgressHook = no_progress
) -> NeighbourGroups:
    """Return the tokens of a run that changed their neighbours together between two matrices.

    Parameters
    ----------
    run : RunFolder
        Says which ids hold a token, and how often each occurs.
    before, after : ndarray of shape (n_target, d)
        The rows in both states; they need not lie in one space.
    progress : ProgressHook, default=no_progress
        Told the tokens whose neighbours are known.

    Returns
    -------
    NeighbourGroups
        Every token in at most one group; equal input gives equal groups.
    """
    present = run.present()
    seen = frequency(run)
    base = np.flatnonzero(present & before.any(axis=1) & after.any(axis=1))
    often = base if np.isnan(seen[base]).all() else base[np.nan_to_num(seen[base]) >= RARE]
    ids = _most_changed(often, before, after, seen)
    near = [_neighbours(matrix, ids, base, progress) for matrix in (before, after)]
    moves = _moves(*near, n=len(before))
    kept = _kept(*near)
    groups = [_describe(run, ids, near, members, kept, seen) for members in _together(moves, kept)]
    order = sorted(groups, key=lambda group: (-len(group.ids) * group.agreement, group.ids))
    return NeighbourGroups(groups=tuple(order), n_compared=len(ids), n_total=int(present.sum()))


def _most_changed(ids: np.ndarray, before: np.ndarray, after: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return at most ``MOST_TOKENS`` ids, ascending: those whose rows turned most, of two widths the most frequent."""
    if len(ids) <= MOST_TOKENS:
        return ids
    if before.shape[1] != after.shape[1]:
        return np.sort(ids[np.argsort(-np.nan_to_num(seen[ids]), kind="stable")[:MOST_TOKENS]])
    cosine = np.empty(len(ids))
    for start in range(0, len(ids), _BLOCK):
        part = ids[start : start + _BLOCK]
        one, other = before[part].astype(np.float64), after[part].astype(np.float64)
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        cosine[start : start + _BLOCK] = np.einsum("ij,ij->i", one, other) / lengths
    score = change_score(cosine, np.zeros_like(cosine))
    return np.sort(ids[np.argsort(-score, kind="stable")[:MOST_TOKENS]])


def _neighbours(matrix: np.ndarray, ids: np.ndarray, base: np.ndarray, progress: ProgressHook) -> np.ndarray:
    """Return the target ids of the nearest tokens of each id, -1 where there are fewer."""
    rows = np.asarray(matrix)[base]
    places = np.searchsorted(base, ids)
    near, _ = nearest_embeddings(rows[places], rows, k=K, skip=places, progress=progress)
    return np.where(near >= 0, base[near], -1)


def _moves(before: np.ndarray, after: np.ndarray, *, n: int) -> scipy.sparse.csr_matrix:
    """Return one row a token: 1 at the ids that it gained, and at ``n`` plus those that it lost."""
    one, other = _indicator(before, n), _indicator(after, n)
    gained, lost = other - other.multiply(one), one - one.multiply(other)
    moves = scipy.sparse.hstack([gained, lost], format="csr")
    moves.eliminate_zeros()
    return moves


def _indicator(near: np.ndarray, n: int) -> scipy.sparse.csr_matrix:
    rows, columns = np.nonzero(near >= 0)
    values = np.ones(len(rows), dtype=np.float32)
    return scipy.sparse.csr_matrix((values, (rows, near[rows, columns])), shape=(len(near), n))


def _kept(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the Jaccard index of the neighbours of every token in both states."""
    common = ((before[:, :, None] == after[:, None, :]) & (before[:, :, None] >= 0)).sum(axis=(1, 2))
    union = (before >= 0).sum(axis=1) + (after >= 0).sum(axis=1) - common
    return np.asarray(common / np.maximum(union, 1))


def _together(moves: scipy.sparse.csr_matrix, kept: np.ndarray) -> list[np.ndarray]:
    """Put tokens of like moves together: round the one with most like it, then round the next that is left over."""
    rare = np.asarray((moves != 0).sum(axis=0)).ravel() <= _MOST_SHARING
    told = moves[:, np.flatnonzero(rare)]
    common = (told @ told.T).tocoo()
    size = np.asarray(moves.sum(axis=1)).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = common.data / (size[common.row] + size[common.col] - common.data)
    near = (alike >= ALIKE) & (common.row != common.col)
    shape = (len(kept), len(kept))
    graph = scipy.sparse.csr_matrix((alike[near], (common.row[near], common.col[near])), shape=shape)
    graph.sort_indices()
    free = np.ones(len(kept), dtype=bool)
    degree = np.diff(graph.indptr)
    found = []
    for seed in np.lexsort((np.arange(len(kept)), kept, -degree)):
        if not free[seed] or degree[seed] < LEAST - 1:
            continue
        row = slice(graph.indptr[seed], graph.indptr[seed + 1])
        others, weights = graph.indices[row], graph.data[row]
        others, weights = others[free[others]], weights[free[others]]
        if len(others) < LEAST - 1:
            continue
        members = np.concatenate([[seed], others[np.lexsort((others, -weights))]])
        free[members] = False
        found.append(members)
    return found


def _describe(
    run: RunFolder, ids: np.ndarray, near: list[np.ndarray], members: np.ndarray, kept: np.ndarray, seen: np.ndarray
) -> NeighbourGroup:
    """Return a group with what its tokens gained and lost together."""
    before, after = (found[members] for found in near)
    sets = [(set(b[b >= 0].tolist()), set(a[a >= 0].tolist())) for b, a in zip(before, after, strict=True)]
    gains, losses = [a - b for b, a in sets], [b - a for b, a in sets]
    of_first = {(1, i) for i in gains[0]} | {(0, i) for i in losses[0]}
    agreements = []
    for gain, loss in zip(gains[1:], losses[1:], strict=True):
        other = {(1, i) for i in gain} | {(0, i) for i in loss}
        agreements.append(len(of_first & other) / len(of_first | other))
    occurrences = seen[ids[members]]
    return NeighbourGroup(
        ids=tuple(ids[members].tolist()),
        agreement=float(np.mean(agreements)),
        gained=_common(gains),
        lost=_common(losses),
        kept=float(kept[members].mean()),
        occurrences=float("nan") if np.isnan(occurrences).all() else float(np.nansum(occurrences)),
    )


def _common(sets: list[set[int]]) -> tuple[int, ...]:
    """Return what at least half of the sets hold, the most common first."""
    counts: dict[int, int] = {}
    for found in sets:
        for i in found:
            counts[i] = counts.get(i, 0) + 1
    often = sorted((i for i, n in counts.items() if 2 * n >= len(sets)), key=lambda i: (-counts[i], i))
    return tuple(often[:MOST_NAMED])
