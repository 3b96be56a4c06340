"""Composed embeddings and trimmed tokenizers on the bundled source: from the command line to the exported model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from focus_core.cli import main as cli
from focus_core.models.source import load_source
from focus_core.runs.folder import open_run
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.integration.small_inputs import make_small_inputs
from tests.tiny_models import SOURCE_LINES, tiny_model

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE, TARGET = ROOT / "assets/demo/source", ROOT / "assets/demo/runs/sw-8k/target_tokenizer"
TEXT = ROOT / "assets/corpora/sw.txt"


def arguments(output: Path, *more: str, source: Path = SOURCE, corpus: Path = TEXT) -> list[str]:
    """Return the words of an `init` on the bundled source."""
    return ["init", "--source", str(source), "--corpus", str(corpus), "--output", str(output), *more]


@pytest.mark.parametrize(
    ("method", "formula", "said"),
    [
        ("merge", "e(▁soko) = 0.33 e(▁) + 0.33 e(ko) + 0.33 e(so)", "combined 4,896, fallback 0"),
        ("align", "e(▁soko) = 0.50 e(ko) + 0.50 e(▁so)", "the text does not hold these tokens; give more text"),
    ],
)
def test_a_token_is_composed(
    method: str, formula: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the target's own scores take soko apart into, and what the source makes of it in the text."""
    run = tmp_path / "run"
    assert cli.run(arguments(run, "--target-tokenizer", str(TARGET), "--method", method)) == 0
    assert said in capsys.readouterr().out
    assert cli.run(["explain", str(run), "soko"]) == 0
    assert formula in capsys.readouterr().out
    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    assert "arXiv 2406.11477" in (tmp_path / "model/README.md").read_text("utf-8")


def test_a_trimmed_vocabulary_is_copied_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row is that of the token's own id in the source, bit for bit, and the text is cut into the same tokens."""
    run = tmp_path / "run"
    trimmed = ("--train-tokenizer", "trim", "--vocab-size", "500", "--method", "overlap")
    assert cli.run(arguments(run, *trimmed)) == 0
    assert "trimmed: 500 of 16,000 source tokens kept" in capsys.readouterr().out
    made = open_run(run)
    assert made.manifest["counts"]["by_origin"] == {"copied": 500, "combined": 0, "fallback": 0}
    source, target = load_vocabulary(SOURCE), load_vocabulary(run / "target_tokenizer")
    ids = np.array([source.ids_of_tokens[token] for token in target.tokens])
    assert np.array_equal(made.column("tokens", "source_id"), ids)
    model = load_source(str(SOURCE))
    assert np.array_equal(made.embeddings("input"), model.input.float().numpy()[ids])
    assert np.array_equal(made.embeddings("bias"), model.tensors["bias"].float().numpy()[ids])
    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    exported = load_vocabulary(tmp_path / "model")
    assert exported.tokens == target.tokens


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_tokens_of_merges_and_of_word_pieces_are_trimmed(family: str, tmp_path: Path) -> None:
    inputs = make_small_inputs(tmp_path / "inputs", family)
    text = tmp_path / "text.txt"
    text.write_text("\n".join(SOURCE_LINES[:2]) + "\n", encoding="utf-8")
    more = ("--train-tokenizer", "trim", "--min-frequency", "1", "--method", "overlap")
    assert cli.run(arguments(tmp_path / "run", *more, source=inputs.source, corpus=text)) == 0
    run, model = open_run(tmp_path / "run"), load_source(str(inputs.source))
    note = run.manifest["notes"]["trimming"]
    assert note["kept_share"] == 1
    assert run.manifest["counts"]["n_new"] == 0
    source, target = load_vocabulary(inputs.source), load_vocabulary(run.path / "target_tokenizer")
    ids = [source.ids_of_tokens[token] for token in target.tokens]
    for name, tensor in model.tensors.items():
        assert np.array_equal(run.embeddings(name), tensor.float().numpy()[ids]), name
    for line in SOURCE_LINES[:2]:
        assert target.backend.encode(line).tokens == source.backend.encode(line).tokens


def test_two_sides_from_the_command_line_to_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source whose output matrix is its own: both sides are made, explained, checked and exported."""
    inputs, run = make_small_inputs(tmp_path / "inputs", "llama"), tmp_path / "run"
    tiny_model("llama", inputs.source, tied=False)
    assert cli.run(inputs.arguments(run, "--method", "asymmetric-mean")) == 0
    made = open_run(run)
    assert made.sides_differ
    assert made.manifest["notes"]["method"]["sides"] == "two"
    token = int(np.flatnonzero(np.diff(made.column("contributions", "target_id"), prepend=-1) == 0)[0])
    combined = int(made.column("contributions", "target_id")[token])
    capsys.readouterr()
    assert cli.run(["explain", str(run), f"#{combined}"]) == 0
    assert "output of " in capsys.readouterr().out
    assert cli.run(["check", str(run)]) == 0
    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    exported = load_source(str(tmp_path / "model"))
    for name in ("input", "output"):
        assert np.array_equal(exported.tensors[name].float().numpy(), made.embeddings(name)), name
    assert cli.run(["report", str(run), str(tmp_path / "report.html")]) == 0


def test_tied_sides_are_made_alike_and_it_is_said(tmp_path: Path) -> None:
    inputs = make_small_inputs(tmp_path / "inputs", "bert")
    assert cli.run(inputs.arguments(tmp_path / "run", "--method", "asymmetric-mean")) == 0
    made = open_run(tmp_path / "run")
    assert not made.sides_differ
    assert made.manifest["notes"]["method"]["sides"] == "one"
    assert any("one matrix for both sides" in warning for warning in made.manifest["warnings"])


TRIM = ("--train-tokenizer", "trim")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((*TRIM, "--vocab-size", "5"), ("--vocab-size: expected more than", "got 5")),
        ((*TRIM, "--normalization", "nfc"), ("--normalization: expected none beside --train-tokenizer trim",)),
        ((*TRIM, "--extend"), ("--extend: expected none beside --train-tokenizer trim",)),
        ((*TRIM, "--min-frequency", "0"), ("--min-frequency: expected 1 or more, got 0",)),
        (
            ("--target-tokenizer", str(TARGET), "--min-frequency", "3"),
            ("--min-frequency: expected --train-tokenizer trim, whose option it is, got 3",),
        ),
    ],
)
def test_bad_trimming(
    more: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, refused: Callable[..., str]
) -> None:
    refused(arguments(tmp_path / "run", *more), *words)
    assert not list(tmp_path.iterdir())


def test_align_without_a_text(tmp_path: Path, refused: Callable[..., str]) -> None:
    """Ready vectors do not say where tokens stand."""
    inputs = make_small_inputs(tmp_path / "inputs")
    words = inputs.arguments(tmp_path / "run", "--method", "align")
    at = words.index("--corpus")
    refused([*words[:at], *words[at + 2 :]], "method align: expected text in the target language", "--corpus")
