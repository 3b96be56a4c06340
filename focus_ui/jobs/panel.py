"""Jobs on the screen: the tray that every page carries, and the panel of one job.

A fragment polls only while something runs, and never blocks.
"""

from __future__ import annotations

import time
from typing import Literal

import streamlit as st

from focus_core.errors import FocusError
from focus_core.jobs.process import cancel_job, delete_run, is_owner, job_state, reap
from focus_core.jobs.record import (
    Job,
    JobState,
    dismiss,
    failure,
    is_dismissed,
    last_word,
    list_jobs,
    read_job,
    read_log,
)
from focus_core.numerics.formats import count
from focus_core.tokenization.display import markdown_escape, show_name
from focus_ui.data.catalog import comparisons_root, evaluations_root, runs_root
from focus_ui.jobs import verdict as run_verdict
from focus_ui.jobs.form import cancel_button, progress_bar, say_failure
from focus_ui.jobs.map_jobs import MAP_VERB, forget_maps, maps_root, refuse_while_made, run_id_of
from focus_ui.jobs.verdict import Verdict
from focus_ui.session import navigation, state
from focus_ui.session.errors import in_words, show_error

POLL_S = 1.0
RECENT_S = 24 * 3600
MAX_ENDED = 3
TAIL_LINES = 8
TRAINING_VERB, EVALUATION_VERB, COMPARISON_VERB = "adapt", "evaluate", "compare"
MAKE_NO_RUN = (EVALUATION_VERB, MAP_VERB, COMPARISON_VERB)
"""Verbs whose result is no run: it has no verdict, and no page opens it as one."""
AT_WORK = ":material/progress_activity:"
LOOKS = {
    JobState.RUNNING: (AT_WORK, "blue"),
    JobState.DONE: (":material/check_circle:", "green"),
    JobState.FAILED: (":material/error:", "red"),
    JobState.CANCELLED: (":material/cancel:", "gray"),
}
"""The icon and the colour of each state."""


def own_jobs() -> list[Job]:
    """Return the session's jobs, newest first."""
    return list_jobs(runs_root(), owner=state.owner())


def _tray_jobs() -> list[Job]:
    """Return every job of the session, evaluations, comparisons and maps too, newest first."""
    roots = (evaluations_root(), comparisons_root(), maps_root())
    jobs = [job for root in roots for job in list_jobs(root, owner=state.owner())]
    jobs += own_jobs()
    return sorted(jobs, key=lambda job: job.created, reverse=True)


def job_tray() -> None:
    """Draw the jobs of the session in the sidebar: running ones with progress, log and cancel, ended till dismissed."""
    # Only what runs is polled. What an ended job offers is drawn once, outside: a click never meets a poll of its own.
    jobs = [job for job in _tray_jobs() if not is_dismissed(job)]
    states = {job.id: job_state(job) for job in jobs}
    running = tuple(job.id for job in jobs if states[job.id] is JobState.RUNNING)
    for job in jobs:
        reap(job)  # one whose end no server saw, since this one was restarted
    ended = [job for job in jobs if states[job.id] is not JobState.RUNNING and time.time() - last_word(job) < RECENT_S]
    if not running and not ended:
        return
    with st.container(key="job_tray", gap="xsmall"):
        st.markdown("**Jobs**")
        if running:
            st.fragment(_tray, run_every=POLL_S)(running)
        for job in ended[:MAX_ENDED]:
            _ended_row(job, states[job.id])
        if len(ended) > MAX_ENDED:
            st.caption(f"{count(len(ended) - MAX_ENDED)} older ones stand on the page Data and run.")


def _tray(running: tuple[str, ...]) -> None:
    """Draw the running jobs; when one has ended since the page was drawn, draw the whole page once more."""
    jobs = {job.id: job for job in _tray_jobs()}
    if any(job_id not in jobs or job_state(jobs[job_id]) is not JobState.RUNNING for job_id in running):
        st.rerun()
    for job_id in running:
        _running_row(jobs[job_id])


def _running_row(job: Job) -> None:
    with st.container(border=True, gap="xsmall"):
        _row_head(job, JobState.RUNNING)
        measures = job.verb in (EVALUATION_VERB, COMPARISON_VERB)  # their logs name files of this server
        progress_bar(job, quiet=job.verb == EVALUATION_VERB)
        st.button("Cancel", key=f"_cancel_tray_{job.id}", on_click=cancel_job, args=(job,), width="stretch")
        if not measures:
            _log(read_log(job, n_lines=TAIL_LINES))


def _ended_row(job: Job, job_now: JobState) -> None:
    with st.container(border=True, gap="xsmall"):
        _row_head(job, job_now)
        if job.verb == EVALUATION_VERB:
            navigation.link(navigation.TRAIN, "See it on the page Train")
        elif job.verb == COMPARISON_VERB:
            named = {state.COMPARISON_PARAM: job.id} if job_now is JobState.DONE else {}
            navigation.link(navigation.METHODS, "See it on the page Methods", parameters=named)
        elif job.verb == MAP_VERB and job_now is JobState.DONE:
            navigation.link(navigation.MAP, "See it on the Map", run=run_id_of(job))
        elif job_now is JobState.FAILED:
            st.caption(markdown_escape(in_words(failure(job).text)[:300]))
            _log(read_log(job, n_lines=TAIL_LINES))
        with st.container(horizontal=True, gap="xsmall"):
            is_run = job.verb not in MAKE_NO_RUN
            if job_now is JobState.DONE and state.run_id() != job.id and is_run:
                st.button("Open", key=f"_open_tray_{job.id}", on_click=_open_from_tray, args=(job,), width="stretch")
            st.button("Dismiss", key=f"_dismiss_{job.id}", on_click=dismiss, args=(job,), width="stretch")


def _row_head(job: Job, job_now: JobState) -> None:
    found = None
    if job_now is JobState.DONE and job.verb not in MAKE_NO_RUN:
        found = run_verdict.verdict(job, look=job.id == state.chosen_job())
    st.markdown(_head(job, job_now, found))


def _head(job: Job, job_now: JobState, found: Verdict | None) -> str:
    """Return a job's name and how it ended; a run whose checks warn is not merely done."""
    (icon, color), words = LOOKS[job_now], str(job_now)
    if found is not None and found.words:
        icon, color, words = found.sign, "orange", f"{job_now}, {found.words}"
    return f"{icon} **{_title(job)}** :{color}-badge[{words}]"


def _log(text: str, *, height: int | Literal["content"] = "content") -> None:
    """Draw the last lines of a job's log, folded."""
    if text:
        with st.expander("Log", icon=":material/terminal:"):
            st.code(text, language=None, wrap_lines=True, height=height)


def _open_from_tray(job: Job) -> None:
    dismiss(job)
    state.choose_run(job.id)


def _title(job: Job) -> str:
    return markdown_escape(show_name(job.title or "run", limit=48))


def job_panel(job_id: str, *, look: bool = True) -> None:
    """Draw one job in full: stages, progress, log, and what can be done with it."""
    job = read_job(runs_root(), job_id)
    if job is None:
        return
    running = job_state(job) is JobState.RUNNING
    st.fragment(_panel, run_every=POLL_S if running else None)(job_id, running, look)


def _panel(job_id: str, was_running: bool, look: bool) -> None:
    job = read_job(runs_root(), job_id)
    if job is None:
        return
    job_now = job_state(job)
    if was_running and job_now is not JobState.RUNNING:
        _ended(job)
        return
    with st.container(border=True, key=f"job_{job_id}"):
        found = run_verdict.verdict(job, look=look) if job_now is JobState.DONE else None
        st.markdown(_head(job, job_now, found))
        if found is not None:
            run_verdict.draw(job, found)
        _panel_body(job, job_now)
        _log(read_log(job), height=220)


def _ended(job: Job) -> None:
    """Wait for the page to be drawn anew, or draw it: nothing can be clicked before the polling has stopped."""
    # A click that meets a poll is lost: the browser sends both, and the page named by the later one wins. The tray sees
    # the end of an own job; two parts that draw the page anew would undo each other's address.
    if not is_owner(job, state.owner()):
        st.rerun()
    st.caption(f"{AT_WORK} {_title(job)} has ended.")


def _panel_body(job: Job, job_now: JobState) -> None:
    """Draw what fits the state of a job."""
    mine = is_owner(job, state.owner())
    if job_now is JobState.RUNNING:
        progress_bar(job)
        back = "It goes on when you close this page"
        st.caption(back + ("; this browser lists it on Data and run." if mine else "."))
        if mine:
            cancel_button(job)
    elif job_now is JobState.DONE:
        _done_links(job)
    elif job_now is JobState.FAILED:
        say_failure(job)
    else:
        st.caption("Cancelled; nothing was left behind.")
    if mine and job_now is JobState.DONE:
        delete_button(job, key=f"_delete_{job.id}")
    elif mine and job_now is not JobState.RUNNING:
        st.button(
            "Dismiss", key=f"_forget_{job.id}", on_click=remove_job, args=(job,),
            help="Takes it off this list, with its log and its copy of the text. It made no run.",
        )  # fmt: skip


def _done_links(job: Job) -> None:
    """Draw the way into a finished run; the one of the job that the session watches stands out."""
    kind: Literal["primary", "secondary"] = "primary" if job.id == state.chosen_job() else "secondary"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Open this run", icon=":material/folder_open:", type=kind, key=f"_open_{job.id}"):
            state.choose_run(job.id)
            navigation.go(navigation.TRAIN if job.verb == TRAINING_VERB else navigation.START)
        for page, label in ((navigation.OVERLAP, "See the overlap"), (navigation.TOKEN, "Open a token")):
            navigation.link(page, label, run=job.id)


def delete_button(job: Job, *, key: str) -> None:
    """Draw a button that asks before it deletes a run of the session."""
    with st.popover("Delete", icon=":material/delete:", width="content"):
        st.caption("The run, its trainings and its maps are removed from this server. Links to it lead nowhere then.")
        st.button("Delete for good", key=key, on_click=remove_job, args=(job,), type="primary")


def remove_job(job: Job) -> None:
    """Delete a job's run and record; where it was the current run, go back to the demo."""
    try:
        refuse_while_made(job.run, owner=state.owner())
        delete_run(job, owner=state.owner())
        forget_maps(job.run, owner=state.owner())
    except FocusError as error:
        show_error(error)
        return
    if state.chosen_job() == job.id:
        state.watch_job(None)
    if state.run_id() == job.id:
        state.leave_run()
