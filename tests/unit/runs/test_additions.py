"""Trainings and projections of a run: found by name on disk, refused in one line where they are none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from focus_core.artifacts import write_arrays
from focus_core.errors import RunFolderError
from focus_core.runs.additions import (
    CHANGE_COLUMNS,
    CURVE_COLUMNS,
    list_projections,
    list_trainings,
    new_addition,
    open_projection,
    open_training,
)
from focus_core.runs.folder import RunFolder, open_run
from tests.tiny_runs import add_projection, add_training
from tests.toy_run import write_toy_run


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_run(tmp_path_factory.mktemp("additions") / "toy").path


@pytest.fixture
def run(toy_folder: Path, tmp_path: Path) -> RunFolder:
    """Return a toy run of this test's own."""
    return open_run(shutil.copytree(toy_folder, tmp_path / "toy"))


@pytest.fixture
def changes(run: RunFolder) -> dict[str, np.ndarray]:
    n = run.tokens().num_rows
    columns = {name: np.linspace(0, 1, n, dtype=np.float32) for name in ("cosine", "norm_ratio", "kept")}
    columns["kept"][3] = np.nan
    return columns


def refusal(call, *arguments) -> str:
    """Return the one line with which a call is refused."""
    with pytest.raises(RunFolderError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_without_additions_has_none(run):
    assert list_trainings(run) == []
    assert list_projections(run) == []


def test_a_training_is_read_back(run, changes):
    trained = run.embeddings() + np.float32(1)
    add_training(run, "focus-seed-1", trained=trained, changes=changes)
    assert list_trainings(run) == ["focus-seed-1"]
    training = open_training(run, "focus-seed-1")
    assert training.name == "focus-seed-1"
    assert training.manifest["run_digest"] == run.digest
    assert tuple(training.curve().column_names) == CURVE_COLUMNS
    assert training.curve()["held_out_loss"].to_pylist() == [6.0, 5.0, 4.5]
    assert training.curve()["loss"].to_pylist()[0] is None
    assert tuple(training.tokens().column_names) == CHANGE_COLUMNS
    assert training.tokens()["kept"].to_pylist()[3] is None
    assert training.matrix_names() == ("input",)
    assert np.array_equal(training.embeddings(), trained)
    assert np.array_equal(training.rows("input", [5, 2]), trained[[5, 2]])


def test_half_precision_is_widened(run):
    trained = run.embeddings().astype(np.float16)
    training = add_training(run, "half", trained=trained)
    assert training.embeddings().dtype == np.float32
    assert np.array_equal(training.rows("input", slice(0, 4)), trained[:4].astype(np.float32))


def test_a_training_of_another_method_may_keep_its_curve_alone(run):
    training = add_training(run, "random-seed-2", method="random", seed=2)
    assert training.matrix_names() == ()
    assert training.tokens() is None
    assert "kept its curve alone" in refusal(training.embeddings)


def test_imported_embeddings_have_no_curve(run):
    folder = add_training(run, "mine", kind="attached", trained=run.embeddings() * 2).path
    (folder / "curve.parquet").unlink()
    assert open_training(run, "mine").curve() is None


def test_unfinished_hidden_and_linked_folders_are_none(run, tmp_path):
    add_training(run, "done")
    for name in ("done.part", ".done.1234.part"):
        shutil.copytree(run.path / "training" / "done", run.path / "training" / name)
    (run.path / "training" / "empty").mkdir()
    (run.path / "training" / "notes.txt").write_text("x")
    shutil.move(shutil.copytree(run.path / "training" / "done", tmp_path / "copy"), tmp_path / "outside")
    (run.path / "training" / "link").symlink_to(tmp_path / "outside")
    assert list_trainings(run) == ["done"]
    assert "'done'" in refusal(open_training, run, "done.part")
    assert "'done'" in refusal(open_training, run, "link")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../toy", "../../toy/training/one", "/etc", "one/", "one/../one", "one\0", "ONE", "\ud800",
             "a\nb", "x" * 5000]
)  # fmt: skip
def test_a_name_is_only_ever_compared(run, name):
    """Every one of these names nothing on disk; the last line says what there is."""
    add_training(run, "one")
    add_projection(run, "one", {"initialised": np.zeros((3, 2))}, np.arange(3))
    assert "'one'" in refusal(open_training, run, name)
    assert "'one'" in refusal(open_projection, run, name)


@pytest.mark.parametrize("name", ["", ".hidden", "..", "a/b", "a b", "x.part", "-x", "é", "x" * 65, "a\n"])
def test_a_new_name_is_plain(run, name):
    assert "choose another name" in refusal(new_addition, run.path, "training", name)


def test_a_new_name_is_new(run):
    add_training(run, "one")
    assert new_addition(run.path, "training", "two") == run.path / "training" / "two"
    assert new_addition(run.path, "projection", "one") == run.path / "projection" / "one"
    assert "one that exists" in refusal(new_addition, run.path, "training", "one")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "schema version 1"),
        ('{"schema_version": 3}', "version 3"),
        ('{"schema_version": 1, "kind": "initialisation"}', "kind"),
        ('{"schema_version": 1, "kind": "training", "name": "one"}', "run_digest"),
    ],
)
def test_a_damaged_manifest_is_said_in_one_line(run, text, words):
    (add_training(run, "one").path / "manifest.json").write_text(text)
    message = refusal(open_training, run, "one")
    assert message.startswith("training one")
    assert words in message


def test_a_projection_without_members_is_refused(run):
    add_projection(run, "one", {"initialised": np.zeros((3, 2))}, np.arange(3))
    path = run.path / "projection" / "one" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "members": [{"title": "x"}]}))
    assert "members" in refusal(open_projection, run, "one")


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet"])
def test_a_damaged_table_is_said_in_one_line(run, changes, content):
    training = add_training(run, "one", changes=changes)
    for name, read in (("curve.parquet", training.curve), ("tokens.parquet", training.tokens)):
        (training.path / name).write_bytes(content)
        message = refusal(read)
        assert message.startswith("training one")
        assert name in message


def test_a_table_with_other_columns_is_refused(run, changes):
    training = add_training(run, "one", changes=changes)
    shutil.copyfile(training.path / "curve.parquet", training.path / "tokens.parquet")
    assert "id, cosine, norm_ratio, kept" in refusal(training.tokens)


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"\xff" * 64])
def test_damaged_arrays_are_said_in_one_line(run, content):
    training = add_training(run, "one", trained=run.embeddings())
    (training.path / "trained.safetensors").write_bytes(content)
    assert refusal(open_training, run, "one").startswith("training one: expected sound arrays")


@pytest.mark.parametrize("shape", [(7, 8), (135, 9)])
def test_arrays_of_another_vocabulary_or_width_are_refused(run, shape):
    training = add_training(run, "one", trained=run.embeddings())
    write_arrays(training.path / "trained.safetensors", {"input": np.zeros(shape, dtype=np.float32)})
    message = refusal(open_training, run, "one")
    assert str(run.embeddings().shape) in message
    assert str(shape) in message


def test_an_array_that_the_run_does_not_have_is_refused(run):
    training = add_training(run, "one", trained=run.embeddings())
    write_arrays(training.path / "trained.safetensors", {"head": run.embeddings()})
    assert "head" in refusal(open_training, run, "one")


def test_a_projection_is_read_back(run):
    members = {"initialised": np.arange(6).reshape(3, 2), "trained:one": np.arange(6).reshape(3, 2) + 10}
    add_projection(run, "umap", members, np.array([4, 9, 2]))
    assert list_projections(run) == ["umap"]
    points = open_projection(run, "umap").points().to_pydict()
    assert points["member"] == ["initialised"] * 3 + ["trained:one"] * 3
    assert points["id"] == [4, 9, 2] * 2
    assert points["x"] == [0, 2, 4, 10, 12, 14]
    (run.path / "projection" / "umap" / "points.parquet").unlink()
    assert refusal(open_projection(run, "umap").points).startswith("projection umap")
