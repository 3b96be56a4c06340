"""Jobs: our own command line in a child process, its state read back from its folder.

A job is a process plus a record in ``RUNS/.jobs/ID/``; nothing about it lives in memory, so a closed tab or a restarted
server does not end or lose it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from focus_core.errors import ERROR_VARIABLE, InvalidInputError, RunFolderError, bad_input
from focus_core.initialization.request import InitRequest, write_request
from focus_core.jobs.record import (
    CANCELLED,
    ERROR,
    EXIT,
    REQUEST,
    Job,
    JobState,
    forget_end,
    hash_owner,
    list_jobs,
    new_run_id,
    note_exit,
    read_job,
    record_folder,
    write_record,
)
from focus_core.jobs.sources import release_sources, sources_of
from focus_core.runs.liveness import process_lives, process_started
from focus_core.runs.log import writer_lives

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "focus_core")
MAX_RUNNING = 3
MAX_RUNNING_PER_OWNER = 2
GRACE_S = 4.0
"""Seconds that a cancelled job has to end by itself: a killed one leaves its text in the folder for temporary files."""

_watched: set[str] = set()
"""Ids of the jobs that this server started and whose ends a thread of it waits for."""
_ending = threading.RLock()
"""Held while a record is reaped or deleted: nothing is written into one that is going."""


def start_job(
    arguments: Sequence[str],
    *,
    runs_root: Path,
    owner: str,
    title: str = "",
    job_id: str | None = None,
    output: Path | None = None,
    command: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    request: InitRequest | None = None,
) -> Job:
    """Start our command line in a child process that makes the run folder ``runs_root/id``, or adds to a run.

    Parameters
    ----------
    arguments : sequence of str
        The command line without ``--output``.
    runs_root : Path
        The folder of all runs; made where it is missing.
    owner : str
        The owner's secret; only its hash is kept.
    title : str, default=""
        What the user sees.
    job_id : str, default=None
        An id from :func:`new_run_id` whose inputs are already in place, or that of an ended job to be done again;
        ``None`` takes a new one.
    output : Path, default=None
        The folder that the command line names by itself, where it adds to a run; ``None`` gives it
        ``--output runs_root/id``.
    command : sequence of str, default=None
        What to run; ``None`` is this Python and this library (``COMMAND``).
    environment : mapping of str to str, default=None
        Variables to add to this process's own.
    request : InitRequest, default=None
        What an ``init`` is asked for; kept as a file of the record, which the command line names.

    Returns
    -------
    Job
        The started job.

    Raises
    ------
    InvalidInputError
        If too many jobs run already; inputs that were in place for this one are gone then.
    """
    runs_root = runs_root.resolve()
    job_id = job_id or new_run_id()
    record = record_folder(runs_root, job_id)
    try:
        _check_room(runs_root, hash_owner(owner))
    except InvalidInputError:
        if read_job(runs_root, job_id) is None:
            shutil.rmtree(record, ignore_errors=True)
        raise
    forget_end(record)
    record.mkdir(parents=True, exist_ok=True, mode=0o700)
    argv = [*arguments] if output else [*arguments, "--output", str(runs_root / job_id)]
    if request is not None:
        write_request(request, record / REQUEST)
        argv += ["--request", str(record / REQUEST)]
    process = _spawn([*(command or COMMAND), *argv], record, environment)
    _watched.add(job_id)
    job = Job(
        id=job_id,
        root=runs_root,
        title=title,
        arguments=tuple(argv),
        owner=hash_owner(owner),
        pid=process.pid,
        pid_start=process_started(process.pid),
        created=time.time(),
        output="" if output is None else str(output),
    )
    write_record(job)
    threading.Thread(target=_watch, args=(job, process), daemon=True).start()
    return job


def _check_room(root: Path, owner: str) -> None:
    """Refuse a job where the machine or its owner already runs enough of them; reap the ended ones."""
    running = []
    for job in list_jobs(root):
        running += [job] if job_state(job) is JobState.RUNNING else []
        reap(job)
    own = sum(job.owner == owner for job in running)
    if len(running) >= MAX_RUNNING or own >= MAX_RUNNING_PER_OWNER:
        expected = f"at most {MAX_RUNNING_PER_OWNER} running jobs of yours and {MAX_RUNNING} in all"
        remedy = "wait until one has ended, or cancel one"
        raise bad_input("new job", expected, f"{own} of yours, {len(running)} in all", remedy)


def _spawn(argv: list[str], record: Path, environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output going to files."""
    with (record / "stdout.log").open("wb") as out, (record / "stderr.log").open("wb") as err:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", ERROR_VARIABLE: str(record / ERROR), **(environment or {})},
            start_new_session=True,
        )


def job_state(job: Job) -> JobState:
    """Return where a job stands, from its folder and its process. Changes no file.

    Parameters
    ----------
    job : Job
        The job.

    Returns
    -------
    JobState
        ``done`` once the run folder has its name; ``failed`` also where the process died without a word.
    """
    alive = _is_alive(job)  # asked first: what it makes has its name before it ends
    if job.run.is_dir():
        return JobState.DONE
    if alive:
        return JobState.RUNNING
    return JobState.CANCELLED if (job.record / CANCELLED).exists() else JobState.FAILED


def reap(job: Job) -> None:
    """Remove what an ended job no longer needs: the unfinished folder of a killed one, and its inputs.

    How far a killed one came stays beside its record. A job whose process still runs is left alone.
    """
    with _ending:
        if not _is_alive(job):
            _clear(job)


def _clear(job: Job) -> None:
    """Remove inputs and unfinished folder."""
    shutil.rmtree(job.record / "inputs", ignore_errors=True)
    if writer_lives(job.part):  # what is added to a run may be growing anew under the same name
        return
    events = job.part / "log" / "events.jsonl"
    if events.is_file() and job.record.is_dir():
        (job.record / "log").mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # somebody else reaped at the same time
            events.replace(job.record / "log" / "events.jsonl")
    shutil.rmtree(job.part, ignore_errors=True)


def _watch(job: Job, process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that this server started, note how it ended and clear up; only then has the job ended."""
    number = process.wait()
    with _ending:
        try:
            if job.record.is_dir():
                with contextlib.suppress(FileNotFoundError):  # another server deleted it at the same time
                    note_exit(job, number)
            _clear(job)
        finally:
            _watched.discard(job.id)


def _is_alive(job: Job) -> bool:
    """Whether the job's own process still runs (a later process of the same number does not count)."""
    seen_ended = (job.record / EXIT).exists()
    return job.id in _watched or (not seen_ended and process_lives(job.pid, job.pid_start))


def cancel_job(job: Job, *, grace_s: float = GRACE_S) -> None:
    """Ask a job to stop: terminate its process, and kill it where it does not end. Returns at once.

    Parameters
    ----------
    job : Job
        The job; nothing happens where it has ended.
    grace_s : float, default=4.0
        Seconds to wait before it is killed.

    Notes
    -----
    Our command line takes a termination as it takes an interrupt. An interrupt itself would not do: a shell that
    starts the server in the background has it ignore them, and every child inherits that.
    """
    if job_state(job) is not JobState.RUNNING:
        return
    (job.record / CANCELLED).touch()
    _signal(job, os.kill, signal.SIGTERM)
    insist = threading.Timer(grace_s, _insist, [job])
    insist.daemon = True
    insist.start()


def _insist(job: Job) -> None:
    """Kill a process that did not stop, the whole session that it leads and so its own children too."""
    _signal(job, os.killpg, signal.SIGKILL)
    reap(job)


def _signal(job: Job, send: Callable[[int, int], None], number: signal.Signals) -> None:
    """Send a signal where the job's process runs."""
    if _is_alive(job):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(job.pid, number)


def is_owner(job: Job, owner: str) -> bool:
    """Whether a secret is the job's owner's."""
    return secrets.compare_digest(job.owner, hash_owner(owner))


def delete_run(job: Job, *, owner: str) -> None:
    """Remove an ended job's run folder and record, and a source of its owner's that no other run of theirs needs.

    Parameters
    ----------
    job : Job
        The job.
    owner : str
        The caller's secret.

    Raises
    ------
    RunFolderError
        If the caller does not own it, or it still runs.
    """
    if not is_owner(job, owner):
        raise bad_input("run", "its owner", "somebody else", "ask its owner to delete it", RunFolderError)
    if job_state(job) is JobState.RUNNING:
        raise bad_input("run", "an ended job", "a running one", "cancel it first", RunFolderError)
    with _ending:
        reap(job)
        sources = sources_of(job)
        if job.run.is_dir():
            job.run.rename(job.record / "deleted")
        shutil.rmtree(job.record, ignore_errors=True)
        release_sources(job.root, job.owner, sources)
