"""Methods of parallel text on the bundled source and a real tokenizer: from the command line to the exported model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from focus_core.cli import main as cli
from focus_core.runs.folder import open_run
from tests.parallel_lines import PAIRS, write_pairs

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE, TARGET = ROOT / "assets/demo/source", ROOT / "assets/demo/runs/sw-8k/target_tokenizer"


def arguments(pairs: Path, output: Path, method: str, *more: str) -> list[str]:
    named = ["--source", str(SOURCE), "--target-tokenizer", str(TARGET), "--parallel", str(pairs), "--method", method]
    return ["init", *named, "--output", str(output), *more]


@pytest.fixture(scope="module", params=["trans-tokenization", "ramen"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    assert cli.run(arguments(write_pairs(folder), folder / "run", request.param)) == 0
    return folder / "run"


def test_new_words_are_made_of_their_translations(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = open_run(run)
    assert made.manifest["counts"]["by_origin"]["combined"] > 30
    assert made.manifest["notes"]["method"]["n_links"] > 150
    assert cli.run(["explain", str(run), "anakunywa"]) == 0
    assert "drink" in capsys.readouterr().out.splitlines()[0]


def test_the_model_is_exported(run: Path, tmp_path: Path) -> None:
    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    assert "parallel" in (tmp_path / "model/README.md").read_text("utf-8")


def test_the_same_run_again_is_the_same(run: Path, tmp_path: Path) -> None:
    """Of the method that has smoothing the weights, byte for byte, without the cache of the first one."""
    method = open_run(run).manifest["config"]["method"]
    assert cli.run(arguments(run.parent / "pairs.tsv", tmp_path / "run", method)) == 0
    assert (tmp_path / "run/contributions.parquet").read_bytes() == (run / "contributions.parquet").read_bytes()


def test_without_copies_shared_tokens_are_made_too(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path)
    more = ("--no-copy-overlap", "--min-links", "1", "--aligner", "ibm1")
    assert cli.run(arguments(pairs, tmp_path / "run", "trans-tokenization", *more)) == 0
    counts = open_run(tmp_path / "run").manifest["counts"]["by_origin"]
    assert counts["copied"] < 20
    assert counts["combined"] > 3000


@pytest.mark.parametrize("n", [2, 19])
def test_too_few_pairs(n: int, tmp_path: Path, refused: Callable[..., str]) -> None:
    pairs = tmp_path / "few.tsv"
    pairs.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS[:n]), encoding="utf-8")
    words = ("few.tsv: expected at least 20 different pairs", f"got {n}")
    refused(arguments(pairs, tmp_path / "run", "ramen"), *words)


def test_a_line_without_its_translation(tmp_path: Path, refused: Callable[..., str]) -> None:
    pairs = tmp_path / "uneven.tsv"
    pairs.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS[:30]) + "The last line.\n", encoding="utf-8")
    refused(
        arguments(pairs, tmp_path / "run", "trans-tokenization"), "uneven.tsv: expected at least 2 columns", "line 31"
    )


def test_nothing_is_aligned(tmp_path: Path, refused: Callable[..., str]) -> None:
    words = ("pairs.tsv: expected words that are linked at least 5000 times", "--min-links")
    refused(arguments(write_pairs(tmp_path), tmp_path / "run", "trans-tokenization", "--min-links", "5000"), *words)


def test_swapped_sides_are_a_warning_and_with_strict_an_error(
    tmp_path: Path, refused: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    swapped = write_pairs(tmp_path, swapped=True)
    refused(arguments(swapped, tmp_path / "strict", "ramen", "--strict"), "pairs.tsv: expected a line in the source's")
    assert cli.run(arguments(swapped, tmp_path / "run", "ramen")) == 0
    assert "The sides of pairs.tsv look swapped" in capsys.readouterr().err


@pytest.mark.parametrize("more", [("--min-links", "3"), ("--aligner", "ibm1"), ("--no-copy-overlap",)])
def test_options_of_these_methods_are_refused_elsewhere(
    more: tuple[str, ...], tmp_path: Path, refused: Callable[..., str]
) -> None:
    named = ["--source", str(SOURCE), "--target-tokenizer", str(TARGET), "--method", "overlap"]
    refused(["init", *named, "--output", str(tmp_path / "run"), *more], "which overlap is not")


def test_no_parallel_text(tmp_path: Path, refused: Callable[..., str]) -> None:
    named = ["--source", str(SOURCE), "--target-tokenizer", str(TARGET), "--method", "ramen"]
    refused(["init", *named, "--output", str(tmp_path / "run")], "--parallel")
