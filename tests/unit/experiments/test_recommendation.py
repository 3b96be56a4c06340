"""What is said of methods whose truth is known: how often the tie set holds the best one, and what else is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from focus_core.errors import InvalidInputError
from focus_core.experiments.intervals import LineBits
from focus_core.experiments.recommendation import (
    TIE_SET,
    Judgement,
    Regime,
    Standing,
    choosing_lines,
    judge,
    regime_of,
    source_is_better,
)
from tests.made_comparison import line_bits

EQUAL = 1e-9
HARD_CASES: dict[str, dict[str, Any]] = {
    "7 methods all but equal, 400 lines": {"levels": [2.0] + [2 + EQUAL] * 6, "n_lines": 400},
    "20 methods all but equal, 200 lines": {"levels": [2.0] + [2 + EQUAL] * 19, "n_lines": 200},
    "7 methods, the best one's seeds far apart": {
        "levels": [2.0] + [2 + EQUAL] * 6,
        "n_lines": 400,
        "seed_sd": [0.03] + [0.002] * 6,
    },
    "10 methods, skewed lines of which neighbours are alike, heavy tails": {
        "levels": [2.0] + [2 + EQUAL] * 9,
        "n_lines": 250,
        "skew": 1.2,
        "heavy": True,
        "together": 5,
    },
}


def judged(measured: LineBits, *, part: np.ndarray | None = None, draws: int = 200, **options: Any) -> Judgement:
    n_lines = measured.characters.shape[1]
    chosen = np.random.default_rng(0).random(n_lines) < 0.5 if part is None else part
    costs = options.pop("costs", [0] * len(measured.bits))
    return judge(measured.at(chosen), measured.at(~chosen), costs, draws=draws, **options)


@pytest.mark.parametrize("case", HARD_CASES.values(), ids=HARD_CASES.keys())
def test_the_tie_set_holds_the_best_method_in_95_of_100_draws(case: dict[str, Any]) -> None:
    """Without the hundredth that counts as a tie anyhow: the best method is the first, and may look worse by chance."""
    held = 0
    for number in range(100):
        held += judged(line_bits(seed=number, **case), near=0.0).standings[0] in TIE_SET
    assert held >= 95


def test_what_is_clearly_worse_is_found_worse_and_its_interval_holds_the_truth() -> None:
    """A tie set that held everything would hold the best one too."""
    found = [judged(line_bits([2.0, 2.15, 2.3], 500, seed=number)).standings for number in range(30)]
    assert [s[0] for s in found] == [Standing.TIED] * 30
    assert sum(s[1:] == (Standing.WORSE, Standing.WORSE) for s in found) >= 28


def test_two_equal_methods_are_always_tied() -> None:
    for number in range(20):
        one = line_bits([2.0, 2.4], 200, seed=number)
        equal = LineBits(bits=one.bits[[0, 0, 1]], characters=one.characters)
        assert judged(equal).standings[:2] == (Standing.TIED, Standing.TIED)


def test_the_cheapest_of_those_that_are_tied_is_named() -> None:
    one = line_bits([2.0, 2.4], 300, seed=1)
    equal = LineBits(bits=one.bits[[0, 0, 0, 1]], characters=one.characters)
    assert judged(equal, costs=[2, 1, 2, 0]).named == 1  # the last one is cheaper still, but worse
    assert judged(equal, costs=[1, 1, 1, 0]).named == 0


def test_of_several_as_cheap_the_one_that_did_best_where_lines_choose() -> None:
    found = judged(line_bits([2.006, 2.0, 2.003], 400, seed=3), costs=[1, 1, 1])
    assert found.named == found.best


def test_a_hundredth_of_a_bit_is_a_tie_however_certain() -> None:
    one = line_bits([2.0], 300, seed=2)
    steady = [one.bits[0] + gap * one.characters for gap in (0, 0.009, 0.011)]
    found = judged(LineBits(bits=np.stack(steady), characters=one.characters))
    assert found.standings == (Standing.TIED, Standing.TIED, Standing.WORSE)


def test_parts_that_disagree_leave_a_method_open_or_its_tie_doubtful() -> None:
    part = np.arange(400) < 200
    one = line_bits([2.0, 2.0, 2.0], 400, seed=5, line_sd=0.05, word_sd=0.1)
    bits = one.bits.copy()
    bits[1][:, part] += 0.2 * one.characters[:, part]
    bits[2][:, ~part] += 0.2 * one.characters[:, ~part]
    found = judged(LineBits(bits=bits, characters=one.characters), part=part, costs=[2, 1, 0])
    assert found.standings == (Standing.TIED, Standing.OPEN, Standing.DOUBTFUL)
    assert found.named == 0  # what is worse where lines report is not taken for being cheap


def test_a_single_method_is_tied_with_itself() -> None:
    found = judged(line_bits([2.0], 100, seed=1))
    assert (found.best, found.named, found.standings) == (0, 0, (Standing.TIED,))


def test_parts_must_hold_the_same_methods() -> None:
    measured = line_bits([2.0, 2.1], 100, seed=1)
    with pytest.raises(InvalidInputError, match="the same methods and seeds"):
        judge(measured, measured.of([0]), [0, 0])
    with pytest.raises(InvalidInputError, match="3 costs"):
        judge(measured, measured, [0, 0, 0])


@pytest.mark.parametrize(("source", "better"), [(1.8, True), (1.995, False), (2.0, False), (2.3, False)])
def test_the_source_is_better_where_it_is_so_on_both_parts(source: float, better: bool) -> None:
    measured = line_bits([2.0, 2.05, source], 500, seed=6, line_sd=0.05, word_sd=0.1)
    part = np.arange(500) % 2 == 0
    assert source_is_better(measured.at(part), measured.at(~part), 0) is better


def test_a_source_that_is_better_than_some_methods_only_is_not_better() -> None:
    measured = line_bits([1.7, 2.3, 2.0], 500, seed=6)
    assert not source_is_better(measured, measured, 0)


@pytest.mark.parametrize(
    ("source", "regime"), [(2.0, Regime.KNOWS), (4.1, Regime.DOES_NOT_KNOW), (5.0, Regime.DOES_NOT_KNOW)]
)
def test_the_source_knows_what_it_predicts_better_than_single_characters(source: float, regime: Regime) -> None:
    measured = line_bits([source, 4.1], 300, seed=3)
    assert regime_of(measured.bits[0], measured.bits[1], measured.characters) is regime


def test_lines_are_parted_by_their_text_alone() -> None:
    lines = [f"line {number}" for number in range(2000)]
    part = choosing_lines(lines)
    assert 900 < part.sum() < 1100
    assert (choosing_lines(lines[::-1]) == part[::-1]).all()
    assert choosing_lines(["\ud800"]).shape == (1,)
