"""The sentence of the Overlap page: where it comes from, how it is chosen, and its strip."""

from __future__ import annotations

import json

import streamlit as st

from focus_core.analysis.sentence import MAX_SENTENCE, clean_sentence, has_tokenizers, read_both
from focus_core.analysis.worked_examples import first_sentence
from focus_core.errors import FocusError
from focus_core.runs.folder import RunFolder
from focus_ui.data.catalog import ASSETS
from focus_ui.session import navigation, state
from focus_ui.shell.guards import guarded
from focus_ui.widgets.sentence_strip.strip import sentence_strip

PARAM = "text"
OWN = "this run's text"
_TEXT, _SAMPLE, _OWN = "_overlap_sentence", "_overlap_sample", "_overlap_own_sentence"


@st.cache_resource(max_entries=1, show_spinner=False)
def samples() -> dict[str, str]:
    """Return the sample sentences of the project: a name and a sentence each."""
    entries = json.loads((ASSETS / "sentences.json").read_text(encoding="utf-8"))
    return {entry["label"]: entry["text"] for entry in entries}


@st.fragment
@guarded()
def sentence_section(run: RunFolder) -> None:
    """Draw a sentence in the pieces of both tokenizers; a click on a piece opens its token."""
    if not has_tokenizers(run):
        st.caption("This run's folder holds no tokenizers, so no sentence can be read with them.")
        return
    try:
        _settle(run)
        sentence = _sentence_input(run)
        reading = read_both(run, sentence)
    except FocusError:
        st.caption("The tokenizers in this run's folder cannot be read; make the run again to see sentences.")
        return
    if not reading.text:
        st.caption("Write a sentence, or choose a sample.")
        return
    opened = sentence_strip(reading, key="overlap_strip")
    if opened is not None:
        side, token_id = opened
        navigation.go(navigation.TOKEN, **({"token": token_id} if side == "target" else {"source": token_id}))


def _own(run: RunFolder) -> str:
    """Return the sentence that is taken from a run's own text."""
    return clean_sentence(first_sentence(run))


def _settle(run: RunFolder) -> None:
    """Decide on the sentence: a new one in the address, else the session's; one of another run's text goes with it."""
    # The chip is that of the sentence, whichever way it came.
    own, values = _own(run), st.session_state
    named = state.named_anew(PARAM, _TEXT)
    if named is not None:
        values[_TEXT] = clean_sentence(named)
    elif _TEXT not in values or values[_TEXT] == values.get(_OWN):
        values[_TEXT] = own
    values[_OWN] = own if values[_TEXT] == own else None
    names = {text: name for name, text in samples().items()} | {own: OWN}
    if values.get(_SAMPLE) != names.get(values[_TEXT]):
        values[_SAMPLE] = names.get(values[_TEXT])


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
        icon=":material/edit:",
        placeholder="Write or paste a sentence",
        help=f"At most {MAX_SENTENCE} characters. It stays on this server and in this page's address.",
        label_visibility="collapsed",
    )
    state.write_choice(PARAM, sentence)
    return sentence


def _use_sample(run: RunFolder) -> None:
    chosen = st.session_state[_SAMPLE]
    if chosen is not None:
        st.session_state[_TEXT] = _own(run) if chosen == OWN else samples()[chosen]
