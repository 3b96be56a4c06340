"""Training in a copy: the run stays, the copy is whole or is not; and a model as one zip file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch

from focus_core.cli import main as cli
from focus_core.errors import InvalidInputError, RunFolderError
from focus_core.export.archive import open_model_zip, source_is_named, zip_key, zip_model
from focus_core.export.model_folder import export_model
from focus_core.export.states import model_states
from focus_core.runs.additions import list_trainings, open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.training.copy import adapt_copy
from focus_core.training.options import TrainConfig, Trained
from tests.unit.export.test_run_model import corpus_of, small_run

CONFIG = TrainConfig(
    steps=4, batch_tokens=64, max_seq_length=16, learning_rate=1e-2, evaluations=2, snapshots=0, threads=1, device="cpu"
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return small_run(tmp_path, "roberta")


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_run_stays_and_the_copy_has_the_training(run: RunFolder, tmp_path: Path) -> None:
    before = contents(run.path)
    told = []

    def hear(stage: str, done: float, total: float, note: str = "") -> None:
        told.append((stage, done, total, note))

    output = adapt_copy(run, tmp_path / "copy", name="mine", corpus=[corpus_of(tmp_path)], config=CONFIG, progress=hear)
    assert contents(run.path) == before
    copy = open_run(output)
    assert copy.digest == run.digest
    assert list_trainings(copy) == ["mine"]
    assert open_training(copy, "mine").manifest["run_digest"] == run.digest
    assert not (output / "copy").exists()
    assert json.loads((output / "log" / "source.json").read_text()) == json.loads(before["log/source.json"])
    notes = [note for stage, _, _, note in told if stage == "train"]
    assert len(notes) == 4
    assert all("held-out" in note for note in notes)
    events = [json.loads(line) for line in (output / "log" / "events.jsonl").read_text().splitlines()]
    assert events[0]["stage"] == "copy the run"
    assert "train" in {event["stage"] for event in events}


def test_a_training_that_is_stopped_leaves_nothing(run: RunFolder, tmp_path: Path) -> None:
    def stop(stage: str, done: float, total: float, note: str = "") -> None:
        del total, note
        if stage == "train" and done == 2:
            raise KeyboardInterrupt

    there = {*tmp_path.iterdir(), corpus_of(tmp_path)}
    with pytest.raises(KeyboardInterrupt):
        adapt_copy(run, tmp_path / "copy", name="mine", corpus=[tmp_path / "text.txt"], config=CONFIG, progress=stop)
    assert set(tmp_path.iterdir()) == there


def test_a_folder_that_exists_is_not_written_into(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="a new folder"):
        adapt_copy(run, run.path, name="mine", corpus=[corpus_of(tmp_path)], config=CONFIG)
    assert list_trainings(run) == []


def test_the_verb_trains_in_a_copy(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["adapt", str(run.path), "--name", "mine", "--corpus", str(corpus_of(tmp_path)), "--steps", "2"]
    small = ["--batch-tokens", "64", "--max-seq-length", "16", "--evaluations", "1"]
    words += [*small, "--output", str(tmp_path / "copy")]
    assert cli.run([*words, "--resume"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert cli.run(words) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "copy")
    assert list_trainings(open_run(tmp_path / "copy")) == ["mine"]
    assert list_trainings(run) == []


def test_the_zip_holds_the_model_folder(run: RunFolder, tmp_path: Path) -> None:
    folder = export_model(run, tmp_path / "model-folder")
    path = zip_model(run, tmp_path / "packed")
    found = open_model_zip(tmp_path / "packed")
    assert found.path == path
    assert found.n_bytes == path.stat().st_size
    assert found.loader == "AutoModelForMaskedLM"
    assert [p.name for p in (tmp_path / "packed").iterdir() if p.name != "log"] == ["model.zip"]
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path / "unpacked")
    assert contents(tmp_path / "unpacked" / "model") == contents(folder)
    assert zip_model(run, tmp_path / "again").read_bytes() == path.read_bytes()


def test_the_zip_of_a_training_holds_its_rows(run: RunFolder, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    copy = open_run(adapt_copy(run, tmp_path / "copy", name="mine", corpus=[corpus_of(tmp_path)], config=CONFIG))
    path = zip_model(copy, tmp_path / "packed", trained="mine")
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path / "unpacked")
    tensors = load_file(tmp_path / "unpacked" / "model" / "model.safetensors")
    (rows,) = [t for name, t in tensors.items() if name.endswith("word_embeddings.weight")]
    assert torch.equal(rows, torch.from_numpy(open_training(copy, "mine").embeddings().copy()))
    assert "mine" in (tmp_path / "unpacked" / "model" / "README.md").read_text()


def test_the_verb_packs(run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["pack", str(run.path), "--output", str(tmp_path / "packed")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "packed" / "model.zip")


def test_a_source_that_is_gone_leaves_nothing_half_written(run: RunFolder, tmp_path: Path) -> None:
    assert source_is_named(run)
    (tmp_path / "model").rename(tmp_path / "moved")
    assert not source_is_named(run)
    with pytest.raises(InvalidInputError, match="which is gone"):
        zip_model(run, tmp_path / "packed")
    assert not list(tmp_path.glob("packed*"))


def test_trainings_without_a_whole_model_are_not_offered(run: RunFolder, tmp_path: Path) -> None:
    text = corpus_of(tmp_path)
    copy = open_run(adapt_copy(run, tmp_path / "copy", name="whole", corpus=[text], config=CONFIG))
    assert [state.name for state in model_states(copy)] == ["whole"]
    (copy.path / "training" / "whole" / "body.safetensors").unlink()
    assert model_states(copy) == []
    embeddings = TrainConfig(**{**CONFIG.to_dict(), "train": Trained.EMBEDDINGS})
    other = open_run(adapt_copy(run, tmp_path / "other", name="rows", corpus=[text], config=embeddings))
    assert [state.name for state in model_states(other)] == ["rows"]


def test_keys_tell_states_apart(run: RunFolder, tmp_path: Path) -> None:
    copy = open_run(adapt_copy(run, tmp_path / "copy", name="mine", corpus=[corpus_of(tmp_path)], config=CONFIG))
    (training,) = model_states(copy)
    assert zip_key(copy, None) == zip_key(run, None)
    assert zip_key(copy, training) != zip_key(copy, None)
    assert len(bytes.fromhex(zip_key(run, None))) == 16


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(RunFolderError, match="a sound file"):
        open_model_zip(tmp_path)
