"""FOC003: one source token carries far more of the weight than its equal share."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered

check = CHECKS["FOC003"]


def fed(run: RunFolder, weights: np.ndarray, n_anchors: int) -> RunFolder:
    return altered(run, manifest={"counts": {"n_anchors": n_anchors}}, columns={"source_tokens.weight_fed": weights})


def with_hub(share: float, n_rest: int) -> np.ndarray:
    """Return weights in which source token 2 has this share of all, the others equal parts of the rest."""
    weights = np.full(n_rest + 1, (1 - share) / n_rest)
    weights[2] = share
    return weights


@pytest.mark.parametrize(("share", "status"), [(0.009, Status.PASSED), (0.011, Status.WARNING), (0.11, Status.PROBLEM)])
def test_fires_above_a_hundredth_among_many_anchors(run: RunFolder, share: float, status: Status) -> None:
    """2,000 anchors: ten equal shares are 0.5 %, so the bound is 1 %."""
    result = check.run(fed(run, with_hub(share, 1999), 2000))
    assert result.status == status
    assert result.side == "source"
    assert result.tokens == ([] if status == Status.PASSED else [2])


@pytest.mark.parametrize(("share", "status"), [(0.19, Status.PASSED), (0.21, Status.PROBLEM)])
def test_few_anchors_have_large_equal_shares(run: RunFolder, share: float, status: Status) -> None:
    """50 anchors: ten equal shares are 20 %."""
    assert check.run(fed(run, with_hub(share, 49), 50)).status == status


def test_lists_the_largest_hub_first(run: RunFolder) -> None:
    weights = np.full(2000, 0.4 / 1998)
    weights[[7, 4]] = 0.2, 0.4
    assert check.run(fed(run, weights, 2000)).tokens == [4, 7]


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_without_combined_rows(run: RunFolder) -> None:
    assert check.run(fed(run, np.zeros(10), 5)).status == Status.NOT_APPLICABLE
    assert check.run(fed(run, np.ones(10), 0)).status == Status.NOT_APPLICABLE
