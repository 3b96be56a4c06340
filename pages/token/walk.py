"""Walking from token to token: previous, next, random, and through the tokens that checks and ranked lists name.

The lists are those of the page Compare, made when somebody walks, so that a token's page waits for no check.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import streamlit as st

from focus_core.analysis.token_list import TokenList
from focus_core.errors import FocusError
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape
from focus_ui.data import cache
from focus_ui.data.tables import neighbouring_id, random_id, token_table
from focus_ui.session import state
from focus_ui.session.errors import in_words
from focus_ui.widgets.choice import choose

HELP = "To the next token that a check names, or that leads one of the ranked lists of the page Compare."
_EMPTY = "focus_walk_empty"
"""The token at which it was said that nothing stands out."""


def walk_buttons(run: RunFolder, target_id: int | None, source_id: int | None = None, *, category: str = "") -> None:
    """Draw the buttons that lead to other tokens, and the walk through a list where one is on."""
    with st.container(horizontal=True, gap="xsmall", key="token_walk"):
        if source_id is None and target_id is not None:
            _through_the_vocabulary(run, target_id, category)
        st.button(
            "Next problem", icon=":material/flag:", key="_next_problem", on_click=_step,
            args=(run, target_id, source_id, 1), help=HELP,
        )  # fmt: skip
    if _walks(run, target_id, source_id):
        _walk(run, target_id, source_id)


def _through_the_vocabulary(run: RunFolder, target_id: int, category: str) -> None:
    frame = token_table(run)
    steps = (("Previous", -1, ":material/chevron_left:"), ("Next", 1, ":material/chevron_right:"))
    for name, step, icon in steps:
        other = neighbouring_id(frame, target_id, step)
        st.button(name, icon=icon, key=f"_{name}", on_click=state.show_target, args=(other,))
    st.button("Random", icon=":material/shuffle:", key="_Random", on_click=_show_random, args=(run, category))


def _show_random(run: RunFolder, category: str) -> None:
    state.show_target(random_id(token_table(run), np.random.default_rng(), category=category))


def problem_lists(run: RunFolder) -> dict[str, TokenList]:
    """Return the lists that can be walked, by their keys."""
    return {entry.key: entry for entry in cache.problem_lists(run)}


def _walk_key(run: RunFolder) -> str:
    return f"focus_walk_{run.digest[:12]}"


def _here(target_id: int | None, source_id: int | None) -> str:
    return f"{target_id} {source_id}"


def _walks(run: RunFolder, target_id: int | None, source_id: int | None) -> bool:
    """Tell whether the page is a step of the walk; a page of another token ends it, a source token's page hides it."""
    listed = st.session_state.get(_walk_key(run))
    if not listed:
        return False
    entry = _chosen(run)
    if entry is None:
        if st.session_state.setdefault(_EMPTY, _here(target_id, source_id)) == _here(target_id, source_id):
            return True
    elif _place(entry, target_id, source_id) is not None:
        return True
    elif source_id is not None and _place(entry, target_id, None) is not None:
        return False
    _end(run)
    return False


def _box_key(run: RunFolder) -> str:
    return f"_walk_list_{run.digest[:12]}"


def _chosen(run: RunFolder) -> TokenList | None:
    """Return the list that the session walks, else the first; ``None`` where nothing stands out."""
    lists = problem_lists(run)
    return lists.get(str(st.session_state.get(_walk_key(run)))) or next(iter(lists.values()), None)


def _place(entry: TokenList, target_id: int | None, source_id: int | None) -> int | None:
    """Return where in a list the page stands."""
    shown = source_id if entry.side == "source" else (target_id if source_id is None else None)
    return entry.ids.index(shown) if shown in entry.ids else None


def _step(run: RunFolder, target_id: int | None, source_id: int | None, step: int) -> None:
    """Go to the next or the previous token of the list, in a circle; at first to its first."""
    entry = None
    with suppress(FocusError):  # a damaged file: the page meets it again when it draws the walk, and says so
        entry = _chosen(run)
    st.session_state.pop(_EMPTY, None)
    st.session_state[_walk_key(run)] = entry.key if entry is not None else "none"
    if entry is None:
        return
    place = _place(entry, target_id, source_id)
    to = (0 if step > 0 else -1) if place is None else (place + step) % len(entry.ids)
    _show(entry, to)


def _show(entry: TokenList, place: int) -> None:
    if entry.side == "source":
        state.show_source(entry.ids[place])
    else:
        state.show_target(entry.ids[place])


def _choose(run: RunFolder) -> None:
    """Walk another list, from its first token."""
    entry = problem_lists(run).get(str(st.session_state.get(_box_key(run))))
    if entry is not None:
        st.session_state[_walk_key(run)] = entry.key
        _show(entry, 0)


def _end(run: RunFolder) -> None:
    st.session_state.pop(_walk_key(run), None)
    st.session_state.pop(_EMPTY, None)


def _walk(run: RunFolder, target_id: int | None, source_id: int | None) -> None:
    """Draw which list is walked, where the page stands in it, what it means and what to do."""
    entry = _chosen(run)
    with st.container(border=True, key="token_problem"):
        if entry is None:
            st.markdown("No token stands out: nothing was combined, nothing fell back.")
            st.button("Close", icon=":material/close:", key="_walk_end", on_click=_end, args=(run,), type="tertiary")
            return
        lists = problem_lists(run)
        st.session_state[_box_key(run)] = entry.key
        place = _place(entry, target_id, source_id)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = {key: _name(listed) for key, listed in lists.items()}
            choose("Problem to walk through", names, _box_key(run), on_change=_choose, args=(run,), width=380)
            st.button(
                "Previous problem", icon=":material/arrow_back:", key="_previous_problem", on_click=_step,
                args=(run, target_id, source_id, -1),
            )  # fmt: skip
            where = "" if place is None else _where(entry, place)
            st.markdown(f"**{markdown_escape(where)}**", width="content")
            st.space("stretch")
            st.button("Close", icon=":material/close:", key="_walk_end", on_click=_end, args=(run,), type="tertiary")
        text = markdown_escape(entry.meaning.rstrip("."))
        about = f". **What to do:** {markdown_escape(in_words(entry.remedy).rstrip('.'))}." if entry.remedy else "."
        st.caption(f"{text}{about}")


def _name(entry: TokenList) -> str:
    code = f"{entry.key} " if entry.status else ""
    return f"{code}{entry.title} ({count(entry.n_total)})"


def _where(entry: TokenList, place: int) -> str:
    """Say where the page stands: "3 of 41", with the value that the list is ranked by."""
    n = len(entry.ids)
    whole = f" · {count(entry.n_total)} in all" if entry.n_total > n else ""
    value = f" · {entry.measure} {entry.values[place]:.2f}" if entry.values else ""
    return f"{count(place + 1)} of {count(n)}{whole}{value}"
