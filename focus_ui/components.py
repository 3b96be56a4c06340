"""The parts that every page shares: the sidebar with search, run and legend, and the head of a page."""

from __future__ import annotations

import streamlit as st

from focus_core.errors import FocusError
from focus_core.run_folder import RunFolder
from focus_core.token_text import markdown_escape, show_token
from focus_ui import cache, catalog, navigation, state
from focus_ui.catalog import RunEntry
from focus_ui.jobs_view import job_tray
from focus_ui.tables import kpis
from focus_ui.theme import CATEGORIES, Category, category_of, count, percent

N_HITS = 8
SEARCH_HELP = "Part of a token as it reads, its native form, or #ID."


def sidebar() -> None:
    """Draw what stands beside every page."""
    entry = state.current_run()
    run = _open_quietly(entry)
    with st.sidebar:
        if run is not None:
            token_search(run)
        run_chooser(entry)
        if run is not None:
            run_facts(run)
            legend(run)
        job_tray()


def _open_quietly(entry: RunEntry | None) -> RunFolder | None:
    """Open the current run; a broken one is reported by the page's own guard."""
    if entry is None:
        return None
    try:
        return cache.load_run(entry.path)
    except FocusError:
        return None


@st.fragment
def token_search(run: RunFolder) -> None:
    """Draw the search box and, as one types, links to the tokens that fit.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    query = st.text_input(
        "Find a token",
        type="search",
        live="300ms",
        key="_search",
        placeholder="Find a token",
        icon=":material/search:",
        help=SEARCH_HELP,
        label_visibility="collapsed",
        persist_state="session",
    )
    if not query:
        return
    hits = cache.search(run, query, limit=N_HITS)
    if not hits:
        st.caption("No target token fits.")
    for target_id in hits:
        navigation.link(navigation.TOKEN, token_label(run, target_id), icon="", width="stretch", token=target_id)


def token_label(run: RunFolder, target_id: int) -> str:
    """Return a target token as Markdown: a mark in the colour of its origin, the token, its id.

    Parameters
    ----------
    run : RunFolder
        The run.
    target_id : int
        The token.

    Returns
    -------
    str
        Safe Markdown.
    """
    text, word_start, origin, rule = (
        run.column("tokens", name)[target_id] for name in ("text", "word_start", "origin", "rule")
    )
    shown = show_token(str(text), word_start=bool(word_start), limit=32)
    return f":{category_of(origin, rule).badge}[■] {markdown_escape(shown)} :gray[#{target_id}]"


def run_chooser(entry: RunEntry | None) -> None:
    """Draw the list of runs that this session may open; choosing one makes it the current run.

    Parameters
    ----------
    entry : RunEntry or None
        The current run.
    """
    entries = catalog.listed_runs(state.owner())
    if entry is not None and entry.id not in {listed.id for listed in entries}:
        entries = [entry, *entries]
    if not entries:
        st.caption("No run yet.")
        return
    names = {listed.id: run_name(listed) for listed in entries}
    if entry is not None:
        st.session_state["_run_choice"] = entry.id
    st.selectbox(
        "Run",
        list(names),
        index=0 if entry is not None else None,
        format_func=lambda run_id: names.get(run_id, run_id),
        key="_run_choice",
        on_change=_choose,
        placeholder="Choose a run",
        help="The demo, the runs of this browser session, and those the operator shares. Others open by their link.",
    )


def _choose() -> None:
    chosen = st.session_state["_run_choice"]
    if chosen:
        state.choose_run(chosen)


def run_name(entry: RunEntry) -> str:
    """Return how a run is listed: its title, else its new vocabulary, and whose it is; plain text."""
    run = _open_quietly(entry)
    if run is None:
        return f"damaged run · {entry.kind}"
    name = show_token(entry.title or str(run.manifest["target"]["name"]), limit=60).replace("␣", " ")
    return f"{name} · {entry.kind}"


def run_facts(run: RunFolder) -> None:
    """Draw the current run's options in small print.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    config, counts = run.manifest["config"], run.manifest["counts"]
    options = f"{config['method']}, match {config['match']}, preset {config['preset']}, seed {config['seed']}"
    sides = ((run.manifest[side]["name"], counts[f"n_{side}"]) for side in ("source", "target"))
    source, target = (f"{markdown_escape(show_token(str(n), limit=28))} ({count(size)})" for n, size in sides)
    st.caption(f"{source} → {target}  \n{markdown_escape(options)}")


def legend(run: RunFolder) -> None:
    """Draw the colours of origins, with the number of rows of each; every chart uses the same ones.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    counts = run.manifest["counts"]
    sizes = {
        **counts["by_rule"],
        "combined": counts["by_origin"]["combined"],
        "fallback": counts["by_origin"]["fallback"],
    }
    st.caption("Where rows come from")
    with st.container(horizontal=True, gap="xsmall", key="legend"):
        for category in CATEGORIES.values():
            if sizes.get(category.key):
                _badge(category, f"{category.label} {count(sizes[category.key])}")


def _badge(category: Category, label: str) -> None:
    st.badge(label, color=category.badge, help=category.meaning)  # type: ignore[arg-type]


def category_badge(category: Category) -> None:
    """Draw one category's badge; its meaning shows when one points at it.

    Parameters
    ----------
    category : Category
        The category.
    """
    _badge(category, category.label)


def page_head(title: str, lead: str) -> None:
    """Draw the head of a page.

    Parameters
    ----------
    title : str
        The page's name.
    lead : str
        One sentence on what it shows; fixed words, no user's text.
    """
    st.title(title, anchor=False)
    st.markdown(lead)


def warnings(run: RunFolder) -> None:
    """Draw what a run warns of.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    for text in run.manifest["warnings"]:
        st.warning(markdown_escape(text), icon=":material/warning:")


def kpi_row(run: RunFolder) -> None:
    """Draw the numbers of a run in one row.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    numbers = kpis(run.manifest)
    shown = (
        ("Overlap", percent(numbers["overlap"]), "Share of the target vocabulary that the source vocabulary also has."),
        ("Exact / fuzzy", f"{_n(numbers['exact'])} / {_n(numbers['fuzzy'])}", "Copied rows by the rule that matched."),
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
