"""FOC013: embeddings that were cut to a rank."""

from __future__ import annotations

from typing import Any

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import toy_result, write_toy_run

check = CHECKS["FOC013"]


def run_with(error: float | None, *, rank: int = 2) -> RunFolder:
    """Return a run whose manifest notes a rank, and what it lost; ``None``: nothing was cut."""
    note: dict[str, Any] = {"rank": rank, "width": 4, "factorization": "svd"}
    note |= {"copies_equal": error is None, "error": {} if error is None else {"input": error}}
    return write_toy_run(result=toy_result(notes={"low_rank": note}))


@pytest.mark.parametrize(("error", "status"), [(0.51, Status.WARNING), (0.76, Status.PROBLEM)])
def test_fires_where_much_of_the_source_is_lost(error: float, status: Status) -> None:
    result = check.run(run_with(error))
    assert result.status is status
    assert "--rank" in result.tip
    assert result.tokens  # the copies that are none


@pytest.mark.parametrize("error", [0.5, 0.1])
def test_passes_where_enough_is_kept(error: float) -> None:
    result = check.run(run_with(error))
    assert result.status is Status.PASSED
    assert "rank 2 of 4" in result.summary
    assert "not equal" in result.summary


def test_passes_at_full_rank() -> None:
    result = check.run(run_with(None, rank=4))
    assert (result.status, result.summary) == (
        Status.PASSED, "rank 4 is the width: copied embeddings equal the source",
    )  # fmt: skip


def test_not_applicable_without_a_rank() -> None:
    assert check.run(write_toy_run()).status is Status.NOT_APPLICABLE
