"""The README's table is made of the files of results, and of nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROW = {
    "what": "combining new tokens",
    "size": "31k × 19k",
    "reference": "deepfocus",
    "seconds": 0.9,
    "reference_seconds": 81.0,
    "target": "≥ 20 × faster",
    "mib": 150.4,
    "reference_mib": 5500.0,
}
ENVIRONMENT = {
    "command": "python -m benchmarks.bench_combine",
    "commit": "abc1234",
    "versions": {"torch": "2.13.0"},
    "cores": 2,
    "threads": 2,
    "load": [0.1, 0.1, 0.1],
}
README = "before\n<!-- benchmarks:start -->\nold\n<!-- benchmarks:end -->\nafter\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    content = {"environment": ENVIRONMENT, "rows": [ROW]}
    (tmp_path / "results" / "combine.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    return tmp_path


def write(root: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    script = root / "scripts" / "write_benchmark_table.py"
    paths = ["--readme", str(folder / "README.md"), "--results", str(folder / "results")]
    return subprocess.run([sys.executable, str(script), *paths, *more], capture_output=True, text=True, check=False)


def test_the_table_replaces_what_stood_between_the_markers(root: Path, folder: Path) -> None:
    assert write(root, folder).returncode == 0
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- benchmarks:start -->\n| what")
    assert text.endswith("<!-- benchmarks:end -->\nafter\n")
    assert "old" not in text
    times = "900 ms | deepfocus: 81 s | 90.0 × faster | ≥ 20 × faster"
    assert f"| combining new tokens | 31k × 19k | {times} | 150 MiB / 5,500 MiB |" in text
    assert "`python -m benchmarks.bench_combine`, commit abc1234, 2 threads" in text


def test_a_ratio_above_the_reference_reads_as_a_share_of_its_time(root: Path, folder: Path) -> None:
    """Weights against the bare product they contain: 1.2 s over 0.8 s is 1.5 times its time."""
    row = ROW | {
        "seconds": 1.2,
        "reference_seconds": 0.8,
        "reference": "bare product",
        "mib": None,
        "reference_mib": None,
    }
    content = {"environment": ENVIRONMENT, "rows": [row]}
    (folder / "results" / "sparsemax.json").write_text(json.dumps(content), encoding="utf-8")
    write(root, folder)
    assert "| 1.2 s | bare product: 800 ms | 1.50 × its time |" in (folder / "README.md").read_text(encoding="utf-8")


def test_check_fails_until_the_table_is_written(root: Path, folder: Path) -> None:
    stale = write(root, folder, "--check")
    assert stale.returncode == 1
    assert "the table is not that of" in stale.stderr
    write(root, folder)
    assert write(root, folder, "--check").returncode == 0


def test_a_readme_without_markers_is_left_alone(root: Path, folder: Path) -> None:
    (folder / "README.md").write_text("nothing here\n", encoding="utf-8")
    assert write(root, folder).returncode == 1
    assert (folder / "README.md").read_text(encoding="utf-8") == "nothing here\n"


def test_the_readme_shows_the_committed_results(root: Path) -> None:
    """``make bench`` writes both; neither is edited by hand."""
    script = root / "scripts" / "write_benchmark_table.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
