"""What the table of the Overlap page shows: set by a click on a chart or a list, by hand, or by the page's address.

A chart keeps its own selection as long as its key stands, so a filter that was taken away, or set by another chart,
gives a chart a new key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from focus_core.analysis.overlap_lists import overlap_lists
from focus_core.analysis.token_list import TokenList
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES
from focus_core.tokenization.display import markdown_escape, show_name
from focus_ui.data import cache
from focus_ui.data.tables import GROUPINGS, filter_tokens, group_sizes, has_frequency, token_table
from focus_ui.widgets.choice import choose

if TYPE_CHECKING:
    import pandas as pd

PIECES = {"both": "in both vocabularies", "new": "in the target only"}
ORIGINS = {**PIECES, **{key: category.label for key, category in CATEGORIES.items()}}
BY, GROUP, ORIGIN, LIST, QUERY = "by", "group", "origin", "list", "query"
KEYS = {name: f"_overlap_{name}" for name in (BY, GROUP, ORIGIN, LIST, QUERY)}
IN_ADDRESS = (BY, GROUP, ORIGIN, LIST)
FIRST_GROUPING = "script"
TABLE_ANCHOR = "tokens"
"""Where the heading above the table stands; a link on the same page leads to it."""
MAX_ROWS = 5000
_WRITTEN, _GENERATION, _SEEN, _CLICKED = (f"_overlap_{name}" for name in ("written", "generation", "seen", "clicked"))


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What the table shows."""

    by: str = FIRST_GROUPING
    group: str = ""
    origin: str = ""
    listed: str = ""
    query: str = ""

    def words(self, run: RunFolder) -> dict[str, str]:
        """Return what is filtered, part by part, in fixed words and names of groups."""
        parts = {
            LIST: self.listed and list_named(run, self.listed).title,
            ORIGIN: ORIGINS.get(self.origin, ""),
            GROUP: self.group and f"{GROUPINGS[self.by]}: {self.group}",
            QUERY: self.query and f"search: {self.query}",
        }
        return {name: words for name, words in parts.items() if words}


def list_named(run: RunFolder, key: str) -> TokenList:
    """Return one of a run's lists by its key."""
    return next(found for found in overlap_lists(run) if found.key == key)


def groupings(run: RunFolder) -> list[str]:
    """Return what the tokens of a run can be grouped by; without a corpus, not by occurrences."""
    return [by for by in GROUPINGS if by != "band" or has_frequency(run)]


def groups_of(run: RunFolder, by: str) -> list[str]:
    """Return the names of a grouping's groups."""
    names: list[str] = run.remember(
        f"app groups {by}", lambda: [name for name, _ in group_sizes(token_table(run), by, occurrences=False)]
    )
    return names


def restore(run: RunFolder) -> None:
    """Take the filter from the address where that is new, and drop what this run does not have."""
    named = _address()
    if named and named != st.session_state.get(_WRITTEN):
        for name in IN_ADDRESS:
            st.session_state[KEYS[name]] = named.get(name)
    allowed = {BY: groupings(run), ORIGIN: list(ORIGINS), LIST: [found.key for found in overlap_lists(run)]}
    for name, values in allowed.items():
        if st.session_state.get(KEYS[name]) not in values:
            st.session_state[KEYS[name]] = FIRST_GROUPING if name == BY else None
    if st.session_state.get(KEYS[GROUP]) not in groups_of(run, st.session_state[KEYS[BY]]):
        st.session_state[KEYS[GROUP]] = None


def write_address() -> None:
    """Make the page's address say what the table shows."""
    shown = {name: str(st.session_state[KEYS[name]]) for name in IN_ADDRESS if st.session_state.get(KEYS[name])}
    if shown.get(BY) == FIRST_GROUPING:
        del shown[BY]
    current = _address()
    for name in current:
        if name not in shown:
            del st.query_params[name]
    for name, value in shown.items():
        if current.get(name) != value:
            st.query_params[name] = value
    st.session_state[_WRITTEN] = shown


def _address() -> dict[str, str]:
    return {name: st.query_params[name] for name in IN_ADDRESS if name in st.query_params}


def chart_key(run: RunFolder, chart: str, *about: str) -> str:
    """Return the key of a chart whose clicks filter the table."""
    generation = st.session_state.setdefault(_GENERATION, {}).get(chart, 0)
    return "_".join([chart, run.digest[:12], *about, str(generation)])


def take_click(chart: str, key: str) -> None:
    """Filter by what was clicked on a chart since the last time; the other charts forget what they had selected."""
    event = st.session_state.get(key)
    if event is None:
        return
    data = clicked_data(event)
    if st.session_state.setdefault(_SEEN, {}).get(key) == data:
        return
    st.session_state[_SEEN] = {**st.session_state[_SEEN], key: data}
    group, origin = _asked(chart, data)
    st.session_state[KEYS[GROUP]], st.session_state[KEYS[ORIGIN]] = group, origin
    if data:
        st.session_state[_CLICKED] = chart
        _renew(*({"bar", "groups"} - {chart}))


def _asked(chart: str, data: list[Any] | None) -> tuple[str | None, str | None]:
    """Return the group and the origin that a click stands for."""
    if not data:
        return None, None
    if chart == "bar":
        return None, str(data[0]) if data[0] in ORIGINS else None
    return str(data[0]), str(data[1]) if data[1] in ORIGINS else None


def clicked_data(event: Any) -> list[Any] | None:
    """Return what the clicked part of a chart carries, ``None`` without a click."""
    points = event["selection"]["points"] if event else []
    data = points[0].get("customdata") if points else None
    return list(data) if data else None


def _renew(*charts: str) -> None:
    """Give charts a new key: they are drawn without a selection."""
    generations = st.session_state.get(_GENERATION, {})
    st.session_state[_GENERATION] = generations | {chart: generations.get(chart, 0) + 1 for chart in charts}


def choose_list(key: str | None) -> None:
    """Show one list, or all tokens, and forget the other parts of the filter."""
    for name in (GROUP, ORIGIN, QUERY):
        st.session_state[KEYS[name]] = "" if name == QUERY else None
    st.session_state[KEYS[LIST]] = key
    st.session_state.pop(_CLICKED, None)
    _renew("bar", "groups")


def remove(name: str) -> None:
    """Take one part of the filter away."""
    st.session_state[KEYS[name]] = "" if name == QUERY else None
    _renew("bar", "groups")


def current() -> Filter:
    """Return the filter as it stands."""
    values = {name: st.session_state.get(KEYS[name]) or "" for name in KEYS}
    return Filter(
        by=values[BY] or FIRST_GROUPING,
        group=values[GROUP],
        origin=values[ORIGIN],
        listed=values[LIST],
        query=values[QUERY],
    )


def wanted_tokens(run: RunFolder, wanted: Filter) -> pd.DataFrame:
    """Return the rows of `token_table` that pass a filter, the most frequent first."""
    ids: set[int] | None = None
    if wanted.query:
        ids = set(cache.search(run, wanted.query, limit=MAX_ROWS))
    if wanted.listed:
        listed = set(list_named(run, wanted.listed).ids)
        ids = listed if ids is None else ids & listed
    return filter_tokens(
        token_table(run),
        by=wanted.by,
        group=wanted.group,
        category=wanted.origin,
        ids=None if ids is None else sorted(ids),
    )


def controls(run: RunFolder) -> None:
    """Draw the parts of the filter that are set by hand."""
    by = current().by
    left, middle, right = st.columns(3)
    _choice(left, "Origin", list(ORIGINS), ORIGIN, ORIGINS)
    _choice(middle, GROUPINGS[by].capitalize(), groups_of(run, by), GROUP, {})
    right.text_input("Search in this table", type="search", key=KEYS[QUERY], persist_state="session", live="300ms")


def _choice(place: Any, label: str, options: Sequence[str], name: str, names: dict[str, str]) -> None:
    choose(
        label, {key: names.get(key, key) for key in options}, KEYS[name], place=place, index=None, placeholder="all",
        persist_state="session", on_change=_renew, args=("bar", "groups"), width="stretch",
    )  # fmt: skip


def note(run: RunFolder, chart: str) -> None:
    """Say beneath the chart that was clicked last what the table, which is further down, holds now."""
    wanted = current()
    words = wanted.words(run) if st.session_state.get(_CLICKED) == chart else {}
    if not words:
        return
    n_tokens = len(wanted_tokens(run, wanted))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="overlap_note"):
        name = "token" if n_tokens == 1 else "tokens"
        st.markdown(f"The table holds **{count(n_tokens)}** {name}:", width="content")
        chips(words, key="note")
        st.markdown("[:material/arrow_downward: Go to the table](#tokens)", width="content")


def chips(words: dict[str, str], *, key: str = "chip") -> None:
    """Draw one chip for each part of the filter; a click on it takes that part away."""
    with st.container(horizontal=True, gap="small", key=f"overlap_{key}s", width="content"):
        for name, text in words.items():
            st.button(
                markdown_escape(show_name(text, limit=60)),
                icon=":material/close:",
                key=f"_overlap_{key}_{name}",
                on_click=remove,
                args=(name,),
                help="Take this part of the filter away",
            )
