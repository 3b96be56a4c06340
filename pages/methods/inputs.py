"""The inputs of the page Methods beside text and model: a tokenizer, a dictionary, parallel text, vectors.

What somebody uploads is read, never executed; what is wrong with it is one line with a way out, before anything runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from focus_core.corpus.dictionary import read_dictionary
from focus_core.corpus.parallel import read_parallel
from focus_core.errors import FocusError
from focus_core.initialization.auxiliary.loading import read_vec
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import TARGET_TOKENIZER
from focus_core.tokenization.display import markdown_escape, show_name
from focus_core.types import NEED_SUMMARIES, Need
from focus_ui.data import cache, catalog
from focus_ui.data.kept import kept
from focus_ui.data.uploads import hand_over, keep_upload, lend_folder
from focus_ui.session import navigation, state
from focus_ui.session.errors import if_sound
from focus_ui.widgets.choice import switch
from focus_ui.widgets.corpus_choice import SERVER, UPLOAD, in_the_form
from focus_ui.widgets.tokenizer_choice import server_folder, uploaded_tokenizer

OF_THE_RUN = "Of the current run"
FURTHER = {
    Need.DICTIONARY: ("Dictionary", ["tsv", "txt"]),
    Need.PARALLEL: ("Parallel text", ["tsv"]),
    Need.SOURCE_VECTORS: ("Vectors of the source language", ["vec"]),
}
"""The further inputs that a browser can give, with their label and the endings of their files."""
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


def further_inputs() -> dict[Need, Path]:
    """Draw the uploads that only some methods need; return those that can be read."""
    found: dict[Need, Path] = {}
    box = st.expander("More inputs, if you have them", icon=":material/add_notes:", key="_methods_more")
    with box:
        st.caption("Some methods need more than text. Nothing in a file is executed.")
        for need, (label, endings) in FURTHER.items():
            upload = st.file_uploader(label, type=endings, key=f"_methods_{need}", help=NEED_SUMMARIES[need])
            path = None if upload is None else if_sound(partial(keep_upload, upload), told=in_the_form)
            size = None if path is None else if_sound(partial(SIZES[need], path), told=in_the_form)
            if path is not None and size is not None:
                st.markdown(f"**{count(size)}** {UNITS[need]}")
                found[need] = path
    return found


def _pairs_of_words(path: Path) -> int:
    return len(read_dictionary(path).pairs)


def _pairs_of_lines(path: Path) -> int:
    return len(read_parallel(path).pairs)


def _vectors(path: Path) -> int:
    """Return how many vectors a file holds; reading them all finds one that is no number."""
    last = deque(enumerate(read_vec(path), start=1), maxlen=1)
    return last[0][0] if last else 0


UNITS = {Need.DICTIONARY: "pairs of words", Need.PARALLEL: "pairs of lines", Need.SOURCE_VECTORS: "vectors"}
SIZES: dict[Need, Callable[[Path], int]] = {
    Need.DICTIONARY: kept(_pairs_of_words, most=16, spinner="Reading the dictionary"),
    Need.PARALLEL: kept(_pairs_of_lines, most=16, spinner="Reading the parallel text"),
    Need.SOURCE_VECTORS: kept(_vectors, most=16, spinner="Reading the vectors"),
}
"""How each further input is read, and counted; what is wrong with it is raised."""
