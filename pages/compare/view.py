"""The parts of the page Compare: checks, lists of tokens, hubs, distributions, a second run, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from focus_core.analysis.checks.base import CheckResult
from focus_core.analysis.comparison.distributions import Distribution, distributions
from focus_core.analysis.comparison.neighbour_groups import NeighbourGroups
from focus_core.analysis.comparison.report import comparison_report
from focus_core.analysis.comparison.runs import RunComparison, compare_runs, embedding_kinds
from focus_core.analysis.token_list import TokenList
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES
from focus_core.runs.tokens import frequency, row_name, table_rows
from focus_core.tokenization.display import markdown_escape
from focus_ui.charts.download import draw_chart, save_file, save_table
from focus_ui.data import cache, catalog
from focus_ui.jobs.verdict import STATUS_COLORS
from focus_ui.session import navigation, state
from focus_ui.session.errors import if_sound, in_words, reported
from focus_ui.shell.sidebar import run_name
from focus_ui.widgets.choice import choose
from focus_ui.widgets.pick import pick_row
from pages.compare.figures import distribution_rows, distributions_figure
from pages.compare.hubs import chosen_hubs

NOT_HERE = "The second run that this address names is not here."
SECOND, FOLLOWED = "_compare_with", "followed_second"
"""Where the session keeps the second run, and the one that the address named when the page was drawn last."""
CHARTS = {
    "Support of combined embeddings": ("n_contributors", "max_weight"),
    "Embedding norm, by origin": ("norm",),
    "How alike two embeddings are, by origin": ("cosine",),
    "Occurrences in the corpus, by origin": ("frequency",),
}
"""Which measures share a chart, and what stands above it."""


@dataclass(frozen=True, kw_only=True)
class Second:
    """The run that the current one is compared with."""

    run: RunFolder
    name: str


def second_run(run: RunFolder) -> Second | None:
    """Draw the choice of a second run; it stands in the page's address, and an address that is new is followed."""
    current = state.run_id()
    entries = {entry.id: entry for entry in catalog.listed_runs(state.owner()) if entry.id != current}
    named = st.query_params.get(state.WITH_PARAM, "")
    linked = catalog.find_run(named, state.owner()) if named and named not in entries and named != current else None
    if linked is not None:
        entries[linked.id] = linked
    missing = bool(named) and named not in entries
    if not entries:
        st.caption("There is no second run yet to compare with." + (" " + NOT_HERE if missing else ""))
        return None
    names = {run_id: run_name(entry) for run_id, entry in entries.items()}
    if named and named != st.session_state.get(FOLLOWED):
        st.session_state[SECOND] = None if missing else named
    elif st.session_state.get(SECOND) not in {None, *names}:
        st.session_state[SECOND] = None
    chosen = choose(
        "Compare with", names, SECOND, index=None, placeholder="Choose a second run", persist_state="session"
    )
    _settle(chosen, named if missing else None)
    if chosen is None:
        if missing:
            st.warning(NOT_HERE, icon=":material/warning:")
        return None
    return if_sound(lambda: Second(run=cache.load_run(entries[chosen].path), name=names[chosen]))


def _settle(chosen: str | None, missing: str | None) -> None:
    """Make the page's address name the second run; one that is not here stands in it until another is chosen."""
    st.session_state[FOLLOWED] = shown = chosen or missing
    if shown:
        st.query_params[state.WITH_PARAM] = shown
    elif state.WITH_PARAM in st.query_params:
        del st.query_params[state.WITH_PARAM]


def _spread(run: RunFolder, other: Second | None) -> list[Distribution]:
    runs = [run] if other is None else [run, other.run]
    return run.remember(f"app compare spread {runs[-1].digest}", lambda: distributions(runs))


def difference(run: RunFolder, other: Second) -> RunComparison:
    """Return what differs between two runs, compared once; see `compare_runs`."""
    return run.remember(f"app compare {other.run.digest}", lambda: compare_runs(run, other.run))


def checks_section(run: RunFolder, other: Second | None) -> None:
    """Draw the numbered checks with their verdicts and numbers, those of the second run below them."""
    st.header("Checks", anchor=False)
    columns = [cache.checks(run)]
    if other is not None:
        with reported():
            columns.append(cache.checks(other.run))
    st.markdown("\n".join(_check_lines(row) for row in zip(*columns, strict=True)))


def _check_lines(row: Sequence[CheckResult]) -> str:
    """Return one check as a bullet of Markdown: its verdict and what it found, in this run and in the second."""
    verdicts = [f":{STATUS_COLORS[str(result.status)]}-badge[{result.status}]" for result in row]
    title = f"- **{row[0].code}** {markdown_escape(row[0].title)}"
    if len(row) == 1:
        headline = f"- **{row[0].code}** {markdown_escape(row[0].headline)}"
        return f"{headline} {verdicts[0]}  \n  :gray[{_found(row[0])}]"
    names = ("this run", "second run")
    found = [
        f"  \n  {name} {verdict} :gray[{_outcome(result)}{_found(result)}]"
        for name, verdict, result in zip(names, verdicts, row, strict=True)
    ]
    return f"{title}{''.join(found)}{_bases(row)}"


def _bases(row: Sequence[CheckResult]) -> str:
    """Say that two verdicts were reached on different bases; nothing where they were not."""
    if len(row) < 2 or not (row[0].basis and row[1].basis) or row[0].basis == row[1].basis:
        return ""
    return (
        f"  \n  :material/info: The two verdicts have different bases: this run is judged by {row[0].basis}, the "
        f"second by {row[1].basis}."
    )


def _outcome(result: CheckResult) -> str:
    return f"{markdown_escape(result.outcome)}; " if result.outcome else ""


def _found(result: CheckResult) -> str:
    tip = f". **What to do:** {markdown_escape(in_words(result.tip))}" if result.tip else ""
    return f"{markdown_escape(result.summary)}{tip}"


def lists_section(run: RunFolder) -> None:
    """Draw one of the lists of tokens to look at, with what it means and what can be done."""
    st.header("Tokens to look at", anchor=False)
    found = {entry.key: entry for entry in cache.problem_lists(run)}
    if not found:
        st.caption("No token stands out: nothing was combined, nothing fell back.")
        return
    key = choose("List", {name: _list_name(entry) for name, entry in found.items()}, "_compare_list")
    entry = found[key] if key in found else next(iter(found.values()))
    words = f"{markdown_escape(entry.meaning.rstrip('.'))}.  \n**What to do:** "
    st.markdown(f"{words}{markdown_escape(in_words(entry.remedy))}.")
    _token_rows(run, entry)


def _list_name(entry: TokenList) -> str:
    return f"{entry.key} {entry.title} ({entry.status})" if entry.status else entry.title


def _token_rows(run: RunFolder, entry: TokenList) -> None:
    """Draw the tokens of a list; choosing one opens its page."""
    rows = table_rows(run, entry.ids, entry.side)
    shown: dict[str, Any] = {"token": [row_name(r) for r in rows]}
    if entry.measure:
        shown[entry.measure] = list(entry.values)
    if entry.side == "target":
        shown["origin"] = kind_labels(run, entry.ids)
    seen = frequency(run, entry.side)[list(entry.ids)].tolist()
    shown |= {"in the corpus": seen, "script": [r["script"] for r in rows], "id": list(entry.ids)}
    chosen = choice_table(shown, f"list_{run.digest[:12]}_{entry.key}", alt=f"Tokens: {entry.title}")
    save_table(lambda: shown, key=f"list_{entry.key}", name=entry.title)
    n_listed = len(entry.ids)
    if n_listed < entry.n_total:
        st.caption(f"The first {count(n_listed)} of {count(entry.n_total)}.")
    if chosen is not None:
        open_token(entry.ids[chosen], side=entry.side)


def kind_labels(run: RunFolder, ids: Sequence[int]) -> list[str]:
    """Return where the rows of some target tokens come from, in the words of the legend."""
    kinds = run.remember("app row kinds", lambda: embedding_kinds(run))
    return [CATEGORIES[kinds[i]].label if kinds[i] else "" for i in ids]


def choice_table(columns: Mapping[str, Any], key: str, *, alt: str, once: bool = True) -> int | None:
    """Draw a table of which one row can be chosen."""
    import pandas as pd

    frame = pd.DataFrame(dict(columns))
    config = {name: st.column_config.NumberColumn(format="%.3f") for name in frame.select_dtypes("float").columns}
    config |= {name: st.column_config.NumberColumn(format="localized") for name in ("in the corpus", "tokens")}
    return pick_row(frame, key, alt=alt, config=config, once=once, placeholder="–")


def open_token(token_id: int, *, side: str = "target") -> None:
    """Open the page of a token."""
    navigation.go(navigation.TOKEN, **({"token": token_id} if side == "target" else {"source": token_id}))


def spread_section(run: RunFolder, other: Second | None) -> None:
    """Draw the distributions of this run and, as a line, of the second."""
    st.header("Distributions", anchor=False)
    with reported():
        found = _spread(run, other)
    names = ["this run"] if other is None else ["this run", other.name]
    words = "" if other is None else " The line is the second run, over the same bins."
    st.caption(
        f"Bars show which share of the embeddings of each origin lies where, in this run.{words} The dotted line "
        "is embeddings drawn by chance like the source's, the triangle the source's mean embedding: what an embedding "
        "is worth that knows nothing."
    )
    for title, measures in CHARTS.items():
        panels = [panel for panel in found if panel.measure in measures]
        if panels:
            st.markdown(f"**{title}**")
            key = f"spread_{run.digest[:12]}_{measures[0]}_{'' if other is None else other.run.digest[:12]}"
            # drawn once: laying out its panels takes longer than all the rest
            figure = run.remember(f"app {key} {names[-1]}", partial(distributions_figure, panels, names))
            words = "; ".join(_medians(panel) for panel in panels)
            draw_chart(figure, key=key, alt=words, name=title, table=partial(distribution_rows, panels, names))


def _medians(panel: Distribution) -> str:
    found = [*zip(("this run", "second run"), panel.series, strict=False)]
    found += [] if panel.drawn is None else [("embeddings drawn by chance", panel.drawn)]
    words = ", ".join(f"{name} {s.median:.3g}" for name, s in found)
    return f"Distribution of {panel.measure.replace('_', ' ')} of {panel.origin} embeddings, medians: {words}"


def report_section(run: RunFolder, other: Second | None, together: NeighbourGroups | None = None) -> None:
    """Draw what the page shows as Markdown, to copy or to download."""
    st.header("Copy as report", anchor=False)
    with reported():
        report = comparison_report(
            run,
            cache.checks(run),
            lists=cache.problem_lists(run),
            hubs=chosen_hubs(run),
            spread=_spread(run, other),
            other=None if other is None else other.run,
            difference=None if other is None else difference(run, other),
            together=together,
        )
    st.caption("What this page shows, as Markdown: for a report of a fault, or a letter. Tokens in it are escaped.")
    save_file("Report (Markdown)", report, "report.md", "text/markdown", key="_compare_report")
    st.code(report, language="markdown", height=260)


def what_am_i_looking_at() -> None:
    """Draw what the page shows, a formula, and where it ends; fixed words."""
    st.markdown(
        "**Checks** are numbered and judge; the **lists** below them only rank, so a sound run has tokens in them too. "
        "A **hub** is a source token with a part in many embeddings: ranked by tokens fed, or by weight. Of all weight "
        "in combined embeddings, $\\sum_t \\sum_s w_{ts}$, its share is $\\sum_t w_{th}$ over that sum.\n\n"
        "Against a **second run** with the same target vocabulary, every token is compared: where its embedding comes "
        "from, and the cosine between its two embeddings, which needs the same source model on both sides. Runs with "
        "different vocabularies have no tokens in common that could be told apart by their ids, so only counts and "
        "distributions are compared.\n\n"
        "Numbers are exact and over all tokens. Cosines say how far an embedding turned, not whether it is better: for "
        "that, see the losses on the page Train."
    )
