"""Which comparison the page Methods shows: one of the session's own, one that ships, or one that the address names."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from focus_core.experiments.folder import Comparison, open_comparison
from focus_core.jobs.process import delete_run
from focus_core.jobs.record import read_job
from focus_core.numerics.formats import numbered
from focus_core.tokenization.display import show_name
from focus_ui.data import cache, catalog
from focus_ui.data.catalog import ComparisonEntry, RunKind
from focus_ui.data.kept import kept
from focus_ui.session import state
from focus_ui.session.errors import if_sound
from focus_ui.widgets.choice import choose

CHOSEN, NEWEST = "_comparison", "newest_comparison"
"""Where the session keeps the shown comparison, and the newest of its own when the page was drawn last."""
NOT_HERE = "The comparison that this address names is not here: it was deleted, or the link is incomplete."
load_comparison = kept(open_comparison, most=8)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The comparison on the page, and where it came from."""

    entry: ComparisonEntry
    comparison: Comparison

    @property
    def is_example(self) -> bool:
        """Whether it ships with the app, and says nothing of anybody's own text."""
        return self.entry.kind is RunKind.DEMO


def chosen_comparison() -> Shown | None:
    """Draw the choice among several comparisons; return the chosen one, which the page's address names."""
    entries = {entry.id: entry for entry in catalog.listed_comparisons(state.owner())}
    named = st.query_params.get(state.COMPARISON_PARAM)
    if named is not None and named not in entries:
        linked = catalog.find_comparison(named, state.owner())
        if linked is None:
            st.warning(NOT_HERE, icon=":material/warning:")
        else:
            entries = {linked.id: linked} | entries
    if not entries:
        st.session_state[NEWEST] = None
        return None
    _lead_to_newest(entries)
    state.take_choice(state.COMPARISON_PARAM, CHOSEN, {name: name for name in entries})
    if st.session_state.get(CHOSEN) not in entries:
        st.session_state[CHOSEN] = nearest_example(entries)
    entry = entries[_choose(entries)]
    state.write_choice(state.COMPARISON_PARAM, entry.id)
    found = if_sound(lambda: load_comparison(entry.path))
    return None if found is None else Shown(entry=entry, comparison=found)


def nearest_example(entries: dict[str, ComparisonEntry]) -> str:
    """Return the first comparison of the session's own, or the example nearest to the current run.

    That is one of its target tokenizer and its source, or one of its target tokenizer, or the first.
    """
    first = next(iter(entries.values()))
    run = state.current_run()
    manifest = None if run is None else if_sound(lambda: cache.load_run(run.path).manifest)
    if first.kind is not RunKind.DEMO or manifest is None:
        return first.id
    sources = {entry["sha256"] for entry in manifest["inputs"] if entry["role"] == "source_tokenizer"}

    def likeness(entry: ComparisonEntry) -> tuple[bool, bool]:
        found = if_sound(lambda: load_comparison(entry.path))
        if found is None or found.table["target"]["digest"] != manifest["target"]["digest"]:
            return False, False
        return True, found.table["source"]["digest"] in sources

    return max(entries.values(), key=likeness).id


def _lead_to_newest(entries: dict[str, ComparisonEntry]) -> None:
    """Show a comparison of the session's own that was finished since the page was drawn last."""
    newest = next((entry.id for entry in entries.values() if entry.kind is RunKind.OWN), None)
    if NEWEST in st.session_state and newest not in (None, st.session_state[NEWEST]):
        st.session_state[CHOSEN] = newest
        state.write_choice(state.COMPARISON_PARAM, newest)
    st.session_state[NEWEST] = newest


def _choose(entries: dict[str, ComparisonEntry]) -> str:
    """Draw the list of comparisons where there are several; return the id of one."""
    if len(entries) == 1:
        return str(st.session_state[CHOSEN])
    words = [show_name(f"{entry.title or 'a comparison'} · {entry.kind}", limit=90) for entry in entries.values()]
    names = dict(zip(entries, numbered(words), strict=True))
    return choose("Comparison", names, CHOSEN, persist_state="session") or next(iter(entries))


def delete_button(entry: ComparisonEntry) -> None:
    """Draw a button that asks before it deletes a comparison of the session, with all its runs."""
    job = read_job(catalog.comparisons_root(), entry.id) if entry.kind is RunKind.OWN else None
    if job is None:
        return
    with st.popover("Delete", icon=":material/delete:", width="content"):
        st.caption("The comparison and its runs are removed from this server. Links to them lead nowhere then.")
        st.button("Delete for good", key="_delete_comparison", on_click=_delete, args=(entry.id,), type="primary")


def _delete(comparison_id: str) -> None:
    """Delete a comparison; where one of its runs was the current run, go back to the demo."""
    job = read_job(catalog.comparisons_root(), comparison_id)
    if job is None:
        return
    if_sound(lambda: delete_run(job, owner=state.owner()))
    st.query_params.pop(state.COMPARISON_PARAM, None)
    if (state.run_id() or "").startswith(f"{comparison_id}/"):
        state.leave_run()
