"""What is written about a job in ``RUNS/.jobs/ID/``: its record, its progress, its words."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from focus_core.artifacts import atomic_write_bytes, dump_json
from focus_core.errors import FocusError, InvalidInputError, RunFolderError, bad_input
from focus_core.initialization.request import InitRequest, read_request

RUN_ID = re.compile(r"[0-9a-f]{32}")
TAIL_BYTES = 65_536
PROGRESS = re.compile(r" 100 %( |$)")
"""What a line of progress holds; such a line is no reason for an end."""
DISMISSED = "dismissed"
"""An empty file of this name in a job's record: the tray no longer shows the job."""
CANCELLED = "cancelled"
"""Likewise: somebody asked it to stop."""
EXIT = "exit"
REQUEST = "request.json"
"""The file in a job's record that holds what an initialisation was asked for."""
ERROR = "error.json"


class JobState(StrEnum):
    """Where a job stands; only ``running`` can change."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One started command.

    Parameters
    ----------
    id : str
        Random, 32 hexadecimal digits; also the name of the run folder.
    root : Path
        The folder of all runs.
    title : str
        What the user sees; plain text.
    arguments : tuple of str
        The command line after ``python -m focus_core``.
    owner : str
        SHA-256 of the owner's secret.
    pid : int
        The process.
    pid_start : int
        When the system started that process, in its clock ticks; tells it from a later one of the same number.
    created : float
        Seconds since the epoch.
    output : str, default=""
        The folder that the job makes where that is no run but a part of one, such as a map; "": ``root/id``.
    """

    id: str
    root: Path
    title: str
    arguments: tuple[str, ...]
    owner: str
    pid: int
    pid_start: int
    created: float
    output: str = ""

    @property
    def run(self) -> Path:
        """The folder that the job makes: a run, or what is added to one."""
        return Path(self.output) if self.output else self.root / self.id

    @property
    def part(self) -> Path:
        """Where that grows until it is done."""
        return self.run.with_name(f"{self.run.name}.part")

    @property
    def verb(self) -> str:
        """What the command line was asked to do, such as ``init``."""
        return self.arguments[0] if self.arguments else ""

    @property
    def record(self) -> Path:
        """Folder of the job's own files: record, inputs, output of the process."""
        return record_folder(self.root, self.id)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job has come.

    Parameters
    ----------
    stage : str
        The stage at work; empty before the first.
    done, total : float
        Units of that stage; ``total`` 0 means unknown.
    note : str
        A word about it.
    stages : tuple of str
        Every stage seen so far, in order.
    """

    stage: str = ""
    done: float = 0.0
    total: float = 0.0
    note: str = ""
    stages: tuple[str, ...] = ()

    @property
    def fraction(self) -> float | None:
        """Share of the stage that is done, 0 to 1; ``None`` where its size is unknown."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else None


def new_run_id() -> str:
    """Return a random 128-bit id as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def hash_owner(secret: str) -> str:
    """Return what the record keeps of an owner's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def record_folder(root: Path, job_id: str) -> Path:
    """Return the folder of a job's record.

    Parameters
    ----------
    root : Path
        The folder of all runs.
    job_id : str
        The job's id.

    Returns
    -------
    Path
        ``root/.jobs/job_id``; it need not exist.

    Raises
    ------
    RunFolderError
        If the id is not one of ours.
    """
    if not RUN_ID.fullmatch(job_id):
        raise bad_input(
            "run id", "32 hexadecimal digits", repr(job_id[:40]), "open the link as it was given", RunFolderError
        )
    return root / ".jobs" / job_id


def inputs_folder(root: Path, job_id: str) -> Path:
    """Make and return the private folder (mode 0700) for the files a job reads; removed when the job has ended."""
    folder = record_folder(root, job_id) / "inputs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def write_record(job: Job) -> None:
    """Write a job's record, whole or not at all."""
    fields = {
        name: getattr(job, name) for name in ("title", "arguments", "owner", "pid", "pid_start", "created", "output")
    }
    atomic_write_bytes(job.record / "job.json", dump_json(fields).encode())


def read_job(runs_root: Path, job_id: str) -> Job | None:
    """Return a job by its id, ``None`` where there is no such record.

    Parameters
    ----------
    runs_root : Path
        The folder of all runs.
    job_id : str
        The id; anything that is not one of ours gives ``None``.

    Returns
    -------
    Job or None
        The job.
    """
    if not RUN_ID.fullmatch(job_id):
        return None
    root = runs_root.resolve()
    path = record_folder(root, job_id) / "job.json"
    try:
        stat = path.stat()
        return _read_record(path, stat.st_mtime_ns, stat.st_size)
    except (OSError, ValueError, TypeError, KeyError):
        return None


@lru_cache(maxsize=8192)
def _read_record(path: Path, written: int, size: int) -> Job:
    """Read a record; a page lists them several times, and a record that did not change says the same."""
    del written, size
    fields: dict[str, Any] = json.loads(path.read_text("utf-8"))
    root, job_id = path.parents[2], path.parent.name
    return Job(id=job_id, root=root, **{**fields, "arguments": tuple(fields["arguments"])})


def request_of_job(job: Job) -> InitRequest | None:
    """Return what a job was asked to initialise; ``None`` where its record holds no request that can be read.

    Such is a job of another verb, and one of the time when records held a command line alone.
    """
    try:
        return read_request(job.record / REQUEST)
    except InvalidInputError:
        return None


def forget_end(record: Path) -> None:
    """Remove what a record says of the end of an earlier job of the same id; inputs stay."""
    for name in (CANCELLED, EXIT, ERROR, DISMISSED):
        (record / name).unlink(missing_ok=True)
    shutil.rmtree(record / "log", ignore_errors=True)


def dismiss(job: Job) -> None:
    """Take an ended job out of the tray; its run stays. A job that was deleted meanwhile needs nothing.

    Parameters
    ----------
    job : Job
        The job.
    """
    if job.record.is_dir():
        (job.record / DISMISSED).touch()


def is_dismissed(job: Job) -> bool:
    """Whether its owner has taken a job out of the tray."""
    return (job.record / DISMISSED).exists()


def list_jobs(runs_root: Path, *, owner: str | None = None) -> list[Job]:
    """Return the recorded jobs, newest first.

    Parameters
    ----------
    runs_root : Path
        The folder of all runs.
    owner : str, default=None
        An owner's secret; ``None`` returns everybody's.

    Returns
    -------
    list of Job
        The jobs.
    """
    folder = runs_root / ".jobs"
    ids = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    jobs = [job for job in (read_job(runs_root, job_id) for job_id in ids) if job is not None]
    wanted = None if owner is None else hash_owner(owner)
    return sorted((job for job in jobs if wanted in (None, job.owner)), key=lambda job: job.created, reverse=True)


def read_progress(job: Job) -> Progress:
    """Return how far a job has come, from the end of its events.

    Parameters
    ----------
    job : Job
        The job.

    Returns
    -------
    Progress
        Empty where no event has been written yet.
    """
    events = read_events(job)
    if not events:
        return Progress()
    stages = tuple(dict.fromkeys(str(event.get("stage", "")) for event in events))
    return progress_of(events[-1], stages=stages)


def progress_of(event: Mapping[str, Any], *, stages: tuple[str, ...] = ()) -> Progress:
    """Return what one event says."""
    return Progress(
        stage=str(event.get("stage", "")),
        done=_number(event.get("done")),
        total=_number(event.get("total")),
        note=str(event.get("note", "")),
        stages=stages,
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and value == value else 0.0


def read_events(job: Job) -> list[dict[str, Any]]:
    """Return the last events of a job, oldest first; a line still being written is left out."""
    for folder in (job.part, job.run):
        text = _tail(folder / "log" / "events.jsonl")
        if text:
            return [event for event in map(parse_event, text.splitlines()) if event]
    return []


def parse_event(line: str) -> dict[str, Any]:
    """Return an event of a log; nothing where a line is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def read_log(job: Job, *, n_lines: int = 200) -> str:
    """Return the last lines that the process wrote to standard error, each as it stood after its last rewrite."""
    lines = (line.rsplit("\r", 1)[-1].rstrip() for line in _tail(job.record / "stderr.log").split("\n"))
    return "\n".join([line for line in lines if line][-n_lines:])


def last_word(job: Job) -> float:
    """Return when a job's process last wrote to its log, in seconds since the epoch; at least when it was started."""
    try:
        return max(job.created, (job.record / "stderr.log").stat().st_mtime)
    except OSError:
        return job.created


def failure(job: Job) -> FocusError:
    """Return why a job failed.

    Parameters
    ----------
    job : Job
        A failed job.

    Returns
    -------
    FocusError
        What it wrote down, else the last line of its standard error, or that it was killed or ended without a word.
    """
    lines = read_log(job).splitlines()
    number = _read_exit(job)
    if number is not None and number < 0:
        name = signal.Signals(-number).name if -number in set(signal.Signals) else f"signal {-number}"
        return FocusError(
            f"the process was killed ({name}) before it could say why; most often its memory did not suffice"
        )
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return FocusError.from_dict(json.loads((job.record / ERROR).read_bytes()))
    if not lines or PROGRESS.search(lines[-1]):
        return FocusError("the process ended without a result and without a message")
    return FocusError(lines[-1].removeprefix("Error: "))


def note_exit(job: Job, number: int) -> None:
    """Write down how a job's process ended."""
    atomic_write_bytes(job.record / EXIT, str(number).encode())


def _read_exit(job: Job) -> int | None:
    """Return how the process ended, ``None`` where no server saw it."""
    text = _tail(job.record / EXIT).strip()
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else None


def _tail(path: Path) -> str:
    """Return the last bytes of a file as text, "" where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
