"""Records of jobs: dismissed, damaged, read once."""

import json
import time

import pytest

from focus_core.jobs import record as job_record
from focus_core.jobs.record import (
    Job,
    dismiss,
    is_dismissed,
    last_word,
    list_jobs,
    new_run_id,
    read_job,
    write_record,
)


@pytest.fixture
def job(tmp_path):
    job = Job(
        id=new_run_id(), root=tmp_path.resolve(), title="mine", arguments=("init", "--seed", "1"),
        owner=job_record.hash_owner("me"), pid=2**22 + 1, pid_start=1, created=time.time() - 100,
    )  # fmt: skip
    job.record.mkdir(parents=True)
    write_record(job)
    return job


def test_a_dismissed_job_stays_on_record(job, tmp_path):
    assert not is_dismissed(job)
    dismiss(job)
    assert is_dismissed(job)
    assert list_jobs(tmp_path, owner="me") == [job]


def test_dismissing_a_deleted_job_leaves_nothing_behind(job):
    for path in job.record.iterdir():
        path.unlink()
    job.record.rmdir()
    dismiss(job)
    assert not job.record.exists()


def test_the_last_word_is_that_of_the_log(job):
    assert last_word(job) == job.created
    (job.record / "stderr.log").write_text("x")
    assert last_word(job) > job.created + 50


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"title": 1}', '{"arguments": 3}'])
def test_a_damaged_record_is_no_job_and_hides_no_other(job, tmp_path, content):
    broken = tmp_path / ".jobs" / new_run_id()
    broken.mkdir()
    (broken / "job.json").write_text(content)
    assert read_job(tmp_path, broken.name) is None
    assert list_jobs(tmp_path) == [job]


def test_a_record_is_read_once_and_again_when_it_changes(job, tmp_path, monkeypatch):
    assert read_job(tmp_path, job.id) == job
    read = []
    monkeypatch.setattr(job_record.json, "loads", lambda text: read.append(1) or json.JSONDecoder().decode(text))
    for _ in range(5):
        assert read_job(tmp_path, job.id) == job
    assert read == []
    fields = json.JSONDecoder().decode((job.record / "job.json").read_text())
    (job.record / "job.json").write_text(json.dumps(fields | {"title": "another title"}))
    assert read_job(tmp_path, job.id).title == "another title"
    assert read == [1]
