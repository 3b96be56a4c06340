"""The gallery on the Start page: every run that this session may open, as a card.

It lists the demo, this browser's own runs and the shared ones; a run of somebody else appears only while it is open, to
whoever came by its link.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from focus_core.jobs.record import read_job
from focus_core.numerics.formats import count, percent
from focus_core.tokenization.display import markdown_escape, show_name, show_token
from focus_ui.data import cache, catalog
from focus_ui.data.catalog import RunEntry, RunKind
from focus_ui.data.run_cards import RunCard, date_words
from focus_ui.jobs.panel import delete_button
from focus_ui.session import navigation, state
from focus_ui.shell.copy_link import copy_link
from focus_ui.shell.origin_bar import origins_bar

PER_PAGE = 9
KIND_COLORS = {
    RunKind.OWN: "blue",
    RunKind.DEMO: "green",
    RunKind.SHARED: "violet",
    RunKind.LINK: "gray",
    RunKind.COMPARED: "gray",
}
BY_OWNER, BY_COVER, BY_BITS = "yours first, newest on top", "text covered", "bits per character after training"


def gallery() -> None:
    """Draw every run that this session may open."""
    entries = _entries()
    if not entries:
        return
    st.header("Runs", anchor=False)
    st.caption(
        "The demo, the runs made in this browser, and those the operator shares. Nobody else sees yours listed; "
        "whoever has the link of a run can open it."
    )
    cards = {entry.id: cache.run_card(entry.path) for entry in entries}
    ordered = sort_runs(entries, cards, _order(len(entries)))
    first = _first_shown(len(ordered))
    with st.grid(3, min_column_width=270, key="gallery"):
        for entry in ordered[first : first + PER_PAGE]:
            with st.container(border=True, height="stretch", gap="xsmall", key=f"run_card_{_safe(entry.id)}"):
                _card(entry, cards[entry.id])
    if any(entry.kind is RunKind.OWN for entry in entries):
        _forget()


def _forget() -> None:
    """Offer to part this browser from its runs: the next person at a shared computer shall not see them."""
    with st.popover("Forget my runs in this browser", icon=":material/logout:", type="tertiary"):
        st.caption(
            "For a shared computer. The runs stay on the server and open by their links: copy those you want to keep. "
            "They are listed for nobody any more, and nobody can delete them here."
        )
        st.button("Forget them", key="_forget_runs", on_click=state.forget_owner)


def _entries() -> list[RunEntry]:
    """Return the listed runs, and the current one where it is open by its link alone."""
    entries = catalog.listed_runs(state.owner())
    current = state.current_run()
    if current is not None and current.kind in (RunKind.LINK, RunKind.COMPARED):
        entries = [current, *entries]
    return entries


def _order(n_runs: int) -> str:
    """Draw the choice of an order, where there is something to order."""
    if n_runs < 4:
        return BY_OWNER
    options = [BY_OWNER, BY_COVER, BY_BITS]
    return str(st.selectbox("Order", options, key="_gallery_order", width=320, persist_state="session"))


def sort_runs(entries: Sequence[RunEntry], cards: dict[str, RunCard], order: str) -> list[RunEntry]:
    """Return runs in an order; those without the number it goes by come last, as they were."""

    def place(entry: RunEntry) -> float:
        card = cards[entry.id]
        if order == BY_COVER:
            return 1.0 if card.covered is None else -card.covered
        if order == BY_BITS:
            return float("inf") if card.trained is None else card.trained.end
        return 0.0

    return sorted(entries, key=place)


def _first_shown(n_runs: int) -> int:
    """Draw the choice of a page of cards, where one does not hold all; return its first card."""
    n_pages = -(-n_runs // PER_PAGE)
    if n_pages < 2:
        return 0
    return PER_PAGE * (int(st.pagination(n_pages, key="_gallery_page")) - 1)


def _safe(run_id: str) -> str:
    """Return a run's id as part of an element's key."""
    return "".join(letter if letter.isalnum() else "_" for letter in run_id)


def _card(entry: RunEntry, card: RunCard) -> None:
    """Draw one run: its name, how it was made, how good it is, and what can be done with it."""
    current = entry.id == state.run_id()
    _head(entry, card, current)
    if card.problem:
        st.caption(f":material/error: This run cannot be read: {markdown_escape(card.problem)}")
    else:
        origins_bar(card.sizes, key=f"_bar_{entry.id}")
        _numbers(card)
        _options(card)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        _actions(entry, card, current)


def _head(entry: RunEntry, card: RunCard, current: bool) -> None:
    name = markdown_escape(show_name(entry.title or card.target or "a run", limit=60))
    words = f":{KIND_COLORS[entry.kind]}-badge[{entry.kind.value}]"
    if current:
        words += " :orange-badge[:material/visibility: current]"
    st.markdown(f"**{name}** {words}")
    if card.problem:
        return
    sides = ((card.source, card.n_source), (card.target, card.n_target))
    source, target = (f"{markdown_escape(show_token(n, limit=24))} ({count(size)})" for n, size in sides)
    about = "" if entry.created is None else f" · {date_words(entry.created)}"
    st.caption(f"{source} → {target}{about}")


def _numbers(card: RunCard) -> None:
    """Draw how good a run is."""
    lines = [f"**{percent(card.overlap)}** of the new vocabulary is shared"]
    if card.covered is not None:
        lines[0] += f", **{percent(card.covered)}** of the text"
    lines.append(f"**{count(card.combined)}** new tokens combined, **{count(card.fallback)}** fell back")
    if card.trained is not None:
        where = f", on {card.trained.lines}" if card.trained.lines else ""
        lines.append(f"**{card.trained.start:.2f} → {card.trained.end:.2f}** bits per character by training{where}")
    for words in lines:
        st.markdown(words)


def _options(card: RunCard) -> None:
    """Draw how a run was made."""
    parts = [card.method, *card.options.split(" · "), card.corpus]
    st.markdown(" ".join(f":gray-badge[{markdown_escape(part)}]" for part in parts if part))


def _actions(entry: RunEntry, card: RunCard, current: bool) -> None:
    """Draw what can be done with a run."""
    if not current and not card.problem:
        st.button("Open", key=f"_open_card_{entry.id}", on_click=state.choose_run, args=(entry.id,))
        if st.button("Compare", key=f"_compare_card_{entry.id}", help="The current run beside this one"):
            st.session_state["_compare_with"] = [entry.id]
            navigation.go(navigation.COMPARE, **{state.WITH_PARAM: entry.id})
    copy_link(f"_link_{entry.id}", query=state.run_query(entry.id), help_text="The address of this run")
    job = read_job(catalog.runs_root(), entry.id) if entry.kind is RunKind.OWN else None
    if job is not None:
        delete_button(job, key=f"_delete_card_{job.id}")
