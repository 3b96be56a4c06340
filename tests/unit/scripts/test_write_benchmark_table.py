"""The tables are made of the files of results, and of nothing else."""

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
DOCUMENT = "before\n<!-- benchmarks:start -->\nold\n<!-- benchmarks:end -->\nafter\n"
README = DOCUMENT.replace("benchmarks:", "headlines:")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    content = {"environment": ENVIRONMENT, "rows": [ROW] * 5}
    for name in ("combine", "overlap", "whole_run", "app"):
        (tmp_path / "results" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "benchmarks.md").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    return tmp_path


def write(root: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    script = root / "scripts" / "write_benchmark_table.py"
    paths = ["--document", str(folder / "benchmarks.md"), "--readme", str(folder / "README.md")]
    paths += ["--results", str(folder / "results"), *more]
    return subprocess.run([sys.executable, str(script), *paths], capture_output=True, text=True, check=False)


def test_the_table_replaces_what_stood_between_the_markers(root: Path, folder: Path) -> None:
    assert write(root, folder).returncode == 0
    text = (folder / "benchmarks.md").read_text(encoding="utf-8")
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
    assert "| 1.2 s | bare product: 800 ms | 1.50 × its time |" in (folder / "benchmarks.md").read_text(
        encoding="utf-8"
    )


def test_shares_of_tokens_have_a_table_of_their_own(root: Path, folder: Path) -> None:
    row = {"kind": "wordpiece", "vocab_size": 8000, "none_shared": 947, "inherit_shared": 1384}
    row |= {"none_share": 0.118375, "inherit_share": 0.173, "none_occurrences": 0.458, "inherit_occurrences": 0.518}
    content = {"environment": ENVIRONMENT, "rows": [row]}
    (folder / "results" / "normalization.json").write_text(json.dumps(content), encoding="utf-8")
    assert "no markers <!-- normalization:start -->" in write(root, folder).stderr
    (folder / "benchmarks.md").write_text(DOCUMENT + DOCUMENT.replace("benchmarks:", "normalization:"), "utf-8")
    assert write(root, folder).returncode == 0
    lines = (folder / "benchmarks.md").read_text(encoding="utf-8").splitlines()
    assert lines.count("| wordpiece, 8,000 | 11.8 % (947) | **17.3 %** (1,384) | 45.8 % | 51.8 % |") == 1


def test_sentence_encoders_have_a_table_of_their_own(root: Path, folder: Path) -> None:
    before = {"encoder": "the source", "share": 0.6, "low": 0.512, "high": 0.7, "nearest": 0.1}
    after = {**before, "encoder": "with a dictionary", "share": 0.7, "tokens": 1000, "copied": 90, "combined": 810}
    content = {"environment": ENVIRONMENT, "rows": [before, after]}
    (folder / "results" / "sentences.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "benchmarks.md").write_text(DOCUMENT + DOCUMENT.replace("benchmarks:", "sentences:"), "utf-8")
    assert write(root, folder).returncode == 0
    times, _, own = (folder / "benchmarks.md").read_text(encoding="utf-8").partition("<!-- sentences:start -->")
    assert "| the source | 60.0 % (51.2 % to 70.0 %) | 10.0 % | — | — |" in own
    assert "| with a dictionary | 70.0 % (51.2 % to 70.0 %) | 10.0 % | 90 of 1,000 | 810 of 1,000 |" in own
    assert "the source" not in times


def test_check_fails_until_the_table_is_written(root: Path, folder: Path) -> None:
    stale = write(root, folder, "--check")
    assert stale.returncode == 1
    assert "the table is not that of" in stale.stderr
    write(root, folder)
    assert write(root, folder, "--check").returncode == 0


def test_a_document_without_markers_leaves_both_alone(root: Path, folder: Path) -> None:
    (folder / "README.md").write_text("nothing here\n", encoding="utf-8")
    assert write(root, folder).returncode == 1
    assert (folder / "README.md").read_text(encoding="utf-8") == "nothing here\n"
    assert (folder / "benchmarks.md").read_text(encoding="utf-8") == DOCUMENT


def test_five_of_them_stand_in_the_readme_with_their_commands(root: Path, folder: Path) -> None:
    write(root, folder)
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    said = "900 ms (deepfocus: 81 s, 90.0 × faster; peak 150 MiB / 5,500 MiB)"
    assert f"| combining new tokens, 31k × 19k | {said} | `python -m benchmarks combine` |" in lines
    assert len([line for line in lines if line.startswith("| ")]) == 6


def test_the_readme_shows_the_committed_results(root: Path) -> None:
    """``make bench`` writes both; neither is edited by hand."""
    script = root / "scripts" / "write_benchmark_table.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def retrieval_rows() -> list[dict[str, object]]:
    """Return results of two methods on one test: the second cannot be told from the first, the third can."""
    shared = {"language": "sw", "test": "tatoeba", "pairs": 390, "seeds": 3}
    values = {"focus": 0.5, "overlap": 0.48, "random": 0.1}
    rows: list[dict[str, object]] = [
        shared | {"method": "source", "seeds": 1, "value": 0.05, "low": 0.03, "high": 0.07}
    ]
    for state, share in (("at once", 0.5), ("distilled", 1.0)):
        for method, value in values.items():
            row = {"state": state, "method": method, "tied_with_best": method != "random"}
            row |= {"minus_source": {"low": value - 0.48, "high": value - 0.4}}
            rows.append(shared | row | {"value": value * share, "low": 0.01, "high": 0.99})
    return [*rows, {"language": "sw", "test": "verses kept aside", "method": "focus", "distance_start": 1.0}]


def write_retrieval(folder: Path) -> None:
    inputs = {"sw": {"lines_removed": 1, "verses_removed": 2}}
    settings = {"tokens": 20_000, "rate": {"rate": 0.01, "ends": [[0.01, 1.0], [0.1, 2.0]]}, "inputs": inputs}
    content = {"environment": ENVIRONMENT | {"settings": settings}, "rows": retrieval_rows()}
    (folder / "results" / "retrieval.json").write_text(json.dumps(content), encoding="utf-8")
    document = DOCUMENT + "<!-- retrieval:start -->\n<!-- retrieval:end -->\n"
    (folder / "benchmarks.md").write_text(document, encoding="utf-8")


def test_retrieval_has_a_table_with_what_is_tied_in_bold(root: Path, folder: Path) -> None:
    write_retrieval(folder)
    done = write(root, folder)
    assert done.returncode == 0, done.stderr
    text = (folder / "benchmarks.md").read_text(encoding="utf-8")
    table = text.split("<!-- retrieval:start -->")[1].splitlines()
    assert table[1] == "| sentences found by their translation | Tatoeba en–sw, at once | Tatoeba en–sw, distilled |"
    assert table[3] == "| FOCUS | **25.0 % (1.0–99.0)** | **50.0 % (1.0–99.0)** |"
    assert table[5] == "| random | 5.0 % (1.0–99.0) | 10.0 % (1.0–99.0) |"
    assert table[6] == "| *the source, unchanged* | 5.0 % (3.0–7.0) | 5.0 % (3.0–7.0) |"
    assert table[7] == "| *a guess* | 0.3 % | 0.3 % |"
    assert "- Measured on 390 pairs of Tatoeba en–sw; 3 seeds." in table[9]
    assert "learning rate 0.01 of 2 tried" in table[9]
    assert table[10].endswith("Tatoeba en–sw: above it: FOCUS; not to be told from it: overlap only; below it: random.")
    assert "3 lines of a text or of verses were test lines" in table[9]


def test_retrieval_has_a_line_of_the_readme(root: Path, folder: Path) -> None:
    write_retrieval(folder)
    assert write(root, folder).returncode == 0
    (line,) = [x for x in (folder / "README.md").read_text(encoding="utf-8").splitlines() if "MiniLM" in x]
    assert "FOCUS 50.0 %, random 10.0 %; the source unchanged 5.0 %" in line
    assert "after 20,000 tokens of distillation" in line


def test_parity_has_a_table_of_its_own_and_no_time(root: Path, folder: Path) -> None:
    row = {"n_rows": 1_572, "n_without_tie": 540, "n_pairs": 558}
    row |= {"source_vectors": 4e-6, "target_vectors": 1.05e-7, "embeddings": 1.7e-7}
    content = {"environment": ENVIRONMENT, "rows": [row]}
    (folder / "results" / "wechsel.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "benchmarks.md").write_text(DOCUMENT + DOCUMENT.replace("benchmarks:", "wechsel:"), "utf-8")
    assert write(root, folder).returncode == 0
    times, _, own = (folder / "benchmarks.md").read_text(encoding="utf-8").partition("<!-- wechsel:start -->")
    assert "| 1,572 | 540 | 558 | 4.0e-06 | 1.1e-07 | 1.7e-07 |" in own
    assert "1,572" not in times
