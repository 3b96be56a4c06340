"""Which of the measured methods to take: what cannot be told apart, what is worse, and the cheapest of the first.

Lines are parted by a hash: one part chooses, the other reports, so that no difference is shown on the lines that made
it look large. Nothing here writes a sentence; `focus_core.experiments.render` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from focus_core.errors import bad_input
from focus_core.evaluation.bootstrap import LEVEL, Interval
from focus_core.experiments.intervals import DRAWS, LineBits, differences_to, differences_to_best

LEAST_LINES = 200
"""Measured lines below which nothing is recommended."""
NEAR = 0.01
"""Bits per character that are no difference worth the name."""


class Standing(StrEnum):
    """What the two parts of the lines say of a method, after the probe.

    ``tied``: neither part tells it from the best. ``doubtful``: the choosing part does not, the reporting one does.
    ``open``: the choosing part does, the reporting one does not. ``worse``: both do. The first two make the tie set,
    which the choosing part alone decides.
    """

    TIED = "tied"
    DOUBTFUL = "doubtful"
    OPEN = "open"
    WORSE = "worse"


TIE_SET = (Standing.TIED, Standing.DOUBTFUL)


class Regime(StrEnum):
    """Whether the source has read the language, as far as can be measured.

    ``knows``: it pays less for this text than the characters' own frequencies would. ``does-not-know``: it does not.
    ``unknown``: that was not measured, or cannot be, since most of the text is unknown to the source's tokenizer.
    """

    KNOWS = "knows"
    DOES_NOT_KNOW = "does-not-know"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """What can be said of some methods.

    Parameters
    ----------
    best : int
        The method with the lowest value on the choosing part; every difference is to this one.
    standings : tuple of Standing
        One a method.
    named : int
        The cheapest of those that are tied and not doubtful; of several as cheap, the best on the choosing part.
    """

    best: int
    standings: tuple[Standing, ...]
    named: int


def choosing_lines(lines: Sequence[str]) -> np.ndarray:
    """Tell which lines choose, by a hash of their text; the others report.

    Parameters
    ----------
    lines : sequence of str
        The measured lines.

    Returns
    -------
    ndarray of shape (n_lines,), dtype bool
        True for about half of them.

    Examples
    --------
    >>> choosing_lines(["soko la samaki", "bahari", "mto", "ziwa"])
    array([ True,  True, False,  True])
    """
    digests = (hashlib.blake2b(b"choosing\0" + line.encode("utf-8", "surrogatepass")).digest() for line in lines)
    return np.array([digest[0] < 128 for digest in digests], dtype=bool)


def judge(
    choosing: LineBits,
    reporting: LineBits,
    costs: Sequence[int],
    *,
    near: float = NEAR,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> Judgement:
    """Say which methods cannot be told apart, and which to take.

    Parameters
    ----------
    choosing, reporting : LineBits
        The same methods and seeds on the lines that choose and on the lines that report.
    costs : sequence of int
        The rank of each method's cost, the cheapest lowest.
    near : float, default=0.01
        A method that pays so much more than the best, or less, counts as tied.
    level : float, default=LEVEL
        Of the intervals.
    draws : int, default=DRAWS
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    Judgement
        On the choosing lines a method is told from the best of the others where its simultaneous interval lies above 0
        and its value above ``near``; on the reporting lines, from the one that the choosing lines found best.

    Raises
    ------
    InvalidInputError
        If methods, seeds or costs are not the same.
    """
    if choosing.bits.shape[:2] != reporting.bits.shape[:2] or len(costs) != len(choosing.bits):
        got = f"{choosing.bits.shape[:2]}, {reporting.bits.shape[:2]} and {len(costs)} costs"
        raise bad_input("halves", "the same methods and seeds", got, "measure both halves alike")
    values = choosing.values
    best = int(values.argmin())
    if len(values) == 1:
        return Judgement(best=0, standings=(Standing.TIED,), named=0)
    chosen = differences_to_best(choosing, level=level, draws=draws, seed=seed)
    reported = differences_to(reporting, best, level=level, draws=draws, seed=seed)
    standings = tuple(_standing(_apart(a, near), _apart(b, near)) for a, b in zip(chosen, reported, strict=True))
    tied = [method for method, standing in enumerate(standings) if standing is Standing.TIED]
    return Judgement(best=best, standings=standings, named=min(tied, key=lambda m: (costs[m], values[m], m)))


def _apart(difference: Interval, near: float) -> bool:
    return difference.low > 0 and difference.value > near


def _standing(chosen: bool, reported: bool) -> Standing:
    if chosen:
        return Standing.WORSE if reported else Standing.OPEN
    return Standing.DOUBTFUL if reported else Standing.TIED


def source_is_better(
    choosing: LineBits,
    reporting: LineBits,
    best: int,
    *,
    near: float = NEAR,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> bool:
    """Tell whether the source under its own tokenizer is better than every method.

    Parameters
    ----------
    choosing, reporting : LineBits
        All methods and then the source, on the lines that choose and on the lines that report.
    best : int
        The method that the choosing lines found best.
    near : float, default=0.01
        What counts as no difference.
    level : float, default=LEVEL
        Of the intervals.
    draws : int, default=DRAWS
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    bool
        Whether on the choosing lines every method's simultaneous interval to the source lies above 0 and its value
        above ``near``, and on the reporting lines the best one's does.
    """
    chosen = differences_to(choosing, len(choosing.bits) - 1, level=level, draws=draws, seed=seed)[:-1]
    pair = reporting.of([best, len(reporting.bits) - 1])
    reported = differences_to(pair, 1, level=level, draws=draws, seed=seed)[0]
    return all(_apart(one, near) for one in (*chosen, reported))


def regime_of(
    source: np.ndarray, unigram: np.ndarray, characters: np.ndarray, *, draws: int = DRAWS, seed: int = 0
) -> Regime:
    """Tell whether the source has read the language.

    Parameters
    ----------
    source, unigram : ndarray of shape (n_seeds, n_lines), dtype float64
        What the source under its own tokenizer paid for each line, and what the characters' frequencies would.
    characters : ndarray of shape (n_seeds, n_lines), dtype int64
        What both paid for.
    draws : int, default=DRAWS
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    Regime
        ``knows`` where the interval of the difference lies below 0, else ``does-not-know``.
    """
    pair = LineBits(bits=np.stack([source, unigram]), characters=characters)
    return Regime.KNOWS if differences_to(pair, 1, draws=draws, seed=seed)[0].high < 0 else Regime.DOES_NOT_KNOW
