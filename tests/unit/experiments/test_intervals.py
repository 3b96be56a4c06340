"""Intervals of several methods on the same lines: against tables and formulas, and what must leave them as they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.errors import InvalidInputError
from focus_core.evaluation.bootstrap import Interval
from focus_core.experiments import intervals
from focus_core.experiments.intervals import LineBits, differences_to, differences_to_best, value_intervals
from tests.made_comparison import line_bits

DUNNETT = {2: 1.96, 3: 2.21, 4: 2.35, 7: 2.57}
"""Two-sided critical values of Dunnett's test at 0.05 for many degrees of freedom, by the number of methods."""


def of_rates(rates: np.ndarray, characters: int = 10) -> LineBits:
    """Return methods × seeds × lines with these bits per character."""
    return LineBits(bits=rates * characters, characters=np.full(rates.shape[1:], characters))


def numbers(found: tuple[Interval, ...]) -> np.ndarray:
    return np.array([(one.value, one.low, one.high) for one in found])


def test_the_value_is_the_ratio_of_sums_and_two_lines_give_the_two_extremes() -> None:
    measured = LineBits(bits=np.array([[[10.0, 4.0]], [[5.0, 1.0]]]), characters=np.array([[5, 1]]))
    one, other = value_intervals(measured)
    assert (one.value, one.low, one.high) == (pytest.approx(14 / 6), 2, 4)  # both lines the first, or both the second
    assert (other.value, other.low, other.high) == (1, 1, 1)


def test_all_seeds_of_a_line_are_drawn_together() -> None:
    bits = np.array([[[10.0, 40.0], [40.0, 10.0]]])  # each line costs 50 over both seeds, whichever is drawn
    found = value_intervals(LineBits(bits=bits, characters=np.full((2, 2), 10)))[0]
    assert (found.value, found.low, found.high) == (2.5, 2.5, 2.5)


@pytest.mark.parametrize("n_methods", DUNNETT)
def test_many_even_lines_give_the_critical_values_of_dunnett(n_methods: int) -> None:
    rates = np.random.default_rng(3).normal(2, 0.2, (n_methods, 1, 1500))
    found = differences_to(of_rates(rates), 0, draws=3000)
    apart = rates[1:, 0] - rates[0, 0]
    error = (apart - apart.mean(axis=1, keepdims=True)).std(axis=1) / np.sqrt(1500)
    critical = [(one.high - one.low) / 2 / e for one, e in zip(found[1:], error, strict=True)]
    assert critical == pytest.approx([DUNNETT[n_methods]] * (n_methods - 1), rel=0.05)
    assert [one.value for one in found[1:]] == pytest.approx(apart.mean(axis=1))
    assert numbers(found)[0].tolist() == [0, 0, 0]


def test_a_difference_that_is_the_same_on_every_line_is_certain() -> None:
    rates = np.random.default_rng(1).normal(2, 0.5, (1, 1, 50)) + np.array([0, 0.25])[:, None, None]
    found = differences_to(of_rates(rates), 0)[1]
    assert numbers((found,)) == pytest.approx(0.25)


def test_seeds_widen_by_student_s_t() -> None:
    """Lines are alike, so all chance is of three seeds: 0.1, 0.2 and 0.3, of mean 0.2 and standard error 0.1/√3."""
    rates = np.zeros((2, 3, 40)) + np.array([[0, 0, 0], [0.1, 0.2, 0.3]])[:, :, None] + 2
    found = differences_to(of_rates(rates), 0)[1]
    assert found.value == pytest.approx(0.2)
    assert found.high - found.value == pytest.approx(4.302653 * 0.1 / np.sqrt(3), rel=1e-5)  # t with 2 degrees


def test_what_seeds_differ_by_because_they_mask_other_words_is_counted_once() -> None:
    """Noise of words alone shows between seeds too; it must not be taken for an effect of theirs."""
    of_words = (line_bits([2, 2], 100, seed=s, seed_sd=0, line_sd=0.0) for s in range(500))
    lines, seeds = np.mean([[part[1] for part in intervals._variances_to(one, 0)] for one in of_words], axis=0)
    # not 1, as it would be uncorrected: of χ²/2 - 1 with 2 degrees of freedom, cut at 0, the mean is 1/e
    assert seeds / lines == pytest.approx(1 / np.e, rel=0.3)
    of_seeds = [line_bits([2, 2], 400, seed=s, seed_sd=0.05, line_sd=0.0) for s in range(40)]
    found = np.mean([intervals._variances_to(one, 0)[1][1] for one in of_seeds])
    assert found == pytest.approx(2 * 0.05**2 / 3, rel=0.4)


def test_variances_of_methods_are_those_whose_sums_the_differences_have() -> None:
    of_methods = np.array([1.0, 4.0, 9.0, 0.25])
    of_differences = of_methods[:, None] + of_methods
    np.fill_diagonal(of_differences, 0)
    assert intervals._of_methods(of_differences) == pytest.approx(of_methods)
    assert intervals._of_methods(of_differences[:2, :2]) == pytest.approx([2.5, 2.5])  # only their sum is known
    assert intervals._of_methods(of_differences[:1, :1]).tolist() == [0]


def test_seeds_that_happen_to_agree_do_not_count_as_closer_than_those_of_the_method_in_the_middle() -> None:
    """Four methods whose seeds lie 0.02 apart, and one whose seeds are equal by chance."""
    seeds = 0.02 * np.random.default_rng(8).normal(size=(5, 3))
    seeds[0] = seeds[1]
    measured = of_rates(np.repeat(2 + seeds[:, :, None], 30, axis=2))
    alone, among = differences_to(measured.of([0, 1]), 0)[1], differences_to(measured, 0)[1]
    assert (alone.low, alone.high) == (0, 0)
    assert among.high > 0.01


def test_the_best_of_the_others_of_two_is_the_other() -> None:
    measured = line_bits([2, 2.1], 300, seed=1)
    first, second = differences_to_best(measured)
    to_first = differences_to(measured, 0)[1]
    assert numbers((second,)) == pytest.approx(numbers((to_first,)))
    assert (first.value, first.low, first.high) == pytest.approx((-second.value, -second.high, -second.low))


def test_only_the_best_lies_below_zero() -> None:
    values = [one.value for one in differences_to_best(line_bits([2, 2.2, 2.4, 2.1], 300, seed=1))]
    assert [value < 0 for value in values] == [True, False, False, False]


def test_two_equal_methods_lie_around_zero() -> None:
    one = line_bits([2.0, 2.3], 250, seed=4)
    equal = LineBits(bits=one.bits[[0, 0, 1]], characters=one.characters)
    for found in differences_to_best(equal)[:2]:
        assert found.value == 0
        assert found.low <= 0 <= found.high


def test_methods_that_differ_on_one_line_alone_have_a_finite_interval() -> None:
    rates = np.full((2, 1, 60), 2.0)
    rates[1, 0, 7] = 4
    found = differences_to(of_rates(rates), 0)[1]
    assert np.isfinite([found.low, found.high]).all()
    assert found.low < 0 < found.value < found.high


def test_blocks_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = line_bits([2, 2.1, 2.2], 120, seed=2)
    whole = [numbers(f(measured, draws=500)) for f in (value_intervals, differences_to_best)]
    monkeypatch.setattr(intervals, "_VALUES_AT_ONCE", 120 * 7)
    parts = [numbers(f(measured, draws=500)) for f in (value_intervals, differences_to_best)]
    assert np.concatenate(parts) == pytest.approx(np.concatenate(whole))


def test_the_seed_decides() -> None:
    measured = line_bits([2, 2.1, 2.2], 120, seed=2)
    first, again, other = (numbers(differences_to(measured, 0, seed=s)) for s in (5, 5, 6))
    assert (first == again).all()
    assert (first[1:, 1:] != other[1:, 1:]).any()


@pytest.mark.parametrize(
    ("bits", "characters", "text"),
    [
        (np.ones((2, 3, 4)), np.ones((3, 5), np.int64), "methods × seeds × lines"),
        (np.ones((2, 4)), np.ones((2, 4), np.int64), "methods × seeds × lines"),
        (np.ones((0, 3, 4)), np.ones((3, 4), np.int64), "methods × seeds × lines"),
        (np.full((1, 1, 2), np.nan), np.ones((1, 2), np.int64), "NaN or infinity"),
        (np.ones((1, 1, 2)), np.zeros((1, 2), np.int64), "masked words"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(bits: np.ndarray, characters: np.ndarray, text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        LineBits(bits=bits, characters=characters)


MADE = st.builds(
    line_bits,
    st.lists(st.floats(1, 4), min_size=3, max_size=6),
    st.integers(20, 60),
    seed=st.integers(0, 10**6),
    n_seeds=st.integers(1, 4),
)
few = settings(max_examples=25, deadline=None)


@few
@given(MADE, st.randoms(use_true_random=False))
def test_the_order_of_methods_does_not_matter(measured: LineBits, random: object) -> None:
    order = list(range(len(measured.bits)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found, permuted = numbers(differences_to_best(measured, draws=200)), measured.of(order)
    assert numbers(differences_to_best(permuted, draws=200)) == pytest.approx(found[order], rel=1e-6, abs=1e-9)


@few
@given(MADE, st.floats(0.1, 10))
def test_other_units_scale_everything(measured: LineBits, factor: float) -> None:
    scaled = LineBits(bits=measured.bits * factor, characters=measured.characters)
    for function in (value_intervals, differences_to_best):
        found, again = (numbers(function(one, draws=200)) for one in (measured, scaled))
        assert again == pytest.approx(found * factor, rel=1e-6, abs=1e-9)


@few
@given(MADE, st.integers(0, 10**6))
def test_what_makes_a_line_hard_for_all_changes_no_difference(measured: LineBits, seed: int) -> None:
    hard = np.random.default_rng(seed).exponential(20, measured.characters.shape)
    harder = LineBits(bits=measured.bits + hard, characters=measured.characters)
    found, again = (numbers(differences_to(one, 1, draws=200)) for one in (measured, harder))
    assert again == pytest.approx(found, rel=1e-6, abs=1e-8)
