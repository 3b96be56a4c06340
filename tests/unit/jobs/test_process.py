"""Jobs: their states, progress, cancelling and owners, with a command that does nothing."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest

from focus_core.errors import InvalidInputError, RunFolderError
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest, read_request
from focus_core.jobs import process as jobs
from focus_core.jobs.record import (
    Job,
    JobState,
    Progress,
    dismiss,
    failure,
    inputs_folder,
    is_dismissed,
    list_jobs,
    new_run_id,
    read_job,
    read_log,
    read_progress,
    record_folder,
    request_of_job,
)
from tests.fake_jobs import FAKE, wait


@pytest.fixture
def start(tmp_path):
    """Start fake jobs in a folder of runs; end those that are left."""
    started = []

    def go(behaviour="wait", owner="me", **options):
        job = jobs.start_job([behaviour], runs_root=tmp_path, owner=owner, command=FAKE, **options)
        started.append(job)
        return job

    yield go
    for job in started:
        if jobs.job_state(job) is JobState.RUNNING:
            with contextlib.suppress(ProcessLookupError):  # it ended between the two
                os.killpg(job.pid, signal.SIGKILL)
            wait_for(job, JobState.FAILED, JobState.CANCELLED)


def wait_for(job, *states, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if jobs.job_state(job) in states:
            return jobs.job_state(job)
        time.sleep(0.02)
    raise AssertionError(f"still {jobs.job_state(job)}: {read_log(job)}")


def wait_for_progress(job, stage, done=0):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if read_progress(job).stage == stage and read_progress(job).done >= done:
            return read_progress(job)
        time.sleep(0.02)
    raise AssertionError(read_progress(job))


def test_a_job_ends_with_a_run_folder_and_no_part(start):
    job = start("finish")
    assert wait_for(job, JobState.DONE) is JobState.DONE
    assert job.run.is_dir()
    assert not job.part.exists()
    assert read_progress(job).stage == "train vectors"


def test_an_initialisation_is_started_from_a_request_that_its_record_keeps(start):
    request = InitRequest(source="m", target_tokenizer="t", config=InitConfig(seed=7))
    job = start("finish", request=request)
    assert job.arguments == ("finish", "--output", str(job.run), "--request", str(job.record / "request.json"))
    assert read_request(job.record / "request.json") == request_of_job(job) == request
    assert wait_for(job, JobState.DONE) is JobState.DONE
    assert request_of_job(job) == request, "inputs go, the request stays"


@pytest.mark.parametrize("content", [None, "{", '{"source": 3}', "[]"])
def test_a_record_without_a_request_that_can_be_read_is_a_job_all_the_same(start, tmp_path, content):
    job = start("finish")
    if content is not None:
        (job.record / "request.json").write_text(content)
    assert request_of_job(job) is None
    assert list_jobs(tmp_path, owner="me") == [job]


def test_progress_is_the_last_whole_event(start):
    """Three whole lines and half a line were written: the third holds, 3 of 4 units, after two stages."""
    job = start("wait")
    progress = wait_for_progress(job, "train vectors", 3)
    assert progress == Progress(stage="train vectors", done=3, total=4, stages=("read the corpus", "train vectors"))
    assert progress.fraction == 0.75
    assert jobs.job_state(job) is JobState.RUNNING


@pytest.mark.parametrize(("done", "total", "fraction"), [(1, 4, 0.25), (5, 4, 1.0), (3, 0, None), (-1, 4, 0.0)])
def test_fraction_stays_between_0_and_1_and_is_none_without_a_total(done, total, fraction):
    assert Progress(done=done, total=total).fraction == fraction


def test_cancel_leaves_no_folder(start):
    job = start("wait")
    wait_for_progress(job, "train vectors")
    jobs.cancel_job(job)
    assert wait_for(job, JobState.CANCELLED) is JobState.CANCELLED
    assert not job.run.exists()
    assert not job.part.exists()


def test_cancel_kills_a_process_that_ignores_signals(start):
    job = start("deaf")
    wait_for_progress(job, "train vectors")
    jobs.cancel_job(job, grace_s=0.2)
    assert wait_for(job, JobState.CANCELLED) is JobState.CANCELLED
    assert not job.part.exists()


def test_cancel_of_an_ended_job_changes_nothing(start):
    job = start("finish")
    wait_for(job, JobState.DONE)
    jobs.cancel_job(job)
    assert jobs.job_state(job) is JobState.DONE


def test_cancel_signals_that_process_only(start):
    first, second = start("wait"), start("wait")
    wait_for_progress(first, "train vectors")
    wait_for_progress(second, "train vectors")
    jobs.cancel_job(first)
    wait_for(first, JobState.CANCELLED)
    assert jobs.job_state(second) is JobState.RUNNING


def test_a_job_that_dies_without_a_word_has_failed(start):
    job = start("die")
    assert wait_for(job, JobState.FAILED) is JobState.FAILED
    assert "was killed (SIGKILL)" in failure(job).text
    assert not job.part.exists()
    assert "train vectors" in (job.record / "log" / "events.jsonl").read_text(), "how far it came"


@pytest.mark.parametrize(
    ("log", "words"),
    [("count 100 % \n", "without a message"), ("count 100 % \nno space left\n", "no space left"), ("", "without a")],
)
def test_progress_is_no_reason_where_no_server_saw_the_end(start, log, words):
    job = start("die")
    wait_for(job, JobState.FAILED)
    (job.record / "exit").unlink()
    (job.record / "stderr.log").write_text(log)
    assert words in failure(job).text


DEAF_TO_INTERRUPTS = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell has it for what it starts in the background
from focus_core.cli.main import interrupt_on_terminate
interrupt_on_terminate()
print("ready", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    Path(sys.argv[sys.argv.index("--output") + 1] + ".word").touch()
    sys.exit(130)
"""


def test_cancel_takes_two_seconds_at_most_where_interrupts_are_ignored(tmp_path):
    command = (sys.executable, "-c", DEAF_TO_INTERRUPTS)
    job = jobs.start_job(["init"], runs_root=tmp_path, owner="me", command=command)
    wait(lambda: "ready" in (job.record / "stdout.log").read_text())
    began = time.monotonic()
    jobs.cancel_job(job)
    assert wait_for(job, JobState.CANCELLED) is JobState.CANCELLED
    assert time.monotonic() - began < 2.0
    assert (tmp_path / f"{job.id}.word").exists(), "it was asked, not killed"


def test_bad_input_of_the_command_is_the_failure_message(start):
    job = start("fail")
    wait_for(job, JobState.FAILED)
    assert failure(job).text == "corpus.txt: expected some text, got an empty file; give a file with text"


def test_the_command_line_writes_down_the_error_that_ends_a_job(tmp_path):
    job = jobs.start_job(["init", "--seed", "-1"], runs_root=tmp_path, owner="me")
    wait_for(job, JobState.FAILED, seconds=60)
    assert failure(job).message.options == ("seed",)
    assert read_log(job) == str(failure(job))
    (job.record / "error.json").unlink()
    told = failure(job)
    assert (str(told), told.message.options) == (read_log(job), ()), "a record that only holds text is that text"


def test_a_restarted_server_still_knows_the_job(start, tmp_path):
    """Another process, holding no handle, reads the same state from the folder and the process's number."""
    job = start("wait")
    wait_for_progress(job, "train vectors")
    code = (
        "import sys; from pathlib import Path; from focus_core.jobs import process as jobs\n"
        "from focus_core.jobs.record import read_job\n"
        "job = read_job(Path(sys.argv[1]), sys.argv[2]); print(jobs.job_state(job)); jobs.cancel_job(job); "
        "import time; time.sleep(1.5); print(jobs.job_state(job))"
    )
    seen = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), job.id], capture_output=True, text=True, cwd=jobs.ROOT, check=True
    )
    # The child is this process's to bury, so the other one sees a zombie, which counts as dead.
    assert seen.stdout.split() == ["running", "cancelled"]


def tree(folder):
    """Every file and folder below one: its content, and when it was last changed."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in folder.rglob("*")
    }


def forgotten(job, root):
    """Put back what a job of a server that was ended leaves behind, and forget that this one started it."""
    folder = inputs_folder(root, job.id)
    (folder / "corpus.txt").write_text("habari")
    shutil.copytree(job.record / "log", job.part / "log", dirs_exist_ok=True)
    (job.record / "exit").unlink()
    return folder


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [("wait", "running"), ("finish", "done"), ("fail", "failed"), ("die", "failed"), ("cancel", "cancelled")],
)
def test_asking_for_the_state_changes_no_file(start, tmp_path, behaviour, state):
    job = start("wait" if behaviour == "cancel" else behaviour)
    if behaviour in ("wait", "cancel"):
        wait_for_progress(job, "train vectors", 3)
    if behaviour == "cancel":
        jobs.cancel_job(job)
    wait_for(job, JobState(state))
    if behaviour != "wait":
        wait(lambda: not jobs._is_alive(job))
        (job.record / "log").mkdir(exist_ok=True)
        forgotten(job, tmp_path)
    before = tree(tmp_path)
    assert before, "there is something to lose"
    for _ in range(3):
        assert jobs.job_state(job) is JobState(state)
    assert tree(tmp_path) == before
    jobs.reap(job)
    assert (tree(tmp_path) == before) == (state == "running"), "a running job is left alone"


def test_whoever_starts_a_job_reaps_those_whose_end_nobody_saw(start, tmp_path):
    job = start("die")
    wait_for(job, JobState.FAILED)
    folder = forgotten(job, tmp_path)
    start("fail", owner="you")
    assert not folder.exists()
    assert not job.part.exists()
    assert "train vectors" in (job.record / "log" / "events.jsonl").read_text()


def test_a_record_without_a_beginning_is_of_a_living_process_while_one_has_its_number(start, tmp_path):
    """A system without /proc left 0: what a living process is writing must not go."""
    job = start("wait")
    wait_for_progress(job, "train vectors")
    jobs._watched.discard(job.id)
    old = Job(**{**vars(job), "pid_start": 0})
    assert jobs.job_state(old) is JobState.RUNNING
    jobs.reap(old)
    assert job.part.is_dir()
    (job.record / "exit").write_text("0")
    assert jobs.job_state(old) is JobState.FAILED, "a server saw it end, whoever has its number now"
    (job.record / "exit").unlink()


def test_a_later_process_of_the_same_number_is_not_the_job(start, tmp_path):
    job = start("wait")
    jobs._watched.discard(job.id)  # as a restart does
    impostor = Job(**{**vars(job), "pid_start": job.pid_start - 1000})
    (tmp_path / ".jobs" / job.id / "cancelled").unlink(missing_ok=True)
    assert jobs.job_state(impostor) is JobState.FAILED
    jobs.cancel_job(impostor)
    time.sleep(0.1)
    assert jobs.job_state(job) is JobState.RUNNING


def test_jobs_are_listed_by_owner_newest_first(start, tmp_path):
    first, second, other = start("finish"), start("finish"), start("finish", owner="you")
    assert [job.id for job in list_jobs(tmp_path, owner="me")] == [second.id, first.id]
    assert [job.id for job in list_jobs(tmp_path, owner="you")] == [other.id]
    assert len(list_jobs(tmp_path)) == 3


def test_the_owners_secret_is_not_stored(start, tmp_path):
    job = start("finish", owner="a-secret-of-mine")
    assert "a-secret-of-mine" not in (job.record / "job.json").read_text()
    assert read_job(tmp_path, job.id) == job


def test_only_the_owner_deletes(start):
    job = start("finish")
    wait_for(job, JobState.DONE)
    with pytest.raises(RunFolderError, match="expected its owner"):
        jobs.delete_run(job, owner="you")
    assert job.run.is_dir()
    jobs.delete_run(job, owner="me")
    assert not job.run.exists()
    assert not job.record.exists()


def test_nothing_is_left_of_a_deleted_job_whose_end_nobody_saw(start, tmp_path):
    job = start("die")
    wait_for(job, JobState.FAILED)
    forgotten(job, tmp_path)
    jobs.delete_run(job, owner="me")
    assert list(tmp_path.iterdir()) == [tmp_path / ".jobs"]
    assert list((tmp_path / ".jobs").iterdir()) == []


def test_a_running_job_is_not_deleted(start):
    job = start("wait")
    with pytest.raises(RunFolderError, match="running"):
        jobs.delete_run(job, owner="me")


def test_an_owner_runs_two_jobs_at_once_and_no_more(start):
    start("wait")
    start("wait")
    with pytest.raises(InvalidInputError, match="at most 2 running jobs"):
        start("wait")
    start("wait", owner="you")
    with pytest.raises(InvalidInputError, match="3 in all"):
        start("wait", owner="them")


@pytest.mark.parametrize("name", ["", "..", "../../etc", "a" * 31, "A" * 32, "0" * 32 + "\n", "0" * 33])
def test_a_foreign_id_never_becomes_a_path(tmp_path, name):
    assert read_job(tmp_path, name) is None
    with pytest.raises(RunFolderError, match="32 hexadecimal digits"):
        record_folder(tmp_path, name)


def test_ids_are_random_128_bits():
    ids = {new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(bytes.fromhex(i)) == 16 for i in ids)


def test_a_job_done_again_ends_in_its_own_way(start):
    """A model folder goes by a name made of its content: the job that makes it has the same id at every attempt."""
    first = start("wait")
    wait_for_progress(first, "train vectors")
    jobs.cancel_job(first, grace_s=0.3)
    assert wait_for(first, JobState.CANCELLED)
    wait(lambda: not jobs._is_alive(first))
    dismiss(first)
    again = start("fail", job_id=first.id)
    assert not is_dismissed(again)
    assert wait_for(again, JobState.FAILED, JobState.CANCELLED) is JobState.FAILED
    assert failure(again).text == failure(start_and_wait(start, "fail")).text


def start_and_wait(start, behaviour):
    job = start(behaviour)
    wait_for(job, JobState.DONE, JobState.FAILED)
    return job


def test_inputs_of_a_job_that_was_refused_go(start, tmp_path):
    """A form hands over a private text before it knows whether there is room for its job."""
    first = start("wait")
    start("wait")
    job_id = new_run_id()
    (inputs_folder(tmp_path, job_id) / "corpus.txt").write_text("habari")
    with pytest.raises(InvalidInputError, match="at most 2 running jobs"):
        start("wait", job_id=job_id)
    assert not record_folder(tmp_path, job_id).exists()
    with pytest.raises(InvalidInputError, match="at most 2 running jobs"):
        start("wait", job_id=first.id)
    assert read_job(tmp_path, first.id) == first


def test_inputs_are_private_and_go_when_the_job_has_ended(start, tmp_path):
    job_id = new_run_id()
    folder = inputs_folder(tmp_path, job_id)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "corpus.txt").write_text("habari")
    job = start("finish", job_id=job_id)
    wait_for(job, JobState.DONE)
    wait(lambda: jobs.job_state(job) and not folder.exists())


def test_a_broken_record_is_no_job(tmp_path):
    job_id = new_run_id()
    record_folder(tmp_path, job_id).mkdir(parents=True)
    (record_folder(tmp_path, job_id) / "job.json").write_text("{")
    assert read_job(tmp_path, job_id) is None
    assert list_jobs(tmp_path) == []


def test_the_log_shows_the_last_state_of_a_rewritten_line(start):
    job = start("finish")
    wait_for(job, JobState.DONE)
    (job.record / "stderr.log").write_bytes("10 %\r50 %\r100 %\nend ę\n".encode())
    assert read_log(job) == "100 %\nend ę"


def test_a_job_knows_what_it_was_asked_to_do(start, tmp_path):
    assert start("finish").verb == "finish"
    assert [job.verb for job in list_jobs(tmp_path)] == ["finish"]
