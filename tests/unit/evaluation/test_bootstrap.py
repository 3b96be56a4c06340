"""Bootstrap intervals: against formulas, and how often they hold the truth in a simulation."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.errors import InvalidInputError
from focus_core.evaluation.bootstrap import difference_interval, ratio_interval


def simulate(generator: np.random.Generator, n_lines: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Draw lines of 10 to 99 characters that cost 3 bits each, give or take their line."""
    characters = generator.integers(10, 100, n_lines)
    return characters * (3 + generator.normal(0, 1, n_lines)), characters


def test_the_value_is_the_ratio_of_sums() -> None:
    found = ratio_interval(np.array([10.0, 2.0]), np.array([5, 1]))
    assert found.value == 2
    assert found.low == found.high == 2
    uneven = ratio_interval(np.array([10.0, 4.0]), np.array([5, 1]))
    assert uneven.value == pytest.approx(14 / 6)
    assert (uneven.low, uneven.high) == (2, 4)  # both lines the first, or both the second


def test_95_percent_intervals_hold_the_truth_about_95_times_in_100() -> None:
    generator = np.random.default_rng(11)
    held = 0
    for number in range(200):
        bits, characters = simulate(generator)
        found = ratio_interval(bits, characters, draws=300, seed=number)
        held += found.low <= 3 <= found.high
    assert 180 <= held <= 199  # 190 expected, standard deviation 3


def test_the_width_is_that_of_the_normal_approximation() -> None:
    bits, characters = simulate(np.random.default_rng(5), 2000)
    found = ratio_interval(bits, characters, draws=2000)
    error = np.sqrt(((bits - found.value * characters) ** 2).sum()) / characters.sum()
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.08)


def test_equal_seeds_give_equal_intervals() -> None:
    bits, characters = simulate(np.random.default_rng(1))
    assert ratio_interval(bits, characters) == ratio_interval(bits, characters)
    assert ratio_interval(bits, characters) != ratio_interval(bits, characters, seed=1)


def test_paired_differences_are_narrower_than_the_runs_themselves() -> None:
    generator = np.random.default_rng(2)
    bits, characters = simulate(generator)
    better = bits - 0.1 * characters + generator.normal(0, 0.5, len(bits))
    found = difference_interval(better, bits, characters)
    assert found.low < -0.1 < found.high < 0
    whole = ratio_interval(bits, characters)
    assert found.high - found.low < (whole.high - whole.low) / 10


def test_a_difference_of_equal_runs_is_0() -> None:
    bits, characters = simulate(np.random.default_rng(3))
    found = difference_interval(bits, bits, characters)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_several_runs_are_averaged_and_widen_the_interval_where_they_disagree() -> None:
    bits, characters = simulate(np.random.default_rng(4), 2000)
    apart = np.stack([bits - characters, bits, bits + characters])
    alike = ratio_interval(np.stack([bits] * 3), characters, draws=400)
    found = ratio_interval(apart, characters, draws=400)
    assert found.value == pytest.approx(alike.value)
    assert alike.value == ratio_interval(bits, characters).value
    # of 27 ways to draw 3 runs one is the lowest run alone, more than 2.5 %
    assert found.low == pytest.approx(found.value - 1, abs=0.1)
    assert found.high == pytest.approx(found.value + 1, abs=0.1)
    assert alike.high - alike.low < 0.2


def test_groups_of_runs_may_differ_in_number() -> None:
    bits, characters = simulate(np.random.default_rng(6))
    found = difference_interval(np.stack([bits, bits + characters]), bits, characters)
    assert found.value == pytest.approx(0.5)
    assert found.low == pytest.approx(0)
    assert found.high == pytest.approx(1)


def test_lines_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"bits of shape \(3,\) and 2 characters in 2 lines"):
        ratio_interval(np.zeros(3), np.array([1, 1]))
    with pytest.raises(InvalidInputError, match="0 characters in 2 lines"):
        ratio_interval(np.zeros(2), np.array([0, 0]))


def test_samples_without_a_character_are_left_out() -> None:
    """One line of three has characters: a third of the samples, (2/3)^3, hold none of it and have no ratio."""
    found = ratio_interval(np.array([8.0, 0.0, 0.0]), np.array([4, 0, 0]))
    assert (found.value, found.low, found.high) == (2.0, 2.0, 2.0)
    alone = [ratio_interval(np.array([8.0, 0.0, 0.0]), np.array([4, 0, 0]), draws=1, seed=seed) for seed in range(20)]
    assert {str(one.low) for one in alone} == {"2.0", "nan"}
