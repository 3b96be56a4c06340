"""Jobs that make no run, on the page that shows what they made: how far one is, and why one came to nothing."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from focus_core.jobs.process import job_state
from focus_core.jobs.record import Job, JobState, dismiss, is_dismissed, list_jobs, read_job
from focus_core.tokenization.display import markdown_escape, show_name
from focus_ui.jobs.form import cancel_button, progress_bar, say_failure
from focus_ui.jobs.panel import POLL_S
from focus_ui.session import state

MAX_FAILURES = 1


def title_of(job: Job) -> str:
    """Return what a job is called, with a capital; plain text."""
    words = show_name(job.title, limit=60)
    return words[:1].upper() + words[1:]


def unfinished_jobs(root: Path) -> tuple[list[Job], list[Job]]:
    """Return the session's jobs of a folder that run, and those that failed and were not dismissed, newest first."""
    jobs = list_jobs(root, owner=state.owner())
    states = {job.id: job_state(job) for job in jobs}
    running = [job for job in jobs if states[job.id] is JobState.RUNNING]
    return running, [job for job in jobs if states[job.id] is JobState.FAILED and not is_dismissed(job)]


def draw_unfinished(root: Path, *, name: str, all_lines: str, quiet: bool) -> None:
    """Draw the session's jobs of a folder that run, with progress and cancel, and why the last one failed."""
    running, failed = unfinished_jobs(root)
    for job in running:
        st.fragment(_watch, run_every=POLL_S)(root, job.id, name, quiet)
    for job in failed[:MAX_FAILURES]:
        say_failure(job, all_lines=all_lines)
        st.button("Dismiss", key=f"_dismiss_{name}_{job.id}", on_click=dismiss, args=(job,))


def _watch(root: Path, job_id: str, name: str, quiet: bool) -> None:
    """Draw how far a job is; the tray sees its end and draws the whole page again."""
    job = read_job(root, job_id)
    if job is None or job_state(job) is not JobState.RUNNING:
        return
    with st.container(border=True, key=f"{name}_{job_id}"):
        st.markdown(f"**{markdown_escape(title_of(job))}**")
        progress_bar(job, quiet=quiet)
        cancel_button(job)
