"""Intervals of what methods cost on the same lines: ratios of sums, drawn anew over lines, simultaneous over methods.

Two sources of chance stand behind a measured difference: which lines the text happens to have, and which seed drew the
fallback, the order of the training and the masked words. Lines are drawn anew with replacement, all seeds of a line
together; what seeds add beyond that widens the interval, by Student's t, for three seeds tell little of their spread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from focus_core.errors import bad_input
from focus_core.evaluation.bootstrap import LEVEL, Interval

DRAWS = 2000
"""Bootstrap samples: the 0.95 quantile of as many is right to half a point of coverage."""
_VALUES_AT_ONCE = 1 << 22
_ROUNDING = 1e-12
_LEAST_SPREAD = 0.1
"""Share of the measured standard error that a sample's own one does not fall below: a sample may by chance leave out
every line on which two methods differ."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LineBits:
    """What several methods paid for the same masked words.

    Parameters
    ----------
    bits : ndarray of shape (n_methods, n_seeds, n_lines), dtype float64
        Bits of every method, seed and line.
    characters : ndarray of shape (n_seeds, n_lines), dtype int64
        Characters of the masked words, the same for all methods.

    Raises
    ------
    InvalidInputError
        If shapes differ, a number is not finite, or no word is masked.
    """

    bits: np.ndarray
    characters: np.ndarray

    def __post_init__(self) -> None:
        remedy = "measure all methods on the same lines"
        if self.bits.ndim != 3 or self.bits.shape[1:] != self.characters.shape or not self.bits.shape[0]:
            got = f"shapes {self.bits.shape} and {self.characters.shape}"
            raise bad_input("bits", "methods × seeds × lines, and characters of these seeds and lines", got, remedy)
        if not np.isfinite(self.bits).all():
            raise bad_input("bits", "finite numbers", "NaN or infinity", remedy)
        if not self.characters.sum():
            raise bad_input("characters", "masked words", "none", "give more text to measure on")

    def at(self, lines: np.ndarray) -> LineBits:
        """Return the same of some lines only, by a mask or by numbers."""
        return LineBits(bits=self.bits[:, :, lines], characters=self.characters[:, lines])

    def of(self, methods: list[int]) -> LineBits:
        """Return the same of some methods only, in that order."""
        return LineBits(bits=self.bits[methods], characters=self.characters)

    @property
    def values(self) -> np.ndarray:
        """Bits per character of every method over all seeds and lines, shape (n_methods,)."""
        return np.asarray(self.bits.sum(axis=(1, 2)) / self.characters.sum())

    @property
    def seed_values(self) -> np.ndarray:
        """Bits per character of every method and seed that masks words, shape (n_methods, n_seeds)."""
        totals = self.characters.sum(axis=1)
        return np.asarray(self.bits.sum(axis=2)[:, totals > 0] / totals[totals > 0])


def value_intervals(
    measured: LineBits, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> tuple[Interval, ...]:
    """Return bits per character of every method, each with an interval of its own.

    Parameters
    ----------
    measured : LineBits
        Bits and characters.
    level : float, default=LEVEL
        Of each interval.
    draws : int, default=2000
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    tuple of Interval
        One a method: the ratio of sums, and percentiles of it over lines drawn anew, for the seeds at hand.
    """
    bits, characters = measured.bits.sum(axis=1), measured.characters.sum(axis=0)
    drawn = [(counts @ bits.T, counts @ characters) for counts in _counts(len(characters), draws, seed)]
    sums, totals = np.concatenate([s for s, _ in drawn]), np.concatenate([t for _, t in drawn])
    kept = sums[totals > 0] / totals[totals > 0, None]  # a sample without a masked character has no ratio
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return tuple(_interval(*three) for three in zip(measured.values, low, high, strict=True))


def differences_to(
    measured: LineBits, reference: int, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> tuple[Interval, ...]:
    """Return every method minus a named one, with intervals that hold together.

    Parameters
    ----------
    measured : LineBits
        Bits and characters.
    reference : int
        The method that is subtracted. It must not have been chosen on these lines.
    level : float, default=LEVEL
        That all intervals together hold.
    draws : int, default=2000
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    tuple of Interval
        One a method: above 0 where it pays more than the reference, whose own one is 0.
    """
    value, half = _simultaneous(measured, [reference], level, draws, seed)
    return tuple(_interval(v, v - h, v + h) for v, h in zip(value[0], half[0], strict=True))


def differences_to_best(
    measured: LineBits, *, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> tuple[Interval, ...]:
    """Return every method minus the best of the others (Hsu's multiple comparisons with the best).

    Which method is the best may be chosen on the very same lines: each method is held against all others at once, so
    the one that is best in truth has a lower bound above 0 with probability 1 - ``level`` at most, however many others
    there are and however near they come.

    Parameters
    ----------
    measured : LineBits
        Bits and characters of two methods at least.
    level : float, default=LEVEL
        Of each method's interval.
    draws : int, default=2000
        Bootstrap samples.
    seed : int, default=0
        Of the draws.

    Returns
    -------
    tuple of Interval
        One a method: below 0 for the one that is best here, whose lead it is; above 0 for all others.
    """
    n_methods = len(measured.bits)
    value, half = _simultaneous(measured, list(range(n_methods)), level, draws, seed)
    others = ~np.eye(n_methods, dtype=bool)
    # rows hold the others minus this one; the best of the others is the largest of this one minus another
    ours = [np.where(others, x, -np.inf).max(axis=1) for x in (-value, -value - half, -value + half)]
    return tuple(_interval(*three) for three in zip(*ours, strict=True))


def _interval(value: float, low: float, high: float) -> Interval:
    return Interval(value=float(value) + 0.0, low=float(low) + 0.0, high=float(high) + 0.0)


def _simultaneous(
    measured: LineBits, controls: list[int], level: float, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return differences to each control and half the width of their intervals, each (n_controls, n_methods)."""
    of_lines, of_seeds, freedom = (part[controls] for part in _variances(measured))
    variance, mixed = of_lines + of_seeds, of_seeds > 0
    # lines and seeds together have as many degrees of freedom as Satterthwaite gives them
    freedom = np.divide(freedom * variance**2, of_seeds**2, out=np.full(variance.shape, np.inf), where=mixed)
    half = _student(_max_t(measured, controls, level, draws, seed), freedom, level) * np.sqrt(variance)
    values = measured.values
    return values[None] - values[controls, None], half


def _student(quantiles: np.ndarray, freedom: np.ndarray, level: float) -> np.ndarray:
    """Return quantiles of controls, (n_controls,), for Student's t of as many degrees of freedom as ``freedom`` says.

    A quantile says how many differences are compared, and beyond what Bonferroni would ask for all of them, how few
    lines there are. The first is taken at the same probability of Student's t, the second is a factor.
    """
    from scipy.special import ndtr, ndtri, stdtrit

    single, bonferroni = (ndtri(1 - (1 - level) / 2 / n) for n in (1, max(1, freedom.shape[1] - 1)))
    quantiles = np.maximum(quantiles, single)[:, None]  # lower where lines do not differ, or methods are alike
    compared = np.minimum(quantiles, bonferroni)
    wide = np.broadcast_to(compared, freedom.shape).copy()
    few = np.isfinite(freedom)
    wide[few] = -stdtrit(freedom[few], ndtr(-wide[few]))
    return np.asarray(wide * quantiles / compared)


def _max_t(measured: LineBits, controls: list[int], level: float, draws: int, seed: int) -> np.ndarray:
    """Return for each control the quantile of the largest studentised difference over lines drawn anew."""
    characters = measured.characters.sum(axis=0).astype(np.float64)
    sums = measured.bits.sum(axis=1)
    rest, none = sums - measured.values[:, None] * characters, _ROUNDING * float(np.abs(sums).max())
    largest = [
        [_largest_t(counts, _without(rest[control] - rest, none), characters) for control in controls]
        for counts in _counts(len(characters), draws, seed)
    ]
    return np.quantile(np.concatenate(largest, axis=1), level, axis=1, method="higher")


def _without(apart: np.ndarray, none: float) -> np.ndarray:
    """Return what is no rounding error; a ratio of two of them would be any number."""
    return np.where(np.abs(apart) > none, apart, 0)


def _largest_t(counts: np.ndarray, apart: np.ndarray, characters: np.ndarray) -> np.ndarray:
    """Return the largest |t| of each sample, (n_draws,), where ``apart`` (n_methods, n_lines) adds up to 0 a method."""
    totals = counts @ characters
    totals[totals == 0] = np.inf  # such a sample says nothing
    shift = counts @ apart.T / totals[:, None]
    squares = counts @ (apart**2).T - 2 * shift * (counts @ (apart * characters).T)
    squares += shift**2 * (counts @ characters**2)[:, None]
    own = np.sqrt(np.maximum(squares, 0)) / totals[:, None]
    spread = np.maximum(own, _LEAST_SPREAD * np.sqrt((apart**2).sum(axis=1)) / characters.sum())
    return np.asarray(np.divide(np.abs(shift), spread, out=np.zeros_like(shift), where=spread > 0).max(axis=1))


def _variances(measured: LineBits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return variances of all differences, each (n_methods, n_methods): of lines, of seeds beyond lines; and freedom.

    Few seeds may lie close together by chance: no method's seeds count as closer than those of the
    method in the middle.
    """
    n_methods, n_seeds = measured.bits.shape[:2]
    of_lines, of_seeds = np.array([_variances_to(measured, control) for control in range(n_methods)]).swapaxes(0, 1)
    least = 2 * float(np.median(_of_methods(of_seeds)))
    freedom = np.where(of_seeds < least, (n_methods - 1) * (n_seeds - 1), n_seeds - 1)
    of_seeds = np.maximum(of_seeds, least)
    np.fill_diagonal(of_seeds, 0.0)
    return of_lines, of_seeds, freedom


def _of_methods(of_differences: np.ndarray) -> np.ndarray:
    """Return the variances of methods whose sums in pairs fit those of differences best, (n_methods,)."""
    n_methods = len(of_differences)
    sums = np.asarray(of_differences.sum(axis=1))
    if n_methods < 3:
        return np.asarray(sums / 2)
    return np.asarray(np.maximum(0, (sums - sums.sum() / (2 * n_methods - 2)) / (n_methods - 2)))


def _variances_to(measured: LineBits, control: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the variances of differences to one method, each (n_methods,), by an analysis of variance.

    First what lines explain; then what seeds add beyond it. Each seed masks other words, so that seeds differ without
    any effect of theirs: that is what is left when lines and seeds are taken out, and the first holds it already.
    """
    apart = measured.bits - measured.bits[control]
    total = float(measured.characters.sum())
    apart = apart - (apart.sum(axis=(1, 2)) / total)[:, None, None] * measured.characters
    n_seeds, n_lines = measured.characters.shape
    of_lines = (apart.sum(axis=1) ** 2).sum(axis=1) / total**2
    if n_seeds == 1 or n_lines == 1:
        return of_lines, np.zeros_like(of_lines)
    correction = n_seeds / (n_seeds - 1) / total**2
    of_seeds = (apart.sum(axis=2) ** 2).sum(axis=1) * correction
    left = apart - apart.mean(axis=1, keepdims=True) - apart.mean(axis=2, keepdims=True)
    of_words = (left**2).sum(axis=(1, 2)) * correction * n_lines / (n_lines - 1)
    return of_lines, np.maximum(0, of_seeds - of_words)


def _counts(n_lines: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each line was drawn, a block of samples at a time, (n_draws, n_lines)."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _VALUES_AT_ONCE // n_lines)
    for start in range(0, draws, at_once):
        n = min(at_once, draws - start)
        drawn = generator.integers(n_lines, size=(n, n_lines)) + n_lines * np.arange(n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=n * n_lines).reshape(n, n_lines).astype(np.float64)
