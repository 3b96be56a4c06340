"""From what a token is composed of to rows of weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from focus_core.initialization.weights import SparseRows

Row = Mapping[int, float]
"""Source ids with their weights."""


def mixed(parts: list[Row]) -> dict[int, float]:
    """Return the mean of some rows.

    Examples
    --------
    >>> mixed([{4: 1.0}, {4: 0.5, 7: 0.5}])
    {4: 0.75, 7: 0.25}
    """
    found: dict[int, float] = {}
    for part in parts:
        for source_id, weight in part.items():
            found[source_id] = found.get(source_id, 0.0) + weight / len(parts)
    return found


def sparse_rows(rows: Mapping[int, Row]) -> SparseRows:
    """Return rows in compressed form.

    Parameters
    ----------
    rows : mapping of int to mapping of int to float
        Target ids with their rows, none of them empty.

    Returns
    -------
    SparseRows
        In the order of the target ids, source ids ascending; the weights come from no similarity (NaN).
    """
    ids = sorted(rows)
    entries = [entry for i in ids for entry in sorted(rows[i].items())]
    sizes = np.array([len(rows[i]) for i in ids], np.int64)
    return SparseRows(
        rows=np.array(ids, np.int32),
        indptr=np.concatenate([[0], np.cumsum(sizes)]),
        source_ids=np.array([source_id for source_id, _ in entries], np.int32),
        weights=np.array([weight for _, weight in entries], np.float32),
        similarities=np.full(len(entries), np.nan, np.float32),
    )
