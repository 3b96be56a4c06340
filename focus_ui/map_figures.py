"""The map as a chart: two panes of one joint layout, or one over the other with the way that tokens went.

Owns how it is drawn. Imports no streamlit. Both panes have the same axes at the same scale, so that a distance means
the same in each and between them; every text of a token has passed ``show_token`` and ``plotly_escape``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from focus_core.token_text import plotly_escape
from focus_ui.theme import CATEGORIES, NEUTRAL

if TYPE_CHECKING:
    import pandas as pd

    from focus_ui.map_tables import MapLayout

ORIGIN, KEPT, COSINE = "origin", "neighbours kept", "cosine"
COLORS = {KEPT: "kept", COSINE: "cosine"}
"""What a point's colour may say, and the column that holds it."""

MAP_PX = 540
SCALE = [[0.0, "#D5700B"], [0.5, "#8C8C8C"], [1.0, "#1C5FD0"]]
"""From changed to unchanged; each end is readable on the light and on the dark background."""

MARK, LABEL = "#E0356F", "#A3154A"
"""The ring around a token, readable on both backgrounds, and the ground of its name, on which white is."""

WAY = "#7A5AA8"
OPAQUE, FAINT = 0.75, 0.4
MANY = 4_000
LABEL_CHARACTERS = 22


@dataclass(frozen=True, kw_only=True)
class MapChoice:
    """What of a map is drawn, and how.

    Parameters
    ----------
    left, right : str
        Keys of two members; equal where there is one alone.
    color : str
        ``ORIGIN`` or a key of ``COLORS``.
    highlighted : tuple of int, default=()
        Target ids to mark and to name, in every pane.
    trails : int, default=0
        In the overlay, of how many of the most changed tokens the way is drawn.
    """

    left: str
    right: str
    color: str
    highlighted: tuple[int, ...] = ()
    trails: int = 0


def _point_size(n: int) -> int:
    """Return the diameter of a point in pixels: many small ones hide each other less."""
    return 5 if n < MANY else 3


def panes_figure(layout: MapLayout, frame: pd.DataFrame, choice: MapChoice) -> go.Figure:
    """Draw one pane, or two side by side.

    Parameters
    ----------
    layout : MapLayout
        The map.
    frame : pandas.DataFrame
        From `map_frame`.
    choice : MapChoice
        What to draw.

    Returns
    -------
    go.Figure
        ``customdata`` of every point is its target id.
    """
    keys = [choice.left] if choice.left == choice.right else [choice.left, choice.right]
    titles = [plotly_escape(layout.members[key]) for key in keys]
    figure = make_subplots(rows=1, cols=len(keys), subplot_titles=titles, horizontal_spacing=0.012)
    figure.update_annotations(yshift=6, font_size=15)
    for column, key in enumerate(keys, start=1):
        _add_points(figure, layout.points[key], frame, choice.color, column=column)
        _add_marks(figure, layout.points[key], frame, choice.highlighted, column=column)
    _finish(figure, [layout.points[key] for key in keys], choice.color)
    return figure


def overlay_figure(layout: MapLayout, frame: pd.DataFrame, choice: MapChoice) -> go.Figure:
    """Draw both members in one pane: the first as grey rings, the second in colour, trails between the two.

    Parameters
    ----------
    layout : MapLayout
        The map.
    frame : pandas.DataFrame
        From `map_frame`.
    choice : MapChoice
        What to draw.

    Returns
    -------
    go.Figure
        ``customdata`` of every point is its target id.
    """
    before, after = layout.points[choice.left], layout.points[choice.right]
    figure = make_subplots(rows=1, cols=1)
    rings = {"color": NEUTRAL, "size": 5, "opacity": 0.45, "symbol": "circle-open"}
    figure.add_trace(_points(before, frame, rings, layout.members[choice.left]), row=1, col=1)
    _add_points(figure, after, frame, choice.color, column=1, opacity=FAINT if choice.trails else OPAQUE)
    _add_trails(figure, before, after, _trailed(frame, choice))
    _add_marks(figure, after, frame, choice.highlighted, column=1)
    _finish(figure, [before, after], choice.color)
    return figure


def _trailed(frame: pd.DataFrame, choice: MapChoice) -> np.ndarray:
    """Return the rows whose way is drawn: the most changed tokens, and the highlighted ones."""
    score = frame["score"].to_numpy(dtype=np.float64)
    order = np.argsort(-np.nan_to_num(score, nan=-1.0), kind="stable")[: choice.trails]
    chosen = np.isin(frame["id"].to_numpy(), choice.highlighted)
    return np.union1d(order[~np.isnan(score[order])], np.flatnonzero(chosen))


def _add_trails(figure: go.Figure, before: np.ndarray, after: np.ndarray, rows: np.ndarray) -> None:
    """Add one trace of separate lines, each from where a token began to where it ended."""
    if not len(rows):
        return
    gap = np.full(len(rows), np.nan, dtype=np.float32)
    x, y = (np.column_stack([before[rows, axis], after[rows, axis], gap]).reshape(-1) for axis in (0, 1))
    line = {"color": WAY, "width": 1.5}
    figure.add_trace(
        go.Scattergl(x=x, y=y, mode="lines", line=line, opacity=0.9, hoverinfo="skip", name="way", showlegend=False),
        row=1,
        col=1,
    )


def _points(plane: np.ndarray, frame: pd.DataFrame, marker: dict[str, Any], name: str, **options: Any) -> go.Scattergl:
    return go.Scattergl(
        x=plane[:, 0],
        y=plane[:, 1],
        mode="markers",
        marker=marker,
        customdata=frame["id"].to_numpy(dtype=np.int32),
        text=frame["hover"].tolist(),
        hovertemplate="%{text}<extra></extra>",
        name=plotly_escape(name),
        **options,
    )


def _add_points(
    figure: go.Figure, plane: np.ndarray, frame: pd.DataFrame, color: str, *, column: int, opacity: float = OPAQUE
) -> None:
    """Add the points of one member: a trace per origin, or one with a scale of colours."""
    if color == ORIGIN:
        for key, category in CATEGORIES.items():
            rows = (frame["category"] == key).to_numpy()
            if rows.any():
                marker = {"color": category.color, "size": _point_size(len(plane)), "opacity": opacity}
                options = {"legendgroup": key, "showlegend": column == 1}
                figure.add_trace(
                    _points(plane[rows], frame[rows], marker, category.label, **options), row=1, col=column
                )
        return
    values = frame[COLORS[color]].to_numpy(dtype=np.float64)
    order = np.argsort(-np.nan_to_num(values, nan=2.0), kind="stable")  # what changed most is drawn last, on top
    marker = {"color": values[order], "size": _point_size(len(plane)), "opacity": opacity, "coloraxis": "coloraxis"}
    figure.add_trace(_points(plane[order], frame.iloc[order], marker, color, showlegend=False), row=1, col=column)


def _add_marks(
    figure: go.Figure, plane: np.ndarray, frame: pd.DataFrame, highlighted: Sequence[int], *, column: int
) -> None:
    """Ring the highlighted tokens and write their names."""
    place = {int(target_id): row for row, target_id in enumerate(frame["id"])}
    rows = [place[target_id] for target_id in highlighted if target_id in place]
    if not rows:
        return
    chosen = frame.iloc[rows]
    figure.add_trace(
        go.Scattergl(
            x=plane[rows, 0],
            y=plane[rows, 1],
            mode="markers",
            marker={"symbol": "circle-open", "size": 14, "color": MARK, "line": {"width": 3}},
            customdata=chosen["id"].to_numpy(dtype=np.int32),
            text=chosen["hover"].tolist(),
            hovertemplate="%{text}<extra></extra>",
            name="marked",
            showlegend=False,
        ),
        row=1,
        col=column,
    )
    for row, shown in zip(rows, chosen["shown"], strict=True):  # annotations lie above points, text of a trace below
        figure.add_annotation(
            x=float(plane[row, 0]),
            y=float(plane[row, 1]),
            text=plotly_escape(_short(str(shown))),
            font={"size": 13, "color": "#FFFFFF"},
            bgcolor=LABEL,
            borderpad=2,
            showarrow=False,
            yshift=20,
            row=1,
            col=column,
        )


def _short(shown: str) -> str:
    return shown if len(shown) <= LABEL_CHARACTERS else f"{shown[: LABEL_CHARACTERS - 1]}…"


def _finish(figure: go.Figure, planes: Sequence[np.ndarray], color: str) -> None:
    """Give all panes the same axes at one scale, a legend above and, for a scale of colours, a bar beside."""
    low = np.min([plane.min(axis=0) for plane in planes], axis=0)
    high = np.max([plane.max(axis=0) for plane in planes], axis=0)
    room = 0.04 * np.maximum(high - low, 1e-6)
    ranges = [[float(low[axis] - room[axis]), float(high[axis] + room[axis])] for axis in (0, 1)]
    bare = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
    figure.update_xaxes(range=ranges[0], matches="x", **bare)
    figure.update_yaxes(range=ranges[1], matches="y", scaleanchor="x", scaleratio=1, **bare)
    figure.update_layout(
        height=MAP_PX,
        margin={"l": 8, "r": 8, "t": 84, "b": 12},
        hovermode="closest",
        dragmode="pan",
        plot_bgcolor="rgba(128,128,128,0.07)",
        legend={"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom", "itemsizing": "constant"},
        coloraxis={**_scale(color), "showscale": color != ORIGIN},
    )


def _scale(color: str) -> dict[str, Any]:
    """Return the scale of colours of a measure; both run from changed to unchanged."""
    bar = {"title": {"text": color, "side": "right"}, "thickness": 12, "len": 0.7, "outlinewidth": 0}
    return {"colorscale": SCALE, "cmin": 0.0, "cmax": 1.0, "colorbar": bar}
