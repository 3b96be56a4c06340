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


def arguments(pairs: Path | None, output: Path, method: str, *more: str) -> list[str]:
    """Return the words of an `init` from parallel text."""
    named = ["--source", str(SOURCE), "--target-tokenizer", str(TARGET), "--method", method, "--output", str(output)]
    return ["init", *named, *(["--parallel", str(pairs)] if pairs else []), *more]


@pytest.fixture(scope="module", params=["trans-tokenization", "ramen"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    assert cli.run(arguments(write_pairs(folder), folder / "run", request.param)) == 0
    return folder / "run"


@pytest.mark.parametrize(("word", "translation"), [("maziwa", "milk"), ("kunywa", "drink")])
def test_a_word_is_made_of_its_translation(
    run: Path, word: str, translation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = open_run(run).manifest
    assert manifest["notes"]["method"]["n_linked"] > 5
    assert [entry["name"] for entry in manifest["inputs"] if entry["role"] == "parallel"] == ["pairs.tsv"]
    assert cli.run(["explain", str(run), word]) == 0
    assert translation in capsys.readouterr().out


def test_the_exported_model_names_the_method(run: Path, tmp_path: Path) -> None:
    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    assert "arXiv 2" in (tmp_path / "model/README.md").read_text("utf-8")


def test_too_few_pairs(tmp_path: Path, refused: Callable[..., str]) -> None:
    pairs = tmp_path / "few.tsv"
    pairs.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS[:19]), encoding="utf-8")
    refused(arguments(pairs, tmp_path / "run", "ramen"), "few.tsv: expected at least 20 different pairs", "got 19")


def test_a_line_without_its_translation(tmp_path: Path, refused: Callable[..., str]) -> None:
    pairs = tmp_path / "uneven.tsv"
    pairs.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS[:30]) + "The last line.\n", encoding="utf-8")
    words = "uneven.tsv: expected at least 2 columns", "line 31"
    refused(arguments(pairs, tmp_path / "run", "trans-tokenization"), *words)


def test_swapped_sides_stop_a_strict_run(tmp_path: Path, refused: Callable[..., str]) -> None:
    swapped = write_pairs(tmp_path, swapped=True)
    refused(arguments(swapped, tmp_path / "run", "ramen", "--strict"), "pairs.tsv: expected a line in the source's")


@pytest.mark.parametrize("more", [("--min-links", "3"), ("--aligner", "fast_align")])
def test_options_of_these_methods_are_refused_elsewhere(
    more: tuple[str, ...], tmp_path: Path, refused: Callable[..., str]
) -> None:
    refused(arguments(None, tmp_path / "run", "overlap", *more), more[0], "which overlap is not")


def test_no_parallel_text(tmp_path: Path, refused: Callable[..., str]) -> None:
    refused(arguments(None, tmp_path / "run", "ramen"), "method ramen", "--parallel")
