"""What a page needs before it can show anything, and the way out where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from focus_core.errors import FocusError
from focus_core.jobs.process import is_owner, job_state
from focus_core.jobs.record import JobState, read_job
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import showcase
from focus_ui.data import catalog
from focus_ui.data.cache import load_run
from focus_ui.data.catalog import RunEntry, RunKind
from focus_ui.data.tables import token_table
from focus_ui.jobs.panel import delete_button, job_panel
from focus_ui.session import navigation, state
from focus_ui.session.errors import show_error

MAX_DIGITS = 12
"""No vocabulary has ids this long."""


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what a page raises because its run is damaged, or went away while it was drawn, into words and a way out."""
    try:
        yield
    except (FocusError, OSError) as error:
        entry = state.current_run()
        if entry is None:
            _show_missing_run()
        elif isinstance(error, FocusError):
            _show_damage(error, entry)
        else:
            raise
        st.stop()  # what follows a part of a page would draw the same way out once more


def require_run(title: str = "") -> RunFolder:
    """Return the current run; where there is none, say so, offer the way out and end the page."""
    run = run_if_any(title)
    return st.stop() if run is None else run


def run_if_any(title: str = "") -> RunFolder | None:
    """Return the current run; where there is none or it is damaged, say so, offer the way out, and go on."""
    entry = state.current_run()
    if entry is None:
        _title(title)
        _show_missing_run()
        return None
    try:
        run = load_run(entry.path)
        run.remember("app tables read", lambda: _read_tables(run))
    except FocusError as error:
        _title(title)
        if state.current_run() is None:  # it went away between the two looks
            _show_missing_run()
        else:
            _show_damage(error, entry)
        return None
    state.note_opened(entry.id)
    return run


def _title(title: str) -> None:
    if title:
        st.title(title, anchor=False)


def _read_tables(run: RunFolder) -> int:
    """Read every table once, so that a damaged one is said by every page, before any part of it; return their rows."""
    return sum(table.num_rows for table in (run.tokens(), run.source_tokens(), run.contributions(), run.candidates()))


def _show_damage(error: FocusError, entry: RunEntry) -> None:
    """Say what is wrong with a run; its owner may delete it."""
    show_error(error)
    job = read_job(catalog.runs_root(), entry.id) if entry.kind is RunKind.OWN else None
    if job is not None and is_owner(job, state.owner()):
        delete_button(job, key=f"_delete_damaged_{job.id}")
    _ways_out()


def _show_missing_run() -> None:
    """Explain why there is nothing to show: the run is being made, has failed, was deleted, or never was."""
    wanted = state.run_id()
    job = read_job(catalog.runs_root(), wanted) if wanted else None
    if job is not None and job_state(job) is not JobState.DONE:
        st.header("This run is not there yet" if job_state(job) is JobState.RUNNING else "This run did not finish")
        job_panel(job.id)
    elif wanted is None:
        st.header("No run yet")
        st.warning("This server has neither a demo nor a run of yours.")
    elif state.was_opened(wanted):
        st.header("This run is gone")
        st.warning("It was deleted while you looked at it, here or in another tab or window.")
    else:
        st.header("No such run")
        st.warning("The address names a run that is not on this server: it was deleted, or the link is incomplete.")
    _ways_out()


def _ways_out() -> None:
    """Offer the demo, the other runs, and a run of one's own."""
    with st.container(horizontal=True, vertical_alignment="center"):
        demos = [entry for entry in catalog.demo_runs() if entry.id != state.run_id()]
        if demos:
            st.button(
                "Open the demo run", type="primary", on_click=state.choose_run, args=(demos[0].id,), key="_open_demo"
            )
        st.page_link(navigation.START.file, label="All runs", icon=navigation.START.icon)
        navigation.link(navigation.DATA, "Make a run of your own")


def require_token(run: RunFolder) -> int:
    """Return the chosen target token, else one worth looking at; where the named one is none, say so and end."""
    named = state.chosen_token()
    ids = set(token_table(run)["id"].tolist())
    if named is None:
        return next(iter(showcase(run)), min(ids))
    if (wanted := id_in(named)) is not None and wanted in ids:
        return wanted
    st.title("No such token", anchor=False)
    words, last = _asked_for(named), max(ids, default=0)
    st.warning(f"{words} This run has {count(len(ids))} target tokens, with ids from 0 to {count(last)}.")
    st.caption("Find one with the search box beside this page, or take one that shows well how FOCUS works.")
    for target_id in showcase(run)[:1]:
        st.button("Show a token", type="primary", on_click=state.show_target, args=(target_id,), key="_a_token")
    return st.stop()


def id_in(named: str) -> int | None:
    """Return the id that a part of an address is; ``None`` where it is none."""
    return int(named) if named.isascii() and named.isdigit() and len(named) <= MAX_DIGITS else None


def _asked_for(named: str) -> str:
    """Return a sentence on the token that an address names; what is no number is not repeated."""
    wanted = id_in(named)
    if wanted is not None:
        return f"The address asks for token #{count(wanted)}, which does not exist here."
    return "The address asks for a token by something that is no id."


def require_source(run: RunFolder) -> int | None:
    """Return the source token that the address names, ``None`` where it names none; a wrong one ends the page."""
    named = state.chosen_source()
    if named is None:
        return None
    kinds = run.column("source_tokens", "kind")
    if (wanted := id_in(named)) is not None and wanted < len(kinds) and kinds[wanted] is not None:
        return wanted
    st.title("No such source token", anchor=False)
    words = _asked_for(named)
    st.warning(f"{words} The source vocabulary has {count(len(kinds))} ids, from 0 on.")
    navigation.link(navigation.TOKEN, "Back to the target token")
    return st.stop()
