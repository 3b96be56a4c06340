"""FOC009: an output matrix of its own that is missing or has empty rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import toy_result, write_toy_run

check = CHECKS["FOC009"]


def untied(folder: Path, output: torch.Tensor | None) -> RunFolder:
    matrices = dict(toy_result().embeddings)
    if output is not None:
        matrices["output"] = output
    return write_toy_run(folder / "run", result=toy_result(embeddings=matrices, tied=False))


@pytest.fixture
def output() -> torch.Tensor:
    return toy_result().embeddings["input"] + 1


def test_fires_without_an_output_matrix(tmp_path: Path) -> None:
    result = check.run(untied(tmp_path, None))
    assert result.status == Status.PROBLEM
    assert "the run has none" in result.summary


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_fires_on_rows_that_are_zero_or_not_finite(tmp_path: Path, output: torch.Tensor, value: float) -> None:
    output[7] = value
    result = check.run(untied(tmp_path, output))
    assert result.status == Status.PROBLEM
    assert result.tokens == [7]


def test_is_silent_on_a_filled_head(tmp_path: Path, output: torch.Tensor) -> None:
    output[7, 0] = 0.0
    result = check.run(untied(tmp_path, output))
    assert result.status == Status.PASSED
    assert result.summary.startswith("0 of")


def test_is_not_applicable_to_a_tied_head(run: RunFolder) -> None:
    assert check.run(run).status == Status.NOT_APPLICABLE
