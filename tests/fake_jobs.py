"""What the tests of jobs share: a command that does nothing, waiting for something, and an end of every job."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from focus_core.jobs import process as jobs
from focus_core.jobs.record import Job, list_jobs

FAKE = (sys.executable, str(Path(__file__).with_name("fake_command.py")))


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something is so; fail where it does not come to be."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def ended(job: Job) -> None:
    """Wait until a job does not run any more."""
    wait(lambda: jobs.job_state(job) is not jobs.JobState.RUNNING)


def end_jobs(root: Path) -> None:
    """Cancel every job of a folder of runs, and wait until no process of theirs is left to write into it."""
    for job in list_jobs(root):
        jobs.cancel_job(job, grace_s=0.3)
        wait(lambda job=job: not jobs._is_alive(job))
