"""Charts: plain values in, plotly figures out.

Two rules hold for every figure: a token on an axis is a tick text, its category value is a unique id (two tokens that
look alike would otherwise become one bar, and number-like tokens an axis of numbers); every text that comes from a
token has passed ``show_token`` and ``plotly_escape``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from focus_core.runs.legend import ACCENT, CATEGORIES, SOURCE_ONLY
from focus_core.tokenization.display import plotly_escape

CONFIG: dict[str, Any] = {
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": [
        "zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d",
    ],
    "toImageButtonOptions": {"format": "png", "scale": 2},
    "showSendToCloud": False,
    "displaylogo": False,
}  # fmt: skip
"""plotly options for every chart: a camera, which `download.save_chart` uses too, and no button that sends data."""

ROW_PX = 30
TICK_CHARACTERS = 26


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One contributor as it is drawn."""

    id: int
    label: str
    weight: float
    similarity: float | None
    color: str = ACCENT


def contributors_figure(bars: Sequence[Bar]) -> go.Figure:
    """Draw contributors as horizontal bars: weights on the left, similarities on the right."""
    panels = {"weight": ([bar.weight for bar in bars], 1.0)}
    if any(bar.similarity is not None for bar in bars):
        panels["similarity"] = ([float("nan") if b.similarity is None else b.similarity for b in bars], 0.45)
    ids, labels, colors = [bar.id for bar in bars], [bar.label for bar in bars], [bar.color for bar in bars]
    drawn = {}
    for title, (values, opacity) in panels.items():
        text, marker = ["" if v != v else f"{v:.3f}" for v in values], {"color": colors, "opacity": opacity}
        drawn[title] = token_bars(ids, labels, values, text=text, marker=marker), _range(values)
    return token_panels(ids, labels, drawn, showgrid=True, zeroline=True)


def token_panels(
    ids: Sequence[int], labels: Sequence[str], panels: Mapping[str, tuple[go.Bar, Sequence[float]]], **look: Any
) -> go.Figure:
    """Draw bars of the same tokens side by side: by title, the bars and the range of their axis."""
    titles = list(panels)
    figure = make_subplots(rows=1, cols=len(titles), shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.06)
    for column, (bars, span) in enumerate(panels.values(), start=1):
        figure.add_trace(bars, row=1, col=column)
        figure.update_xaxes(range=span, row=1, col=column)
    token_axis(figure, ids, labels)
    figure.update_xaxes(nticks=5, fixedrange=True, **look)
    height, margin = 90 + ROW_PX * max(2, len(ids)), {"l": 10, "r": 24, "t": 36, "b": 30}
    figure.update_layout(height=height, margin=margin, showlegend=False, bargap=0.28)
    figure.update_annotations(font_size=13)
    return figure


def token_bars(
    ids: Sequence[int],
    labels: Sequence[str],
    values: Sequence[float],
    *,
    text: Sequence[str],
    marker: Mapping[str, Any],
    form: str = ":.4f",
) -> go.Bar:
    """Return horizontal bars of tokens, on an axis of their ids; each carries its id and its value as a text."""
    return go.Bar(
        x=values, y=[str(i) for i in ids], orientation="h", marker=marker, text=text, textposition="outside",
        cliponaxis=False, customdata=[[i, plotly_escape(label)] for i, label in zip(ids, labels, strict=True)],
        hovertemplate=f"%{{customdata[1]}}<br>#%{{customdata[0]}}: %{{x{form}}}<extra></extra>",
    )  # fmt: skip


def _range(values: Sequence[float]) -> list[float]:
    """Return an axis from zero (or below it, where a value is) with room for the text beside the longest bar."""
    known = [value for value in values if value == value]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    room = 0.18 * ((high - low) or 1.0)
    return [low - room if low < 0 else 0.0, high + room]


def token_axis(figure: go.Figure, ids: Sequence[int], labels: Sequence[str]) -> None:
    """Make the vertical axis one of ids, read as tokens, the first at the top."""
    ticks = [plotly_escape(shorten(label)) for label in labels]
    name_axis(figure, [str(i) for i in ids], ticks, tickfont={"size": 14}, showgrid=False)


def name_axis(figure: go.Figure, keys: Sequence[str], ticks: Sequence[str], **look: Any) -> None:
    """Make the vertical axis one of keys, each called by its tick, the first at the top."""
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=keys, autorange="reversed", tickmode="array",
        tickvals=keys, ticktext=ticks, fixedrange=True, automargin=True, **look,
    )  # fmt: skip


def interval_bars(
    keys: Sequence[str], names: Sequence[str], intervals: Sequence[tuple[float, float, float]], *,
    colors: Sequence[str], data: Sequence[Sequence[object]], hover: str, title: str, height: int,
) -> go.Figure:  # fmt: skip
    """Draw values with their intervals as horizontal bars, a key each; the value stands beside its name."""
    values = [value for value, _, _ in intervals]
    whiskers = {
        "type": "data", "symmetric": False, "array": [high - value for value, _, high in intervals],
        "arrayminus": [value - low for value, low, _ in intervals], "thickness": 1.5, "width": 5,
    }  # fmt: skip
    bars = go.Bar(
        x=values, y=keys, orientation="h", marker={"color": colors}, error_x=whiskers, customdata=data,
        hovertemplate=f"{hover}<extra></extra>",
    )  # fmt: skip
    figure = go.Figure(bars)
    margin = {"l": 10, "r": 24, "t": 8, "b": 40}
    figure.update_layout(height=height, margin=margin, showlegend=False, bargap=0.25)
    figure.update_xaxes(title_text=title, rangemode="tozero", fixedrange=True)
    ticks = [f"{plotly_escape(name)}  <b>{value:.3f}</b>" for name, value in zip(names, values, strict=True)]
    name_axis(figure, keys, ticks, tickfont={"size": 14})
    return figure


def shorten(label: str, limit: int = TICK_CHARACTERS) -> str:
    """Cut a display string for an axis; the whole of it stands in the hover and in the table.

    Examples
    --------
    >>> shorten("abcdef", 4)
    'abc…'
    """
    return label if len(label) <= limit else f"{label[: limit - 1]}…"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One piece of a proportional bar."""

    key: str
    label: str
    value: float
    color: str


def proportion_figure(rows: Sequence[tuple[str, Sequence[Segment]]], *, unit: str) -> go.Figure:
    """Draw one or more bars of full width, cut in proportion to their segments."""
    figure = go.Figure()
    for name, segments in rows:
        whole = sum(segment.value for segment in segments) or 1.0
        for segment in segments:
            share = 100 * segment.value / whole
            figure.add_trace(
                go.Bar(
                    x=[share],
                    y=[name],
                    orientation="h",
                    name=segment.label,
                    marker={"color": segment.color, "line": {"width": 1, "color": "rgba(128,128,128,0.35)"}},
                    text=[f"{segment.label}<br>{segment.value:,.0f}" if share > 5 else ""],
                    textposition="inside",
                    insidetextanchor="middle",
                    textangle=0,
                    customdata=[[segment.key, segment.value, segment.label]],
                    hovertemplate=f"%{{customdata[2]}}: %{{customdata[1]:,}} {unit}, %{{x:.1f}} %<extra></extra>",
                )
            )
    _stack(figure, height=50 + 62 * len(rows), bargap=0.22)
    _share_axis(figure)
    figure.update_yaxes(type="category", autorange="reversed", fixedrange=True, automargin=True, tickfont={"size": 14})
    return figure


def groups_figure(groups: Sequence[tuple[str, Mapping[str, float]]], *, unit: str, in_shares: bool = True) -> go.Figure:
    """Draw, for every group, which share of it each category has, or how many."""
    names = [name for name, _ in groups]
    wholes = [sum(sizes.values()) for _, sizes in groups]
    figure = go.Figure()
    for category in CATEGORIES.values():
        values = [sizes.get(category.key, 0.0) for _, sizes in groups]
        if not any(values):
            continue
        shares = [100 * value / whole if whole else 0.0 for value, whole in zip(values, wholes, strict=True)]
        figure.add_trace(
            go.Bar(
                x=shares if in_shares else values,
                y=names,
                orientation="h",
                name=category.label,
                marker={"color": category.color},
                customdata=[[n, category.key, v, s] for n, v, s in zip(names, values, shares, strict=True)],
                hovertemplate=f"%{{y}}, {category.label}: %{{customdata[2]:,}} {unit}, %{{customdata[3]:.1f}} %"
                "<extra></extra>",
            )
        )
    _finish_groups(figure, names, wholes)
    if in_shares:
        _share_axis(figure)
    else:
        figure.update_xaxes(fixedrange=True, nticks=5, separatethousands=True, rangemode="tozero")
    return figure


def _share_axis(figure: go.Figure) -> None:
    """Make the horizontal axis one of per cent."""
    figure.update_xaxes(
        range=[0, 100],
        tickvals=[0, 25, 50, 75, 100],
        ticktext=["0 %", "25 %", "50 %", "75 %", "100 %"],
        fixedrange=True,
        showgrid=False,
    )


def _finish_groups(figure: go.Figure, names: list[str], wholes: list[float]) -> None:
    """Write each group's size beside its name and lay the chart out."""
    labels = [
        f"{plotly_escape(name)}  <span style='opacity:.65'>{whole:,.0f}</span>"
        for name, whole in zip(names, wholes, strict=True)
    ]
    _stack(figure, height=50 + 27 * max(2, len(names)), bargap=0.25)
    name_axis(figure, names, labels)


def _stack(figure: go.Figure, *, height: int, bargap: float) -> None:
    """Lay out bars that are cut into pieces."""
    margin = {"l": 10, "r": 24, "t": 6, "b": 26}
    figure.update_layout(barmode="stack", height=height, margin=margin, showlegend=False, bargap=bargap)


def overlap_segments(n_source_only: int, n_both: int, n_target_only: int) -> tuple[Segment, Segment, Segment]:
    """Return the three pieces of the picture of two vocabularies."""
    return (
        Segment(key="source", label="source only", value=n_source_only, color=SOURCE_ONLY),
        Segment(key="both", label="in both", value=n_both, color=CATEGORIES["exact"].color),
        Segment(key="new", label="target only", value=n_target_only, color=ACCENT),
    )


def fed_figure(bars: Sequence[Bar]) -> go.Figure:
    """Draw which target tokens a source token feeds, with what weight."""
    return contributors_figure([replace(bar, similarity=None) for bar in bars])
