"""FOC001: too few shared tokens, or fewer anchors than auxiliary dimensions."""

from __future__ import annotations

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered

check = CHECKS["FOC001"]


def counts(run: RunFolder, **numbers: int) -> RunFolder:
    return altered(run, manifest={"counts": numbers})


def test_fires_below_a_tenth(run: RunFolder) -> None:
    """99 of 1,000 are 9.9 %; 50 anchors are more than the toy's 16 dimensions."""
    result = check.run(counts(run, n_overlap=99, n_target=1000, n_new=901, n_anchors=50))
    assert result.status == Status.WARNING
    assert "99 of 1,000 target tokens are shared (9.9 %)" in result.summary
    assert "--match fuzzy" in result.tip


def test_names_the_anchors_and_not_the_overlap_where_only_they_are_few(run: RunFolder) -> None:
    """85 % shared is plenty; 15 anchors in the toy's 16 dimensions are not."""
    result = check.run(counts(run, n_overlap=850, n_target=1000, n_new=150, n_anchors=15))
    assert result.status == Status.PROBLEM
    assert result.summary.endswith("15 of them are anchors in 16 dimensions, too few to place a new token among")
    assert "larger corpus" in result.tip
    assert "--match fuzzy" not in result.tip
    both = check.run(counts(run, n_overlap=99, n_target=1000, n_new=901, n_anchors=15))
    assert both.status == Status.PROBLEM
    assert "--match fuzzy" in both.tip
    assert "larger corpus" in both.tip


def test_a_vocabulary_much_too_large_for_its_text_is_the_first_thing_to_change(run: RunFolder) -> None:
    few = counts(run, n_overlap=850, n_target=1000, n_new=150, n_anchors=15)
    tip = check.run(altered(few, manifest={"health": {"supported_size": 400}})).tip
    assert tip.startswith("choose a target vocabulary of about 400 tokens, which this text supports; give a larger")
    assert "vocabulary" not in check.run(altered(few, manifest={"health": {"supported_size": 900}})).tip


def test_fires_as_a_problem_with_fewer_anchors_than_dimensions(run: RunFolder) -> None:
    assert check.run(counts(run, n_anchors=15)).status == Status.PROBLEM
    assert check.run(counts(run, n_anchors=0)).status == Status.PROBLEM


@pytest.mark.parametrize("n_overlap", [100, 500])
def test_is_silent_from_a_tenth_on(run: RunFolder, n_overlap: int) -> None:
    result = check.run(counts(run, n_overlap=n_overlap, n_target=1000, n_new=1000 - n_overlap, n_anchors=20))
    assert result.status == Status.PASSED
    assert result.tip == ""


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_when_nothing_is_new(run: RunFolder) -> None:
    assert check.run(counts(run, n_new=0)).status == Status.NOT_APPLICABLE
