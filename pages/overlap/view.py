"""The parts of the Overlap page: the proportional bars, the groups, the lists, the filtered table and its CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
import streamlit as st

from focus_core.analysis.overlap_lists import overlap_lists, sizes_of, text_shares
from focus_core.analysis.token_list import TokenList
from focus_core.numerics.formats import count, percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, ink_on
from focus_core.tokenization.display import show_token
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import save_chart, save_table
from focus_ui.charts.figures import Segment, groups_figure, overlap_segments, proportion_figure
from focus_ui.data.tables import GROUPINGS, category_totals, group_sizes, has_frequency, kpis, token_table
from focus_ui.session import state
from focus_ui.session.errors import in_words
from focus_ui.widgets.choice import switch
from focus_ui.widgets.pick import pick_mark, pick_token, share_column
from pages.overlap import filter as overlap_filter
from pages.overlap.filter import MAX_ROWS

if TYPE_CHECKING:
    import pandas as pd

BY_TYPE, BY_OCCURRENCE = "vocabulary entries", "corpus occurrences"
ENTRIES, OCCURRENCES = "entries", "occurrences"
"""The same in the page's address."""
SHARES, SIZES = "shares", "sizes"
CARD_PX = 318
UNSELECTED = 0.75
"""How opaque a bar is while another one is chosen: its text keeps a contrast of 3 in light and dark."""

Rows = list[tuple[str, tuple[Segment, ...]]]


def lead_numbers(run: RunFolder) -> None:
    """Draw the page's first sentence with the numbers of the run."""
    counts, numbers = run.manifest["counts"], kpis(run.manifest)
    text = (
        f"Of {count(counts['n_target'])} target tokens, **{count(counts['n_overlap'])}** "
        f"({percent(numbers['overlap'])}) are also in the source vocabulary"
    )
    if numbers["occurrences"] is not None:
        text += f"; they make up **{percent(numbers['occurrences'])}** of the corpus"
    st.markdown(f"{text}. Click a bar or a list to filter the table.")


def what_am_i_looking_at() -> None:
    """Draw three sentences, one formula and one limit."""
    st.markdown(
        "A target token that the source vocabulary also has keeps the embedding it had there: it is **copied**. All "
        "others are new, and most of them are **combined** from copied ones that are used alike in the text, the "
        "**anchors**. Two shares tell how much was there already: that of the vocabulary, and that of the text."
    )
    st.latex(r"\text{share of the text} = \frac{\sum_{t \in \text{both}} f(t)}{\sum_{t} f(t)}")
    st.markdown(
        "Here f(t) is how often a target token t stands in the run's text. The limit: that two vocabularies spell a "
        "token alike does not make it mean the same in two languages."
    )


def unit_choice(run: RunFolder) -> str:
    """Draw the choice between counting tokens and counting their occurrences; return it."""
    if not has_frequency(run):
        return BY_TYPE
    state.take_choice(state.COUNT_PARAM, "_overlap_unit", {OCCURRENCES: BY_OCCURRENCE, ENTRIES: BY_TYPE})
    st.session_state.setdefault("_overlap_unit", BY_TYPE)
    chosen = switch("Count", [BY_TYPE, BY_OCCURRENCE], "_overlap_unit")
    state.write_choice(state.COUNT_PARAM, OCCURRENCES if chosen == BY_OCCURRENCE else None)
    return chosen


def vocabulary_bar(run: RunFolder, unit: str) -> None:
    """Draw the two vocabularies, or the corpus, as proportional bars; a click filters the table."""
    rows = bar_rows(run, occurrences=unit == BY_OCCURRENCE)
    words = "; ".join(f"{name}: " + ", ".join(f"{s.label} {count(s.value)}" for s in parts) for name, parts in rows)
    figure, key = _clickable(proportion_figure(rows, unit=unit)), overlap_filter.chart_key(run, "bar", unit)
    pick_mark(figure, key, alt=f"Proportional bars. {words}")
    overlap_filter.note(run, "bar")
    save_chart(figure, key=key, name=f"overlap by {unit}", table=lambda: _bar_numbers(rows))


def bar_rows(run: RunFolder, *, occurrences: bool) -> Rows:
    """Return the proportional bars: what the vocabularies share, and where the target's rows come from."""
    shares = text_shares(run) if occurrences else None
    totals = category_segments(category_totals(token_table(run), occurrences=shares is not None))
    if shares is None:
        sizes = sizes_of(run)
        whole = overlap_segments(sizes.source_only, sizes.both, sizes.target_only)
        return [("both vocabularies", whole), ("target by origin", totals)]
    rows: Rows = []
    if shares.source_only is not None and shares.source_both is not None:
        rows.append(("text in source tokens", overlap_segments(shares.source_only, shares.source_both, 0)[:2]))
    rows.append(("text in target tokens", overlap_segments(0, shares.target_both, shares.target_only)[1:]))
    return [*rows, ("target by origin", totals)]


def category_segments(totals: Mapping[str, int]) -> tuple[Segment, ...]:
    """Return the categories as segments of a bar."""
    return tuple(
        Segment(key=key, label=CATEGORIES[key].label, value=size, color=CATEGORIES[key].color)
        for key, size in totals.items()
        if size
    )


def _bar_numbers(rows: Rows) -> dict[str, list[object]]:
    parts = [(name, segment.label, segment.value) for name, segments in rows for segment in segments]
    return as_columns(("bar", "part", "size"), parts)


def group_chart(run: RunFolder, unit: str) -> None:
    """Draw, group by group, where rows come from; a click filters the table."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        by = st.pills(
            "Group by",
            overlap_filter.groupings(run),
            required=True,
            format_func=lambda name: GROUPINGS[name],
            key=overlap_filter.KEYS[overlap_filter.BY],
            persist_state="session",
            width="content",
        )
        st.session_state.setdefault("_overlap_scale", SHARES)
        scale = switch("Bars show", [SHARES, SIZES], "_overlap_scale", width="content")
    by = by or overlap_filter.FIRST_GROUPING
    groups = group_sizes(token_table(run), by, occurrences=unit == BY_OCCURRENCE)
    figure = _clickable(groups_figure(groups, unit=unit, in_shares=scale != SIZES))
    key = overlap_filter.chart_key(run, "groups", unit, by)
    words = "; ".join(f"{name} {count(sum(sizes.values()))}" for name, sizes in groups[:6])
    pick_mark(figure, key, alt=f"Where embeddings come from, by {GROUPINGS[by]}: {words}")
    overlap_filter.note(run, "groups")
    save_chart(figure, key=key, name=f"overlap by {GROUPINGS[by]}, {unit}", table=lambda: _group_numbers(groups))


def _clickable(figure: go.Figure) -> go.Figure:
    """Fade what was not clicked so little that its text is read on any background."""
    for trace in figure.data:
        ink = {"color": ink_on(trace.marker.color)}
        trace.selected = {"marker": {"opacity": 1.0}, "textfont": ink}  # plotly.js fails where only one of them has it
        trace.unselected = {"marker": {"opacity": UNSELECTED}, "textfont": ink}
    return figure


def _group_numbers(groups: Sequence[tuple[str, Mapping[str, int]]]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {"group": [name for name, _ in groups]}
    used = [key for key in CATEGORIES if any(sizes.get(key) for _, sizes in groups)]
    return columns | {CATEGORIES[key].label: [sizes.get(key, 0) for _, sizes in groups] for key in used}


def list_cards(run: RunFolder) -> None:
    """Draw the lists of tokens worth a look, each with what is on it and why; a click shows it in the table."""
    found = overlap_lists(run)
    with st.container(horizontal=True, gap="small", key="overlap_lists"):
        for entry in found:
            if entry.ids:
                _list_card(entry)
    words = ", ".join(entry.title.lower() for entry in found if not entry.ids)
    if words:
        st.caption(f"Empty here: {words}.")


def _list_card(entry: TokenList) -> None:
    title, chosen = entry.title, overlap_filter.current().listed == entry.key
    with st.container(border=True, width=CARD_PX, gap="xsmall"):
        st.button(
            f"{title} · **{count(entry.n_total)}**",
            type="primary" if chosen else "secondary",
            width="stretch",
            key=f"_overlap_list_{entry.key}",
            on_click=overlap_filter.choose_list,
            args=(None if chosen else entry.key,),
        )
        st.caption(entry.meaning)
        hint = in_words(entry.remedy)
        st.caption(f"**Why it matters.** {hint}")


def token_list(run: RunFolder) -> None:
    """Draw the filter, the tokens that pass it, and their download."""
    overlap_filter.controls(run)
    wanted = overlap_filter.current()
    frame, words = overlap_filter.wanted_tokens(run, wanted), wanted.words(run)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            name = "token" if len(frame) == 1 else "tokens"
            if len(frame) > MAX_ROWS:
                name += f", the {count(MAX_ROWS)} most frequent are shown; the CSV holds all"
            st.markdown(f"**{count(len(frame))}** {name}", width="content")
            overlap_filter.chips(words)
        save_table(lambda: frame, key="overlap", name=file_words(run, words))
    filtered_table(run, frame)
    overlap_filter.write_address()


def file_words(run: RunFolder, words: Mapping[str, str]) -> str:
    """Return what the download is called: the new vocabulary and every part of the filter."""
    return " ".join(["tokens", show_token(str(run.manifest["target"]["name"]), limit=20), *words.values()])


def filtered_table(run: RunFolder, frame: pd.DataFrame) -> None:
    """Draw the tokens that passed the filter; choosing one opens its page."""
    shown, numbers = frame.head(MAX_ROWS), st.column_config.NumberColumn
    pick_token(
        shown,
        shown_columns(shown),
        f"tokens_{run.digest[:12]}_{len(frame)}_{frame['id'].iloc[0] if len(frame) else -1}",
        config={
            "token": st.column_config.TextColumn(width=125),
            "source token": st.column_config.TextColumn(width=125),
            "anchor": st.column_config.CheckboxColumn(
                "anchor?",
                width="small",
                help="Used as an anchor: shared, with an auxiliary vector. New embeddings are made of anchors.",
            ),
            "feeds": numbers(
                "feeds", format="%d", width="small", help="New tokens that have some of the copied embedding."
            ),
            "candidates": numbers("candidates", format="%d", width="small", help="Source tokens that fit."),
            "frequency": numbers("in the corpus", format="%d"),
            "n_contributors": numbers("contributors", format="%d", width=110),
            "largest weight": share_column(),
        },
        placeholder="–",
        alt="Table of target tokens; choose a row to open its page",
    )


def shown_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows as they are shown: readable names of columns, and the copied source token beside the target."""
    import pandas as pd

    return pd.DataFrame(
        {
            "token": frame["shown"],
            "origin": [CATEGORIES[key].label for key in frame["category"]],
            "source token": frame["source"].where(frame["source"] != "", None),
            "frequency": frame["frequency"],
            "anchor": frame["anchor"],
            "feeds": frame["feeds"],
            "candidates": frame["candidates"],
            "n_contributors": frame["n_contributors"],
            "largest weight": frame["max_weight"],
            "script": frame["script"],
            "native form": frame["token"],
            "id": frame["id"],
        }
    )
