"""Adding to a run from the app: one's own in place, any other in a private copy that only its owner sees."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.artifacts import write_arrays
from focus_core.errors import InvalidInputError
from focus_core.jobs.process import delete_run, job_state
from focus_core.jobs.record import JobState, list_jobs
from focus_core.runs.additions import list_trainings
from focus_core.runs.folder import open_run
from focus_ui.data import catalog
from focus_ui.data.catalog import RunEntry, RunKind, find_run
from pages.train.own_copy import import_to
from tests.toy_run import write_toy_run


@pytest.fixture
def demo(tmp_path):
    return write_toy_run(tmp_path / "demo")


@pytest.fixture
def file(demo, tmp_path):
    write_arrays(tmp_path / "x.safetensors", {"input": demo.embeddings() * np.float32(2)})
    return tmp_path / "x.safetensors"


@pytest.mark.parametrize("kind", [RunKind.DEMO, RunKind.SHARED, RunKind.LINK])
def test_a_run_of_others_is_copied_and_the_copy_is_the_sessions(demo, file, kind):
    entry = RunEntry(id="toy", kind=kind, path=demo.path, title="toy")
    run_id = import_to(entry, demo, file, owner="me", name="mine")
    assert list_trainings(demo) == []
    own = find_run(run_id, "me")
    assert own.kind is RunKind.OWN
    assert own.title == "toy with mine"
    assert list_trainings(open_run(own.path)) == ["mine"]
    assert catalog.own_runs("you") == []
    assert find_run(run_id, "you").kind is RunKind.LINK


def test_ones_own_run_is_added_to_in_place_and_can_be_deleted(demo, file):
    first = import_to(RunEntry(id="toy", kind=RunKind.DEMO, path=demo.path), demo, file, owner="me", name="one")
    own = find_run(first, "me")
    assert import_to(own, open_run(own.path), file, owner="me", name="two") == first
    assert list_trainings(open_run(own.path)) == ["one", "two"]
    (job,) = list_jobs(catalog.runs_root(), owner="me")
    assert job_state(job) is JobState.DONE
    delete_run(job, owner="me")
    assert catalog.own_runs("me") == []
    assert open_run(demo.path).tokens().num_rows == 135


def test_a_refused_file_leaves_no_copy(demo, tmp_path):
    write_arrays(tmp_path / "bad.safetensors", {"input": demo.embeddings()[:-1]})
    entry = RunEntry(id="toy", kind=RunKind.DEMO, path=demo.path)
    with pytest.raises(InvalidInputError, match="134"):
        import_to(entry, demo, tmp_path / "bad.safetensors", owner="me", name="mine")
    assert list(catalog.runs_root().iterdir()) == []


def test_an_interrupt_leaves_no_copy(demo, file):
    def stop(stage: str, done: float, total: float, note: str = "") -> None:
        raise KeyboardInterrupt

    entry = RunEntry(id="toy", kind=RunKind.DEMO, path=demo.path)
    with pytest.raises(KeyboardInterrupt):
        import_to(entry, demo, file, owner="me", name="mine", progress=stop)
    assert list(catalog.runs_root().iterdir()) == []
