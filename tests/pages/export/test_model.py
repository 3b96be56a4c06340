"""Check and export: a model folder is made, downloaded, loaded; where its source is gone, one line says so."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from focus_core.jobs import process as jobs
from focus_core.jobs.record import list_jobs, new_run_id
from focus_core.runs.folder import open_run
from focus_core.training.options import TrainConfig
from focus_core.training.train import adapt_run
from focus_ui.data import catalog, uploads
from pages.export import model as model_view
from tests.fake_jobs import end_jobs, ended, wait
from tests.pages.conftest import texts
from tests.unit.export.test_run_model import corpus_of, small_run

CONFIG = TrainConfig(
    steps=2, batch_tokens=64, max_seq_length=16, evaluations=1, snapshots=0, threads=1, device="cpu", train="embeddings"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder of demo runs: one of a tiny model, plain, and the same one trained."""
    folder = tmp_path_factory.mktemp("small")
    run = small_run(folder, "roberta")
    demo = folder / "demo"
    shutil.copytree(run.path, demo / "plain")
    shutil.copytree(run.path, demo / "trained")
    adapt_run(demo / "trained", name="mine", corpus=[corpus_of(folder)], config=CONFIG)
    return demo


@pytest.fixture(autouse=True)
def runs(made, tmp_path, monkeypatch, empty_caches):
    """Show these runs as the demo; keep what is made in a folder of this test."""
    del empty_caches
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(made))
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    end_jobs(model_view.models_root())


def finished():
    """Wait for the only job and return it."""
    (job,) = list_jobs(model_view.models_root())
    ended(job)
    return job


def test_the_folder_is_made_by_a_child_process_and_loads(open_app, tmp_path):
    from transformers import AutoModelForMaskedLM

    at = open_app("export", run="plain")
    assert "_model_zip" not in {button.key for button in at.get("download_button")}, "no model before it was made"
    at.button(key="_make_model").click().run()
    assert not at.exception
    job = finished()
    assert jobs.job_state(job) is jobs.JobState.DONE
    at.run()
    assert not at.exception
    button = next(button for button in at.get("download_button") if button.key == "_model_zip")
    found = model_view.open_model_zip(job.run)
    assert "Download the model" in button.label
    assert "AutoModelForMaskedLM" in texts(at)
    with zipfile.ZipFile(found.path) as packed:
        packed.extractall(tmp_path)
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "model")
    assert (
        model.get_input_embeddings().num_embeddings == open_run(catalog.demo_root() / "plain").manifest["target"]["n"]
    )


def test_a_finished_zip_is_no_run_and_serves_the_next_user(open_app):
    at = open_app("export", run="plain")
    at.button(key="_make_model").click().run()
    finished()
    other = open_app("export", run="plain")
    assert "_model_zip" in {button.key for button in other.get("download_button")}
    assert len(other.selectbox(key="_run_choice").options) == 2
    assert not any("Jobs" in s.value for s in at.header)


def test_old_zips_go_and_can_be_made_again(open_app, monkeypatch):
    at = open_app("export", run="plain")
    at.button(key="_make_model").click().run()
    job = finished()
    wait(lambda: not jobs._is_alive(job))
    week, size = model_view.MAX_AGE_S, model_view.open_model_zip(job.run).n_bytes
    monkeypatch.setattr(model_view, "MAX_KEPT", size)
    assert model_view.clear_old_models(now=job.created + week - 1) == []
    assert job.run.is_dir()
    monkeypatch.setattr(model_view, "MAX_KEPT", size - 1)
    assert model_view.clear_old_models(now=job.created) == [job.id]
    assert not job.run.exists()
    assert list_jobs(model_view.models_root()) == []
    at.run()
    assert not at.error
    assert any(button.key == "_make_model" for button in at.button)
    job.run.mkdir()
    job.record.mkdir()
    jobs.write_record(job)
    monkeypatch.setattr(model_view, "MAX_KEPT", size)
    assert model_view.clear_old_models(now=job.created + week) == []
    assert model_view.clear_old_models(now=job.created + week + 1) == [job.id]


def test_a_training_that_kept_all_can_be_chosen(open_app):
    at = open_app("export", run="trained")
    assert ":mine build/model" in shown_command(at)
    choice = at.selectbox(key="_model_state")
    assert choice.value == "mine"
    assert len(choice.options) == 2
    at.button(key="_make_model").click().run()
    assert list_jobs(model_view.models_root())[0].arguments[1].endswith("/trained:mine")
    at.selectbox(key="_model_state").select("right after initialisation").run()
    assert "mine" not in shown_command(at), "the command is that of the state beside it"


def shown_command(at):
    """Return the command that exports what is chosen."""
    return next(block.value for block in at.code if " focus_core export " in block.value)


def test_a_source_that_is_gone_is_one_line(open_app, made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "demo")
    (tmp_path / "demo" / "plain" / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / "gone")}))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("export", run="plain")
    assert any("no longer on this server" in w.value for w in at.warning)
    assert not any(button.key == "_make_model" for button in at.button)


def test_a_build_that_fails_says_why_and_can_be_tried_again(open_app, made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "demo")
    (tmp_path / "bare").mkdir()
    (tmp_path / "demo" / "plain" / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / "bare")}))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("export", run="plain")
    at.button(key="_make_model").click().run()
    assert jobs.job_state(finished()) is jobs.JobState.FAILED
    at.run()
    assert len(at.error) == 1
    assert "expected" in at.error[0].value
    assert at.button(key="_make_model")
    assert [path.name for path in model_view.models_root().iterdir()] == [".jobs"]


@pytest.mark.parametrize(
    ("name", "kept", "expected"),
    [
        ("habari.txt", "0a.txt", "habari.txt"),
        ("../../etc/![x](https://example.org).txt", "0a.txt", "example.org.txt"),
        ("C:\\temp\\Kitabu (2).JSONL.gz", "0a.jsonl.gz", "Kitabu-2.jsonl.gz"),
        ("हिन्दी पाठ.txt", "0a.txt", "हिन्दी-पाठ.txt"),
        ("...", "0a.txt", "0a.txt"),
        ("--source.txt", "0a.txt", "source.txt"),
        ("\u202e\u0000`$(x)`.txt", "0a.txt", "x.txt"),
        ("a" * 300 + ".txt", "0a.txt", "a" * 60 + ".txt"),
        ("", "0a.json", "0a.json"),
    ],
)
def test_what_is_kept_of_a_file_name(name, kept, expected):
    assert uploads.safe_name(name, Path(kept)) == expected


def test_two_uploads_of_one_name_both_reach_the_job(tmp_path, monkeypatch):
    import streamlit as st

    folder, job_id = tmp_path / "session", new_run_id()
    folder.mkdir()
    paths = [folder / "0a.txt", folder / "0b.txt"]
    for path in paths:
        path.write_text(path.name)
    monkeypatch.setattr(uploads, "session_folder", lambda: folder)
    monkeypatch.setattr(st, "session_state", {uploads.NAMES: dict.fromkeys(map(str, paths), "text.txt")})
    given = uploads.hand_over(paths, tmp_path / "runs", job_id)
    assert [path.name for path in given] == ["text.txt", "text-2.txt"]
    assert [path.read_text() for path in given] == ["0a.txt", "0b.txt"]
