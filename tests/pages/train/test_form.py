"""Train: the form starts a job that trains a copy; the copy opens with its training; the run stays."""

from __future__ import annotations

import json
import shutil

import pytest

from focus_core.jobs import process as jobs
from focus_core.jobs.record import list_jobs
from focus_core.runs.additions import list_trainings, open_training
from focus_core.runs.folder import open_run
from focus_ui.data import catalog
from pages.train import measured
from pages.train.form import free_name, suggested_tokens
from tests.fake_jobs import end_jobs, ended, wait
from tests.pages.conftest import PAGES, param, texts
from tests.tiny_encoders import pairs_of
from tests.unit.export.test_run_model import corpus_of, small_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder: a demo run of a tiny model, and a text."""
    folder = tmp_path_factory.mktemp("small")
    run = small_run(folder, "roberta")
    shutil.copytree(run.path, folder / "demo" / "plain")
    corpus_of(folder)
    return folder


@pytest.fixture(autouse=True)
def runs(made, tmp_path, monkeypatch, empty_caches):
    """Show this run as the demo; keep what is made in a folder of this test."""
    del empty_caches
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(made / "demo"))
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    end_jobs(catalog.runs_root())


def start_button(at):
    return next(button for button in at.button if button.label == "Start training")


def only_job():
    (job,) = list_jobs(catalog.runs_root())
    return job


def fill(at, made, n=2):
    """Upload the text, and choose a few steps on the embeddings."""
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.file_uploader(key="_corpus_upload").upload("my words.txt", (made / "text.txt").read_bytes(), "text/plain").run()
    assert not at.exception
    next(i for i in at.number_input if i.label == "How long").set_value(n)
    at.selectbox(key="_adapt_unit").set_value("steps")
    at.selectbox(key="_adapt_train").set_value("embeddings")
    at.number_input(key="_adapt_seed").set_value(7)


def test_a_copy_is_trained_and_opens_with_its_training(open_app, made):
    at = open_app("train", run="plain")
    fill(at, made)
    start_button(at).click().run()
    assert not at.exception
    job = only_job()
    assert job.verb == "adapt"
    assert job.title == "trained on my-words.txt: plain"
    ended(job)
    assert jobs.job_state(job) is jobs.JobState.DONE, (job.record / "stderr.log").read_text()
    at.run()
    assert param(at, "run") == "plain", "whoever reads a run here stays with it"
    at.button(key=f"_open_{job.id}").click().run()
    assert not at.exception
    assert param(at, "run") == job.id
    assert at.title[0].value == "Train"
    assert "has not been trained yet" not in texts(at)
    training = open_training(open_run(job.run), "adapted")
    config = training.manifest["config"]
    assert (config["steps"], config["train"], config["seed"]) == (2, "embeddings", 7)
    assert training.manifest["corpus"]["files"] == ["my-words.txt"]
    assert list_trainings(open_run(made / "demo" / "plain")) == []
    assert any(name.endswith("· yours") for name in at.selectbox(key="_run_choice").options)


def test_progress_says_the_held_out_loss_and_cancel_leaves_nothing(open_app, made):
    at = open_app("train", run="plain")
    fill(at, made, n=100_000)
    start_button(at).click().run()
    job = only_job()
    wait(lambda: "held-out" in jobs_note(job))
    at.run()
    assert "running" in texts(at)
    at.button(key=f"_cancel_{job.id}").click().run()
    wait(lambda: jobs.job_state(job) is jobs.JobState.CANCELLED)
    at.run()
    assert "nothing was left behind" in texts(at)
    assert not job.part.exists()
    assert not job.run.exists()


def jobs_note(job):
    from focus_core.jobs.record import read_progress

    return read_progress(job).note


def test_a_text_too_small_to_keep_lines_aside_is_a_reason(open_app):
    at = open_app("train", run="plain")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.file_uploader(key="_corpus_upload").upload("few.txt", b"habari ya leo\n" * 5, "text/plain").run()
    start_button(at).click().run()
    job = only_job()
    wait(lambda: jobs.job_state(job) is jobs.JobState.FAILED)
    at.run()
    assert any("at least 100" in error.value for error in at.error)


def test_without_its_source_a_run_is_not_trained(open_app, made, tmp_path, monkeypatch):
    shutil.copytree(made / "demo", tmp_path / "demo")
    (tmp_path / "demo" / "plain" / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / "gone")}))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("train", run="plain")
    assert any("no model to train" in w.value for w in at.warning)
    assert not any(button.label == "Start training" for button in at.button)


def test_the_form_of_a_trained_run_is_closed_and_costs_nothing(open_app, trained_toy):
    del trained_toy
    at = open_app("train")
    assert not any(button.label == "Start training" for button in at.button)
    assert not any(key == "_corpus_kind" for key in (e.key for e in at.segmented_control))


@pytest.mark.parametrize(("n", "tokens"), [(10, 10_000), (20_000, 100_000), (10**9, 1_000_000)])
def test_the_suggested_length_is_five_rounds_within_bounds(n, tokens):
    assert suggested_tokens(n) == tokens


def test_a_second_training_gets_another_name(trained_toy, made):
    assert free_name(open_run(made / "demo" / "plain")) == "adapted"
    (trained_toy.path / "training" / "focus-seed-1").rename(trained_toy.path / "training" / "adapted")
    try:
        assert free_name(trained_toy) == "adapted-2"
    finally:
        (trained_toy.path / "training" / "adapted").rename(trained_toy.path / "training" / "focus-seed-1")


def test_the_page_data_and_run_shows_the_training_once(open_app, made):
    at = open_app("train", run="plain")
    fill(at, made, n=100_000)
    start_button(at).click().run()
    job = only_job()
    at.switch_page(PAGES["data"]).run()
    assert not at.exception
    assert sum(button.key == f"_cancel_{job.id}" for button in at.button) == 1


def test_a_text_uploaded_on_data_and_run_is_offered_here(open_app, made):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.file_uploader(key="_corpus_upload").upload("my words.txt", (made / "text.txt").read_bytes(), "text/plain").run()
    assert not at.exception
    at.switch_page(PAGES["overlap"]).run()  # a page without this uploader: a browser forgets it at once
    at.switch_page(PAGES["train"]).run()
    assert not at.exception
    assert at.segmented_control(key="_corpus_kind").value == "Upload"
    assert at.multiselect(key="_kept_texts").value == ["my-words.txt"]
    start_button(at).click().run()
    job = only_job()
    assert job.verb == "adapt"
    assert job.title.startswith("trained on my-words.txt: ")


def test_no_sample_is_chosen_for_a_run_of_any_language(open_app):
    at = open_app("data")
    assert at.selectbox(key="_sample").value, "a new run starts with one"
    at.switch_page(PAGES["train"]).run()
    assert at.selectbox(key="_run_sample").value is None
    assert start_button(at).disabled
    assert "Nothing is chosen for you" in texts(at)
    at.selectbox(key="_run_sample").set_value(at.selectbox(key="_run_sample").options[0]).run()
    assert not at.exception
    assert not start_button(at).disabled


def test_pairs_are_learned_from_and_shown_as_a_distance(open_app, made):
    at = open_app("train", run="plain")
    at.segmented_control(key="_adapt_kind_2").set_value("pairs of lines").run()
    assert start_button(at).disabled
    content = "".join(f"{one}\t{other}\n" for one, other in pairs_of(120))
    at.file_uploader(key="_adapt_pairs").upload("my pairs.tsv", content.encode(), "text/plain").run()
    assert not at.exception
    assert "120 pairs" in texts(at)
    next(i for i in at.number_input if i.label == "How long").set_value(2)
    at.selectbox(key="_adapt_unit").set_value("steps")
    at.selectbox(key="_adapt_train").set_value("embeddings")
    start_button(at).click().run()
    job = only_job()
    ended(job)
    assert jobs.job_state(job) is jobs.JobState.DONE, (job.record / "stderr.log").read_text()
    at.run()
    at.button(key=f"_open_{job.id}").click().run()
    assert not at.exception
    manifest = open_training(open_run(job.run), "adapted").manifest
    assert (manifest["config"]["objective"], manifest["corpus"]["files"]) == ("distill", ["my-pairs.tsv"])
    assert at.segmented_control(key="_train_unit_1").options == ["squared distance of sentence embeddings"]
    assert "sentence embeddings from pairs" in texts(at)


def test_what_it_was_worth_to_a_real_encoder_stands_beside_the_pairs(open_app, tmp_path, monkeypatch):
    shared = {"language": "sw", "test": "tatoeba"}
    rows = [shared | {"method": "source", "value": 0.05}]
    rows += [
        shared | {"method": "focus", "state": state, "value": v} for state, v in (("at once", 0.25), ("distilled", 0.5))
    ]
    rows.append({"language": "sw", "test": "verses kept aside", "method": "focus", "distance_start": 1.0})
    path = tmp_path / "retrieval.json"
    path.write_text(json.dumps({"environment": {"settings": {"tokens": 20_000}}, "rows": rows}))
    monkeypatch.setattr(measured, "RESULTS", path)
    at = open_app("train", run="plain")
    at.segmented_control(key="_adapt_kind_2").set_value("pairs of lines").run()
    assert not at.exception
    (table,) = [frame.value for frame in at.dataframe if "initialised by" in frame.value]
    assert table.columns.tolist() == ["initialised by", "Swahili, Tatoeba, at once", "Swahili, Tatoeba, distilled"]
    assert table.to_numpy().tolist() == [["FOCUS", 25.0, 50.0], ["the source, unchanged", 5.0, 5.0]]
    assert "after 20,000 tokens of short Bible verses" in texts(at)


def test_pairs_without_a_tab_are_a_reason(open_app):
    at = open_app("train", run="plain")
    at.segmented_control(key="_adapt_kind_2").set_value("pairs of lines").run()
    at.file_uploader(key="_adapt_pairs").upload("lines.tsv", b"no tab\n" * 200, "text/plain").run()
    assert not at.exception
    assert any("expected two columns" in error.value for error in at.error)
    assert start_button(at).disabled
