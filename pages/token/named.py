"""A token that the page's address names by its text instead of its id: found, or the nearest spellings offered."""

from __future__ import annotations

import streamlit as st

from focus_core.analysis.provenance.search import near_spellings
from focus_core.errors import RunFolderError
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import showcase
from focus_core.tokenization.display import markdown_escape, show_token
from focus_ui.data.token_names import token_label
from focus_ui.session import navigation, state

MAX_NAME = 200


def settle_named(run: RunFolder) -> None:
    """Turn a token's text in the address into its id; where no token has it, offer those spelt like it and end."""
    # Where nothing is spelt like it either, nothing is drawn: the page's own guard says so.
    named = (state.chosen_token() or "")[:MAX_NAME]
    digits = named.lstrip("+-")
    if not named or (digits.isascii() and digits.isdigit()):
        return
    try:
        found = run.find(named)
    except RunFolderError:
        _suggest(run, named)
    else:
        state.show_target(found[0])


def _suggest(run: RunFolder, named: str) -> None:
    """Offer the tokens that are spelt like a name, and end the page; do nothing where there are none."""
    near = near_spellings(run, named)
    if not near:
        return
    st.title("No such token", anchor=False)
    st.warning(f"No target token of this run is spelt {markdown_escape(show_token(named, limit=40))}.")
    st.markdown("Did you mean one of these?")
    for target_id in near:
        navigation.link(navigation.TOKEN, token_label(run, target_id), icon="", token=target_id)
    for target_id in showcase(run)[:1]:
        st.button("Show a token", type="primary", on_click=state.show_target, args=(target_id,), key="_a_token")
    st.stop()
