"""Map: a job lays out a map of a run of one's own; the page shows it then, and nobody else's run changes."""

from __future__ import annotations

import shutil

import pytest

from focus_core.errors import InvalidInputError
from focus_core.jobs import process as jobs
from focus_core.jobs.process import JobState
from focus_core.jobs.record import list_jobs
from focus_core.runs.additions import list_projections
from focus_core.runs.folder import open_run
from focus_ui.data import catalog
from focus_ui.jobs.map_jobs import maps_root, start_map
from tests.fake_jobs import end_jobs, ended, wait
from tests.pages.conftest import links, texts
from tests.pages.frame import own_run, owner_of
from tests.tiny_runs import train_toy
from tests.toy_run import write_toy_run

BOX, NAME = "_project_box", "pca-focus-seed-1-n60-seed3"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return the folder of a trained toy without a map."""
    path = tmp_path_factory.mktemp("plain") / "toy"
    train_toy(write_toy_run(path))
    shutil.rmtree(path / "projection")
    return path


@pytest.fixture
def own(open_app, plain, tmp_path, monkeypatch):
    """Return the app on the Map page of a run of its user's own, with the form open, and that run's job."""
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    at = open_app("start")
    job = own_run(owner_of(at), plain, title="my run")
    at = open_app("map", user=at, run=job.id)
    at.session_state[BOX] = True
    at.run()
    yield at, job
    end_jobs(maps_root())


def fill(at, method="pca", sample=60):
    """Choose a small map."""
    at.segmented_control(key="_project_method").set_value(method)
    next(i for i in at.number_input if i.label == "Tokens").set_value(sample)
    at.number_input(key="_project_seed").set_value(3)


def only_job():
    (job,) = list_jobs(maps_root())
    return job


def finish(job):
    """Wait for the end of a job; its map must be there."""
    ended(job)
    assert jobs.job_state(job) is JobState.DONE, (job.record / "stderr.log").read_text()


def layout_of(at):
    return next(box for box in at.selectbox if box.label == "Layout")


def test_a_map_is_laid_out_shown_and_can_be_taken_away(own, open_app):
    at, run_job = own
    fill(at)
    at.button(key="_project").click().run()
    assert not at.exception
    job = only_job()
    wanted = ["project", str(run_job.run), "--name", NAME, "--method", "pca", "--trained", "focus-seed-1"]
    assert list(job.arguments) == [*wanted, "--sample", "60", "--seed", "3"]
    assert (job.title, job.run) == ("map of my run", run_job.run / "projection" / NAME)
    assert at.session_state[BOX] is False
    finish(job)
    at.run()
    assert layout_of(at).value == NAME
    assert "See it on the Map" in [link.label for link in links(at)]
    assert not any(str(button.key) == f"_open_tray_{job.id}" for button in at.sidebar.button), "a map is no run"
    at = open_app("export", user=at)
    assert any(button.proto.label == "Map (Parquet)" for button in at.get("download_button"))
    owned = catalog.own_runs(owner_of(at))
    assert [entry.id for entry in owned] == [run_job.id]


def test_the_same_settings_show_the_map_that_is_there(own):
    at, run_job = own
    fill(at)
    at.button(key="_project").click().run()
    finish(only_job())
    at.run()
    layout_of(at).set_value("PCA, laid out at once").run()
    at.session_state[BOX] = True
    at.run()
    fill(at)
    at.button(key="_project").click().run()
    assert not at.exception
    assert layout_of(at).value == NAME
    assert len(list_jobs(maps_root())) == 1
    assert list_projections(open_run(run_job.run)) == [NAME]


def test_another_run_of_the_same_rows_shows_its_own_layouts(own, open_app):
    at, run_job = own
    fill(at)
    at.button(key="_project").click().run()
    finish(only_job())
    at.run()
    assert layout_of(at).value == NAME
    assert open_run(catalog.demo_root() / "toy").digest == open_run(run_job.run).digest
    at = open_app("map", user=at, run="toy")
    assert layout_of(at).value == "PCA, laid out at once"
    assert not at.error


def test_cancel_leaves_nothing_and_the_run_is_not_deleted_under_its_map(own):
    at, run_job = own
    fill(at, "umap", 100)
    at.button(key="_project").click().run()
    job = only_job()
    owner = owner_of(at)
    with pytest.raises(InvalidInputError, match="one being laid out"):
        start_map(
            catalog.find_run(run_job.id, owner), owner=owner, name=job.run.name, method="umap", trained=[], sample=100,
            seed=3,
        )  # fmt: skip
    at.button(key=f"_cancel_tray_{job.id}").click().run()
    assert not at.exception
    wait(lambda: jobs.job_state(job) is JobState.CANCELLED)
    wait(lambda: not job.part.exists())
    assert not (run_job.run / "projection").exists() or not any((run_job.run / "projection").iterdir())
    at.run()
    assert list_projections(open_run(run_job.run)) == []
    assert layout_of(at).value == "PCA, laid out at once"


def test_a_run_is_not_deleted_under_its_map_and_takes_the_records_along_later(own, open_app):
    at, run_job = own
    owner = owner_of(at)
    entry = catalog.find_run(run_job.id, owner)
    job = start_map(entry, owner=owner, name="umap-a", method="umap", trained=["focus-seed-1"], sample=100, seed=0)
    at = open_app("data", user=at)
    delete = next(str(button.key) for button in at.button if button.label == "Delete for good")
    at.button(key=delete).click().run()
    assert any("whose map is being laid out" in error.value for error in at.error)
    assert run_job.run.is_dir()
    jobs.cancel_job(job)
    wait(lambda: jobs.job_state(job) is JobState.CANCELLED)
    at.run()
    at.button(key=delete).click().run()
    assert not at.exception
    assert not run_job.run.exists()
    assert list_jobs(maps_root()) == []


def test_a_cancelled_map_can_be_laid_out_after_all(own):
    at, run_job = own
    owner = owner_of(at)
    entry = catalog.find_run(run_job.id, owner)
    options = {"owner": owner, "name": "pca-b", "method": "pca", "trained": [], "sample": 60, "seed": 0}
    first = start_map(entry, **options)
    jobs.cancel_job(first)
    ended(first)
    if jobs.job_state(first) is JobState.CANCELLED:  # else it was faster than the signal
        second = start_map(entry, **options)
        assert only_job() == second
        finish(second)
    assert list_projections(open_run(run_job.run)) == ["pca-b"]


def test_a_bundled_run_is_not_written_to(open_app, trained_toy, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    at = open_app("map")
    at.session_state[BOX] = True
    at.run()
    assert not at.exception
    assert "stay as they are" in texts(at)
    assert not any(str(button.key) == "_project" for button in at.button)
    with pytest.raises(InvalidInputError, match="a run of yours"):
        start_map(catalog.demo_runs()[0], owner="me", name="umap-c", method="umap", trained=[], sample=60, seed=0)
    assert not maps_root().exists()


def test_a_run_that_a_link_opened_is_not_written_to(own, open_app):
    _, run_job = own
    stranger = open_app("map", run=run_job.id)
    stranger.session_state[BOX] = True
    stranger.run()
    assert "stay as they are" in texts(stranger)
    assert not any(str(button.key) == "_project" for button in stranger.button)


def test_an_export_without_a_map_leads_to_the_form(own, open_app):
    at, _ = own
    at = open_app("export", user=at)
    assert "Lay one out on the page Map" in [link.label for link in links(at)]
