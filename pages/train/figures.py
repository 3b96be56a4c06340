"""Charts of trainings: the curves of all methods, and where each began.

A method has one colour and one dash in every chart; its name stands beside its bar, and below the curves with a piece
of its line.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from focus_core.tokenization.display import plotly_escape
from focus_ui.charts.figures import interval_bars
from focus_ui.data.training_tables import MethodCurves, Start

CURVES_PX = 520
LEGEND_PX = 116
"""Room for the words of the axis and three rows of names, which is what they need on a narrow page."""

NAME_PX = 128
"""Width of a name below the curves, so that they stand in columns."""

SEED_OPACITY = 0.38


def curves_figure(groups: Sequence[MethodCurves], *, unit: str) -> go.Figure:
    """Draw the loss on held-out text against the tokens seen, one colour a method."""
    figure = go.Figure()
    for rank, group in enumerate(sorted(groups, key=_end)):
        for curve in group.curves:
            alone = group.mean is None or len(group.curves) == 1
            words = "" if curve.seed is None else f"seed {curve.seed}"
            _add_line(figure, group, curve.tokens, curve.values, words, mean=alone)
        if group.mean is not None and len(group.curves) > 1:
            words = f"mean of {len(group.curves)} seeds"
            _add_line(figure, group, group.curves[0].tokens, group.mean, words, mean=True)
        _add_name(figure, group, rank)
    low, high = _range(groups)
    figure.update_layout(
        height=CURVES_PX,
        margin={"l": 10, "r": 24, "t": 14, "b": LEGEND_PX},
        showlegend=True,
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 0.01,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
            "font": {"size": 13},
            "entrywidth": NAME_PX,
            "entrywidthmode": "pixels",
            "itemclick": "toggle",
        },
        hovermode="closest",
    )
    last = max((float(curve.tokens[-1]) for group in groups for curve in group.curves), default=1.0)
    figure.update_xaxes(title_text="tokens of training", range=[0, 1.01 * last], fixedrange=True, zeroline=False)
    figure.update_yaxes(title_text=f"loss on held-out text, {unit}", range=[low, high], fixedrange=True, zeroline=False)
    return figure


def _add_line(
    figure: go.Figure, group: MethodCurves, tokens: np.ndarray, values: np.ndarray, words: str, *, mean: bool
) -> None:
    label = plotly_escape(f"{group.method.label}, {words}" if words else group.method.label)
    thick = 3.2 if group.method.key == "focus" else 2.2
    figure.add_trace(
        go.Scatter(
            x=tokens,
            y=values,
            mode="lines+markers" if mean else "lines",
            name=label,
            legendgroup=group.method.key,
            showlegend=False,
            line={"color": group.method.color, "dash": group.method.dash, "width": thick if mean else 1},
            marker={"size": 5 if mean else 0},
            opacity=1.0 if mean else SEED_OPACITY,
            hovertemplate=f"{label}<br>%{{x:,.0f}} tokens: %{{y:.3f}}<extra></extra>",
        )
    )


def _add_name(figure: go.Figure, group: MethodCurves, rank: int) -> None:
    """Write a method's name below the curves, beside a piece of its line; a click on it hides all its lines."""
    look = group.method
    figure.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            name=plotly_escape(look.label),
            legendgroup=look.key,
            legendrank=1000 + rank,
            showlegend=True,
            line={"color": look.color, "dash": look.dash, "width": 3},
        )
    )


def _range(groups: Sequence[MethodCurves]) -> tuple[float, float]:
    """Return an axis that holds every value, with some room."""
    values = [float(v) for group in groups for curve in group.curves for v in curve.values]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = 0.06 * ((high - low) or 1.0)
    return low - room, high + room


def _end(group: MethodCurves) -> float:
    """Return where the thick line of a method ends; of several without a mean, where the longest does."""
    if group.mean is not None:
        return float(group.mean[-1])
    return float(max(group.curves, key=lambda curve: curve.tokens[-1]).values[-1])


def starts_figure(found: Sequence[Start], *, unit: str) -> go.Figure:
    """Draw the loss right after initialisation, a bar a method, the lowest at the top."""
    return interval_bars(
        [start.method.key for start in found],
        [start.method.label for start in found],
        [(start.mean, start.low, start.high) for start in found],
        colors=[start.method.color for start in found],
        data=[[plotly_escape(start.method.label), start.n_seeds, start.low, start.high] for start in found],
        hover="%{customdata[0]}: %{x:.3f}, %{customdata[1]} seeds, %{customdata[2]:.3f} to %{customdata[3]:.3f}",
        title=f"loss on held-out text, {unit}",
        height=60 + 34 * max(2, len(found)),
    )
