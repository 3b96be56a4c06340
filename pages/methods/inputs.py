"""The inputs of the page Methods beside text and model: a tokenizer, a dictionary, parallel text, vectors.

What somebody uploads is read, never executed; what is wrong with it is one line with a way out, before anything runs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from focus_core.errors import FocusError
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import TARGET_TOKENIZER
from focus_core.tokenization.display import markdown_escape, show_name
from focus_core.types import Need
from focus_ui.data import cache, catalog
from focus_ui.data.uploads import hand_over, lend_folder
from focus_ui.session import navigation, state
from focus_ui.widgets.choice import switch
from focus_ui.widgets.corpus_choice import SERVER, UPLOAD
from focus_ui.widgets.further_inputs import further_inputs
from focus_ui.widgets.tokenizer_choice import server_folder, uploaded_tokenizer

OF_THE_RUN = "Of the current run"
SERVER_TOKENS = 32_000
"""What an estimate takes for the size of a tokenizer on the server, which only the run opens."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A chosen target tokenizer."""

    label: str
    path: Path
    n_tokens: int
    name: str = ""


def target_choice() -> Target | None:
    """Draw the choice of a target tokenizer that is there already; return it, or ``None`` while there is none."""
    run = _current_run()
    kinds = [*([OF_THE_RUN] if run is not None else []), UPLOAD, *([SERVER] if catalog.operator_folders() else [])]
    kind = switch("Target tokenizer", kinds, "_methods_target", default=kinds[0])
    if kind == OF_THE_RUN and run is not None:
        return _of_the_run(run)
    if kind == SERVER:
        chosen = server_folder("tokenizer", "target_tokenizer", "_methods_server_target")
        field = None if chosen is None else chosen.fields["target_tokenizer"]
        return None if chosen is None else Target(label=chosen.label, path=Path(str(field)), n_tokens=SERVER_TOKENS)
    found = uploaded_tokenizer("_methods_target_upload", "target_tokenizer")
    if found is None:
        st.caption("A new one is trained on the page Data and run; it can then be taken from that run.")
        navigation.link(navigation.DATA, "Make a run of your own")
        return None
    return Target(label=found[0].label, path=Path(str(found[0].fields["target_tokenizer"])), n_tokens=found[1])


def _current_run() -> RunFolder | None:
    """Return the current run where it keeps its target tokenizer."""
    entry = state.current_run()
    if entry is None:
        return None
    with suppress(FocusError):  # a damaged one has no tokenizer to offer
        run = cache.load_run(entry.path)
        return run if (run.path / TARGET_TOKENIZER).is_dir() else None
    return None


def _of_the_run(run: RunFolder) -> Target:
    name, size = str(run.manifest["target"]["name"]), int(run.manifest["counts"]["n_target"])
    st.markdown(f"**{markdown_escape(show_name(name, limit=60))}**, **{count(size)}** tokens")
    st.caption("Your text should be in its language; another run, chosen beside this page, brings another tokenizer.")
    path = (run.path / TARGET_TOKENIZER).resolve()
    return Target(label=show_name(name, limit=60), path=path, n_tokens=size, name=name)


def lend(target: Target, root: Path, job_id: str) -> Path:
    """Give a job its target tokenizer: that of a run under the name that it has there."""
    if target.name:
        return lend_folder(target.path, target.name, root, job_id)
    return hand_over([target.path], root, job_id)[0]


def more_inputs() -> dict[Need, Path]:
    """Draw the uploads that only some methods need; return those that can be read."""
    with st.expander("More inputs, if you have them", icon=":material/add_notes:", key="_methods_more"):
        st.caption("Some methods need more than text. Nothing in a file is executed.")
        return further_inputs(tuple(Need), key="_methods")
