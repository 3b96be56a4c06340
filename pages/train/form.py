"""The part of the page Train that trains the run further: a form, and the job that trains a copy."""

from __future__ import annotations

import streamlit as st

from focus_core.export.abilities import abilities_of
from focus_core.jobs.record import new_run_id, read_job
from focus_core.numerics.formats import count
from focus_core.runs.additions import list_trainings
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape
from focus_core.training.options import Objective, TrainConfig, Trained
from focus_ui.data import catalog
from focus_ui.jobs.form import begin, file_options, has_source, seed_input
from focus_ui.jobs.panel import TRAINING_VERB, job_panel, own_jobs
from focus_ui.session import state
from focus_ui.widgets.choice import switch
from focus_ui.widgets.corpus_choice import CorpusChoice, corpus_choice
from focus_ui.widgets.training_choice import training_key
from pages.train.measured import measured_section
from pages.train.pairs import PairsChoice, pairs_choice

NAME = "adapted"
PREFERRED = "preferred_training"
TOKENS, STEPS = "tokens", "steps"
ROUNDS = 5
"""How often the text is seen, unless somebody says otherwise."""
TEXT, PAIRS = "a text", "pairs of lines"
LEAST_TOKENS, MOST_TOKENS = 10_000, 1_000_000
KINDS_HELP = (
    "From a text the model learns to predict tokens, as its head was made. From pairs of a line and its translation a "
    "sentence encoder learns to give the translation the embedding that the source model gives the line."
)
TRAINED = {
    Trained.ALL: "everything",
    Trained.EMBEDDINGS_FIRST: "the embeddings first, then everything",
    Trained.EMBEDDINGS: "the embeddings alone",
}


def prefer_new_training(run: RunFolder) -> None:
    """Show the training that a job added to this run, the first time that the run is looked at."""
    seen: set[str] = st.session_state.setdefault(PREFERRED, set())
    job = read_job(catalog.runs_root(), state.run_id() or "")
    if job is None or job.verb != TRAINING_VERB or job.id in seen or "--name" not in job.arguments:
        return
    seen.add(job.id)
    st.session_state[training_key(run)] = job.arguments[job.arguments.index("--name") + 1]


def adapt_section(run: RunFolder, *, expanded: bool) -> None:
    """Draw the form that starts a training, and the training that this session started last."""
    box = st.expander(
        "Train it further", icon=":material/model_training:", expanded=expanded, key="_adapt_box", on_change="rerun"
    )
    if box.open:
        with box:
            _inputs(run)
    job = next((job for job in own_jobs() if job.id == state.chosen_job() and job.verb == TRAINING_VERB), None)
    if job is not None and job.id != state.run_id():
        job_panel(job.id)


def _inputs(run: RunFolder) -> None:
    """Draw the choice of what to learn from and the options; one line where there is no model to train."""
    if not has_source(run, "there is no model to train."):
        return
    st.markdown("The run stays as it is: you get a copy of it that holds the training, listed among your runs.")
    able = abilities_of(run)
    kinds = [*([] if able.hindrance else [TEXT]), *([PAIRS] if able.distills else [])]
    kind = switch("Learn from", kinds, f"_adapt_kind_{len(kinds)}", default=kinds[0], help=KINDS_HELP)
    given = corpus_choice(sample=False) if kind == TEXT else pairs_choice()
    if given is None:
        st.caption(
            f"Choose {markdown_escape(kind)} first: at least a hundred lines, some of which are kept aside to "
            "measure on."
        )
    _form(run, given)
    if kind == PAIRS:
        measured_section()


def _form(run: RunFolder, given: CorpusChoice | PairsChoice | None) -> None:
    """Draw the options, and start the job when asked."""
    default = TrainConfig(steps=1)
    n_tokens = LEAST_TOKENS if given is None else suggested_tokens(_tokens_of(run, given))
    with st.form("_adapt_form", border=False):
        left, right = st.columns(2)
        n = left.number_input(
            "How long", min_value=1, max_value=10**9, value=n_tokens, step=1000, key=f"_adapt_n_{n_tokens}",
            help=f"Suggested: the text {ROUNDS} times, {count(LEAST_TOKENS)} to {count(MOST_TOKENS)} tokens.",
        )  # fmt: skip
        unit = right.selectbox("Counted in", [TOKENS, STEPS], format_func=_unit, key="_adapt_unit")
        trained = left.selectbox("What is trained", list(TRAINED), format_func=lambda t: TRAINED[t], key="_adapt_train")
        rate = right.number_input(
            "Learning rate", min_value=1e-6, max_value=0.1, value=default.learning_rate, step=1e-4, format="%.6f",
            key="_adapt_rate", help="At its highest: it rises over the first steps, then falls to zero.",
        )  # fmt: skip
        meaning = "Of the order of the lines, of masks and of dropout."
        seed = seed_input(left, key="_adapt_seed", meaning=meaning, value=default.seed)
        started = st.form_submit_button(
            "Start training", type="primary", icon=":material/play_arrow:", disabled=given is None
        )
    if started and given is not None:
        options = {f"--{unit}": int(n), "--train": trained, "--learning-rate": f"{rate:g}", "--seed": seed}
        _launch(run, given, {name: str(value) for name, value in options.items()})


def _tokens_of(run: RunFolder, given: CorpusChoice | PairsChoice) -> float:
    """Return about how many tokens a text has, or the target side of pairs."""
    if isinstance(given, PairsChoice):
        return given.n_tokens
    return given.statistics.count_tokens(int(run.manifest["counts"]["n_target"]))


def _unit(name: str) -> str:
    return name if name == TOKENS else f"steps of {count(TrainConfig(steps=1).batch_tokens)} tokens"


def suggested_tokens(n_tokens: float) -> int:
    """Return how many tokens a training on a text should see at first."""
    return round(min(MOST_TOKENS, max(LEAST_TOKENS, ROUNDS * n_tokens)) / 1000) * 1000


def free_name(run: RunFolder) -> str:
    """Return a name that no training of the run has: ``adapted``, ``adapted-2`` and so on."""
    taken = set(list_trainings(run))
    return next(n for n in (NAME, *(f"{NAME}-{i}" for i in range(2, len(taken) + 3))) if n not in taken)


def _launch(run: RunFolder, given: CorpusChoice | PairsChoice, options: dict[str, str]) -> None:
    """Start the job and watch it; an input that the library refuses is drawn as an error."""
    root, job_id = catalog.runs_root(), new_run_id()
    arguments = [TRAINING_VERB, str(run.path.resolve()), "--name", free_name(run)]
    if isinstance(given, PairsChoice):
        arguments += ["--objective", Objective.DISTILL, *file_options("--parallel", [given.file], root, job_id)]
    else:
        arguments += [*file_options("--corpus", given.files, root, job_id), *given.reading]
    arguments += [word for option in options.items() for word in option]
    entry = state.current_run()
    title = (entry.title if entry is not None else "") or str(run.manifest["target"]["name"])
    begin(arguments, root=root, title=f"trained on {given.label}: {title}", job_id=job_id, watch=True)
