"""The form that measures states of a run on a text: which states, which text, and the job that measures them.

Kept evaluations lie below the folder of all runs, each under a random id, listed to the session that asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from focus_core.errors import FocusError
from focus_core.export.states import model_states, states_left_out
from focus_core.jobs.record import new_run_id
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import show_name, show_token
from focus_ui.data import cache, catalog, input_cache
from focus_ui.data.catalog import RunEntry
from focus_ui.data.training_tables import state_names
from focus_ui.data.uploads import in_own_words, keep_upload
from focus_ui.jobs.form import begin, can_predict, file_options, has_source
from focus_ui.jobs.panel import EVALUATION_VERB
from focus_ui.session import state
from focus_ui.session.errors import if_sound
from focus_ui.shell.sidebar import run_names

UPLOAD = "Upload a text"
TEXT_KINDS = ["txt", "gz", "zst"]


def evaluate_form(run: RunFolder) -> None:
    """Draw the choice of states and text, and start the job when asked; one line where nothing can be measured."""
    if not has_source(run, "there is no model to measure."):
        return
    st.markdown(
        "Every state predicts the same words of a text, the source model under its own tokenizer beside them: bits "
        "per character, with intervals."
    )
    targets = _states(run)
    files, label = _text()
    dictionary = _dictionary()
    all_lines = st.checkbox(
        "No training has seen this text: measure on every line",
        key="_evaluate_all",
        help="Otherwise only on the lines that every training keeps aside: two or ten in a hundred.",
    )
    ready = bool(targets and files)
    if st.button("Evaluate", type="primary", icon=":material/speed:", key="_evaluate", disabled=not ready):
        _launch(targets, files, label, dictionary, all_lines=all_lines)


def _states(run: RunFolder) -> list[str]:
    """Draw the choice of states; return them as the command line names them."""
    whole = {training.name: training for training in model_states(run)}
    path = str(run.path.resolve())
    names = {path: "right after initialisation"}
    names |= {f"{path}:{name}": label for name, label in state_names([*whole.values()]).items()}
    others = catalog.listed_runs(state.owner())
    second = {entry.id: entry for entry in others if entry.id != state.run_id()}
    titles = run_names([*second.values()])
    left, right = st.columns(2)
    chosen = left.multiselect(
        "States", list(names), default=list(names)[:4], format_func=lambda name: names.get(name, name),
        key=f"_evaluate_states_{run.digest[:12]}",
        help="The first is what the others are compared with.",
    )  # fmt: skip
    other = right.selectbox(
        "Beside a second run", list(second), index=None, format_func=lambda i: titles.get(i, i),
        key="_evaluate_second", placeholder="None", help="Right after its initialisation.",
    )  # fmt: skip
    left_out = states_left_out(run)
    if left_out:
        first = show_token(str(left_out[0].name), limit=40)
        words = first if len(left_out) == 1 else f"{first} and {count(len(left_out) - 1)} more"
        st.caption(
            f"Not offered: {words}. They keep no backbone, or began from another run's embeddings, so no model "
            "can be assembled: train the run here, which keeps the backbone."
        )
    chosen = [name for name in names if name in chosen]
    return [*chosen, *(_second(second[other]) if other in second else [])]


def _second(entry: RunEntry) -> list[str]:
    """Return a second run as the command line names it; say why where it has no model to measure."""
    run = if_sound(lambda: cache.load_run(entry.path))
    return [str(entry.path.resolve())] if run is not None and can_predict(run) else []


def _text() -> tuple[tuple[Path, ...], str]:
    """Draw the choice of a text; return its files and what it is called."""
    samples = catalog.sample_corpora()
    server = catalog.operator_entries("corpus") if catalog.operator_folders() else {}
    offered = [*(f"Sample: {name}" for name in samples), *server, UPLOAD]
    chosen = st.selectbox("Text", offered, key="_evaluate_text", width=420, help="One sentence a line, UTF-8.")
    if chosen != UPLOAD:
        files = {f"Sample: {name}": path for name, path in samples.items()} | server
        return _readable((files[chosen],), str(chosen)) if chosen in files else ((), "")
    given = st.file_uploader("Held-out text", type=TEXT_KINDS, key="_evaluate_upload")
    kept = None if given is None else if_sound(lambda: keep_upload(given))
    return ((), "") if given is None or kept is None else _readable((kept,), show_name(given.name, limit=60))


def _readable(files: tuple[Path, ...], label: str) -> tuple[tuple[Path, ...], str]:
    """Return files that can be read; say why where they cannot, in the words of the form."""
    statistics = if_sound(lambda: input_cache.statistics(files, "text", None), told=_in_own_words)
    return ((), "") if statistics is None else (files, label)


def _in_own_words(error: FocusError) -> FocusError:
    hint = "save it as UTF-8" if "encoding" in error.hint.options else error.hint
    return FocusError(in_own_words(error.message), hint=hint)


def _dictionary() -> Path | None:
    """Draw the choice of a bilingual dictionary; ``None`` without one."""
    given = st.file_uploader(
        "Bilingual dictionary, if you have one", type=["tsv", "txt"], key="_evaluate_dictionary",
        help="Source word, tab, target word on each line; adds how near translations lie.",
    )  # fmt: skip
    return None if given is None else if_sound(lambda: keep_upload(given))


def _launch(
    targets: Sequence[str], files: Sequence[Path], label: str, dictionary: Path | None, *, all_lines: bool
) -> None:
    """Start the job; an input that the library refuses is drawn as an error."""
    root, job_id = catalog.evaluations_root(), new_run_id()
    root.mkdir(parents=True, exist_ok=True)
    arguments = [EVALUATION_VERB, *targets]
    arguments += file_options("--corpus", files, root, job_id)
    arguments += file_options("--dictionary", [dictionary] if dictionary is not None else [], root, job_id)
    arguments += ["--all-lines"] if all_lines else []
    begin(arguments, root=root, title=f"measured on {label}", job_id=job_id)
