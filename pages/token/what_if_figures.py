"""Charts of a what-if: similarities with the threshold that cuts them, and stored weights beside others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from focus_core.runs.legend import ACCENT, NEUTRAL
from focus_core.tokenization.display import plotly_escape
from focus_ui.charts.figures import token_bars, token_panels

SIMILARITIES_PX = 330
THRESHOLD = "#E0356F"
"""The line that cuts, readable on the light and on the dark background."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """Anchors by falling similarity, as they are drawn."""

    labels: Sequence[str]
    similarities: np.ndarray
    weights: np.ndarray
    threshold: float | None
    stems: bool


@dataclass(frozen=True, kw_only=True)
class WeightPair:
    """One contributor under two settings."""

    id: int
    label: str
    stored: float
    other: float
    color: str = ACCENT


def similarities_figure(ranked: Ranked) -> go.Figure:
    """Draw anchors by rank and similarity, those with a weight in colour, and the threshold as a line."""
    low, high = float(ranked.similarities.min()), float(ranked.similarities.max())
    room = 0.08 * max(high - low, 0.05)
    figure = go.Figure()
    with_weight = ranked.weights > 0
    visible = ranked.threshold is not None and low - room <= ranked.threshold <= high + room
    if ranked.stems and ranked.threshold is not None:
        _add_stems(figure, ranked, np.flatnonzero(with_weight), max(ranked.threshold, low - room))
    _add_points(figure, ranked, np.flatnonzero(~with_weight), "no weight", NEUTRAL, symbol="circle-open")
    _add_points(figure, ranked, np.flatnonzero(with_weight), "has a weight", ACCENT, symbol="circle")
    if visible:
        line = {"color": THRESHOLD, "width": 2, "dash": "dash"}
        figure.add_hline(y=ranked.threshold, line=line)
        figure.add_annotation(
            x=0.99, xref="paper", y=ranked.threshold, showarrow=False, xanchor="right", yanchor="bottom",
            text=f"threshold {ranked.threshold:.3f}",
            font={"color": THRESHOLD, "size": 13},
        )  # fmt: skip
    ticks = [n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500) if n <= max(len(ranked.labels), 2)]
    top = float(np.log10(max(len(ranked.labels), 2)))
    figure.update_xaxes(
        type="log", tickvals=ticks, range=[-0.04 * top, 1.03 * top], fixedrange=True, title="anchor, by similarity"
    )
    figure.update_yaxes(range=[low - room, high + room], fixedrange=True, title="similarity", zeroline=False)
    figure.update_layout(
        height=SIMILARITIES_PX,
        margin={"l": 10, "r": 16, "t": 30, "b": 40},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    return figure


def _add_points(figure: go.Figure, ranked: Ranked, rows: np.ndarray, name: str, color: str, *, symbol: str) -> None:
    """Add one kind of anchors; present even where there is none, so that the legend stands still."""
    shown = [[plotly_escape(ranked.labels[row]), float(ranked.weights[row])] for row in rows]
    figure.add_trace(
        go.Scatter(
            x=rows + 1,
            y=ranked.similarities[rows],
            mode="markers",
            marker={"color": color, "size": 7, "symbol": symbol},
            name=name,
            customdata=shown,
            hovertemplate="%{customdata[0]}<br>rank %{x}, similarity %{y:.3f}<br>"
            "weight %{customdata[1]:.4f}<extra></extra>",
            showlegend=True,
        )
    )


def _add_stems(figure: go.Figure, ranked: Ranked, rows: np.ndarray, foot: float) -> None:
    """Add a line from the threshold up to every anchor that has a weight."""
    gap = np.full(len(rows), np.nan)
    x = np.column_stack([rows + 1, rows + 1, gap]).reshape(-1)
    y = np.column_stack([np.full(len(rows), foot), ranked.similarities[rows], gap]).reshape(-1)
    line = {"color": ACCENT, "width": 2}
    figure.add_trace(
        go.Scatter(x=x, y=y, mode="lines", line=line, opacity=0.55, hoverinfo="skip", name="weight", showlegend=False)
    )


def pairs_figure(pairs: Sequence[WeightPair], *, title: str) -> go.Figure:
    """Draw the weights of contributors in the run beside those under other settings, on one scale."""
    ids, labels = [pair.id for pair in pairs], [pair.label for pair in pairs]
    top = max(max(pair.stored, pair.other) for pair in pairs)
    panels = {}
    for name, values in (("stored in the run", [p.stored for p in pairs]), (title, [p.other for p in pairs])):
        text, marker = [f"{value:.3f}" if value else "–" for value in values], {"color": [p.color for p in pairs]}
        panels[name] = token_bars(ids, labels, values, text=text, marker=marker), [0, 1.22 * top]
    return token_panels(ids, labels, panels, zeroline=True)
