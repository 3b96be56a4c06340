"""Histograms of several runs over the same bins: support, largest weight, norm and likeness of embeddings, frequency.

Beside norms and cosines stand those of embeddings that carry no information: drawn from N(mean, std) of the source, and
the mean embedding itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from focus_core.runs.folder import RunFolder
from focus_core.types import ORIGINS, Origin

N_BINS = 30
N_COSINES = 40
STEPS = (10, 15, 20, 30, 50, 70)
"""Where bins of whole numbers begin, in tenths of every power of ten."""

MEASURE_WORDS = {
    "n_contributors": "contributors an embedding",
    "max_weight": "largest weight of an embedding",
    "norm": "embedding norm",
    "cosine": "cosine of two embeddings",
    "frequency": "occurrences in the corpus",
}
"""What a chart calls each measure."""

N_PAIRS = 2000
"""Pairs of rows of one origin whose cosine is taken, and rows that are drawn."""

FAR = 3.0
"""A value this many times the 99th percentile would leave most of a chart empty; the last bin then takes the rest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """The rows of one origin in one run.

    Parameters
    ----------
    run : int
        The run's place among those that were given.
    counts : ndarray of shape (n_bins,), dtype int64
        Rows in each bin; together ``n``.
    n : int
        How many rows have the measure.
    median : float
        Their median; NaN where there are none.
    """

    run: int
    counts: np.ndarray
    n: int
    median: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """One measure of the rows of one origin, in every run, over bins that all share.

    Parameters
    ----------
    measure : str
        ``n_contributors``, ``max_weight``, ``norm``, ``cosine`` (of two rows of the origin) or ``frequency``.
    origin : Origin
        Whose rows.
    edges : ndarray of shape (n_bins + 1,)
        A bin holds its lower edge and not its upper one; the last bin holds both.
    is_whole : bool
        Whether the measure counts something, so that bins hold whole numbers.
    is_open : bool
        Whether the last bin also holds everything beyond its upper edge.
    series : tuple of Series
        One per run, in the given order.
    drawn : Series or None, default=None
        The same of rows drawn from N(mean, std) of the first run's source; ``None`` where the measure is no row's.
    mean_embedding : float or None, default=None
        The same of the source's mean row; of two of them for ``cosine``.
    """

    measure: str
    origin: Origin
    edges: np.ndarray
    is_whole: bool
    is_open: bool
    series: tuple[Series, ...]
    drawn: Series | None = None
    mean_embedding: float | None = None


def distributions(runs: Sequence[RunFolder]) -> list[Distribution]:
    """Return the distributions of one or more runs, for the same measure and origin over the same bins.

    Parameters
    ----------
    runs : sequence of RunFolder
        Finished runs; their vocabularies and widths need not agree.

    Returns
    -------
    list of Distribution
        Support and largest weight of combined rows, then length, cosine of pairs and corpus frequency by origin;
        those of which no run has a value are left out.
    """
    wanted = [(name, Origin.COMBINED) for name in ("n_contributors", "max_weight")]
    wanted += [(name, origin) for name in ("norm", "cosine", "frequency") for origin in ORIGINS]
    drawn = _drawn(runs[0]) if runs else {}
    found = [_distribution(runs, name, origin, drawn.get(name)) for name, origin in wanted]
    return [distribution for distribution in found if any(series.n for series in distribution.series)]


def _distribution(
    runs: Sequence[RunFolder], measure: str, origin: Origin, drawn: tuple[np.ndarray, float] | None
) -> Distribution:
    values = [_values(run, measure, origin) for run in runs]
    whole = measure in {"n_contributors", "frequency"}
    edges, is_open = _edges(runs, measure, drawn)
    return Distribution(
        measure=measure,
        origin=origin,
        edges=edges,
        is_whole=whole,
        is_open=is_open,
        series=tuple(_series(i, found, edges) for i, found in enumerate(values)),
        drawn=None if drawn is None else _series(-1, drawn[0], edges),
        mean_embedding=None if drawn is None else drawn[1],
    )


def _series(place: int, values: np.ndarray, edges: np.ndarray) -> Series:
    return Series(
        run=place,
        counts=np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)[0].astype(np.int64),
        n=len(values),
        median=float(np.median(values)) if len(values) else float("nan"),
    )


def _drawn(run: RunFolder) -> dict[str, tuple[np.ndarray, float]]:
    """Return lengths and cosines of rows drawn from N(mean, std) of the source, and of its mean row."""
    mean, std = (run.statistics()[name].astype(np.float64) for name in ("mean", "std"))
    rows = np.random.default_rng(0).normal(mean, std, size=(N_PAIRS, len(mean)))
    lengths = np.linalg.norm(rows, axis=1)
    return {
        "norm": (lengths, float(np.linalg.norm(mean))),
        "cosine": (_pair_cosines(rows), 1.0),
    }


def _pair_cosines(rows: np.ndarray) -> np.ndarray:
    """Return the cosine of every row with the next one, in a circle; a row of zeros has none."""
    if len(rows) < 2:
        return np.empty(0)
    other = np.roll(rows, -1, axis=0)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(other, axis=1)
    known = lengths > 0
    return np.asarray(np.clip(np.einsum("ij,ij->i", rows[known], other[known]) / lengths[known], -1.0, 1.0))


def _likeness(run: RunFolder, wanted: np.ndarray) -> np.ndarray:
    """Return the cosines of pairs of rows, chosen by chance, the same ones every time."""
    ids = np.random.default_rng(0).permutation(np.flatnonzero(wanted))[:N_PAIRS]
    return _pair_cosines(run.rows("input", np.sort(ids)).astype(np.float64)[np.argsort(np.argsort(ids))])


def _values(run: RunFolder, measure: str, origin: Origin | None = None) -> np.ndarray:
    """Return the known values of a measure as float64, of one origin or of every token."""
    origins = run.column("tokens", "origin").astype(str)
    wanted = np.isin(origins, [str(o) for o in ORIGINS]) if origin is None else origins == str(origin)
    if measure == "cosine":
        return _likeness(run, wanted)
    found = np.asarray(run.column("tokens", measure), dtype=np.float64)[wanted]
    return found[np.isfinite(found)]


def _edges(runs: Sequence[RunFolder], measure: str, drawn: tuple[np.ndarray, float] | None) -> tuple[np.ndarray, bool]:
    """Return the bins of a measure, the same for every origin, and whether the last one takes what lies beyond it."""
    only = Origin.COMBINED if measure in {"n_contributors", "max_weight"} else None
    values = np.concatenate([*(_values(run, measure, only) for run in runs), *([] if drawn is None else [drawn[0]])])
    if measure == "cosine":
        pairs = [values, *(_values(run, measure, origin) for run in runs for origin in ORIGINS)]
        lowest = min(float(found.min(initial=0.9)) for found in pairs)
        return np.linspace(math.floor(10 * lowest) / 10, 1.0, N_COSINES + 1), False
    if measure == "max_weight":
        return np.linspace(0.0, 1.0, 21), False
    if measure in {"n_contributors", "frequency"}:
        return _whole_edges(float(values.max()) if len(values) else 1.0, with_zero=measure == "frequency"), False
    if not len(values):
        return np.linspace(0.0, 1.0, N_BINS + 1), False
    low, high, usual = float(values.min()), float(values.max()), float(np.quantile(values, 0.99))
    is_open = 0 < FAR * usual < high
    high = FAR * usual if is_open else high
    return (np.linspace(low, high, N_BINS + 1) if high > low else np.array([low, low + 1.0])), is_open


def _whole_edges(high: float, *, with_zero: bool) -> np.ndarray:
    """Return bins of whole numbers that begin at (0,) 1, 2, 3, 5, 7, 10, 15, 20 and so on, the last above ``high``."""
    edges = [0] if with_zero else []
    power = 1
    while True:
        for tenths in STEPS:
            if tenths * power % 10 == 0:
                edges.append(tenths * power // 10)
                if edges[-1] > high and len(edges) > 1:
                    return np.array(edges, dtype=np.float64)
        power *= 10
