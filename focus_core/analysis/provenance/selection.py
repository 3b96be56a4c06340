"""What several rows have in common: the source tokens that feed a selection of target tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from focus_core.analysis.comparison.lists import Hub, feeding
from focus_core.errors import RunFolderError, bad_input
from focus_core.runs.folder import RunFolder
from focus_core.types import Origin


@dataclass(frozen=True, kw_only=True)
class CommonContributors:
    """What feeds a selection of target tokens."""

    n_copied: int
    n_combined: int
    n_fallback: int
    n_sources: int
    contributors: tuple[Hub, ...]


def common_contributors(run: RunFolder, target_ids: Sequence[int] | np.ndarray, *, n: int = 20) -> CommonContributors:
    """Return the source tokens that feed most of the combined rows of a selection.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    target_ids : sequence of int
        The selected tokens; one that is named twice counts once.
    n : int, default=20
        How many contributors at most.

    Returns
    -------
    CommonContributors
        Without contributors where nothing in the selection was combined.

    Raises
    ------
    RunFolderError
        If an id holds no token.
    """
    ids = np.unique(np.asarray(target_ids, dtype=np.int64))
    kinds = run.column("tokens", "kind")
    if len(ids) and (ids[0] < 0 or ids[-1] >= len(kinds) or any(kind is None for kind in kinds[ids])):
        raise bad_input("selection", "ids of target tokens", "an id without a token", "select again", RunFolderError)
    origins = run.column("tokens", "origin")[ids].astype(str)
    combined = ids[origins == str(Origin.COMBINED)]
    target, source, weight = (run.column("contributions", name) for name in ("target_id", "source_id", "weight"))
    inside = np.zeros(len(kinds), dtype=bool)
    inside[combined] = True
    rows = np.flatnonzero(inside[target])
    found, place = np.unique(source[rows], return_inverse=True)
    sums = np.bincount(place, weights=np.abs(weight[rows]).astype(np.float64), minlength=len(found))
    fed = np.bincount(place, minlength=len(found))
    order = np.argsort(-sums, kind="stable")[:n]
    return CommonContributors(
        n_copied=int((origins == str(Origin.COPIED)).sum()),
        n_combined=len(combined),
        n_fallback=int((origins == str(Origin.FALLBACK)).sum()),
        n_sources=len(found),
        contributors=tuple(feeding(run, found, sums, fed, order)),
    )
