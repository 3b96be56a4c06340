"""Version 2 of a run's folder: sides that differ, scales, signed weights and further tensors, written and read back."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import scipy.sparse
import torch

from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.what_if import nothing_to_recompute
from focus_core.errors import RunFolderError
from focus_core.export.model_folder import export_model
from focus_core.initialization.result import FocusResult
from focus_core.initialization.weights import WeightMatrix
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.layout import COLUMNS
from focus_core.runs.weights import read_weights
from focus_core.runs.writer import write_manifest
from tests.toy_run import id_of, toy_result, write_toy_run

BARE = [{"role": "source_embeddings", "name": "toy.safetensors", "sha256": "0" * 64, "bytes": 90}]


def other_weights(own: WeightMatrix) -> WeightMatrix:
    """Return weights of the output side: the same contributors, the first of several one twice as heavy and signed."""
    data, starts = own.matrix.data.copy(), own.matrix.indptr[:-1][own.support > 1]
    data[starts] = -2 * data[starts]
    matrix = scipy.sparse.csr_array((data, own.matrix.indices, own.matrix.indptr), shape=own.matrix.shape)
    return dataclasses.replace(own, matrix=matrix)


@pytest.fixture(scope="module")
def result() -> FocusResult:
    """Return the toy with everything that version 2 can hold."""
    plain = toy_result(inputs=BARE)
    rows, n = plain.embeddings["input"], plain.target.n
    return dataclasses.replace(
        plain,
        tied=False,
        embeddings={"input": rows, "output": rows + 1},
        output_weights=other_weights(plain.weights),
        input_scale=np.linspace(0.5, 2.0, n, dtype=np.float32),
        output_scale=np.linspace(1.0, 3.0, n, dtype=np.float32),
        extra_tensors={"per_layer.weight": rows[:, :3].repeat(1, 2).half(), "final_logits_bias": torch.zeros(1, n)},
    )


@pytest.fixture(scope="module")
def run(result: FocusResult, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("sides") / "run", result=result)


@pytest.fixture
def copy(run: RunFolder, tmp_path: Path) -> Path:
    return shutil.copytree(run.path, tmp_path / "copy")


def resealed(folder: Path, **changes: Any) -> Path:
    """Write the manifest anew over files that a test changed, so that nothing but the change is wrong."""
    write_manifest(folder, open_run(folder).manifest | changes)
    return folder


# --- what is written is read back -------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["input", "output"])
def test_the_weights_of_both_sides_are_read_back(run: RunFolder, result: FocusResult, side: str) -> None:
    written = result.weights if side == "input" else result.output_weights
    read = read_weights(run, side)
    assert written is not None
    assert (read.matrix != written.matrix).nnz == 0
    assert np.array_equal(read.matrix.indices, written.matrix.indices)
    assert np.array_equal(read.similarities, written.similarities, equal_nan=True)
    assert np.array_equal(read.origins, written.origins)
    assert np.array_equal(read.rules, written.rules)


def test_sides_that_do_not_differ_are_one_table(tmp_path: Path) -> None:
    run = write_toy_run(tmp_path / "run")
    assert not run.sides_differ
    assert not (run.path / "contributions_output.parquet").exists()
    assert read_weights(run, "output") is read_weights(run, "input")


def test_signed_weights_fall_within_a_token_and_count_by_size(run: RunFolder) -> None:
    table = pq.read_table(run.path / "contributions_output.parquet").to_pydict()
    target, weight = np.array(table["target_id"]), np.array(table["weight"])
    same = np.diff(target) == 0
    assert (weight < 0).any()
    assert (np.diff(target) >= 0).all()
    assert (np.diff(weight)[same] <= 0).all()


def test_weight_that_is_fed_counts_signed_weights_by_size(tmp_path: Path) -> None:
    own = toy_result()
    signed = other_weights(own.weights)
    run = write_toy_run(tmp_path / "run", result=dataclasses.replace(own, weights=signed))
    new = np.flatnonzero(own.copied_from < 0)
    expected = np.abs(signed.matrix.toarray()[new]).sum(axis=0)
    assert run.column("source_tokens", "weight_fed") == pytest.approx(expected, rel=1e-6)


def test_scales_stand_after_the_other_columns(run: RunFolder, result: FocusResult) -> None:
    assert run.tokens().column_names == [*COLUMNS["tokens"], "input_scale", "output_scale"]
    assert np.array_equal(run.scale("input"), result.input_scale)
    assert np.array_equal(run.scale("output"), result.output_scale)


def test_a_tied_run_has_one_scale_for_both_sides(tmp_path: Path) -> None:
    own = toy_result()
    scale = np.full(own.target.n, 1.5, np.float32)
    run = write_toy_run(tmp_path / "run", result=dataclasses.replace(own, input_scale=scale))
    assert run.tokens().column_names[-1] == "input_scale"
    assert run.scale("output") is run.scale("input")
    assert write_toy_run(tmp_path / "plain").scale() is None


def test_further_tensors_are_read_by_their_own_names(run: RunFolder, result: FocusResult) -> None:
    assert run.extra_names() == ("final_logits_bias", "per_layer.weight")
    expected = result.extra_tensors["per_layer.weight"].float().numpy()
    assert np.array_equal(run.embeddings("per_layer.weight"), expected)
    assert np.array_equal(run.rows("per_layer.weight", [4, 2]), expected[[4, 2]])
    assert run.manifest["matrices"]["per_layer.weight"] == {"dtype": "float16", "shape": list(expected.shape)}


# --- what contradicts is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tied": True}, "tied embeddings have no weights or scale"),
        ({"input_scale": np.ones(3)}, "one finite number a token"),
        ({"extra_tensors": {"bias": torch.zeros(2)}}, "no further tensor of the vocabulary"),
        ({"extra_tensors": {"other": torch.zeros(2, 3)}}, "no further tensor of the vocabulary"),
    ],
)
def test_a_result_that_contradicts_itself_is_not_made(
    result: FocusResult, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(result, **changes)


def test_sides_of_other_origins_are_not_made(result: FocusResult) -> None:
    other = dataclasses.replace(result.weights, origins=np.zeros_like(result.weights.origins))
    with pytest.raises(ValueError, match="differ in shape, origins or rules"):
        dataclasses.replace(result, output_weights=other)


def refusal(folder: Path) -> str:
    with pytest.raises(RunFolderError) as caught:
        open_run(folder).tokens()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_of_the_output_that_are_gone_are_missed(copy: Path) -> None:
    (copy / "contributions_output.parquet").unlink()
    assert "expected contributions_output.parquet, as manifest.json says, got none" in refusal(copy)


def test_weights_of_the_output_that_nobody_noted_are_refused(copy: Path) -> None:
    manifest = open_run(copy).manifest
    files = {name: digest for name, digest in manifest["files"].items() if name != "contributions_output.parquet"}
    (copy / "manifest.json").write_text(json.dumps(manifest | {"files": files}))
    assert "expected no contributions_output.parquet" in refusal(copy)


def test_weights_of_the_output_of_tied_embeddings_are_refused(copy: Path, run: RunFolder) -> None:
    resealed(copy, matrices=run.manifest["matrices"] | {"tied": True})
    assert "expected output embeddings of their own" in refusal(copy)


def test_a_scale_of_the_output_of_tied_embeddings_is_refused(tmp_path: Path, run: RunFolder) -> None:
    plain = write_toy_run(tmp_path / "run")
    shutil.copy(run.path / "tokens.parquet", plain.path)
    assert "expected tokens.parquet with columns" in refusal(resealed(plain.path))


def test_an_entry_of_a_token_that_there_is_not_is_refused(copy: Path) -> None:
    path = copy / "contributions_output.parquet"
    table = pq.read_table(path)
    sources = table.column("source_id").to_numpy() + 1000
    pq.write_table(table.set_column(1, "source_id", [sources]), path)
    with pytest.raises(RunFolderError, match="finite weights of the run's tokens in contributions_output"):
        read_weights(open_run(resealed(copy)), "output")


# --- no verb is silently wrong ----------------------------------------------------------------------------------


def test_an_explanation_tells_both_sides(run: RunFolder) -> None:
    token = id_of(run, "▁mkulima")
    found = explain_token(run, token)
    scale = float(run.scale("input")[token])
    assert f"= {scale:.3g} × (" in found.formula
    said = [verdict.text for verdict in found.verdicts]
    assert f"The embedding was multiplied by {scale:.3g} after it was made." in said
    assert "The output embedding has weights of its own; these are the input's." in said
    output_scale = float(run.scale("output")[token])
    assert found.output_formula.startswith(f"output of {found.display} = {output_scale:.3g} × (")
    weights = read_weights(run, "output").matrix[[token]].data
    assert sorted(c.weight for c in found.output_contributors) == pytest.approx(sorted(weights))


def test_a_copy_that_was_scaled_is_not_called_bit_for_bit(run: RunFolder) -> None:
    found = explain_token(run, id_of(run, "▁market"))
    assert "bit for bit" not in found.formula
    assert " × (1.00 e(" in found.formula


def test_weights_of_rows_that_were_scaled_are_not_computed_again(run: RunFolder) -> None:
    assert "scaled" in nothing_to_recompute(run, id_of(run, "▁mkulima"))


def test_the_checks_of_weights_look_at_both_sides(run: RunFolder) -> None:
    found = {result.code: result for result in run_checks(run)}
    for code in ("FOC003", "FOC004"):
        assert found[code].summary.startswith("input side: ")
        assert "; output side: " in found[code].summary
    assert found["FOC012"].status == "passed"


def test_the_worse_side_decides(tmp_path: Path) -> None:
    """One source token takes all the weight of the output side: a hub there, none on the input side."""
    plain = toy_result()
    new = np.flatnonzero((plain.copied_from < 0) & (plain.weights.support > 0))
    own, dense = plain.weights, plain.weights.matrix.toarray()
    dense[new] = 0
    dense[new, 7] = 1
    matrix = scipy.sparse.csr_array(dense.astype(np.float32))
    other = dataclasses.replace(own, matrix=matrix, similarities=np.full(matrix.nnz, np.nan, np.float32))
    rows = plain.embeddings["input"]
    changes: dict[str, Any] = {"tied": False, "embeddings": {"input": rows, "output": rows + 1}}
    one = write_toy_run(tmp_path / "one", result=dataclasses.replace(plain, **changes))
    two = write_toy_run(tmp_path / "two", result=dataclasses.replace(plain, **changes, output_weights=other))
    codes = ("FOC003", "FOC004")
    before, after = ({r.code: r for r in run_checks(run) if r.code in codes} for run in (one, two))
    assert [before[code].status for code in codes] == ["passed", "passed"]
    assert [after[code].status for code in codes] == ["problem", "warning"]
    assert after["FOC003"].tokens == [7]


def test_the_export_refuses_tensors_that_its_source_does_not_have(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(
        RunFolderError, match=r"expected input with 135 embeddings, got final_logits_bias .*per_layer\.weight"
    ) as caught:
        export_model(run, tmp_path / "model")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
