"""A job that adds to a run: its result lies in the run, and what grows anew under its name is left alone."""

import json
import os

from focus_core.jobs import process as jobs
from focus_core.jobs.record import JobState, read_job, read_progress
from focus_core.runs.liveness import process_started
from tests.fake_jobs import FAKE, ended


def start(tmp_path, behaviour):
    output = tmp_path / "run" / "projection" / "a"
    arguments = [behaviour, "--output", str(output)]
    return jobs.start_job(arguments, runs_root=tmp_path / ".maps", owner="me", output=output, command=FAKE)


def test_the_result_is_where_the_command_line_says(tmp_path):
    job = start(tmp_path, "finish")
    assert job.arguments == ("finish", "--output", str(job.run)), "nothing is added"
    ended(job)
    assert job.run == tmp_path / "run" / "projection" / "a"
    assert jobs.job_state(job) is JobState.DONE
    assert read_job(tmp_path / ".maps", job.id) == job
    assert read_progress(job).stage == "train vectors"
    jobs.delete_run(job, owner="me")
    assert list((tmp_path / "run" / "projection").iterdir()) == []


def test_an_ended_job_leaves_alone_what_grows_anew_under_its_name(tmp_path):
    job = start(tmp_path, "die")
    ended(job)
    assert not job.part.exists()
    note = job.part / "log" / "process.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"pid": os.getpid(), "started": process_started(os.getpid())}))
    jobs.reap(job)
    assert jobs.job_state(job) is JobState.FAILED
    assert note.is_file()
    note.unlink()
    jobs.reap(job)
    assert not job.part.exists()
