"""FOC011: auxiliary vectors that all point the same way."""

from __future__ import annotations

from typing import Any

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered

check = CHECKS["FOC011"]


def health(run: RunFolder, **numbers: Any) -> RunFolder:
    return altered(run, manifest={"health": numbers})


@pytest.mark.parametrize(
    ("cosine", "status"),
    [
        (-0.1, Status.PASSED),
        (0.40, Status.PASSED),
        (0.41, Status.WARNING),
        (0.80, Status.WARNING),
        (0.81, Status.PROBLEM),
        (0.96, Status.PROBLEM),
    ],
)
def test_fires_by_mean_cosine(run: RunFolder, cosine: float, status: Status) -> None:
    result = check.run(health(run, mean_cosine=cosine))
    assert result.status == status
    assert f"mean cosine {cosine:.2f}" in result.summary


def test_fires_when_the_run_itself_found_a_collapse(run: RunFolder) -> None:
    result = check.run(health(run, mean_cosine=0.3, collapsed=True, remedy="train 20 epochs"))
    assert result.status == Status.PROBLEM
    assert result.tip == "train 20 epochs"


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_without_similarities(run: RunFolder) -> None:
    assert check.run(health(run, mean_cosine=None)).status == Status.NOT_APPLICABLE
    assert check.run(altered(run, manifest={"health": None})).status == Status.NOT_APPLICABLE
