"""The parts of the page Compare: checks, lists of tokens, hubs, distributions, a second run, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from focus_ui.data import cache
from focus_ui.jobs.verdict import STATUS_COLORS
from focus_ui.session import navigation
from focus_ui.session.errors import in_words, reported
from focus_ui.widgets.choice import choose
from focus_ui.widgets.pick import pick_row
from pages.compare.choice import Compared
from pages.compare.figures import distribution_rows, distributions_figure
from pages.compare.hubs import chosen_hubs

CHARTS = {
    "Support of combined embeddings": ("n_contributors", "max_weight"),
    "Embedding norm, by origin": ("norm",),
    "How alike two embeddings are, by origin": ("cosine",),
    "Occurrences in the corpus, by origin": ("frequency",),
}
"""Which measures share a chart, and what stands above it."""


def spread(run: RunFolder, others: Sequence[Compared]) -> list[Distribution]:
    """Return the distributions of this run and the others, made once; see `distributions`."""
    runs = [run, *(other.run for other in others)]
    key = " ".join(found.digest[:16] for found in runs[1:])
    return run.remember(f"app compare spread {key}", lambda: distributions(runs))


def difference(run: RunFolder, other: Compared) -> RunComparison:
    """Return what differs between two runs, compared once; see `compare_runs`."""
    return run.remember(f"app compare {other.run.digest}", lambda: compare_runs(run, other.run))


def checks_section(run: RunFolder, other: Compared | None) -> None:
    """Draw the numbered checks with their verdicts and numbers, those of the second run below them."""
    st.header("Checks", anchor=False)
    columns = [cache.checks(run)]
    if other is not None:
        with reported():
            columns.append(cache.checks(other.run))
    st.markdown("\n".join(check_lines(row) for row in zip(*columns, strict=True)))


def check_lines(row: Sequence[CheckResult], names: Sequence[str] = ("this run", "second run")) -> str:
    """Return one check as a bullet of Markdown: its verdict and what it found, in this run and in the others."""
    verdicts = [f":{STATUS_COLORS[str(result.status)]}-badge[{result.status}]" for result in row]
    title = f"- **{row[0].code}** {markdown_escape(row[0].title)}"
    if len(row) == 1:
        headline = f"- **{row[0].code}** {markdown_escape(row[0].headline)}"
        return f"{headline} {verdicts[0]}  \n  :gray[{_found(row[0])}]"
    found = [
        f"  \n  {name} {verdict} :gray[{_outcome(result)}{_found(result)}]"
        for name, verdict, result in zip(names, verdicts, row, strict=True)
    ]
    return f"{title}{''.join(found)}{_bases(row, names)}"


def _bases(row: Sequence[CheckResult], names: Sequence[str]) -> str:
    """Say that verdicts were reached on different bases; nothing where they were not."""
    bases = [result.basis for result in row]
    if not all(bases) or len(set(bases)) < 2:
        return ""
    if len(row) > 2:
        words = ", ".join(f"{name} by {basis}" for name, basis in zip(names, bases, strict=True))
        return f"  \n  :material/info: The verdicts have different bases: {words}."
    return (
        f"  \n  :material/info: The two verdicts have different bases: this run is judged by {bases[0]}, the "
        f"second by {bases[1]}."
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


def spread_section(run: RunFolder, other: Compared | None) -> None:
    """Draw the distributions of this run and, as a line, of the second."""
    st.header("Distributions", anchor=False)
    with reported():
        found = spread(run, [] if other is None else [other])
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


def report_section(run: RunFolder, others: Sequence[Compared], together: NeighbourGroups | None = None) -> None:
    """Draw what the page shows as Markdown, to copy or to download."""
    st.header("Copy as report", anchor=False)
    with reported():
        report = comparison_report(
            run,
            cache.checks(run),
            lists=cache.problem_lists(run),
            hubs=chosen_hubs(run),
            spread=spread(run, others),
            others=[other.run for other in others],
            differences=[difference(run, other) for other in others],
            verdicts=[cache.checks(other.run) for other in others] if len(others) > 1 else [],
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
        "Up to six other runs stand beside this one, all over the same bins. Against one with the same target "
        "vocabulary, every token is compared: where its embedding comes from, and the cosine between its two "
        "embeddings, which needs the same source model on both sides. Runs with different vocabularies have no tokens "
        "in common that could be told apart by their ids, so only counts and distributions are compared.\n\n"
        "Numbers are exact and over all tokens. Cosines say how far an embedding turned, not whether it is better: for "
        "that, see the losses on the page Train."
    )
