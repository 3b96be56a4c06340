"""The inputs that only some methods need: a dictionary, parallel text, vectors of the source language.

What somebody uploads is read, never executed; what is wrong with it is one line with a way out, before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import streamlit as st

from focus_core.corpus.dictionary import read_dictionary
from focus_core.corpus.parallel import read_parallel
from focus_core.initialization.auxiliary.words import read_word_vectors
from focus_core.numerics.formats import count
from focus_core.types import NEED_SUMMARIES, Need
from focus_ui.data import catalog
from focus_ui.data.kept import kept
from focus_ui.data.uploads import keep_upload
from focus_ui.session.errors import if_sound
from focus_ui.widgets.corpus_choice import UPLOAD, in_the_form

NAMES = {
    Need.TEXT: "text",
    Need.DICTIONARY: "a dictionary",
    Need.PARALLEL: "parallel text",
    Need.SOURCE_VECTORS: "vectors of the source language",
    Need.DONOR: "a donor model",
    Need.BODY: "a model with its body",
}
FURTHER = {
    Need.DICTIONARY: ("Dictionary", ["tsv", "txt"]),
    Need.PARALLEL: ("Parallel text", ["tsv"]),
    Need.SOURCE_VECTORS: ("Vectors of the source language, or a text in it", ["vec", "txt"]),
}
"""The further inputs that a browser can give, with their label and the endings of their files."""
READY = {"English–Swahili": "en-sw.tsv", "English–Arabic": "en-ar.tsv"}
"""The dictionaries that ship with the app."""
BY_COMMAND = "A donor is given on the command line, by `--donor`."


def further_inputs(wanted: Collection[Need], *, key: str) -> dict[Need, Path]:
    """Draw a field for each input that is wanted and a browser can give; return those that can be read."""
    found: dict[Need, Path] = {}
    for need, (label, endings) in FURTHER.items():
        if need not in wanted:
            continue
        path = _ready(key) if need is Need.DICTIONARY else None
        if path is None:
            upload = st.file_uploader(label, type=endings, key=f"{key}_{need}", help=NEED_SUMMARIES[need])
            path = None if upload is None else if_sound(partial(keep_upload, upload), told=in_the_form)
        size = None if path is None else if_sound(partial(SIZES[need], path), told=in_the_form)
        if path is not None and size is not None:
            st.markdown(f"**{count(size)}** {UNITS[need]}")
            found[need] = path
    return found


def _ready(key: str) -> Path | None:
    """Draw the choice of a dictionary that ships; ``None`` for one of somebody's own."""
    chosen = st.segmented_control(
        "Dictionary from", [UPLOAD, *READY], default=UPLOAD, required=True, key=f"{key}_ready_dictionary",
        help="Those that ship hold some 550 common words each; your own may have many more.",
    )  # fmt: skip
    return catalog.DICTIONARIES / READY[chosen] if chosen in READY else None


def lacking_words(needs: Collection[Need]) -> str:
    """Return what is missing and where to get it; Markdown of our own words, empty where nothing is."""
    wanted = "; ".join(f"{NAMES[need]} ({NEED_SUMMARIES[need]})" for need in needs)
    by_command = f" {BY_COMMAND}" if Need.DONOR in needs else ""
    return f":material/block: Lacks {wanted}.{by_command}" if wanted else ""


def _pairs_of_words(path: Path) -> int:
    return len(read_dictionary(path).pairs)


def _pairs_of_lines(path: Path) -> int:
    return len(read_parallel(path).pairs)


def _vectors(path: Path) -> int:
    """Return how many vectors a file gives; reading them all finds one that is no number."""
    return len(read_word_vectors(path).words)


UNITS = {Need.DICTIONARY: "pairs of words", Need.PARALLEL: "pairs of lines", Need.SOURCE_VECTORS: "vectors"}
SIZES: dict[Need, Callable[[Path], int]] = {
    Need.DICTIONARY: kept(_pairs_of_words, most=16, spinner="Reading the dictionary"),
    Need.PARALLEL: kept(_pairs_of_lines, most=16, spinner="Reading the parallel text"),
    Need.SOURCE_VECTORS: kept(_vectors, most=16, spinner="Reading the vectors"),
}
"""How each further input is read, and counted; what is wrong with it is raised."""
