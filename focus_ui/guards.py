"""What a page needs before it can show anything, and the way out where it is missing."""

from __future__ import annotations

import streamlit as st

from focus_core.job_record import JobState, read_job
from focus_core.jobs import job_state
from focus_core.run_folder import RunFolder
from focus_ui import catalog, navigation, state
from focus_ui.cache import load_run
from focus_ui.errors import reported
from focus_ui.jobs_view import job_panel
from focus_ui.tables import showcase, token_table


def require_run() -> RunFolder:
    """Return the current run; where there is none, say so, offer the way out and end the page."""
    entry = state.current_run()
    if entry is None:
        _show_missing_run()
        st.stop()
    with reported():
        return load_run(entry.path)


def _show_missing_run() -> None:
    """Explain why there is nothing to show: the run is still being made, has failed, or does not exist."""
    wanted = state.run_id()
    job = read_job(catalog.runs_root(), wanted) if wanted else None
    if job is not None and job_state(job) is not JobState.DONE:
        st.header("This run is not there yet")
        job_panel(job.id)
        navigation.link(navigation.DATA, "Back to data and run")
        return
    st.header("No such run")
    st.warning("The address names a run that is not on this server: it was deleted, or the link is incomplete.")
    demos = catalog.demo_runs()
    if demos:
        st.button("Open the demo run", type="primary", on_click=state.choose_run, args=(demos[0].id,), key="_open_demo")
    navigation.link(navigation.DATA, "Make a run of your own")


def require_token(run: RunFolder) -> int:
    """Return the chosen target token, else one worth looking at; where the named one is none, say so and end.

    Parameters
    ----------
    run : RunFolder
        The current run.

    Returns
    -------
    int
        A target id that holds a token.
    """
    named = state.chosen_token()
    ids = set(token_table(run)["id"].tolist())
    if named is None:
        return next(iter(showcase(run)), min(ids))
    if named.isascii() and named.isdigit() and int(named[:12]) in ids:
        return int(named[:12])
    st.header("No such token")
    st.warning(f"This run has {len(ids):,} target tokens, and the address names none of them.")
    st.caption("Find one with the search box beside this page, or take one that shows well how FOCUS works.")
    for target_id in showcase(run)[:1]:
        st.button("Show a token", type="primary", on_click=state.show_target, args=(target_id,), key="_a_token")
    return st.stop()


def require_source(run: RunFolder) -> int | None:
    """Return the source token that the address names, ``None`` where it names none; a wrong one ends the page.

    Parameters
    ----------
    run : RunFolder
        The current run.

    Returns
    -------
    int or None
        A source id that holds a token.
    """
    named = state.chosen_source()
    if named is None:
        return None
    kinds = run.column("source_tokens", "kind")
    if named.isascii() and named.isdigit() and int(named[:12]) < len(kinds) and kinds[int(named[:12])] is not None:
        return int(named[:12])
    st.header("No such source token")
    st.warning(f"The source vocabulary has {len(kinds):,} ids, and the address names none of them.")
    navigation.link(navigation.TOKEN, "Back to the target token")
    return st.stop()
