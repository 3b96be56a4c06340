"""The page Data and run below its inputs: a first look, the estimate, the start, and the session's jobs in steps.

A job that died says so once, with the way out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from focus_core.errors import FocusError
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.initialization.supplied import FIELD_OF
from focus_core.jobs.estimate import Estimate, estimate_run
from focus_core.jobs.preview import Preview
from focus_core.jobs.process import job_state
from focus_core.jobs.record import Job, JobState, failure, last_word, read_job, read_log, request_of_job
from focus_core.jobs.steps import Step, read_steps
from focus_core.numerics.formats import count, duration
from focus_core.tokenization.display import markdown_escape, show_name
from focus_core.types import Need
from focus_ui.data import cache, catalog
from focus_ui.jobs import verdict as run_verdict
from focus_ui.jobs.form import cancel_button, progress_bar
from focus_ui.jobs.panel import AT_WORK, POLL_S, job_panel, own_jobs
from focus_ui.session import navigation, state
from focus_ui.widgets.corpus_choice import CorpusChoice, corpus_choice
from focus_ui.widgets.further_inputs import further_inputs, lacking_words
from focus_ui.widgets.source_choice import source_choice
from focus_ui.widgets.tokenizer_choice import Choice
from pages.data import again as run_again
from pages.data import form as run_form
from pages.data import plan as run_plan
from pages.data import preview as data_preview
from pages.data import start as run_start
from pages.data.normalization import say_what_is_inherited
from pages.data.recipe import Recipe, request_from, title_of

THIN = 4.0
MIN_CARD = 290
SILENT_S = 300.0
"""Seconds without a word after which a running job is said to be silent."""
FOLLOWED = "followed_job"
"""Where the session keeps the finished job that it has been led to."""


def new_run() -> None:
    """Draw the form of a new run; start it when asked."""
    cards = st.grid(3, min_column_width=MIN_CARD, border=True)
    with cards.cell():
        st.header("Text", anchor=False)
        corpus = corpus_choice()
    vocabulary = cards.cell()
    with vocabulary:
        st.header("New vocabulary", anchor=False)
        target = run_form.target_choice(corpus.statistics if corpus else None)
    with cards.cell():
        st.header("Pretrained model", anchor=False)
        source = source_choice()
    look = _first_look(corpus, target, source)
    top = st.container()
    with st.expander("Options", icon=":material/tune:"):
        config = run_form.options()
    _draw_matches(look, config)
    size = look.target.n_vocabulary if look and look.target else (target[1] if target else 0)
    whole = corpus is not None and target is not None and source is not None
    further, lacks = _further(config, source)
    with top:
        place = st.container()
        started = st.button(
            "Start the run",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not whole or bool(lacks),
            key="_start_run",
        )
    if corpus is None or target is None or source is None:
        place.caption(_say_missing({"a text": corpus, "a vocabulary": target, "a model": source}))
        return
    if lacks:
        place.caption(lacks)
        return
    request = InitRequest(**source.fields, **target[0].fields, **corpus.fields, **further, config=config)
    with vocabulary:
        say_what_is_inherited(look.form if look else None, target[0].fields, request.normalizes)
    with place:
        if look is not None:
            data_preview.draw_foreseen(look, config)
        estimate = show_estimate(request, corpus, size)
    with st.expander(run_plan.PLAN_LABEL, icon=":material/format_list_numbered:"):
        run_plan.draw_plan(run_plan.describe(request), estimate.by_step)
    if started:
        run_start.start(request, title=run_form.run_title(corpus, target[0], source, method=config.method))


def _further(config: InitConfig, source: Choice | None) -> tuple[dict[str, Any], str]:
    """Draw what the chosen method reads beside the text; return it as fields, and what it lacks in words."""
    method = METHODS[config.method]
    found: dict[Need, Path] = {}
    if set(method.inputs) - {Need.TEXT, Need.BODY}:
        with st.container(border=True, key="further_inputs"):
            found = further_inputs(method.inputs, key="_data")
    body = [] if source is None or "source" not in source.fields else [Need.BODY]
    lacks = method.lacks((Need.TEXT, *body, *found))
    return {FIELD_OF[need]: path for need, path in found.items()}, lacking_words(lacks)


def _say_missing(chosen: dict[str, object | None]) -> str:
    """Return what is still to be chosen, as a sentence."""
    *most, last = [name for name, choice in chosen.items() if choice is None]
    return f"Choose {', '.join(most)} and {last} first." if most else f"Choose {last} first."


def _first_look(
    corpus: CorpusChoice | None, target: tuple[Choice, int] | None, source: Choice | None
) -> Preview | None:
    """Draw the text in the pieces of both tokenizers."""
    if source is None:
        return None
    new = data_preview.tokenizer_of(target[0], side="target") if target else None
    preview = data_preview.look(corpus, data_preview.tokenizer_of(source, side="source"), new)
    if preview is not None:
        data_preview.draw_subwords(preview)
    return preview


def _draw_matches(preview: Preview | None, config: InitConfig) -> None:
    """Draw what every other match rule would change, where both tokenizers are there."""
    if preview is not None and preview.matches is not None:
        with st.expander(data_preview.MATCHES_LABEL, icon=":material/difference:"):
            data_preview.draw_matches(preview.matches, config.match)


def show_estimate(request: InitRequest, corpus: CorpusChoice, n_tokens: int) -> Estimate:
    """Draw what the run will take, and warn where the vocabulary is too large for the text."""
    estimate = estimate_run(request, corpus.statistics, vocab_size=n_tokens)
    st.markdown(
        f"About **{duration(estimate.seconds)}** and **{estimate.memory_mib / 1024:.1f} GB** of memory, for about "
        f"**{count(estimate.n_tokens)}** tokens of text; a new token is seen "
        f"**{estimate.occurrences_per_token:.0f} ×** on average.",
        help="An estimate from the size of the text alone, right to within a factor of two or three.",
    )
    if estimate.occurrences_per_token < THIN:
        st.warning(
            "This vocabulary is large for this text: most new tokens are seen only a few times, so the text says "
            "little of how they are used. Take a smaller vocabulary or more text.",
            icon=":material/warning:",
        )
    return estimate


def watched_job(*, started: bool = False) -> str | None:
    """Draw the job that this session watches: the one started last, else any that runs, else the current run's."""
    jobs = own_jobs()
    running = [job for job in jobs if job_state(job) is JobState.RUNNING]
    wanted = [job for job in jobs if job.id == state.chosen_job()] or running
    if not started:
        wanted = wanted or [job for job in jobs if job.id == state.run_id()]
    if not wanted:
        return None
    follow_watched_job()  # first: what is drawn before a second drawing can be clicked in vain
    job = wanted[0]
    if job.verb == "init" and job_state(job) is JobState.RUNNING:
        st.fragment(_running_panel, run_every=POLL_S)(job.id)
    else:
        job_panel(job.id)
        _ended_steps(job)
    return job.id


def _running_panel(job_id: str) -> None:
    """Draw a running job in steps, with progress and cancel; nothing of it can be clicked once it has ended."""
    job = read_job(catalog.runs_root(), job_id)
    if job is None:
        return
    name = markdown_escape(show_name(job.title or "run", limit=80))
    if job_state(job) is not JobState.RUNNING:
        st.caption(f"{AT_WORK} {name} has ended.")  # the tray sees the end and draws the page anew
        return
    with st.container(border=True, key=f"job_{job_id}"):
        st.markdown(f"{AT_WORK} **{name}** :blue-badge[{JobState.RUNNING}]")
        progress_bar(job)
        _steps(job, JobState.RUNNING)
        _say_if_silent(job)
        st.caption("It goes on when you close this page; this browser lists it here when you come back.")
        cancel_button(job)


def _say_if_silent(job: Job) -> None:
    """Say so where a job has not been heard of for long: it may be at work still, or hang."""
    events = job.part / "log" / "events.jsonl"
    silent = time.time() - max(last_word(job), events.stat().st_mtime if events.is_file() else 0.0)
    if silent > SILENT_S:
        st.warning(
            f"It has said nothing for {duration(silent)}. A large text takes its time; if nothing comes, cancel it and "
            "take less text or a smaller vocabulary.",
            icon=":material/hourglass_empty:",
        )


def _ended_steps(job: Job) -> None:
    """Draw the steps of an ended job, the ways on from a run made again, and the way out of a failed one."""
    if job.verb != "init" or read_job(catalog.runs_root(), job.id) is None:
        return
    now = job_state(job)
    if now is JobState.DONE:
        _compare_link(job.id)
    if run_again.is_dated(job):
        st.caption(run_again.DATED)
        return
    recipe = run_again.find_recipe(job.id)
    steps = recipe.steps if recipe is not None else ()
    if now is not JobState.DONE:
        _way_out(job, recipe if steps else None)
        if (job.record / "log" / "events.jsonl").is_file():
            with st.expander("How far it came", icon=":material/format_list_numbered:"):
                _steps(job, now)
        return

    def again(step: Step) -> None:
        if step in steps:
            st.button(
                "Run again from here", icon=":material/replay:", key=f"_again_{step}_{job.id}",
                on_click=run_again.ask, args=(job.id, step),
            )  # fmt: skip

    with st.expander("Its steps", icon=":material/format_list_numbered:", expanded=True):
        _steps(job, now, again=again)


def _way_out(job: Job, recipe: Recipe | None) -> None:
    """Draw what can be done about a job that failed or was cancelled; without a recipe its text is gone."""
    if recipe is None:
        st.caption("Its text is no longer here. Everything you chose below still stands: start the run again there.")
        return
    with st.container(horizontal=True):
        st.button(
            "Run it again", icon=":material/replay:", key=f"_repeat_{job.id}", on_click=run_again.ask,
            args=(job.id, Step.TOKENIZERS), help="Opens the form as it was, so that you can change something first.",
        )  # fmt: skip
        largest = failure(job).largest if job_state(job) is JobState.FAILED else None
        smaller = largest is not None and "vocab_size" in recipe.target and st.button(
            f"Use {count(largest)} and start again", icon=":material/play_arrow:", key=f"_smaller_{job.id}",
            type="primary", on_click=run_form.take_size, args=(recipe.target["vocab_size"], largest),
        )  # fmt: skip
    if smaller:
        target = dict(recipe.target) | {"vocab_size": largest}
        request = request_from(recipe, Step.TOKENIZERS, recipe.config, target=target)
        run_start.start(request, title=title_of(recipe, [f"size {largest}"]))


def _steps(job: Job, now: JobState, *, again: Callable[[Step], None] | None = None) -> None:
    request, given = request_of_job(job), {}
    if request is None:
        return
    if now is JobState.DONE:
        with suppress(FocusError):  # a damaged run gave nothing that can be read
            given = run_plan.results(cache.load_run(job.run))
    folder = {JobState.RUNNING: job.part, JobState.DONE: job.run}.get(now, job.record)
    times = read_steps(folder, log=read_log(job), now=time.time() if now is JobState.RUNNING else None)
    run_plan.draw_job(run_plan.describe(request), times, now, given=given, again=again)


def _compare_link(job_id: str) -> None:
    """Draw the way to compare a run with the one that it is a change of."""
    original = run_start.original_of(job_id)
    if original is None or catalog.find_run(original, state.owner()) is None:
        return
    st.page_link(
        navigation.COMPARE.file, label="Compare with the original", icon=navigation.COMPARE.icon,
        query_params={state.RUN_PARAM: job_id, state.WITH_PARAM: original},
    )  # fmt: skip


def follow_watched_job() -> None:
    """Make the run of the job that this session started last the current one, once, as soon as it is done."""
    # Called on the page Data and run alone: whoever started a run and looks at this page waits for it; nobody who reads
    # another run elsewhere is led away.
    job = next((job for job in own_jobs() if job.id == state.chosen_job()), None)
    if job is None or st.session_state.get(FOLLOWED) == job.id or job_state(job) is not JobState.DONE:
        return
    st.session_state[FOLLOWED] = job.id
    if state.run_id() != job.id:
        state.choose_run(job.id)
        st.toast("Your run is finished; every page now shows it.", icon=":material/check_circle:")
        st.rerun()


def earlier_jobs(drawn: str | None) -> None:
    """Draw the session's other jobs."""
    others = [job for job in own_jobs() if job.id != drawn]
    if not others:
        return
    st.header("Your runs", anchor=False)
    st.caption("Those of this browser. Keep a run's link to open it elsewhere.")
    done = (job for job in others if job_state(job) is JobState.DONE and not run_verdict.is_known(job))
    fresh = next(done, None)  # one of them each time: checks read a whole run
    for job in others:
        job_panel(job.id, look=job is fresh)
