"""From the inputs of the page Data and run to a started job, and the list of the session's runs."""

from __future__ import annotations

import streamlit as st

from focus_core.config import PAPER, InitConfig
from focus_core.domain import MethodName, Preset
from focus_core.errors import FocusError
from focus_core.estimate import Estimate, estimate_run
from focus_core.job_record import JobState, new_run_id
from focus_core.jobs import job_state, start_job
from focus_core.methods import METHODS
from focus_ui import catalog, run_form, state
from focus_ui.errors import show_error
from focus_ui.jobs_view import job_panel, own_jobs
from focus_ui.run_form import Choice, CorpusChoice
from focus_ui.theme import count, duration
from focus_ui.uploads import hand_over

THIN = 4.0
FOLLOWED = "followed_job"
"""Where the session keeps the finished job that it has been led to."""


def show_estimate(corpus: CorpusChoice, target: Choice, n_tokens: int) -> Estimate:
    """Draw what the run will take, and warn where the vocabulary is too large for the text.

    Parameters
    ----------
    corpus : CorpusChoice
        The corpus.
    target : Choice
        The target tokenizer.
    n_tokens : int
        Its size.

    Returns
    -------
    Estimate
        What was drawn.
    """
    paper = st.session_state.get("_preset") == Preset.PAPER
    estimate = estimate_run(
        corpus.survey,
        vocab_size=n_tokens,
        dim=PAPER["dim"] if paper else InitConfig().dim,
        epochs=PAPER["epochs"] if paper else None,
        trains_tokenizer="--train-tokenizer" in target.arguments,
        trains_vectors=METHODS[str(st.session_state.get("_method", MethodName.FOCUS))].needs_auxiliary,
    )
    with st.container(horizontal=True):
        st.metric("Tokens of text, about", count(estimate.n_tokens), border=True, width=190)
        st.metric("Time, about", duration(estimate.seconds), border=True, width=190)
        st.metric("Memory, about", f"{estimate.memory_mib / 1024:.1f} GB", border=True, width=190)
        st.metric("Sightings of a token", f"{estimate.occurrences_per_token:.0f} ×", border=True, width=190)
    st.caption("An estimate from the size of the text alone, right to within a factor of two or three.")
    if estimate.occurrences_per_token < THIN:
        st.warning(
            "This vocabulary is large for this text: most new tokens are seen only a few times, so many rows fall "
            "back. Take a smaller vocabulary or more text.",
            icon=":material/warning:",
        )
    return estimate


def launch(corpus: CorpusChoice, target: Choice, source: Choice, options: dict[str, str]) -> None:
    """Start the job and watch it; an input that the library refuses is drawn as an error.

    Parameters
    ----------
    corpus : CorpusChoice
        The corpus.
    target, source : Choice
        Tokenizer and model.
    options : dict of str to str
        Options of the command line; "" for a switch.
    """
    root, job_id = catalog.runs_root(), new_run_id()
    arguments = ["init"]
    for choice in (source, target):
        files = hand_over(choice.files, root, job_id)
        for name, value in choice.arguments.items():
            arguments += [name, str(files[value]) if isinstance(value, int) else value]
    for path in hand_over(corpus.files, root, job_id):
        arguments += ["--corpus", str(path)]
    arguments += ["--field", corpus.column]
    for name, text in options.items():
        arguments += [name, text] if text else [name]
    try:
        job = start_job(
            arguments,
            runs_root=root,
            owner=state.owner(),
            title=run_form.run_title(corpus, target, source, method=options.get("--method", MethodName.FOCUS)),
            job_id=job_id,
        )
    except FocusError as error:
        show_error(error)
        return
    state.watch_job(job.id)
    st.rerun()


def watched_job() -> str | None:
    """Draw the job that this session watches: the one started last, else any that runs.

    Returns
    -------
    str or None
        The job that was drawn.
    """
    jobs = own_jobs()
    job = next((job for job in jobs if job.id == state.chosen_job()), None)
    if job is None:
        job = next((job for job in jobs if job_state(job) is JobState.RUNNING), None)
    if job is None:
        return None
    follow_watched_job()  # first: what is drawn before a second drawing can be clicked in vain
    job_panel(job.id)
    return job.id


def follow_watched_job() -> None:
    """Make the run of the job that this session started last the current one, once, as soon as it is done.

    Called on the page Data and run alone: whoever started a run and looks at this page waits for it; nobody who reads
    another run elsewhere is led away.
    """
    job = next((job for job in own_jobs() if job.id == state.chosen_job()), None)
    if job is None or st.session_state.get(FOLLOWED) == job.id or job_state(job) is not JobState.DONE:
        return
    st.session_state[FOLLOWED] = job.id
    if state.run_id() != job.id:
        state.choose_run(job.id)
        st.toast("Your run is finished; every page now shows it.", icon=":material/check_circle:")
        st.rerun()


def earlier_jobs(drawn: str | None) -> None:
    """Draw the session's other jobs.

    Parameters
    ----------
    drawn : str or None
        The job that `watched_job` drew.
    """
    others = [job for job in own_jobs() if job.id != drawn]
    if not others:
        return
    st.subheader("Your runs", anchor=False)
    st.caption("Those of this browser session. Keep a run's link to open it later or elsewhere.")
    for job in others:
        job_panel(job.id)
