"""Which runs the page Compare sets beside the current one: up to six, chosen on the page or named by its address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape
from focus_ui.data import cache, catalog
from focus_ui.session import state
from focus_ui.session.errors import if_sound
from focus_ui.shell.sidebar import run_names
from focus_ui.widgets.choice import switch

MAX_OTHERS = 6
NOT_HERE = "A run that this address names is not here."
TOO_MANY = f"An address may name {MAX_OTHERS} runs beside this one; the others are left out."
CHOSEN, FOLLOWED = "_compare_with", "followed_runs"
"""Where the session keeps the other runs, and those that the address named when the page was drawn last."""
LETTERS = "ABCDEFG"
"""How runs are called where there are more than two, the current one first."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A run beside the current one; where there are several, the current one too."""

    run: RunFolder
    name: str
    letter: str = "B"
    is_alone: bool = True

    @property
    def label(self) -> str:
        """How columns and lines call it: ``second run``, or by its letter where there are more."""
        return "second run" if self.is_alone else f"run {self.letter}"


def other_runs() -> list[Compared]:
    """Draw the choice of other runs; they stand in the page's address, and an address that is new is followed."""
    current = state.run_id()
    entries = {entry.id: entry for entry in catalog.listed_runs(state.owner()) if entry.id != current}
    named = [name for name in dict.fromkeys(st.query_params.get_all(state.WITH_PARAM)) if name and name != current]
    for name in named[:MAX_OTHERS]:
        linked = None if name in entries else catalog.find_run(name, state.owner())
        if linked is not None:
            entries[name] = linked
    present = [name for name in named if name in entries][:MAX_OTHERS]
    is_missing = any(name not in entries for name in named[:MAX_OTHERS])
    if not entries:
        st.caption("There is no second run yet to compare with." + (" " + NOT_HERE if is_missing else ""))
        return []
    chosen = _draw(run_names(list(entries.values())), named, present)
    if chosen == present:
        _say_what_is_left_out(is_missing, len(named) > MAX_OTHERS)
    _settle(named if chosen == present else chosen)
    opened = [(name, if_sound(partial(cache.load_run, entries[name].path))) for name in chosen]
    names = run_names([entries[name] for name in chosen])
    sound = [(names[name], found) for name, found in opened if found is not None]
    return [
        Compared(run=found, name=name, letter=letter, is_alone=len(sound) == 1)
        for letter, (name, found) in zip(LETTERS[1:], sound, strict=False)
    ]


def _draw(names: dict[str, str], named: Sequence[str], present: Sequence[str]) -> list[str]:
    """Draw the choice, and return what is chosen in the order of choosing."""
    if named and list(named) != st.session_state.get(FOLLOWED):
        st.session_state[CHOSEN] = list(present)
    else:
        kept = st.session_state.get(CHOSEN) or []
        st.session_state[CHOSEN] = [name for name in kept if name in names][:MAX_OTHERS]
    return list(
        st.multiselect(
            "Compare with", list(names), format_func=lambda name: names.get(name, name), key=CHOSEN,
            max_selections=MAX_OTHERS, select_all=False, placeholder="Choose a second run, or up to six",
            persist_state="session",
        )
    )  # fmt: skip


def _say_what_is_left_out(is_missing: bool, is_cut: bool) -> None:
    for words in [NOT_HERE] * is_missing + [TOO_MANY] * is_cut:
        st.warning(words, icon=":material/warning:")


def _settle(shown: Sequence[str]) -> None:
    """Make the page's address name the other runs; those that are not here stand in it until others are chosen."""
    st.session_state[FOLLOWED] = list(shown)
    if not shown:
        st.query_params.pop(state.WITH_PARAM, None)
    elif st.query_params.get_all(state.WITH_PARAM) != list(shown):
        st.query_params[state.WITH_PARAM] = list(shown)


def side_by_side(run: RunFolder, others: Sequence[Compared]) -> list[Compared]:
    """Return the current run and the others, each with its letter."""
    return [Compared(run=run, name="this run", letter=LETTERS[0], is_alone=False), *others]


def looked_into(others: Sequence[Compared]) -> Compared | None:
    """Return the run that is compared token by token: the only other one, or the one that is chosen among several."""
    if len(others) < 2:
        return others[0] if others else None
    by_letter = {other.letter: other for other in others}
    st.header("This run against one of them", anchor=False)
    chosen = switch("Look into", list(by_letter), "_compare_into")
    other = by_letter.get(chosen, others[0])
    st.caption(f"**{other.letter}** {markdown_escape(other.name)}")
    return other
