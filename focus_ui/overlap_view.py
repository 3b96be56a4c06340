"""The parts of the Overlap page: the proportional bar, the groups, the filtered table and its CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from focus_core.run_folder import RunFolder
from focus_ui import cache, navigation, state
from focus_ui.figures import CONFIG, Segment, groups_figure, overlap_segments, proportion_figure
from focus_ui.tables import (
    GROUPINGS,
    category_totals,
    filter_tokens,
    group_sizes,
    has_frequency,
    token_table,
    tokens_csv,
)
from focus_ui.theme import CATEGORIES, count, percent

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 5000
BY_TYPE, BY_OCCURRENCE = "vocabulary entries", "corpus occurrences"
PIECES = {"both": "in both vocabularies", "new": "in the target only"}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What the table shows.

    Parameters
    ----------
    group, category : str
        One of the groups of the grouping in use, and a category's key, ``both`` or ``new``; "" is all.
    query : str
        What was typed into the search of the table; "" is all.
    """

    group: str = ""
    category: str = ""
    query: str = ""


def unit_choice(run: RunFolder) -> str:
    """Draw the choice between counting tokens and counting their occurrences; return it.

    Parameters
    ----------
    run : RunFolder
        The current run; without a corpus there is nothing to choose.

    Returns
    -------
    str
        ``BY_TYPE`` or ``BY_OCCURRENCE``.
    """
    if not has_frequency(run):
        return BY_TYPE
    chosen = st.segmented_control(
        "Count", [BY_TYPE, BY_OCCURRENCE], default=BY_TYPE, required=True, key="_overlap_unit", persist_state="session"
    )
    return str(chosen or BY_TYPE)


def vocabulary_bar(run: RunFolder, unit: str) -> Filter:
    """Draw the two vocabularies, or the corpus, as proportional bars; return what a click on one asks for.

    Parameters
    ----------
    run : RunFolder
        The current run.
    unit : str
        ``BY_TYPE`` or ``BY_OCCURRENCE``.

    Returns
    -------
    Filter
        Empty where nothing was clicked.
    """
    frame, counts = token_table(run), run.manifest["counts"]
    totals = category_totals(frame, occurrences=unit == BY_OCCURRENCE)
    rows: list[tuple[str, tuple[Segment, ...]]] = []
    if unit == BY_TYPE:
        both = counts["n_overlap"]
        first = run.column("candidates", "rank") == 0
        matched = len(set(run.column("candidates", "source_id")[first].tolist()))
        rows.append(("both vocabularies", overlap_segments(counts["n_source"] - matched, both, counts["n_new"])))
    rows.append(("target by origin" if unit == BY_TYPE else "corpus by origin", category_segments(totals)))
    words = ", ".join(f"{s.label} {count(s.value)}" for _, segments in rows for s in segments)
    event = st.plotly_chart(
        proportion_figure(rows, unit=unit),
        key=f"bar_{run.digest[:12]}_{unit}",
        on_select="rerun",
        selection_mode="points",
        config=CONFIG,
        alt=f"Proportional bar: {words}",
    )
    data = clicked_data(event)
    key = str(data[0]) if data else ""
    return Filter(category=key if key in CATEGORIES or key in PIECES else "")


def category_segments(totals: Mapping[str, int]) -> tuple[Segment, ...]:
    """Return the categories as segments of a bar.

    Parameters
    ----------
    totals : mapping of str to int
        Category key and size.

    Returns
    -------
    tuple of Segment
        In the order of the legend.
    """
    return tuple(
        Segment(key=key, label=CATEGORIES[key].label, value=size, color=CATEGORIES[key].color)
        for key, size in totals.items()
        if size
    )


def clicked_data(event: Any) -> list[Any] | None:
    """Return what the clicked part of a chart carries, ``None`` without a click."""
    points = event["selection"]["points"] if event else []
    data = points[0].get("customdata") if points else None
    return list(data) if data else None


def group_chart(run: RunFolder, unit: str) -> tuple[str, Filter]:
    """Draw, group by group, where rows come from; return the grouping and what a click asks for.

    Parameters
    ----------
    run : RunFolder
        The current run.
    unit : str
        ``BY_TYPE`` or ``BY_OCCURRENCE``.

    Returns
    -------
    str
        The grouping: a key of ``GROUPINGS``.
    Filter
        Empty where nothing was clicked.
    """
    by = st.segmented_control(
        "Group by",
        list(GROUPINGS),
        default="script",
        required=True,
        format_func=lambda name: GROUPINGS[name],
        key="_overlap_by",
        persist_state="session",
    )
    by = by or "script"
    groups = group_sizes(token_table(run), by, occurrences=unit == BY_OCCURRENCE)
    event = st.plotly_chart(
        groups_figure(groups, unit=unit),
        key=f"groups_{run.digest[:12]}_{unit}_{by}",
        on_select="rerun",
        selection_mode="points",
        config=CONFIG,
        alt=f"Where rows come from, by {GROUPINGS[by]}: {_group_words(groups)}",
    )
    data = clicked_data(event)
    return by, Filter(group=str(data[0]), category=str(data[1])) if data else Filter()


def _group_words(groups: list[tuple[str, dict[str, int]]]) -> str:
    return "; ".join(f"{name} {count(sum(sizes.values()))}" for name, sizes in groups[:6])


def token_filter(run: RunFolder, by: str, clicked: Filter) -> Filter:
    """Draw the filters of the table, set by the last click on a chart; return them.

    Parameters
    ----------
    run : RunFolder
        The current run.
    by : str
        The grouping.
    clicked : Filter
        What the charts have selected.

    Returns
    -------
    Filter
        What the table shall show.
    """
    if st.session_state.get("_overlap_clicked") != (by, clicked):
        st.session_state["_overlap_clicked"] = (by, clicked)
        st.session_state["_overlap_category"] = clicked.category or None
        st.session_state["_overlap_group"] = clicked.group or None
    names = {**PIECES, **{key: c.label for key, c in CATEGORIES.items()}}
    left, middle, right = st.columns(3)
    category = left.selectbox(
        "Origin",
        list(names),
        index=None,
        format_func=lambda key: names[key],
        placeholder="all",
        key="_overlap_category",
    )
    groups = [group for group, _ in group_sizes(token_table(run), by, occurrences=False)]
    group = middle.selectbox(GROUPINGS[by].capitalize(), groups, index=None, placeholder="all", key="_overlap_group")
    query = right.text_input("Search in this table", type="search", key="_overlap_query", persist_state="session")
    return Filter(group=group or "", category=category or "", query=query)


def filtered_table(run: RunFolder, frame: pd.DataFrame) -> None:
    """Draw the tokens that passed the filter; choosing one opens its page.

    Parameters
    ----------
    run : RunFolder
        The current run.
    frame : pandas.DataFrame
        Rows of `token_table`.
    """
    shown = frame.head(MAX_ROWS)
    event = st.dataframe(
        with_source(run, shown),
        key=state.once_key(f"tokens_{run.digest[:12]}_{len(frame)}_{_first(frame)}"),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=420,
        column_config={
            "frequency": st.column_config.NumberColumn("in the corpus", format="%d"),
            "n_contributors": st.column_config.NumberColumn("contributors", format="%d"),
            "id": st.column_config.NumberColumn(format="%d", width="small"),
            "largest weight": st.column_config.ProgressColumn(format="%.2f", min_value=0.0, max_value=1.0),
        },
        placeholder="–",
        alt="Table of target tokens; choose a row to open its page",
    )
    chosen = event["selection"]["rows"]
    if chosen:
        navigation.go(navigation.TOKEN, token=int(shown["id"].iloc[chosen[0]]))


def _first(frame: pd.DataFrame) -> int:
    return int(frame["id"].iloc[0]) if len(frame) else -1


def with_source(run: RunFolder, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as they are shown: readable names of columns, and the copied source token beside the target.

    Parameters
    ----------
    run : RunFolder
        The run.
    frame : pandas.DataFrame
        Rows of `token_table`.

    Returns
    -------
    pandas.DataFrame
        ``token``, ``native form``, ``origin``, ``source token``, ``frequency``, ``script``, ``n_contributors``,
        ``largest weight``, ``id``.
    """
    import pandas as pd

    from focus_core.token_text import show_token

    native = run.column("source_tokens", "token")
    sources = [show_token(str(native[i])) if i >= 0 else None for i in frame["source_id"].tolist()]
    return pd.DataFrame(
        {
            "token": frame["shown"].tolist(),
            "native form": frame["token"].tolist(),
            "origin": [CATEGORIES[key].label for key in frame["category"]],
            "source token": sources,
            "frequency": frame["frequency"].tolist(),
            "script": frame["script"].tolist(),
            "n_contributors": frame["n_contributors"].tolist(),
            "largest weight": frame["max_weight"].tolist(),
            "id": frame["id"].tolist(),
        }
    )


def token_list(run: RunFolder, by: str, clicked: Filter) -> None:
    """Draw search, filters, table and download.

    Parameters
    ----------
    run : RunFolder
        The current run.
    by : str
        The grouping.
    clicked : Filter
        What the charts have selected.
    """
    wanted = token_filter(run, by, clicked)
    ids = cache.search(run, wanted.query, limit=MAX_ROWS) if wanted.query else None
    frame = filter_tokens(token_table(run), by=by, group=wanted.group, category=wanted.category, ids=ids)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{count(len(frame))}** tokens{_capped(len(frame))}", width="content")
        st.download_button(
            "CSV",
            data=lambda: tokens_csv(frame),
            file_name="tokens.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="_overlap_csv",
        )
    filtered_table(run, frame)


def _capped(n_rows: int) -> str:
    return f", the {count(MAX_ROWS)} most frequent are shown; the CSV holds all" if n_rows > MAX_ROWS else ""


def lead_numbers(run: RunFolder) -> None:
    """Draw the page's first sentence with the numbers of the run.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    counts, corpus = run.manifest["counts"], run.manifest.get("corpus") or {}
    share = counts["n_overlap"] / counts["n_target"] if counts["n_target"] else None
    text = (
        f"Of {count(counts['n_target'])} target tokens, **{count(counts['n_overlap'])}** ({percent(share)}) "
        f"are also in the source vocabulary"
    )
    occurrences = corpus.get("share_overlap_occurrences")
    if occurrences is not None:
        text += f"; they make up **{percent(occurrences)}** of the corpus"
    st.markdown(f"{text}. Click a bar to filter the table.")
