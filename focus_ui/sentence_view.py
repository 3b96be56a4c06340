"""The sentence of the Overlap page: where it comes from, how it is chosen, and its strip.

Owns the input, the samples and the part of the page's address that holds the sentence.
"""

from __future__ import annotations

import json

import streamlit as st

from focus_core.errors import FocusError
from focus_core.lessons import first_sentence
from focus_core.run_folder import RunFolder
from focus_core.sentence import MAX_SENTENCE, clean_sentence, has_tokenizers, read_both
from focus_ui import navigation
from focus_ui.catalog import ASSETS
from focus_ui.guards import guarded
from focus_ui.sentence_strip import sentence_strip

PARAM = "text"
OWN = "this run's text"
_TEXT, _SAMPLE, _TAKEN = "_overlap_sentence", "_overlap_sample", "_overlap_address"


@st.cache_resource(max_entries=1, show_spinner=False)
def samples() -> dict[str, str]:
    """Return the sample sentences of the project: a name and a sentence each."""
    entries = json.loads((ASSETS / "sentences.json").read_text(encoding="utf-8"))
    return {entry["label"]: entry["text"] for entry in entries}


@st.fragment
@guarded()
def sentence_section(run: RunFolder) -> None:
    """Draw a sentence in the pieces of both tokenizers; a click on a piece opens its token.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    if not has_tokenizers(run):
        st.caption("This run's folder holds no tokenizers, so no sentence can be read with them.")
        return
    try:
        _take_from_address(run)
        sentence = _sentence_input(run)
        reading = read_both(run, sentence)
    except FocusError as problem:
        st.caption("The tokenizers in this run's folder cannot be read; make the run again to see sentences.")
        del problem
        return
    if not reading.text:
        st.caption("Write a sentence, or choose a sample.")
        return
    opened = sentence_strip(reading, key="overlap_strip")
    if opened is not None:
        side, token_id = opened
        navigation.go(navigation.TOKEN, **({"token": token_id} if side == "target" else {"source": token_id}))


def _take_from_address(run: RunFolder) -> None:
    """Let the address say what the sentence is, once; without one, the session's or the run's own."""
    named = st.query_params.get(PARAM)
    if named is not None and st.session_state.get(_TAKEN) != named:
        st.session_state[_TEXT] = clean_sentence(named)
        st.session_state[_SAMPLE] = None
    elif not st.session_state.get(_TEXT) and _TAKEN not in st.session_state:
        st.session_state[_TEXT] = clean_sentence(first_sentence(run))
        st.session_state[_SAMPLE] = OWN
    st.session_state[_TAKEN] = named or st.session_state.get(_TEXT, "")


def _sentence_input(run: RunFolder) -> str:
    """Draw the samples and the line to write in; keep the address true to it."""
    st.pills(
        "Sample sentences",
        [OWN, *samples()],
        key=_SAMPLE,
        on_change=_use_sample,
        args=(run,),
        persist_state="session",
        label_visibility="collapsed",
    )
    sentence = st.text_input(
        "Sentence",
        key=_TEXT,
        max_chars=MAX_SENTENCE,
        live="300ms",
        persist_state="session",
        on_change=_forget_sample,
        icon=":material/edit:",
        placeholder="Write or paste a sentence",
        help=f"At most {MAX_SENTENCE} characters. It stays on this server and in this page's address.",
        label_visibility="collapsed",
    )
    if st.query_params.get(PARAM) != sentence:
        st.query_params[PARAM] = sentence
    st.session_state[_TAKEN] = sentence
    return sentence


def _use_sample(run: RunFolder) -> None:
    chosen = st.session_state[_SAMPLE]
    if chosen is not None:
        st.session_state[_TEXT] = first_sentence(run) if chosen == OWN else samples()[chosen]


def _forget_sample() -> None:
    st.session_state[_SAMPLE] = None
