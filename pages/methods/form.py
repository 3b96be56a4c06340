"""The form of the page Methods: what is given, which methods can therefore run, what it takes, and the job."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import streamlit as st

from focus_core.errors import FocusError
from focus_core.experiments.recommendation import LEAST_LINES
from focus_core.experiments.request import ComparisonRequest
from focus_core.jobs.record import new_run_id
from focus_core.numerics.formats import count, duration
from focus_core.types import Need
from focus_ui.data import catalog, input_cache
from focus_ui.data.source_uploads import keep_for_runs
from focus_ui.jobs.form import begin, file_options
from focus_ui.jobs.panel import COMPARISON_VERB
from focus_ui.session import state
from focus_ui.session.errors import if_sound
from focus_ui.widgets.corpus_choice import CorpusChoice, corpus_choice
from focus_ui.widgets.source_choice import source_choice
from focus_ui.widgets.tokenizer_choice import Choice
from pages.methods.available import method_choice
from pages.methods.estimate import ComparisonEstimate, estimate_comparison, measured_lines
from pages.methods.inputs import Target, lend, more_inputs, target_choice

MIN_CARD, MIN_FIELD = 290, 170
DEFAULT = ComparisonRequest(source="", target_tokenizer="", corpus=(Path(),))
MOST_SEEDS, MOST_TOKENS = 9, 10_000_000
STARTED, TOLD = "_methods_started", "The comparison has started: its progress stands at the top of this page."
"""Where the session notes that a job was just started, and what is said then: the button lies far below the panel."""
NO_LOSS = "Methods are compared by a loss: choose a model with its body and a head that predicts tokens."


def form_section(*, expanded: bool) -> None:
    """Draw the form, folded where there is a comparison to read already; start the job when asked."""
    if st.session_state.pop(STARTED, False):
        st.toast(TOLD, icon=":material/play_arrow:")
    box = st.expander(
        "Compare methods on your own text", icon=":material/science:", expanded=expanded, key="_methods_box",
        on_change="rerun",
    )  # fmt: skip
    if box.open:
        with box:
            _form()


def _form() -> None:
    """Draw inputs, methods, numbers and estimate."""
    cards = st.grid(3, min_column_width=MIN_CARD, border=True)
    with cards.cell():
        st.header("Text", anchor=False)
        corpus = corpus_choice()
    with cards.cell():
        st.header("New vocabulary", anchor=False)
        target = target_choice()
    with cards.cell():
        st.header("Pretrained model", anchor=False)
        source = source_choice()
    further = more_inputs()
    is_measurable = source is not None and _has_loss(source)
    if source is not None and not is_measurable:
        st.warning(NO_LOSS, icon=":material/warning:")
    given = {*further, *([Need.TEXT] if corpus is not None else []), *([Need.BODY] if is_measurable else [])}
    numbers = st.container()
    n_seeds, n_tokens = _numbers(numbers)
    estimate = _estimate(corpus, target, source if is_measurable else None, n_seeds, n_tokens)
    methods = method_choice(given, estimate)
    whole = corpus is not None and target is not None and is_measurable and bool(methods)
    _say_cost(corpus, estimate, methods)
    started = st.button(
        "Compare", type="primary", icon=":material/play_arrow:", disabled=not whole, key="_start_comparison"
    )
    if started and corpus is not None and target is not None and source is not None:
        options = {"--methods": ",".join(methods), "--seeds": str(n_seeds), "--probe-tokens": str(n_tokens)}
        _launch(corpus, target, source, further, options)


def _has_loss(source: Choice) -> bool:
    """Whether a model can be measured, as far as can be told before it is fetched; its choice has looked at others."""
    spec = str(source.fields.get("source", ""))
    if not Path(spec).is_dir() or Path(spec) in (catalog.DEMO_SOURCE, catalog.ENGLISH_SOURCE):
        return bool(spec)
    with suppress(FocusError):
        return bool(input_cache.summary(spec).objective)
    return False


def _numbers(place: st.delta_generator.DeltaGenerator) -> tuple[int, int]:
    """Draw how often and how long; return seeds and tokens."""
    fields = place.grid(2, min_column_width=MIN_FIELD)
    n_seeds = fields.number_input(
        "Seeds", 1, MOST_SEEDS, DEFAULT.seeds, 1, key="_methods_seeds", persist_state="session",
        help="How often each method is run: seeds vary what is drawn, the order of the lines and the masked words.",
    )  # fmt: skip
    n_tokens = fields.number_input(
        "Tokens of the short training", 1000, MOST_TOKENS, DEFAULT.probe_tokens, 1000, key="_methods_tokens",
        persist_state="session", help="What each run is trained on before it is measured again: the same for all.",
    )  # fmt: skip
    return int(n_seeds), int(n_tokens)


def _estimate(
    corpus: CorpusChoice | None, target: Target | None, source: Choice | None, n_seeds: int, n_tokens: int
) -> ComparisonEstimate | None:
    """Return what every method would take; ``None`` while an input is missing, or a model was not fetched yet."""
    folder = None if source is None else Path(str(source.fields["source"]))
    if corpus is None or target is None or folder is None or not folder.is_dir():
        return None
    return estimate_comparison(
        DEFAULT.chosen(), corpus.statistics, n_seeds=n_seeds, probe_tokens=n_tokens,
        n_parameters=input_cache.n_parameters(folder), vocab_size=target.n_tokens,
    )  # fmt: skip


def _say_cost(corpus: CorpusChoice | None, estimate: ComparisonEstimate | None, methods: tuple[str, ...]) -> None:
    """Say what the chosen methods take, and that a text is short of lines."""
    if estimate is not None and methods:
        seconds = estimate.seconds - sum(s for name, s in estimate.by_method.items() if name not in methods)
        share = len(methods) / len(estimate.by_method)
        st.markdown(
            f"{count(len(methods))} methods chosen. About **{duration(seconds)}** for {count(estimate.n_runs * share)} "
            f"runs and {count(estimate.trained_tokens * share)} tokens of training on this machine, to within a factor "
            "of three: the first seed of every method tries several learning rates. It goes on when you close this "
            "page."
        )
    n_lines = None if corpus is None else measured_lines(corpus.statistics)
    if n_lines is not None and n_lines < LEAST_LINES:
        st.caption(
            f"Of this text about {count(n_lines)} lines are kept aside to measure on. A recommendation needs "
            f"{count(LEAST_LINES)}, which a text of {count(LEAST_LINES * 10)} lines has: with fewer, there will be "
            "a table and no recommendation."
        )


def _launch(
    corpus: CorpusChoice, target: Target, source: Choice, further: dict[Need, Path], options: dict[str, str]
) -> None:
    """Start the job; an input that the library refuses is drawn as an error."""
    root, job_id = catalog.comparisons_root(), new_run_id()
    root.mkdir(parents=True, exist_ok=True)
    spec = if_sound(lambda: keep_for_runs(str(source.fields["source"]), root, state.owner()))
    if spec is None:
        return
    arguments = [COMPARISON_VERB, "--source", spec, "--target-tokenizer", str(lend(target, root, job_id))]
    arguments += [*file_options("--corpus", corpus.files, root, job_id), *corpus.reading]
    for need, path in further.items():
        arguments += file_options(OPTIONS[need], [path], root, job_id)
    arguments += [word for option in options.items() for word in option]
    n_methods = options["--methods"].count(",") + 1
    title = (
        f"{n_methods} methods on {corpus.label}, {target.label}" if n_methods > 1 else f"one method on {corpus.label}"
    )
    st.session_state[STARTED] = True
    begin(arguments, root=root, title=title, job_id=job_id)  # comes back only from what the library refused
    del st.session_state[STARTED]


OPTIONS = {Need.DICTIONARY: "--dictionary", Need.PARALLEL: "--parallel", Need.SOURCE_VECTORS: "--vectors"}
"""The option of the command line that each further input is given by."""
