"""Intervals of ratios of sums, by drawing lines, and runs, anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.errors import bad_input

DRAWS = 1000
LEVEL = 0.95
_VALUES_AT_ONCE = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A measure with its bootstrap interval.

    Parameters
    ----------
    value : float
        The measure.
    low, high : float
        Bounds of the 95 % percentile interval; NaN where no sample held a character.
    """

    value: float
    low: float
    high: float


def ratio_interval(bits: np.ndarray, characters: np.ndarray, *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Return bits per character with its interval.

    Parameters
    ----------
    bits : ndarray of shape (n_lines,) or (n_runs, n_lines)
        Bits of every line; several runs, such as seeds, measured the same lines.
    characters : ndarray of shape (n_lines,)
        Characters of every line.
    draws : int, default=1000
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    Interval
        ``sum bits / sum characters``, averaged over runs, and the 2.5 and 97.5 percentiles of the same over lines
        drawn with replacement. Of several runs, the runs are drawn too, independently of the lines: lines are the
        same for all runs, so a hard line is hard in all of them. Samples without a character are left out.

    Raises
    ------
    InvalidInputError
        If shapes differ, or there is no character.
    """
    return _interval(_rows(bits, characters), None, characters, draws, seed)


def difference_interval(
    bits: np.ndarray, others: np.ndarray, characters: np.ndarray, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Return the difference in bits per character of two models, or two groups of runs, on the same lines.

    Parameters
    ----------
    bits, others : ndarray of shape (n_lines,) or (n_runs, n_lines)
        Bits of every line under the one and under the other; numbers of runs may differ.
    characters : ndarray of shape (n_lines,)
        Characters of every line, the same under both.
    draws : int, default=1000
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    Interval
        The first minus the second: below 0 where the first is better. Both are taken over the same drawn lines, so
        what makes a line hard for both cancels.

    Raises
    ------
    InvalidInputError
        If shapes differ, or there is no character.
    """
    return _interval(_rows(bits, characters), _rows(others, characters), characters, draws, seed)


def _rows(bits: np.ndarray, characters: np.ndarray) -> np.ndarray:
    rows = np.atleast_2d(np.asarray(bits, np.float64))
    if rows.shape[1:] != characters.shape or not characters.sum() or not len(rows):
        got = f"bits of shape {np.shape(bits)} and {characters.sum()} characters in {len(characters)} lines"
        raise bad_input("lines", expected="bits and characters of the same lines", got=got, remedy="measure them anew")
    return rows


def _interval(rows: np.ndarray, others: np.ndarray | None, characters: np.ndarray, draws: int, seed: int) -> Interval:
    """Return the ratio, or the difference of two, and its percentiles over ``draws`` samples."""
    generator = np.random.default_rng(seed)
    groups = [rows] if others is None else [rows, others]
    found = []
    at_once = max(1, _VALUES_AT_ONCE // len(characters))
    for start in range(0, draws, at_once):
        n = min(at_once, draws - start)
        lines = generator.integers(len(characters), size=(n, len(characters)))
        counts = characters[lines].sum(axis=1)
        bits = np.subtract.reduce([_drawn(group, lines, generator) for group in groups])
        found.append(bits[counts > 0] / counts[counts > 0])  # a sample without a character has no ratio
    kept = np.concatenate(found)
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(kept) else (float("nan"), float("nan"))
    value = np.subtract.reduce([group.sum(axis=1).mean() for group in groups]) / characters.sum()
    return Interval(value=float(value), low=float(low), high=float(high))


def _drawn(group: np.ndarray, lines: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the bits of drawn lines, averaged over as many drawn runs as there are, shape (n_draws,)."""
    sums: np.ndarray = np.stack([run[lines].sum(axis=1) for run in group])
    if len(group) == 1:
        return np.asarray(sums[0])
    runs = generator.integers(len(group), size=(len(lines), len(group)))
    return np.asarray(np.take_along_axis(sums.T, runs, axis=1).mean(axis=1))
