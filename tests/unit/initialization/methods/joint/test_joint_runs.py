"""The joint methods from the command line to the exported model, on a small model and on the bundled source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoModelForMaskedLM

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.cli import main as cli
from focus_core.experiments.compare import compare_methods
from focus_core.experiments.folder import open_comparison
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.methods.registry import METHODS
from focus_core.models.source import load_source
from focus_core.runs.folder import RunFolder, open_run
from focus_core.types import Origin
from tests.integration.small_inputs import SmallInputs, make_small_inputs
from tests.tiny_models import SOURCE_LINES, TARGET_LINES

ROOT = Path(__file__).resolve().parents[5]
DEMO = ROOT / "assets" / "demo"
JOINT = tuple(name for name, method in METHODS.items() if method.joint)


def words(inputs: SmallInputs, method: str, output: Path, *more: str) -> list[str]:
    """Return the words of an ``init`` from text."""
    named = ["--source", str(inputs.source), "--target-tokenizer", str(inputs.target), "--corpus", str(inputs.corpus)]
    return ["init", *named, "--method", method, "--output", str(output), *more]


def write_text(path: Path, n_lines: int) -> Path:
    """Write seeded lines of the words that both small tokenizers know."""
    chance = np.random.default_rng(1)
    known = sorted({word for line in (*TARGET_LINES, *SOURCE_LINES) for word in line.split()})
    lines = [" ".join(chance.choice(known, chance.integers(5, 12))) for _ in range(n_lines)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    made = make_small_inputs(tmp_path_factory.mktemp("joint"))
    write_text(made.corpus, 60)
    return made


@pytest.fixture(scope="module")
def runs(inputs: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Return a run of every joint method, on one thread."""
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for method in JOINT:
        assert cli.run(words(inputs, method, folder / method, "--threads", "1")) == 0
        found[method] = open_run(folder / method)
    return found


def test_there_are_three() -> None:
    assert JOINT == ("joint-focus", "unibridge", "tokalign")


@pytest.mark.parametrize("method", JOINT)
def test_embeddings_are_the_weights_times_the_source(
    runs: dict[str, RunFolder], inputs: SmallInputs, method: str
) -> None:
    """Weights are positive and sum to 1; what one source token gives equals it bit for bit."""
    run, source = runs[method], load_source(inputs.source).input.numpy()
    table = {name: run.column("contributions", name) for name in ("target_id", "source_id", "weight")}
    dense = np.zeros((run.manifest["target"]["n"], run.manifest["source"]["n"]))
    dense[table["target_id"], table["source_id"]] = table["weight"]
    combined = np.flatnonzero(run.column("tokens", "origin") == str(Origin.COMBINED))
    rows = run.rows("input", slice(0, run.tokens().num_rows))
    assert len(combined) > 10
    np.testing.assert_allclose(rows[combined], (dense @ source)[combined], atol=1e-5)
    np.testing.assert_allclose(dense[combined].sum(axis=1), 1, atol=1e-4)
    single = combined[run.column("tokens", "n_contributors")[combined] == 1]
    np.testing.assert_array_equal(rows[single], source[dense[single].argmax(axis=1)])
    assert method == "joint-focus" or len(single)


@pytest.mark.parametrize("method", JOINT)
def test_a_run_is_checked_explained_and_exported(runs: dict[str, RunFolder], method: str, tmp_path: Path) -> None:
    """A threshold explains the weights of joint FOCUS alone; the folder loads."""
    run = runs[method]
    combined = np.flatnonzero(run.column("tokens", "origin") == str(Origin.COMBINED))
    explained = explain_token(run, int(combined[0]))
    assert len(explained.contributors) == explained.n_contributors > 0
    assert (explained.threshold is not None) is (method == "joint-focus")
    assert {result.code: result.status for result in run_checks(run)}["FOC012"] is Status.PASSED
    assert cli.run(["explain", str(run.path), f"#{combined[0]}"]) == 0
    assert cli.run(["export", str(run.path), str(tmp_path / "model")]) == 0
    model: Any = AutoModelForMaskedLM.from_pretrained(tmp_path / "model")
    assert model.get_input_embeddings().weight.shape[0] == run.manifest["target"]["n"]
    assert METHODS[method].citation in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


def test_the_bytes_do_not_depend_on_the_number_of_threads(
    runs: dict[str, RunFolder], inputs: SmallInputs, tmp_path: Path
) -> None:
    """Each private cache is empty, so that everything is counted and factorised again."""
    assert cli.run(words(inputs, "unibridge", tmp_path / "run", "--threads", "3")) == 0
    for name in ("embeddings.safetensors", "contributions.parquet"):
        assert (tmp_path / "run" / name).read_bytes() == (runs["unibridge"].path / name).read_bytes()


def test_options_reach_the_weights_and_the_manifest(
    runs: dict[str, RunFolder], inputs: SmallInputs, tmp_path: Path
) -> None:
    """All source tokens that the text has are more than the shared ones; the source's ids can be kept."""
    more = ("--anchors", "all", "--top-k", "2", "--extend")
    assert cli.run(words(inputs, "joint-focus", tmp_path / "run", *more)) == 0
    run = open_run(tmp_path / "run")
    assert run.manifest["config"]["anchors"] == "all"
    shared = runs["joint-focus"].manifest["notes"]["method"]["n_anchors"]
    assert run.manifest["notes"]["method"]["n_anchors"] > shared
    combined = run.column("tokens", "origin") == str(Origin.COMBINED)
    assert run.column("tokens", "n_contributors")[combined].max() == 2


# --- what is refused, and what is told ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", JOINT)
def test_ready_vectors_do_not_stand_for_text(
    inputs: SmallInputs, method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are of one cut; before anything is read."""
    given = words(inputs, method, tmp_path / "run", "--auxiliary", str(inputs.auxiliary))
    at = given.index("--corpus")
    assert cli.run([*given[:at], *given[at + 2 :]]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith(f"method {method}: expected text in the target language")
    assert told[0].endswith("got none; give it by --corpus, or choose another --method")
    assert not (tmp_path / "run").exists()


def test_ready_vectors_beside_text_are_not_read_and_that_is_said(
    inputs: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that nobody uses stops no run, and is no input."""
    broken = tmp_path / "broken.vec"
    broken.write_text("no vectors", encoding="utf-8")
    assert cli.run(words(inputs, "joint-focus", tmp_path / "run", "--auxiliary", str(broken))) == 0
    run = open_run(tmp_path / "run")
    assert "auxiliary" not in {entry["role"] for entry in run.manifest["inputs"]}
    assert any("the auxiliary vectors were not used" in line for line in run.manifest["warnings"])


def test_the_option_of_joint_focus_is_no_other_methods(
    inputs: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(words(inputs, "unibridge", tmp_path / "run", "--anchors", "all")) == 2
    assert "--anchors" in capsys.readouterr().err.splitlines()[-1]


# --- side by side ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("method", JOINT)
def test_the_bundled_source_takes_them_all(tmp_path: Path, method: str) -> None:
    """Init, check, explain and export with a source of sixteen thousand tokens and the bundled text."""
    target, text = DEMO / "runs" / "sw-8k" / "target_tokenizer", ROOT / "assets" / "corpora" / "sw.txt"
    found = SmallInputs(source=DEMO / "source", target=target, corpus=text, auxiliary=text)
    run = tmp_path / "run"
    assert cli.run(words(found, method, run)) == 0
    assert cli.run(["check", str(run)]) == 0
    assert cli.run(["explain", str(run), "#10"]) == 0
    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    AutoModelForMaskedLM.from_pretrained(tmp_path / "model")


@pytest.mark.long
def test_a_comparison_runs_them_all(inputs: SmallInputs, tmp_path: Path) -> None:
    """Beside FOCUS."""
    request = ComparisonRequest(
        source=str(inputs.source),
        target_tokenizer=str(inputs.target),
        corpus=(write_text(tmp_path / "text.txt", 700),),
        methods=("focus", *JOINT),
        seeds=1,
        probe_tokens=2000,
    )
    shown = open_comparison(compare_methods(request, tmp_path / "out")).markdown()
    assert all(name in shown for name in JOINT)
