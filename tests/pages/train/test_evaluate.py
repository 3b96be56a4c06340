"""Train: states are measured by a child process, shown with intervals, found again, and refused in one line."""

from __future__ import annotations

import json
import shutil

import pytest

from focus_core.jobs import process as jobs
from focus_core.jobs.record import list_jobs
from focus_core.training.options import TrainConfig
from focus_core.training.train import adapt_run
from focus_ui.data.catalog import evaluations_root
from pages.train.evaluate_figures import evaluation_figure, evaluation_table, measured_states
from tests.fake_jobs import end_jobs, ended, wait
from tests.pages.conftest import texts
from tests.unit.export.test_run_model import corpus_of, small_run

CONFIG = TrainConfig(steps=2, batch_tokens=64, max_seq_length=16, evaluations=1, snapshots=0, threads=1, device="cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder: ``demo`` with a run of a tiny model, trained with its body and without, and ``text.txt``."""
    folder = tmp_path_factory.mktemp("evaluate")
    run, corpus = small_run(folder, "roberta"), corpus_of(folder)
    shutil.copytree(run.path, folder / "demo" / "small")
    for name in ("whole", "headless"):
        adapt_run(folder / "demo" / "small", name=name, corpus=[corpus], config=CONFIG)
    (folder / "demo" / "small" / "training" / "headless" / "body.safetensors").unlink()
    return folder


@pytest.fixture(autouse=True)
def runs(made, tmp_path, monkeypatch, empty_caches):
    del empty_caches
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(made / "demo"))
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    end_jobs(evaluations_root())


def open_form(open_app):
    at = open_app("train", run="small")
    at.session_state["_evaluate_box"] = True
    return at.run()


def start(at, made, *, dictionary=None):
    """Choose an uploaded text and start; return the job once it has ended."""
    at.selectbox(key="_evaluate_text").set_value("Upload a text").run()
    at.file_uploader(key="_evaluate_upload").upload("mine.txt", (made / "text.txt").read_bytes(), "text/plain").run()
    if dictionary is not None:
        at.file_uploader(key="_evaluate_dictionary").upload("words.tsv", dictionary, "text/plain").run()
    assert not at.button(key="_evaluate").disabled
    at.button(key="_evaluate").click().run()
    assert not at.exception
    (job,) = list_jobs(evaluations_root())
    ended(job)
    return job


def test_states_are_measured_shown_and_found_again(open_app, made, runs):
    at = open_form(open_app)
    options = at.multiselect[0].options
    assert options[0] == "right after initialisation"
    assert len(options) == 2
    assert "whole" in options[1]
    assert "Not offered: headless. They keep no backbone" in texts(at)
    job = start(at, made, dictionary=b"market\tMarkt\n")
    assert jobs.job_state(job) is jobs.JobState.DONE, (job.record / "stderr.log").read_text()
    assert "--dictionary" in job.arguments
    at.run()
    assert not at.exception
    assert "Whiskers hold 95 % of what" in texts(at)
    assert "Measured on mine" in texts(at)
    assert any(e.proto.label == "See it on the page Train" for e in at.get("page_link"))
    assert not [b for b in at.button if str(b.key).startswith("_open_tray")], "an evaluation is no run to open"
    table = next(d.value for d in at.dataframe if "95 %" in d.value)
    assert table["state"].tolist()[1] == "whole"
    assert table["95 %"].str.contains(" to ").all()
    assert list(runs.iterdir()) == [evaluations_root()], "an evaluation is no run"
    again = open_app("train", run="small")
    assert "Whiskers hold" not in texts(again), "another user's evaluations are not shown"
    at.button(key="_evaluation_delete").click().run()
    assert "Whiskers hold" not in texts(at)
    assert not job.run.exists()


def test_a_running_evaluation_shows_its_progress_and_can_be_cancelled(open_app, made, runs):
    at = open_form(open_app)
    at.selectbox(key="_evaluate_text").set_value("Upload a text").run()
    at.file_uploader(key="_evaluate_upload").upload("mine.txt", (made / "text.txt").read_bytes(), "text/plain").run()
    at.button(key="_evaluate").click().run()
    (job,) = list_jobs(evaluations_root())
    assert str(made) not in texts(at), "no path of this server"
    assert len(at.get("progress")) == 2, "on the page, and in the tray of every page"
    assert at.button(key=f"_cancel_tray_{job.id}")
    at.button(key=f"_cancel_{job.id}").click().run()
    wait(lambda: jobs.job_state(job) is jobs.JobState.CANCELLED)
    at.run()
    assert not at.error
    assert "Whiskers hold" not in texts(at)
    assert not job.run.exists()
    assert not job.part.exists()


def test_a_text_that_is_too_small_is_said_in_one_line_and_can_be_dismissed(open_app, made):
    at = open_form(open_app)
    at.selectbox(key="_evaluate_text").set_value("Upload a text").run()
    assert at.button(key="_evaluate").disabled
    at.file_uploader(key="_evaluate_upload").upload("mine.txt", b"one line\n", "text/plain").run()
    at.button(key="_evaluate").click().run()
    (job,) = list_jobs(evaluations_root())
    wait(lambda: jobs.job_state(job) is jobs.JobState.FAILED)
    at.run()
    (error,) = at.error
    assert "at least 100 different lines" in error.value
    assert "Traceback" not in error.value
    at.button(key=f"_dismiss_evaluation_{job.id}").click().run()
    assert not at.error


def test_a_text_in_another_encoding_is_refused_before_anything_starts(open_app):
    at = open_form(open_app)
    at.selectbox(key="_evaluate_text").set_value("Upload a text").run()
    at.file_uploader(key="_evaluate_upload").upload("mine.txt", "Größe\n".encode("cp1252"), "text/plain").run()
    (error,) = at.error
    assert "mine" in error.value
    assert "save it as UTF" in error.value
    assert "encoding" not in error.value.partition("save it")[2]
    assert at.button(key="_evaluate").disabled


def test_without_its_source_a_run_cannot_be_measured(open_app, made, tmp_path, monkeypatch):
    demo = tmp_path / "demo"
    shutil.copytree(made / "demo", demo)
    (demo / "small" / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / "gone")}))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(demo))
    at = open_form(open_app)
    assert "no longer on this server, so there is no model to measure" in texts(at)


def report(**states):
    bits = {"value": 2.0, "low": 1.5, "high": 2.75}
    targets = [
        {"target": name, "training": training, "method": "focus", "loss": {"bits_per_character": bits}}
        for name, training in states.items()
    ]
    return {"targets": targets, "sources": [{"target": "<b>tiny</b>", "loss": None}], "differences": [], "states": []}


def test_states_that_look_alike_keep_names_of_their_own():
    found = measured_states(report(a=None, b=None, c="<i>x</i>"), "0" * 64)
    assert [s.name for s in found] == [
        "initialised (FOCUS)", "initialised (FOCUS) (2)", "<i>x</i>", "source model (<b>tiny</b>)",
    ]  # fmt: skip
    figure = evaluation_figure(found)
    assert list(figure.data[0].error_x.array) == pytest.approx([0.75] * 3)
    assert list(figure.data[0].error_x.arrayminus) == pytest.approx([0.5] * 3)
    assert not [text for text in figure.layout.yaxis.ticktext if "<i>" in text]
    assert evaluation_table(found)["95 %"] == ["1.500 to 2.750"] * 3 + [None]


def test_a_state_of_another_run_says_so():
    other = report(a=None) | {"states": [{"run": "1" * 64, "training": None}]}
    assert measured_states(other, "0" * 64)[0].name == "initialised (FOCUS) · another run"
