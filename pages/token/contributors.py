"""A token's contributors, and what a source token feeds: as bars or as a flow, and as a table.

A click on either picture, or on a row, leads to the token that was clicked, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from focus_core.analysis.provenance.explanation import Contributor, Explanation, Fed, fed_by
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, Category, category_of
from focus_core.tokenization.display import show_token
from focus_core.types import Origin
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import save_chart, save_table
from focus_ui.charts.figures import Bar, contributors_figure, fed_figure
from focus_ui.data.kept import kept
from focus_ui.data.token_names import source_label
from focus_ui.session import navigation, state
from focus_ui.widgets.choice import switch
from focus_ui.widgets.pick import pick_mark, pick_row, share_column
from pages.token.flow import Flow, FlowNode, clicked_id, flow_height, flow_option, with_rest
from pages.token.view import source_category

BARS, FLOW = "bars", "flow"
MAX_BARS = 15
MAX_ROWS = 5000
"""Rows of a table in the browser; the file has all of them."""
fed_tokens = kept(fed_by, most=128)


def contributors_section(run: RunFolder, explanation: Explanation) -> None:
    """Draw a token's contributors, as bars or as a flow; of a copy, what its source token feeds; else nothing."""
    if explanation.origin == Origin.COPIED and explanation.source_id is not None:
        fed_section(run, explanation.source_id)
        return
    bars = [_bar(c.source_id, c, source_category(run, c.source_id)) for c in explanation.contributors]
    if not bars:
        return
    color = category_of(explanation.origin, explanation.rule).color
    flow = Flow(label=explanation.display, color=color, others=with_rest(_nodes(bars), most=MAX_BARS), inward=True)
    first = ", ".join(f"{bar.label} {bar.weight:.2f}" for bar in bars[:5])
    rest = f"The largest {MAX_BARS} of {count(len(bars))}; all are in the table." if len(bars) > MAX_BARS else ""
    clicked = _picture(
        bars, flow, key=f"token_{run.digest[:12]}_{explanation.id}", title="Made of", name="contributors",
        words=f"Colour: how the source token's own embedding came into the new vocabulary. A click opens it. {rest}",
        alt=f"Contributors of {explanation.display} with their weights: {first}",
    )  # fmt: skip
    if clicked is not None:
        navigation.go(navigation.TOKEN, token=explanation.id, source=clicked)


def _bar(token_id: int, part: Contributor | Fed, category: Category) -> Bar:
    """Return a part of a row as a bar, coloured by how the token's own row came into the new vocabulary."""
    return Bar(
        id=token_id,
        label=show_token(part.text, word_start=part.word_start),
        weight=part.weight,
        similarity=part.similarity,
        color=category.color,
    )


def _nodes(bars: Sequence[Bar]) -> list[FlowNode]:
    return [FlowNode(id=bar.id, label=bar.label, weight=bar.weight, color=bar.color) for bar in bars]


def _picture(bars: Sequence[Bar], flow: Flow, *, key: str, title: str, name: str, words: str, alt: str) -> int | None:
    """Draw the switch and the chosen picture; return the id that was clicked."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(title, anchor=False, width="content")
        state.take_choice(state.VIEW_PARAM, "_token_shape", {name: name for name in (BARS, FLOW)})
        st.session_state.setdefault("_token_shape", BARS)
        shape = switch("Shown as", [BARS, FLOW], "_token_shape", label_visibility="collapsed")
        state.write_choice(state.VIEW_PARAM, FLOW if shape == FLOW else None)
    if shape == FLOW:
        event: Any = st.echarts_chart(
            flow_option(flow), key=state.once_key(f"{key}_flow"), on_select="rerun", renderer="svg", alt=alt,
            height=flow_height(flow),
        )  # fmt: skip
        st.caption(f"The width is the weight. {words}")
        return clicked_id(event["selection"], flow) if event else None
    figure = contributors_figure(bars[:MAX_BARS]) if flow.inward else fed_figure(bars[:MAX_BARS])
    chart_key = state.once_key(key)
    clicked = pick_mark(figure, chart_key, alt=alt)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words)
        save_chart(figure, key=chart_key, name=name)
    return int(clicked[0]) if clicked else None


def contributors_table(run: RunFolder, explanation: Explanation) -> None:
    """Draw every contributor as a table; choosing a row opens that source token."""
    if not explanation.contributors or explanation.origin == Origin.COPIED:
        return
    _all_contributors(run, explanation.id, explanation.contributors, "contributors")
    if explanation.output_contributors:
        _all_contributors(run, explanation.id, explanation.output_contributors, "contributors to the output")


def _all_contributors(run: RunFolder, token: int, contributors: Sequence[Contributor], name: str) -> None:
    """Draw the contributors to one side as a table, closed; open the source token of a chosen row."""
    with st.expander(f"All {name}", icon=":material/table_rows:"):
        rows: dict[str, list[Any]] = {
            "source token": [source_label(run, c.source_id) for c in contributors],
            "weight": [c.weight for c in contributors],
            "similarity": [c.similarity for c in contributors],
            "script": [c.script for c in contributors],
            "embedding": [source_category(run, c.source_id).label for c in contributors],
            "id": [c.source_id for c in contributors],
        }
        key = f"{name.replace(' ', '_')}_{run.digest[:12]}_{token}"
        chosen = _pick(rows, key=key, alt=f"Table of {name}")
        save_table(lambda: rows, key=key, name=f"{name} of target token {token}")
    if chosen is not None:
        navigation.go(navigation.TOKEN, token=token, source=rows["id"][chosen])


def candidates_table(run: RunFolder, explanation: Explanation) -> None:
    """Draw the source tokens that could have been copied; choosing one opens it."""
    if not explanation.candidates:
        return
    with st.expander("Source tokens that could have been copied", icon=":material/content_copy:"):
        rows: dict[str, list[Any]] = {
            "source token": [source_label(run, c.source_id) for c in explanation.candidates],
            "rule": [CATEGORIES[c.rule].label if c.rule in CATEGORIES else c.rule for c in explanation.candidates],
            "chosen": [c.source_id == explanation.source_id for c in explanation.candidates],
            "id": [c.source_id for c in explanation.candidates],
        }
        chosen = _pick(rows, key=f"candidates_{run.digest[:12]}_{explanation.id}", alt="Table of candidates")
    if chosen is not None:
        navigation.go(navigation.TOKEN, token=explanation.id, source=rows["id"][chosen])


def fed_section(run: RunFolder, source_id: int, *, expanded: bool = False) -> None:
    """Draw the target tokens that a source token feeds, as bars or as a flow, and all of them as a table."""
    fed = [f for f in fed_tokens(run, source_id) if f.origin != Origin.COPIED]
    if not fed:
        st.caption("No combined token takes anything from it.")
        return
    rules = run.column("tokens", "rule")
    bars = run.remember(
        f"app fed {source_id}",
        lambda: [_bar(f.target_id, f, category_of(f.origin, rules[f.target_id])) for f in fed],
    )
    own = source_category(run, source_id)
    flow = Flow(
        label=source_label(run, source_id), color=own.color, others=with_rest(_nodes(bars), most=MAX_BARS), inward=False
    )
    first = ", ".join(f"{bar.label} {bar.weight:.2f}" for bar in bars[:5])
    n_drawn = min(MAX_BARS, len(bars))
    clicked = _picture(
        bars, flow, key=f"fed_{run.digest[:12]}_{source_id}", title="What it feeds", name="what it feeds",
        words=f"The {n_drawn} embeddings with the largest part of it, of {count(len(bars))}. A click opens one.",
        alt=f"Target tokens fed by source token {source_id}, with its weight in each: {first}",
    )  # fmt: skip
    chosen = _fed_table(run, source_id, bars, expanded=expanded)
    target = clicked if clicked is not None else chosen
    if target is not None:
        navigation.go(navigation.TOKEN, token=target)


def _fed_table(run: RunFolder, source_id: int, bars: Sequence[Bar], *, expanded: bool) -> int | None:
    """Draw the complete list; return the target id that was chosen."""
    key = f"fed_table_{run.digest[:12]}_{source_id}"

    def rows(most: int | None = None) -> dict[str, list[Any]]:
        shown = [(bar.label, bar.weight, bar.similarity, bar.id) for bar in bars[:most]]
        return as_columns(("target token", "weight", "similarity", "id"), shown)

    with st.expander(f"All {count(len(bars))} tokens that it feeds", icon=":material/table_rows:", expanded=expanded):
        drawn = rows(MAX_ROWS)
        chosen = _pick(drawn, key=key, alt="Table of fed tokens")
        save_table(rows, key=key, name=f"fed by source token {source_id}")
        if len(bars) > MAX_ROWS:
            st.caption(f"The first {count(MAX_ROWS)}; the file has all of them.")
    return None if chosen is None else int(drawn["id"][chosen])


def _pick(rows: dict[str, list[Any]], *, key: str, alt: str) -> int | None:
    """Draw a table of which a row can be chosen, columns without a value left out."""
    shown = {name: values for name, values in rows.items() if any(value is not None for value in values)}
    similarity = st.column_config.NumberColumn(format="%.3f")
    return pick_row(shown, key, alt=alt, config={"weight": share_column(form="%.3f"), "similarity": similarity})
