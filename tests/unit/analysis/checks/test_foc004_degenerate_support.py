"""FOC004: one contributor a row, or hundreds."""

from __future__ import annotations

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered

check = CHECKS["FOC004"]


def combined(run: RunFolder, sizes: list[int], largest: list[float], *, n_anchors: int = 1500) -> RunFolder:
    columns = {
        "tokens.origin": ["combined"] * len(sizes),
        "tokens.n_contributors": sizes,
        "tokens.max_weight": largest,
    }
    return altered(run, columns=columns, manifest={"counts": run.manifest["counts"] | {"n_anchors": n_anchors}})


@pytest.mark.parametrize(
    ("median", "n_anchors", "status"),
    [
        (46, 60, Status.WARNING),
        (30, 60, Status.PASSED),
        (31, 60, Status.WARNING),
        (20, 21, Status.PASSED),
        (21, 21, Status.WARNING),
        (99, 3000, Status.PASSED),
    ],
)
def test_few_anchors_make_means_of_fewer_contributors(
    run: RunFolder, median: int, n_anchors: int, status: Status
) -> None:
    """A row of more than half of the anchors is near their mean, where it has more than twenty."""
    result = check.run(combined(run, [5, median, 60], [0.03] * 3, n_anchors=n_anchors))
    assert result.status == status
    assert (f"the mean of the {n_anchors:,} anchors" in result.summary) == (status is not Status.PASSED)


@pytest.mark.parametrize(
    ("sizes", "status"),
    [
        ([1, 2, 2], Status.WARNING),
        ([1, 3, 9], Status.PASSED),
        ([5, 100, 900], Status.PASSED),
        ([5, 101, 900], Status.WARNING),
        ([5, 300, 900], Status.WARNING),
        ([5, 301, 900], Status.PROBLEM),
    ],
)
def test_fires_by_the_median(run: RunFolder, sizes: list[int], status: Status) -> None:
    result = check.run(combined(run, sizes, [0.1] * 3))
    assert result.status == status
    assert f"median {sizes[1]} contributors" in result.summary


def test_lists_the_widest_first_where_rows_are_wide(run: RunFolder) -> None:
    result = check.run(combined(run, [200, 400, 300], [0.01] * 3))
    assert result.tokens == [1, 2, 0]
    assert "--epochs" in result.tip


def test_fires_when_more_than_a_quarter_are_near_copies(run: RunFolder) -> None:
    """Two of four rows have a contributor of 95 % or more; of five, with one such row, it is a fifth."""
    result = check.run(combined(run, [5] * 4, [0.95, 0.99, 0.94, 0.1]))
    assert result.status == Status.WARNING
    assert result.tokens == [0, 1]
    assert "--temperature" in result.tip
    assert check.run(combined(run, [5] * 5, [0.99, 0.1, 0.1, 0.1, 0.1])).status == Status.PASSED


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_without_combined_rows(run: RunFolder) -> None:
    alone = altered(run, columns={"tokens.origin": ["copied", "fallback"]})
    assert check.run(alone).status == Status.NOT_APPLICABLE
