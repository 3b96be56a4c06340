"""The parts that every page shares: the sidebar with search, run and legend, and the head of a page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from focus_core.errors import FocusError, read_phrase
from focus_core.numerics.formats import count, percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, Category
from focus_core.tokenization.display import markdown_escape, show_name, show_token
from focus_ui.data import cache, catalog
from focus_ui.data.catalog import RunEntry
from focus_ui.data.run_cards import category_sizes
from focus_ui.data.tables import kpis
from focus_ui.data.token_names import source_names, token_label
from focus_ui.jobs.panel import job_tray
from focus_ui.session import navigation, state
from focus_ui.session.errors import in_words
from focus_ui.shell.browser_script import frame_script, hits_key
from focus_ui.shell.copy_link import copy_link
from focus_ui.shell.origin_bar import origins_bar
from focus_ui.widgets.choice import choose

N_HITS = 8
N_SOURCE_HITS = 3
SEARCH_HELP = "Part of a token as it reads, its native form, or #ID. Key / leads here, Enter to the first hit."
LINK_HELP = (
    "The address of this run and page with its token, chapter, filters, kind of picture, other weights that were tried "
    "and axes of the map, for a message, a report or a bookmark. What was searched, marked or answered is not in it."
)


def sidebar() -> None:
    """Draw what stands beside every page: search, the run and its link, jobs, the legend."""
    entry = state.current_run()
    run = None
    if entry is not None:
        with suppress(FocusError):  # a broken one is reported by the page's own guard
            run = cache.load_run(entry.path)
    with st.sidebar:
        if run is not None:
            token_search(run)
        run_chooser(entry)
        if run is not None:
            run_facts(run)
        copy_link("_copy_view", label="Copy link of this view", help_text=LINK_HELP, wide=True)
        job_tray()
        if run is not None:
            legend(run)
        frame_script()


@st.fragment
def token_search(run: RunFolder) -> None:
    """Draw the search box and, as one types, links to the tokens that fit."""
    query = st.text_input(
        "Find a token",
        type="search",
        live="300ms",
        key="_search",
        placeholder="Find a token: press /",
        icon=":material/search:",
        help=SEARCH_HELP,
        label_visibility="collapsed",
        persist_state="session",
    )
    if not query:
        return
    try:
        with st.container(gap="xsmall", key=hits_key(query)):
            _search_hits(run, query)
    except FocusError:
        st.caption("This run cannot be searched: it was deleted, or a file of it is damaged.")


def _search_hits(run: RunFolder, query: str) -> None:
    """Draw the target tokens that fit, and where they are few, source tokens that were not copied."""
    hits = cache.search(run, query, limit=N_HITS)
    sources = _source_hits(run, query) if len(hits) < N_HITS else []
    if not hits:
        st.caption("No target token fits.")
    for target_id in hits:
        navigation.link(navigation.TOKEN, token_label(run, target_id), icon="", width="stretch", token=target_id)
    if sources:
        st.caption("In the source vocabulary alone")
    for source_id in sources:
        label = f":gray[□] {markdown_escape(*source_names(run, [source_id], limit=32))} :gray[#{source_id}]"
        navigation.link(navigation.TOKEN, label, icon="", width="stretch", source=source_id)


def _source_hits(run: RunFolder, query: str) -> list[int]:
    """Return source tokens that fit and stand behind no target token."""
    shared = run.column("source_tokens", "target_id")
    return [i for i in cache.search(run, query, side="source", limit=N_HITS) if int(shared[i]) < 0][:N_SOURCE_HITS]


def run_chooser(entry: RunEntry | None) -> None:
    """Draw the list of runs that this session may open; choosing one makes it the current run."""
    entries = catalog.listed_runs(state.owner())
    if entry is not None and entry.id not in {listed.id for listed in entries}:
        entries = [entry, *entries]
    if not entries:
        st.caption("No run yet.")
        return
    names = run_names(entries)
    st.session_state["_run_choice"] = None if entry is None else entry.id
    choose(
        "Run", names, "_run_choice", index=0 if entry is not None else None, on_change=_choose, width="stretch",
        placeholder="Choose a run",
        help="The demo, the runs made in this browser, and those the operator shares. Others open by their link.",
    )  # fmt: skip


def _choose() -> None:
    chosen = st.session_state["_run_choice"]
    if chosen:
        state.choose_run(chosen)


def run_names(entries: Sequence[RunEntry]) -> dict[str, str]:
    """Return how runs are listed, by id; plain text, no two alike: a list sends back the name that was chosen."""
    names: dict[str, str] = {}
    for entry in entries:
        names[entry.id] = _distinct(run_name(entry), str(entry.kind), set(names.values()))
    return names


def _distinct(name: str, kind: str, taken: set[str]) -> str:
    """Return a name that is not taken: numbered, before the word that says whose run it is."""
    if name not in taken:
        return name
    stem = name.removesuffix(f" · {kind}")
    return next(n for n in (f"{stem} ({i}) · {kind}" for i in range(2, len(taken) + 3)) if n not in taken)


def run_name(entry: RunEntry) -> str:
    """Return how a run is listed: its title, else its new vocabulary, and whose it is; plain text."""
    card = cache.run_card(entry.path)
    if card.problem:
        return f"damaged run · {entry.kind}"
    name = show_name(entry.title or card.target, limit=60)
    return f"{name} · {entry.kind}"


def run_facts(run: RunFolder) -> None:
    """Draw the current run's options in small print."""
    config, counts = run.manifest["config"], run.manifest["counts"]
    options = f"{config['method']}, match {config['match']}, preset {config['preset']}, seed {config['seed']}"
    sides = ((run.manifest[side]["name"], counts[f"n_{side}"]) for side in ("source", "target"))
    source, target = (f"{markdown_escape(show_token(str(n), limit=28))} ({count(size)})" for n, size in sides)
    st.caption(f"{source} → {target}  \n{markdown_escape(options)}")


def legend(run: RunFolder) -> None:
    """Draw the colours of origins, with the number of rows of each; every chart uses the same ones."""
    sizes = category_sizes(run)
    st.caption("Where embeddings come from")
    origins_bar(sizes, key="_legend_bar")
    with st.container(horizontal=True, gap="xsmall", key="legend"):
        for key, size in sizes.items():
            category = CATEGORIES[key]
            category_badge(category, f"{category.label} {count(size)}")


def category_badge(category: Category, label: str = "") -> None:
    """Draw one category's badge; its meaning shows when one points at it."""
    st.badge(label or category.label, color=category.badge, help=category.meaning)  # type: ignore[arg-type]


def page_head(title: str, lead: str) -> None:
    """Draw the head of a page."""
    st.title(title, anchor=False)
    st.markdown(lead)


def warnings(run: RunFolder) -> None:
    """Draw what a run warns of."""
    for text in run.manifest["warnings"]:
        st.warning(markdown_escape(in_words(read_phrase(text))), icon=":material/warning:")


def kpi_row(run: RunFolder) -> None:
    """Draw the numbers of a run in one row."""
    numbers = kpis(run.manifest)
    shown = (
        ("Overlap", percent(numbers["overlap"]), "Share of the target vocabulary that the source vocabulary also has."),
        (
            "Exact / fuzzy",
            f"{_n(numbers['exact'])} / {_n(numbers['fuzzy'])}",
            "Copied embeddings by the rule that matched.",
        ),
        ("New", _n(numbers["new"]), "Target tokens that the source vocabulary lacks."),
        ("Combined", _n(numbers["combined"]), CATEGORIES["combined"].meaning),
        ("Fallback", _n(numbers["fallback"]), CATEGORIES["fallback"].meaning),
        (
            "Text covered",
            percent(numbers["occurrences"]),
            "Share of all token occurrences in the corpus that fall on shared tokens.",
        ),
    )
    with st.container(horizontal=True, gap="small", key="kpis"):
        for label, value, meaning in shown:
            st.metric(label, value, help=meaning, border=True, width="stretch")


def _n(number: float | None) -> str:
    return "–" if number is None else count(number)
