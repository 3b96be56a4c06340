"""The hub anchors of the page Compare: the source tokens that feed most, by tokens fed or by weight."""

from __future__ import annotations

import streamlit as st

from focus_core.analysis.comparison.lists import Hub, HubOrder, hub_anchors
from focus_core.numerics.formats import count, plain_percent
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import show_token
from focus_ui.charts.download import save_chart
from focus_ui.session import navigation, state
from focus_ui.widgets.choice import switch
from focus_ui.widgets.pick import pick_mark
from pages.compare.figures import hub_rows, hubs_figure

N_NAMED = 5
WORDS = {
    HubOrder.TOKENS: "The source tokens that feed most new tokens: by number of tokens fed, however little of each.",
    HubOrder.WEIGHT: "The source tokens with the largest part in all combined embeddings together: by weight.",
}
"""What each order ranks by, a sentence."""


def chosen_hubs(run: RunFolder) -> list[Hub]:
    """Return the hubs of a run in the order that the reader chose."""
    by = _order()
    return run.remember(f"app compare hubs {by}", lambda: hub_anchors(run, by=by))


def _order() -> HubOrder:
    return HubOrder(st.session_state.get("_compare_hubs") or HubOrder.TOKENS)


def hubs_section(run: RunFolder) -> None:
    """Draw the source tokens that feed most; a click on one opens its page."""
    st.header("Hub anchors", anchor=False)
    if not chosen_hubs(run):
        st.caption("No embedding of this run was combined from source embeddings.")
        return
    switch("Rank by", [str(by) for by in HubOrder], "_compare_hubs", default=str(HubOrder.TOKENS))
    by, hubs = _order(), chosen_hubs(run)
    st.caption(f"{WORDS[by]} Click one to see what it feeds.")
    figure = run.remember(f"app compare hubs chart {by}", lambda: hubs_figure(hubs, by=by))
    key = state.once_key(f"hubs_{run.digest[:12]}_{by.name.lower()}")
    words = f"Hub anchors by {by}, with their tokens fed and share of all weight: {_first(hubs)}"
    clicked = pick_mark(figure, key, alt=words)
    save_chart(figure, key=key, name=f"Hub anchors by {by}", table=lambda: hub_rows(hubs))
    if clicked:
        navigation.go(navigation.TOKEN, source=int(clicked[0]))


def _first(hubs: list[Hub]) -> str:
    return ", ".join(
        f"{show_token(hub.text, word_start=hub.word_start)} {count(hub.n_fed)}, {plain_percent(hub.share, digits=2)}"
        for hub in hubs[:N_NAMED]
    )
