"""The evaluations of this session that are done, found again by the run that they concern."""

from __future__ import annotations

from typing import Any

from focus_core.errors import FocusError
from focus_core.evaluation.stored import concerns, read_evaluation
from focus_core.jobs.process import job_state
from focus_core.jobs.record import Job, JobState, list_jobs
from focus_core.runs.folder import RunFolder
from focus_ui.data.catalog import evaluations_root
from focus_ui.session import state


def kept_evaluations(run: RunFolder) -> list[tuple[Job, dict[str, Any]]]:
    """Return the session's finished evaluations of states of a run, newest first."""
    found = []
    for job in list_jobs(evaluations_root(), owner=state.owner()):
        if job_state(job) is not JobState.DONE:
            continue
        try:
            report = read_evaluation(job.run)
        except FocusError:
            continue
        if concerns(report, run.digest):
            found.append((job, report))
    return found
