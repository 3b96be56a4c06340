"""The methods that learn, from the command line to the exported model, on a small model and on the bundled source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.render import render_text
from focus_core.cli import main as cli
from focus_core.experiments.compare import compare_methods
from focus_core.experiments.folder import open_comparison
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.learned_rows import LearnedRows
from focus_core.initialization.methods.registry import METHODS
from focus_core.models.source import load_source
from focus_core.runs.folder import RunFolder, open_run
from focus_core.types import Origin
from tests.integration.small_inputs import SmallInputs, make_small_inputs

ROOT = Path(__file__).resolve().parents[5]
SOURCE, SWAHILI = ROOT / "assets" / "demo" / "source", ROOT / "assets" / "corpora" / "sw.txt"
LEARNED = ("ridge", "constrained-word2vec", "vocadt", "token-distillation")
BEYOND = ("ridge", "constrained-word2vec", "token-distillation")
OPTIONS = {
    "constrained-word2vec": ["--train-tokens", "8192"],
    "vocadt": ["--train-tokens", "4096"],
    "token-distillation": ["--train-tokens", "4096"],
}


def asked(small: SmallInputs, output: Path, method: str, *more: str) -> list[str]:
    """Return the words of an ``init``; a method that compares no auxiliary vectors is given none."""
    words = small.arguments(output, "--method", method, *OPTIONS.get(method, []), *more)
    if not METHODS[method].compares_tokens:
        at = words.index("--auxiliary")
        del words[at : at + 2]
    return words


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    """Return the files of a small masked model whose output embeddings are the input embeddings."""
    return make_small_inputs(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def runs(small: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Return a run of every method that learns."""
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for method in LEARNED:
        words = asked(small, folder / method, method)
        assert cli.run(words) == 0
        found[method] = open_run(folder / method)
    return found


def test_what_is_more_than_weights_says_so() -> None:
    assert tuple(name for name, method in METHODS.items() if method.beyond) == BEYOND


@pytest.mark.parametrize("method", LEARNED)
def test_rows_are_weights_and_what_was_learned(runs: dict[str, RunFolder], small: SmallInputs, method: str) -> None:
    """Copies are copies; the residual is the length of what W·E lacks; without one W is the only record."""
    run, source = runs[method], load_source(small.source).input.numpy()
    origins, rows = run.column("tokens", "origin"), run.rows("input", slice(0, run.tokens().num_rows))
    copied, combined = (np.flatnonzero(origins == str(o)) for o in (Origin.COPIED, Origin.COMBINED))
    np.testing.assert_array_equal(rows[copied], source[run.column("tokens", "source_id")[copied]])
    assert len(combined) > 10
    weights = np.zeros((len(rows), len(source)))
    table = {name: run.column("contributions", name) for name in ("target_id", "source_id", "weight")}
    weights[table["target_id"], table["source_id"]] = table["weight"]
    gaps = np.linalg.norm(rows - weights @ source, axis=1)
    residual = run.residual()
    assert (residual is not None) is bool(METHODS[method].beyond)
    expected = np.zeros(len(rows)) if residual is None else residual * np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(gaps[combined], expected[combined], atol=1e-4)
    assert residual is None or (not residual[copied].any() and residual[combined].max() > 0.01)


@pytest.mark.parametrize("method", LEARNED)
def test_a_run_is_checked_explained_and_exported(runs: dict[str, RunFolder], method: str, tmp_path: Path) -> None:
    """The explanation says what the weights leave out, the folder loads, every check answers."""
    run = runs[method]
    combined = np.flatnonzero(run.column("tokens", "origin") == str(Origin.COMBINED))
    most = int(combined[0] if run.residual() is None else np.argmax(run.residual()))
    explained = explain_token(run, most)
    shown = render_text(explained)
    assert bool(METHODS[method].beyond) is ("a rest of" in shown) is ("is in no weight" in shown)
    assert explained.contributors
    assert explained.verdicts
    assert {result.code: result.status for result in run_checks(run)}["FOC012"] is Status.PASSED
    assert cli.run(["export", str(run.path), str(tmp_path / "model")]) == 0
    model: Any = AutoModelForMaskedLM.from_pretrained(tmp_path / "model")
    np.testing.assert_array_equal(
        model.get_input_embeddings().weight.detach()[most].numpy(), run.rows("input", slice(most, most + 1))[0]
    )
    assert METHODS[method].citation in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", LEARNED)
def test_equal_runs_give_equal_bytes(
    runs: dict[str, RunFolder], small: SmallInputs, method: str, tmp_path: Path
) -> None:
    words = asked(small, tmp_path / "again", method)
    assert cli.run(words) == 0
    assert open_run(tmp_path / "again").digest == runs[method].digest


@pytest.mark.parametrize("method", BEYOND)
def test_a_rank_is_refused(small: SmallInputs, method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Embeddings that are no sum of source rows have no coordinates among theirs."""
    words = asked(small, tmp_path / "cut", method, "--rank", "4")
    assert cli.run(words) == 2
    said = capsys.readouterr().err
    assert f"--rank: expected none beside --method {method}" in said
    assert not (tmp_path / "cut").exists()


@pytest.mark.parametrize("method", BEYOND)
def test_an_extension_takes_what_was_learned_along(
    runs: dict[str, RunFolder], small: SmallInputs, method: str, tmp_path: Path
) -> None:
    """Appended ids have the rows of their tokens."""
    words = asked(small, tmp_path / "more", method, "--extend")
    assert cli.run(words) == 0
    plain, extended = runs[method], open_run(tmp_path / "more")
    residual = extended.residual()
    assert residual is not None
    names = plain.column("tokens", "token").tolist()
    combined = np.flatnonzero(extended.column("tokens", "origin") == str(Origin.COMBINED))
    assert len(combined) > 5
    for i in combined.tolist():
        at = names.index(extended.column("tokens", "token")[i])
        np.testing.assert_array_equal(extended.rows("input", slice(i, i + 1)), plain.rows("input", slice(at, at + 1)))
        assert residual[i] > 0


def test_rows_are_put_along_any_axis() -> None:
    """Into the columns of a matrix, with the share that was not there: (3, 4) in place of (3, 0) is 4 of 5."""
    rows = LearnedRows(ids=np.array([1], np.int32), tensors={"extra": np.array([[3.0, 4.0]], np.float32)})
    tensor = torch.tensor([[1.0, 3.0, 2.0], [1.0, 0.0, 2.0]])
    shares = rows.put("extra", tensor, 1)
    assert tensor.tolist() == [[1, 3, 2], [1, 4, 2]]
    assert shares is not None
    assert shares.tolist() == pytest.approx([0.8])
    assert rows.put("input", tensor, 0) is None
    assert rows.moved(np.array([0, -1])).ids.tolist() == []
    assert rows.moved(np.array([-1, 6])).ids.tolist() == [6]


@pytest.mark.long
def test_the_bundled_source_takes_them_all(tmp_path: Path) -> None:
    """From the bundled Swahili: made, explained, checked, compared with FOCUS, and in the table."""
    target = tmp_path / "tokenizer"
    trained = ["--train-tokenizer", "unigram", "--vocab-size", "900", "--corpus", str(SWAHILI)]
    assert cli.run(["init", "--source", str(SOURCE), *trained, "--output", str(tmp_path / "first")]) == 0
    target = tmp_path / "first" / "target_tokenizer"
    request = ComparisonRequest(
        source=str(SOURCE),
        target_tokenizer=str(target),
        corpus=(SWAHILI,),
        methods=("focus", *LEARNED),
        seeds=1,
        probe_tokens=40_000,
        threads=1,
    )
    compare_methods(request, tmp_path / "compared")
    found = open_comparison(tmp_path / "compared")
    shown = found.markdown()
    assert all(name in shown for name in LEARNED)
    for run in found.path.glob("runs/*"):
        assert not [r for r in run_checks(open_run(run)) if r.code == "FOC012" and r.status is not Status.PASSED]
