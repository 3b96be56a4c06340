"""FOC010: rows that equal another row bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered, id_of, toy_result, write_toy_run

check = CHECKS["FOC010"]


def with_rows(folder: Path, rows: torch.Tensor) -> RunFolder:
    return write_toy_run(folder / "run", result=toy_result(embeddings={"input": rows}))


def new_ids(run: RunFolder) -> list[int]:
    return np.flatnonzero(run.column("tokens", "origin") != "copied").tolist()


def test_the_toy_has_one_pair(run: RunFolder) -> None:
    """``▁maziwa`` is ``▁milk`` with weight 1: one of 107 new rows, 0.9 %, below one in a hundred."""
    result = check.run(run)
    assert result.status == Status.PASSED
    assert result.summary.startswith(
        "1 of 107 new embeddings and 1 of 28 copied embeddings (3.6 %) equal another embedding"
    )


@pytest.mark.parametrize(("n_equal", "status"), [(3, Status.WARNING), (60, Status.PROBLEM)])
def test_fires_on_equal_new_rows(run: RunFolder, tmp_path: Path, n_equal: int, status: Status) -> None:
    """60 of 107 new rows alike are 56 %, 3 are 2.8 %; with the pair of the toy one more."""
    rows = torch.from_numpy(np.array(run.embeddings()))
    equal = [i for i in new_ids(run) if i != id_of(run, "▁maziwa")][:n_equal]
    rows[equal] = rows[equal[0]].clone()
    result = check.run(with_rows(tmp_path, rows))
    assert result.status == status
    assert set(equal[:40]) <= set(result.tokens)
    assert result.summary.startswith(f"{n_equal + 1} of 107 new embeddings")


def test_fires_on_equal_copied_rows(run: RunFolder, tmp_path: Path) -> None:
    """Two copied rows alike and the copy of ``▁milk``: 3 of 28 are 11 %."""
    rows = torch.from_numpy(np.array(run.embeddings()))
    rows[5] = rows[6].clone()
    result = check.run(with_rows(tmp_path, rows))
    assert result.status == Status.WARNING
    assert {5, 6} <= set(result.tokens)


def test_rows_that_differ_in_one_bit_are_no_duplicates(run: RunFolder, tmp_path: Path) -> None:
    rows = torch.from_numpy(np.array(run.embeddings()))
    target = id_of(run, "▁maziwa")
    rows[target, 0] = float(np.nextafter(np.float32(rows[target, 0]), np.float32(99)))
    assert check.run(with_rows(tmp_path, rows)).summary.startswith(
        "0 of 107 new embeddings and 0 of 28 copied embeddings"
    )


def test_is_not_applicable_without_tokens(run: RunFolder) -> None:
    nothing = altered(run, columns={"tokens.origin": np.array([None, None], dtype=object)})
    assert check.run(nothing).status == Status.NOT_APPLICABLE
