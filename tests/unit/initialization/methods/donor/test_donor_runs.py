"""The donor methods from the command line to the exported model, on small files and on the bundled source."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from transformers import AutoModelForMaskedLM

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.cli import main as cli
from focus_core.experiments.compare import compare_methods
from focus_core.experiments.folder import open_comparison
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.methods.donor import methods as donor_methods
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.models.source import load_source
from focus_core.runs.folder import RunFolder, open_run
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary, save_tokenizer_folder
from focus_core.types import Need, Origin
from tests.integration.small_inputs import write_vectors
from tests.tiny_models import TARGET_LINES, target_tokenizer, tiny_model

ROOT = Path(__file__).resolve().parents[5]
SOURCE = ROOT / "assets" / "demo" / "source"
DONOR_METHODS = tuple(name for name, method in METHODS.items() if Need.DONOR in method.needs)
WIDTH = 12


@dataclasses.dataclass(frozen=True)
class Inputs:
    """The files of a run."""

    source: Path
    target: Path
    donor: Path
    vectors: Path
    vocabulary: Vocabulary

    def words(self, method: str, output: Path, *more: str) -> list[str]:
        """Return the words of an ``init``."""
        needed = ["--auxiliary", str(self.vectors)] if METHODS[method].needs_text else []
        named = ["--source", str(self.source), "--target-tokenizer", str(self.target), "--donor", str(self.donor)]
        return ["init", *named, *needed, "--method", method, "--output", str(output), *more]


def write_donor(folder: Path, vocabulary: Vocabulary, rows: np.ndarray) -> Path:
    """Write static embeddings with a tokenizer."""
    save_tokenizer_folder(vocabulary, folder)
    save_file({"embeddings": rows.astype(np.float32)}, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Return a small model, another tokenizer, and a donor that has it."""
    folder = tmp_path_factory.mktemp("donor")
    target = target_tokenizer("roberta", folder / "target")
    vocabulary = load_vocabulary(target)
    rows = np.random.default_rng(5).normal(size=(vocabulary.n, WIDTH))
    return Inputs(
        source=tiny_model("roberta", folder / "source"),
        target=target,
        donor=write_donor(folder / "donor", vocabulary, rows),
        vectors=write_vectors(folder / "vectors.safetensors", vocabulary.n, vocabulary.kinds == SPECIAL),
        vocabulary=vocabulary,
    )


@pytest.fixture(scope="module")
def runs(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Return a run of every donor method."""
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for method in DONOR_METHODS:
        assert cli.run(inputs.words(method, folder / method)) == 0
        found[method] = open_run(folder / method)
    return found


def dense(run: RunFolder) -> np.ndarray:
    """Return W with its zeros, shape (n_target, n_source)."""
    table = {name: run.column("contributions", name) for name in ("target_id", "source_id", "weight")}
    found = np.zeros((run.manifest["target"]["n"], run.manifest["source"]["n"]))
    found[table["target_id"], table["source_id"]] = table["weight"]
    return found


def test_there_are_five() -> None:
    """And only CLP+ is a mixture; the others' rows may be negative."""
    assert DONOR_METHODS == ("clp", "clp-plus", "omp", "interpolation", "salt")
    assert [name for name in DONOR_METHODS if not METHODS[name].signed] == ["clp-plus"]


@pytest.mark.parametrize("method", DONOR_METHODS)
def test_embeddings_are_the_weights_times_the_source(runs: dict[str, RunFolder], inputs: Inputs, method: str) -> None:
    """Shared tokens are copies, new ones of text combined, W is the only record."""
    run = runs[method]
    source = load_source(inputs.source).input.numpy()
    origins, rows = run.column("tokens", "origin"), run.rows("input", slice(0, run.tokens().num_rows))
    combined = np.flatnonzero(origins == str(Origin.COMBINED))
    assert len(combined) > 10
    np.testing.assert_allclose(rows[combined], (dense(run) @ source)[combined], atol=1e-4)
    copied = np.flatnonzero(origins == str(Origin.COPIED))
    np.testing.assert_array_equal(rows[copied], source[run.column("tokens", "source_id")[copied]])
    assert {entry["role"] for entry in run.manifest["inputs"]} >= {"donor", "source_model", "target_tokenizer"}


def test_omp_rebuilds_the_donor(runs: dict[str, RunFolder], inputs: Inputs) -> None:
    """With as many atoms as the donor is wide, the same weights give the donor's own embedding."""
    run = runs["omp"]
    overlap = match_vocabularies(load_vocabulary(inputs.source), inputs.vocabulary)
    rows = load_file(inputs.donor / "model.safetensors")["embeddings"]
    in_donor = np.zeros((run.manifest["source"]["n"], WIDTH))
    in_donor[overlap.source_ids] = rows[overlap.target_ids]
    combined = np.flatnonzero(run.column("tokens", "origin") == str(Origin.COMBINED))
    np.testing.assert_allclose((dense(run) @ in_donor)[combined], rows[combined], atol=1e-3)


@pytest.mark.parametrize("method", DONOR_METHODS)
def test_a_run_is_checked_explained_and_exported(runs: dict[str, RunFolder], method: str, tmp_path: Path) -> None:
    """A signed row is written with its signs; the folder loads; no check fails to answer."""
    run = runs[method]
    combined = np.flatnonzero(run.column("tokens", "origin") == str(Origin.COMBINED))
    explained = explain_token(run, int(combined[0]))
    assert len(explained.contributors) == explained.n_contributors > 0
    assert explained.verdicts
    signed = [token for token in combined.tolist() if min(c.weight for c in explain_token(run, token).contributors) < 0]
    assert bool(signed) is (method not in {"clp-plus", "interpolation"})  # by distance no weight is negative
    assert (explained.threshold is not None) is (method == "clp-plus")
    found = run_checks(run)
    assert {result.code: result.status for result in found}["FOC012"] is Status.PASSED
    assert cli.run(["check", str(run.path)]) == 0
    assert cli.run(["explain", str(run.path), f"#{combined[0]}"]) == 0
    assert cli.run(["export", str(run.path), str(tmp_path / "model")]) == 0
    model: Any = AutoModelForMaskedLM.from_pretrained(tmp_path / "model")
    assert model.get_input_embeddings().weight.shape[0] == run.manifest["target"]["n"]
    assert METHODS[method].citation in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("weighting", ["cosine", "barycentric", "least-squares"])
def test_interpolation_weighs_as_it_is_told(inputs: Inputs, tmp_path: Path, weighting: str) -> None:
    """The option reaches the weights, and the manifest."""
    words = inputs.words("interpolation", tmp_path / "run", "--interpolation", weighting, "--top-k", "3")
    assert cli.run(words) == 0
    run = open_run(tmp_path / "run")
    combined = run.column("tokens", "origin") == str(Origin.COMBINED)
    assert run.manifest["config"]["interpolation"] == weighting
    assert run.column("tokens", "n_contributors")[combined].max() == 3
    sums = dense(run)[combined].sum(axis=1)
    assert np.allclose(sums, 1, atol=1e-4) is (weighting != "least-squares")


def test_donor_methods_extend_the_source_too(inputs: Inputs, tmp_path: Path) -> None:
    """Source ids stay, new tokens are built."""
    assert cli.run(inputs.words("omp", tmp_path / "run", "--extend", "--top-k", "4")) == 0
    run = open_run(tmp_path / "run")
    assert run.manifest["counts"]["by_origin"]["combined"] > 10


# --- what is refused ------------------------------------------------------------------------------------------------


def refused(words: list[str], capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    """Return the last line of a command that ends with status 2 and leaves nothing."""
    assert cli.run(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert not any(line.startswith(("prove", "tokenise", "similarities")) for line in lines)
    assert not folder.exists()
    return lines[-1]


def test_a_donor_is_needed(inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the name of its option."""
    words = inputs.words("omp", tmp_path / "run")
    at = words.index("--donor")
    told = refused([*words[:at], *words[at + 2 :]], capsys, tmp_path / "run")
    assert "method omp" in told
    assert "--donor" in told


def test_a_donor_with_another_tokenizer_is_named_by_its_first_other_token(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model with the source's tokenizer is none."""
    words = inputs.words("clp", tmp_path / "run", "--donor", str(inputs.source))
    told = refused(words, capsys, tmp_path / "run")
    assert "--donor: expected a model with the target tokenizer, got another one: token" in told


@pytest.mark.parametrize("method", ["clp", "omp", "salt"])
def test_more_contributors_than_shared_tokens_are_refused(
    inputs: Inputs, method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """k above the number of shared tokens."""
    told = refused(inputs.words(method, tmp_path / "run", "--top-k", "5000"), capsys, tmp_path / "run")
    assert "--top-k: expected at most" in told
    assert "shared tokens of text, got 5,000" in told


@pytest.mark.parametrize("method", ["clp", "salt"])
def test_a_donor_on_one_line_is_refused(
    inputs: Inputs, method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All embeddings alike, as the mean gives them: every system is singular."""
    rows = np.outer(np.linspace(1, 2, inputs.vocabulary.n), np.arange(1, WIDTH + 1))
    donor = write_donor(tmp_path / "flat", inputs.vocabulary, rows)
    told = refused(inputs.words(method, tmp_path / "run", "--donor", str(donor)), capsys, tmp_path / "run")
    assert "systems of such embeddings are singular" in told


def test_a_donor_with_nan_is_refused(inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The row is named."""
    donor = Path(shutil.copytree(inputs.donor, tmp_path / "nan"))
    rows = load_file(donor / "model.safetensors")["embeddings"]
    rows[17, 3] = np.nan
    save_file({"embeddings": rows}, donor / "model.safetensors")
    told = refused(inputs.words("omp", tmp_path / "run", "--donor", str(donor)), capsys, tmp_path / "run")
    assert "17" in told


def test_more_weights_than_can_be_kept_are_refused(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLP weighs every shared token for every new one; the way out is named, and it leads there."""
    monkeypatch.setattr(donor_methods, "MOST_WEIGHTS", 500)
    told = refused(inputs.words("clp", tmp_path / "run"), capsys, tmp_path / "run")
    assert "at most 500 weights in all" in told
    k = told.partition("give --top-k ")[2].split()[0]
    assert cli.run(inputs.words("clp", tmp_path / "run", "--top-k", k)) == 0


def test_the_option_of_interpolation_is_no_other_methods(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """OMP has no use for it."""
    words = inputs.words("omp", tmp_path / "run", "--interpolation", "cosine")
    assert "--interpolation" in refused(words, capsys, tmp_path / "run")


# --- side by side ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("method", [*DONOR_METHODS, "unks-everywhere"])
def test_the_bundled_source_takes_them_all(inputs: Inputs, tmp_path: Path, method: str) -> None:
    """Init, check, explain and export with a source of sixteen thousand tokens."""
    found = dataclasses.replace(inputs, source=SOURCE)
    run = tmp_path / "run"
    assert cli.run(found.words(method, run)) == 0
    assert cli.run(["check", str(run)]) == 0
    assert cli.run(["explain", str(run), "#10"]) == 0
    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    AutoModelForMaskedLM.from_pretrained(tmp_path / "model")


@pytest.mark.long
def test_a_comparison_runs_them_all(inputs: Inputs, tmp_path: Path) -> None:
    """Each with the donor of the request."""
    chance = np.random.default_rng(1)
    words = sorted({word for line in TARGET_LINES for word in line.split()})
    lines = [" ".join(chance.choice(words, chance.integers(5, 12))) for _ in range(700)]
    (tmp_path / "text.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    request = ComparisonRequest(
        source=str(inputs.source),
        target_tokenizer=str(inputs.target),
        corpus=(tmp_path / "text.txt",),
        methods=(*DONOR_METHODS, "unks-everywhere", "random"),
        donor=str(inputs.donor),
        seeds=1,
        probe_tokens=2000,
    )
    made = open_comparison(compare_methods(request, tmp_path / "out"))
    shown = made.markdown()
    assert all(name in shown for name in (*DONOR_METHODS, "unks-everywhere"))
