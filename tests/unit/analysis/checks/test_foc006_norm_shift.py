"""FOC006: new rows much shorter or longer than copied ones."""

from __future__ import annotations

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered

check = CHECKS["FOC006"]


def rows(run: RunFolder, new: list[float], copied: float = 2.0) -> RunFolder:
    """Return a run of a special token of length 99, twenty copied tokens, and new tokens of these lengths."""
    columns = {
        "tokens.norm": [99.0, *[copied] * 20, *new],
        "tokens.kind": ["special", *["normal"] * (20 + len(new))],
        "tokens.origin": ["copied"] * 21 + ["combined", "fallback", "combined"][: len(new)],
    }
    return altered(run, columns=columns)


@pytest.mark.parametrize(
    ("median", "status"),
    [
        (2.0, Status.PASSED),
        (4.0, Status.PASSED),  # twice: the bound still passes
        (4.1, Status.WARNING),
        (1.01, Status.PASSED),
        (0.99, Status.WARNING),
        (0.51, Status.WARNING),
        (0.49, Status.PROBLEM),  # less than a quarter
        (8.1, Status.PROBLEM),
        (0.0, Status.PROBLEM),
    ],
)
def test_fires_by_the_ratio_of_medians(run: RunFolder, median: float, status: Status) -> None:
    result = check.run(rows(run, [median] * 3))
    assert result.status == status
    assert f"the median new embedding has {median / 2:.2f} times" in result.summary


def test_lists_the_farthest_first(run: RunFolder) -> None:
    """Factors 8 (too short), 2 (too long), 4 (too short): ids 21, 23, 22."""
    assert check.run(rows(run, [0.25, 4.0, 0.5])).tokens == [21, 23, 22]


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_without_a_copied_row_to_compare(run: RunFolder) -> None:
    assert check.run(rows(run, [1.0], copied=0.0)).status == Status.NOT_APPLICABLE


def test_is_not_applicable_without_new_rows(run: RunFolder) -> None:
    assert check.run(rows(run, [])).status == Status.NOT_APPLICABLE
