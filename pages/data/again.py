"""The current run once more, with one option changed, from the step that the change concerns.

A run keeps its tokenizer and its vectors, so that a change of match or temperature trains nothing anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from focus_core.errors import FocusError
from focus_core.initialization.config import NORMALIZATION, InitConfig
from focus_core.initialization.request import TRIM, InitRequest
from focus_core.jobs.estimate import Estimate, estimate_run
from focus_core.jobs.process import job_state
from focus_core.jobs.record import Job, JobState, read_job, request_of_job
from focus_core.jobs.steps import Step
from focus_core.numerics.formats import duration
from focus_core.tokenization.display import markdown_escape, show_name
from focus_ui.data import cache, catalog, input_cache, uploads
from focus_ui.session import state
from focus_ui.session.errors import show_error
from focus_ui.widgets.choice import choose, switch
from focus_ui.widgets.corpus_choice import CorpusChoice, corpus_choice, in_the_form
from focus_ui.widgets.further_inputs import lacking_words
from pages.data import plan as run_plan
from pages.data import preview as data_preview
from pages.data import start as run_start
from pages.data.form import DEFAULT_SIZE, FAMILIES, LEAST_SIZE, VECTORS, options
from pages.data.normalization import normalization_choice, say_what_is_inherited
from pages.data.recipe import (
    Recipe,
    changes,
    lacks_further,
    needs_vectors,
    recipe_of_request,
    recipe_of_run,
    request_from,
    title_of,
)
from pages.data.trimming import trimming_choice

NEW, AGAIN = "A new run", "The current run, changed"
MODE = "_make"
AGAIN_PARAM = "again"
"""A parameter of the address that opens the form of the current run; it is taken away once it was followed."""
WANTED = "run_again"
"""Where the session keeps which run shall be made again, from which step, and which was the current run then."""
RESOLVED = {
    Step.OVERLAP: ("preset", "auxiliary_space", *VECTORS),
    Step.ROWS: ("preset", "auxiliary_space", *VECTORS, "match", "extend"),
}
"""Options that concern what is reused when a run starts at a step."""
DATED = (
    "It was started by an earlier version of this app, whose records do not say what a run was given in a form that "
    "can be read today: its text and its first steps are not offered again."
)
FROM = {
    Step.TOKENIZERS: "tokenizers",
    Step.CORPUS: "text",
    Step.VECTORS: "vectors",
    Step.OVERLAP: "overlap",
    Step.ROWS: "embeddings",
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a form asks for."""

    step: Step
    config: InitConfig
    target: Mapping[str, Any] | None = None
    corpus: CorpusChoice | None = None


def mode() -> str:
    """Draw the choice between a new run and the current one with a change; return the chosen one."""
    _wanted()  # forgets what was asked for another run
    if state.current_run() is None and WANTED not in st.session_state:
        return NEW
    if st.query_params.pop(AGAIN_PARAM, None) is not None:
        st.session_state[MODE] = AGAIN
    return switch("Make", [NEW, AGAIN], MODE, default=NEW, label_visibility="collapsed")


def ask(run_id: str, step: Step) -> None:
    """Make the page show the form for a run, from a step; called before the page is drawn."""
    st.session_state[WANTED] = (run_id, step, state.run_id())
    st.session_state[MODE] = AGAIN
    st.session_state.pop(_step_key(run_id), None)
    st.toast("The form of this page is filled in as that run was.", icon=":material/replay:")


def _wanted() -> tuple[str | None, Step | None]:
    """Return which run shall be made again and from where; what was asked for holds until the current run changes."""
    run_id, step, current = st.session_state.get(WANTED, (None, None, None))
    if run_id is None or current != state.run_id():
        st.session_state.pop(WANTED, None)
        return state.run_id(), None
    return run_id, step


def _step_key(run_id: str) -> str:
    return f"_again_step_{run_id}"


def find_recipe(run_id: str) -> Recipe | None:
    """Return what a run was made of, finished or not; ``None`` where there is no such run."""
    job = read_job(catalog.runs_root(), run_id)
    asked = request_of_job(job) if job is not None else None
    entry = catalog.find_run(run_id, state.owner())
    if entry is None:
        if job is None or asked is None or job_state(job) in (JobState.RUNNING, JobState.DONE):
            return None
        return recipe_of_request(asked, job_id=job.id, title=job.title, find=uploads.original)
    try:
        run = cache.load_run(entry.path)
    except FocusError:
        return None
    title = entry.title or str(run.manifest["target"]["name"])
    return recipe_of_run(run, asked, run_id=run_id, title=title, find=uploads.original)


def is_dated(job: Job | None) -> bool:
    """Whether an initialisation is from the time when records held a command line and no request."""
    return job is not None and job.verb == "init" and request_of_job(job) is None


def draw() -> None:
    """Draw the form; start the run when asked."""
    run_id, asked = _wanted()
    recipe = find_recipe(str(run_id)) if run_id else None
    if recipe is None:
        st.caption("There is no run to change: choose one beside this page.")
        return
    name = show_name(recipe.title, limit=80)
    st.markdown(f"Another run like **{markdown_escape(name)}**. The run itself stays as it is.")
    if is_dated(read_job(catalog.runs_root(), recipe.id)):
        st.caption(DATED)
    if not recipe.steps:
        _say_what_is_missing(recipe)
        return
    change = _form(recipe, asked)
    if change is not None:
        _start(recipe, change)


def _say_what_is_missing(recipe: Recipe) -> None:
    about = "Its source model" if not recipe.source else "Its text, or the tokenizer it was given,"
    st.warning(
        f"{about} is no longer on this server, so it cannot be made again. Start a new run instead.",
        icon=":material/warning:",
    )


def _form(recipe: Recipe, asked: Step | None) -> Change | None:
    """Draw the step to start from, the options that it leaves open, and what is reused."""
    step = _step(recipe, asked)
    target = _tokenizer(recipe) if step is Step.TOKENIZERS else None
    corpus = None
    if step in (Step.TOKENIZERS, Step.CORPUS) and st.toggle("Another text", key=f"_again_text_{recipe.id}"):
        corpus = corpus_choice()
        if corpus is None:
            return None
    chosen = options(start=recipe.config, mark=f"_{recipe.id}", resolved=RESOLVED.get(step, ()))
    if not recipe.text and recipe.auxiliary is None and needs_vectors(chosen):
        st.warning("This method compares vectors, and the run has neither any nor its text. Choose another method.")
        return None
    if lacks := lacks_further(recipe, chosen):
        st.warning(lacking_words(lacks))
        return None
    if target is not None:
        _say_what_is_inherited(recipe, target, chosen)
    if step is not Step.ROWS:
        _draw_matches(recipe, step, chosen)
    return Change(step=step, config=chosen, target=target, corpus=corpus)


def _step(recipe: Recipe, asked: Step | None) -> Step:
    """Draw where to start; the best is the latest step of which a change makes a difference."""
    steps = list(recipe.steps)
    start = asked if asked in steps else (Step.OVERLAP if Step.OVERLAP in steps else steps[0])
    names = [FROM[step] for step in steps]
    chosen = st.segmented_control(
        "Start at", names, default=FROM[start], required=True, key=_step_key(recipe.id),
        help="What comes before is taken from the run.",
    )  # fmt: skip
    if not recipe.text and recipe.tokenizer is not None:
        st.caption(
            "The text of this run is not on this server: its stored vectors are used; no token is counted. An upload "
            "goes when its page is reloaded or closed; to start at an earlier step, give it again with a new run."
        )
    return steps[names.index(str(chosen))]


def _tokenizer(recipe: Recipe) -> Mapping[str, Any] | None:
    """Draw kind and size of the tokenizer, where the run trained one."""
    if "train_tokenizer" not in recipe.target:
        return None
    if recipe.target["train_tokenizer"] == TRIM:
        return trimming_choice(f"_trimmed_{recipe.id}", recipe.target)
    left, right = st.columns(2)
    first = list(FAMILIES).index(recipe.target["train_tokenizer"])
    family = choose("Kind", FAMILIES, f"_family_{recipe.id}", place=left, index=first, width="stretch")
    size = right.number_input(
        "Size in tokens", min_value=LEAST_SIZE, max_value=250_000, value=_size(recipe), step=100,
        key=f"_vocab_size_{recipe.id}",
    )  # fmt: skip
    own = recipe.target.get("normalization")
    normalization = normalization_choice(f"_normalization_{recipe.id}", own)
    return {"train_tokenizer": str(family), "vocab_size": int(size)} | normalization


def _size(recipe: Recipe) -> int:
    """Return the size that was asked for, or that a search found."""
    asked = recipe.target["vocab_size"]
    return asked if isinstance(asked, int) else recipe.n_target or DEFAULT_SIZE


def _source(recipe: Recipe) -> str | None:
    """Return where the source's tokenizer lies on this server."""
    source = recipe.source.get("source_tokenizer", recipe.source.get("source"))
    return source if source is not None and Path(source).exists() else None


def _say_what_is_inherited(recipe: Recipe, target: Mapping[str, Any], config: InitConfig) -> None:
    """Draw what of the source a new tokenizer inherits."""
    preview, asked = data_preview.look(None, _source(recipe), None), target.get("normalization")
    form = preview.form if preview is not None else None
    say_what_is_inherited(form, target, asked or NORMALIZATION[config.preset])


def _draw_matches(recipe: Recipe, step: Step, config: InitConfig) -> None:
    """Draw what another match rule would change, where the tokenizer is the run's own."""
    source = _source(recipe)
    if step is Step.TOKENIZERS or recipe.tokenizer is None or source is None:
        return
    with st.expander(data_preview.MATCHES_LABEL, icon=":material/difference:"):
        preview = data_preview.look(None, source, str(recipe.tokenizer))
        if preview is not None and preview.matches is not None:
            data_preview.draw_matches(preview.matches, config.match)


def _warn_of_another_text(recipe: Recipe, change: Change) -> None:
    """Say so where another text is one that the source does not know; what the run's own gave is seen in its checks."""
    source, target = _source(recipe), None if change.step is Step.TOKENIZERS else recipe.tokenizer
    if change.corpus is None or source is None:
        return
    preview = data_preview.look(change.corpus, source, None if target is None else str(target))
    if preview is not None:
        data_preview.draw_foreseen(preview, change.config)


def _start(recipe: Recipe, change: Change) -> None:
    """Draw what would be reused and changed, and the button; start the run when it is pressed."""
    changed = changes(recipe, change.config, change.target)
    if change.corpus is not None:
        changed = [*changed, f"on {change.corpus.label}"]
    text = change.corpus.fields if change.corpus is not None else None
    request = request_from(recipe, change.step, change.config, target=change.target, text=text)
    estimate = _estimate(recipe, change, request)
    words = _reused(change, request) + (
        f" It takes about {duration(estimate.seconds)}." if estimate is not None else ""
    )
    _warn_of_another_text(recipe, change)
    told = show_name(", ".join(changed) or "nothing; the same run is made again", limit=120)
    st.markdown(f"Changed: **{markdown_escape(told)}**. {words}")
    label = "Start the changed run" if changed else "Make the same run again"
    started = st.button(label, type="primary", icon=":material/play_arrow:", key="_start_again")
    with st.expander(run_plan.PLAN_LABEL, icon=":material/format_list_numbered:"):
        run_plan.draw_plan(run_plan.describe(request), estimate.by_step if estimate is not None else {})
    if started:
        lend_as = recipe.tokenizer_name if change.step is not Step.TOKENIZERS else None
        run_start.start(request, title=title_of(recipe, changed), original=recipe.id, lend_as=lend_as)


def _reused(change: Change, request: InitRequest) -> str:
    """Say in one sentence what is taken from the run."""
    if change.step is Step.TOKENIZERS:
        return "Everything is made anew."
    kept = ["its tokenizer"]
    if request.auxiliary is not None:
        kept.append("its vectors, which are not made again")
    elif change.corpus is None and needs_vectors(change.config):
        kept.append("vectors from the cache, where the text and the options of vectors are the same")
    return f"Reused: {' and '.join(kept)}."


def _estimate(recipe: Recipe, change: Change, request: InitRequest) -> Estimate | None:
    """Return what it will take; ``None`` where the size of the vocabulary or the text is not known."""
    n_tokens = request.known_size or recipe.n_target
    statistics = change.corpus.statistics if change.corpus is not None else None
    try:
        if statistics is None and request.corpus:
            statistics = input_cache.statistics(request.corpus, request.field, request.encoding)
    except FocusError as error:
        show_error(in_the_form(error))
        return None
    return estimate_run(request, statistics, vocab_size=n_tokens) if n_tokens else None
