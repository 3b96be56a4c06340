"""A run whose embeddings are cut to a rank: from the command line to the exported model, and what says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForMaskedLM

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.analysis.provenance.explain import explain_token
from focus_core.cli import main as cli
from focus_core.initialization.methods.low_rank.factors import factorise
from focus_core.models.source import load_source
from focus_core.runs.folder import RunFolder, open_run
from focus_core.types import Factorization
from tests.integration.small_inputs import SmallInputs, make_small_inputs
from tests.tiny_models import HIDDEN

RANK = 5


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    """Return the files of a small masked model whose output embeddings are the input embeddings."""
    return make_small_inputs(tmp_path_factory.mktemp("small"))


def make(small: SmallInputs, output: Path, *more: str) -> RunFolder:
    """Run ``init`` and open what it made."""
    assert cli.run(small.arguments(output, *more)) == 0
    return open_run(output)


@pytest.fixture(scope="module")
def cut(small: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run of rank 5."""
    return make(small, tmp_path_factory.mktemp("runs") / "cut", "--rank", str(RANK))


@pytest.fixture(scope="module")
def whole(small: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run of the full rank."""
    return make(small, tmp_path_factory.mktemp("runs") / "whole", "--rank", str(HIDDEN))


def matrix_of(run: RunFolder) -> np.ndarray:
    """Return the whole input matrix."""
    return run.rows("input", slice(0, run.tokens().num_rows))


def test_rows_are_those_of_the_source_cut_to_the_rank(small: SmallInputs, cut: RunFolder) -> None:
    """Copied and combined rows are W times the nearest source of rank 5; every row lies in its space."""
    source = factorise(load_source(small.source).input, RANK).product()
    rows, copied = matrix_of(cut), cut.column("tokens", "source_id")
    at = np.flatnonzero(copied >= 0)
    assert len(at) > 20
    np.testing.assert_allclose(rows[at], source[copied[at]], atol=1e-5)
    assert np.linalg.matrix_rank(rows, tol=1e-4) == RANK
    primitives = cut.statistics()["primitives_input"]
    assert primitives.shape == (RANK, HIDDEN)
    inside = rows @ np.linalg.pinv(primitives) @ primitives
    np.testing.assert_allclose(inside, rows, atol=1e-4)


def test_copies_are_equal_at_full_rank_alone(small: SmallInputs, cut: RunFolder, whole: RunFolder) -> None:
    """And the manifest, the check, the summary and the explanation say which it is."""
    source = load_source(small.source).input.numpy()
    for run, equal in ((cut, False), (whole, True)):
        copied = run.column("tokens", "source_id")
        at = np.flatnonzero(copied >= 0)
        assert np.array_equal(matrix_of(run)[at], source[copied[at]]) is equal
        assert run.manifest["notes"]["low_rank"]["copies_equal"] is equal
        explained = explain_token(run, int(at[-1]))
        assert ("bit for bit" in explained.formula) is equal
        assert ("bit for bit" in explained.verdicts[0].text) is equal
    assert "cut to rank 5" in explain_token(cut, int(at[-1])).formula
    assert (cut.cut_rank, whole.cut_rank) == (RANK, None)
    assert "primitives_input" not in whole.statistics()


def test_the_check_and_the_summary_say_so(
    small: SmallInputs, cut: RunFolder, whole: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """FOC013 names the loss of a cut, passes at full rank, and looks at nothing where no rank was asked for."""
    check = CHECKS["FOC013"]
    found = check.run(cut)
    assert found.status in {Status.WARNING, Status.PROBLEM}  # of 16 random dimensions 5 are few
    assert "not equal" in found.summary
    assert check.run(whole).status is Status.PASSED
    plain = make(small, tmp_path / "plain", "--rank", "8", "--factorization", "semi-nmf")
    out = capsys.readouterr().out
    assert "rank: 8 of 16 by semi-nmf: copied embeddings are near to the source, not equal" in out
    assert "whole ones were right" in out
    assert plain.manifest["config"]["factorization"] == "semi-nmf"
    assert (plain.statistics()["primitives_input"] >= 0).all()
    none = make(small, tmp_path / "none")
    assert check.run(none).status is Status.NOT_APPLICABLE
    assert "low_rank" not in none.manifest["notes"]


def test_the_export_is_the_plain_model_and_claims_no_proof(cut: RunFolder, tmp_path: Path) -> None:
    """A folder that from_pretrained loads, with the rows of the run."""
    folder = tmp_path / "model"
    assert cli.run(["export", str(cut.path), str(folder)]) == 0
    model: Any = AutoModelForMaskedLM.from_pretrained(folder)
    assert torch.equal(model.get_input_embeddings().weight, torch.from_numpy(matrix_of(cut)))
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "cut to rank 5" in card
    assert "gives the same logits" not in card


def test_the_factors_are_exported_apart(
    cut: RunFolder, whole: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two tensors whose product is the matrix; of a run that is whole there are none."""
    file = tmp_path / "factors.safetensors"
    assert cli.run(["export", str(cut.path), str(file), "--factors"]) == 0
    tensors = load_file(file)
    assert set(tensors) == {"coordinates_input", "primitives_input"}
    assert tensors["coordinates_input"].shape == (cut.tokens().num_rows, RANK)
    np.testing.assert_allclose(tensors["coordinates_input"] @ tensors["primitives_input"], matrix_of(cut), atol=1e-5)
    capsys.readouterr()
    for words, told in (
        ((str(whole.path), str(tmp_path / "no.safetensors")), "got embeddings that are whole"),
        ((str(cut.path), str(file)), "got a path that exists"),
        ((str(cut.path), str(tmp_path / "folder")), "expected a .safetensors file to make"),
    ):
        assert cli.run(["export", *words, "--factors"]) == 2
        assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_fallback_rows_are_drawn_as_coordinates(small: SmallInputs, tmp_path: Path) -> None:
    """Random rows lie in the space of the rank, too, and their mean is the source's mean there."""
    run = make(small, tmp_path / "random", "--rank", str(RANK), "--method", "random")
    rows, primitives = matrix_of(run), run.statistics()["primitives_input"]
    np.testing.assert_allclose(rows @ np.linalg.pinv(primitives) @ primitives, rows, atol=1e-4)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rank", "17"), "--rank: expected at most 16, the width of the source's embeddings, got 17"),
        (("--rank", "0"), "--rank: expected at least 1"),
        (("--rank", "5", "--extend"), "--rank: expected none beside --extend"),
    ],
)
def test_a_rank_that_cannot_be_is_refused_before_anything_runs(
    small: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    """One line, exit status 2, nothing left behind."""
    assert cli.run(small.arguments(tmp_path / "run", *words)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert told in lines[-1]
    assert not any("tokenise" in line or "prove" in line for line in lines)
    assert not list(tmp_path.iterdir())


def test_the_factorization_is_a_closed_choice(small: SmallInputs, capsys: pytest.CaptureFixture[str]) -> None:
    """What is none of them is refused by name."""
    assert cli.run(small.arguments(Path("x"), "--factorization", "qr")) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in Factorization)
