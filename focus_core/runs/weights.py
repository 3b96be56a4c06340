"""The weights of a finished run as the matrix that they were.

Owns the way back from ``contributions.parquet`` and ``contributions_output.parquet`` to `WeightMatrix`, and the usual
length of the rows that they weigh.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from focus_core.initialization.weights import WeightMatrix
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import no_run
from focus_core.types import ORIGINS, RULES, Origin, Rule


def read_weights(run: RunFolder, side: str = "input") -> WeightMatrix:
    """Return ``W`` of one side; where the sides do not differ, both are the same.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    side : {"input", "output"}, default="input"
        Of which embeddings.

    Returns
    -------
    WeightMatrix
        Of shape (n_target, n_source); kept in memory, treat it as read-only.

    Raises
    ------
    RunFolderError
        If an entry names no token of the run, stands twice, or is not finite.
    """
    table = "contributions_output" if side == "output" and run.sides_differ else "contributions"
    return run.remember(f"weights {table}", lambda: _read(run, table))


def _read(run: RunFolder, table: str) -> WeightMatrix:
    """Put the entries of a table in the order of their columns."""
    targets, sources, weights, similarities = (
        run.column(table, name) for name in ("target_id", "source_id", "weight", "similarity")
    )
    shape = run.tokens().num_rows, run.source_tokens().num_rows
    order = np.lexsort((sources, targets))
    rows, columns, data = targets[order], sources[order], weights[order]
    within = not len(rows) or (rows[0] >= 0 and rows[-1] < shape[0] and columns.min() >= 0 and columns.max() < shape[1])
    if not within or ((np.diff(rows) == 0) & (np.diff(columns) == 0)).any() or not np.isfinite(data).all():
        expected = f"finite weights of the run's tokens in {table}.parquet"
        got = "others, or an entry that stands twice"
        raise no_run(f"run {run.path.name}", expected, got, "make the run again")
    indptr = np.searchsorted(rows, np.arange(shape[0] + 1)).astype(np.int32)
    return WeightMatrix(
        matrix=sparse.csr_array((data, columns, indptr), shape=shape),
        similarities=similarities[order].astype(np.float32),
        origins=_codes(run.column("tokens", "origin"), ORIGINS, Origin.FALLBACK),
        rules=_codes(run.column("tokens", "rule"), RULES, Rule.NONE),
    )


def _codes(names: np.ndarray, known: Sequence[str], missing: str) -> np.ndarray:
    """Return the codes of some names; an id without a token has the code of ``missing``."""
    codes = {str(name): code for code, name in enumerate(known)} | {None: known.index(missing)}
    return np.array([codes[name] for name in names.tolist()], np.uint8)


def source_norm(run: RunFolder) -> float:
    """Return the root mean square length of the source's rows."""
    statistics = run.statistics()
    return float(np.sqrt(np.sum(statistics["mean"] ** 2) + np.sum(statistics["std"] ** 2)))
