"""FOC012: files that are not what their manifest says, found by their digests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS, run_checks
from focus_core.runs.digests import changes_of
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.migrate import migrate_run

check = CHECKS["FOC012"]
FROZEN = Path(__file__).parents[3] / "data" / "run-of-version-1"
FILES = sorted(path.relative_to(FROZEN).as_posix() for path in FROZEN.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a run of version 2 with a training and a map, free to be spoilt."""
    copy = shutil.copytree(FROZEN, tmp_path / "run")
    migrate_run(copy)
    return copy


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("manifest.json")])
def test_fires_on_one_bit_in_any_file(folder: Path, name: str) -> None:
    n_bits = 8 * (folder / name).stat().st_size
    for bit in (0, n_bits // 3, n_bits // 2, n_bits - 13):
        flip(folder / name, bit)
        result = check.run(open_run(folder))
        assert result.status == Status.PROBLEM
        assert result.summary == f"changed: {name}"
        flip(folder / name, bit)
    assert check.run(open_run(folder)).status == Status.PASSED


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("manifest.json")])
def test_fires_on_any_bit_of_a_manifest(folder: Path, name: str) -> None:
    path = folder / name
    for bit in range(0, 8 * path.stat().st_size, 11):
        flip(path, bit)
        found = changes_of(path.parent)
        assert found is not None, f"bit {bit} made it a manifest of version 1"
        assert found.changed or found.missing or found.added, f"bit {bit} was not noticed"
        flip(path, bit)


def test_fires_on_files_that_are_missing_or_were_added(folder: Path) -> None:
    (folder / "examples.parquet").unlink()
    (folder / "training" / "adapted" / "notes.txt").write_text("mine")
    result = check.run(open_run(folder))
    assert result.status == Status.WARNING
    assert result.summary == "missing: examples.parquet; added: training/adapted/notes.txt"


def test_fires_with_at_most_five_names(folder: Path) -> None:
    for number in range(7):
        (folder / f"{number}.txt").write_text("mine")
    assert check.run(open_run(folder)).summary == "added: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, and 2 more"


def test_nothing_else_is_read_where_it_fires(folder: Path) -> None:
    flip(folder / "tokens.parquet", 4000)
    results = run_checks(open_run(folder))
    assert [result.code for result in results] == list(CHECKS)
    status = {result.code: result.status for result in results}
    assert status.pop("FOC012") == Status.PROBLEM
    assert set(status.values()) == {Status.NOT_APPLICABLE}


def test_is_silent_on_the_log_on_hidden_files_and_on_what_grows(folder: Path) -> None:
    for name in ("log/timings.json", ".DS_Store", "training/next.part/checkpoint.safetensors"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    assert check.run(open_run(folder)).status == Status.PASSED


def test_passes_on_the_toy(run: RunFolder) -> None:
    result = check.run(run)
    assert (result.status, result.summary) == (Status.PASSED, "every file is as it was made")


def test_is_not_applicable_to_a_run_of_version_1() -> None:
    result = check.run(open_run(FROZEN))
    assert result.status == Status.NOT_APPLICABLE
    assert result.summary == "no digests: the run is of version 1; `migrate` adds them"
