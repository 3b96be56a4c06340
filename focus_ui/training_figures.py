"""Charts of trainings: the curves of all methods, and where each began.

Owns how they are drawn. Imports no streamlit. A method has one colour and one dash in every chart, and its name stands
beside its line or bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from focus_core.token_text import plotly_escape
from focus_ui.training_tables import MethodCurves, Start

CURVES_PX = 460
LABEL_GAP = 0.052
"""Smallest distance of two labels beside the curves, as a share of the chart's height."""

SEED_OPACITY = 0.38


def curves_figure(groups: Sequence[MethodCurves], *, unit: str) -> go.Figure:
    """Draw the loss on held-out text against the tokens seen, one colour a method.

    Parameters
    ----------
    groups : sequence of MethodCurves
        Of every method.
    unit : str
        What the loss is given in.

    Returns
    -------
    go.Figure
        Every seed is a thin line, their mean a thick one; the method's name stands at the end of its line.
    """
    figure = go.Figure()
    for group in groups:
        for curve in group.curves:
            alone = group.mean is None or len(group.curves) == 1
            _add_line(figure, group, curve.tokens, curve.values, _seed_words(curve.seed), mean=alone)
        if group.mean is not None and len(group.curves) > 1:
            words = f"mean of {len(group.curves)} seeds"
            _add_line(figure, group, group.curves[0].tokens, group.mean, words, mean=True)
    low, high = _range(groups)
    figure.update_layout(
        height=CURVES_PX,
        margin={"l": 10, "r": 166, "t": 14, "b": 44},
        showlegend=False,
        hovermode="closest",
    )
    last = max((float(curve.tokens[-1]) for group in groups for curve in group.curves), default=1.0)
    figure.update_xaxes(title_text="tokens of training", range=[0, 1.01 * last], fixedrange=True, zeroline=False)
    figure.update_yaxes(title_text=f"loss on held-out text, {unit}", range=[low, high], fixedrange=True, zeroline=False)
    _label_ends(figure, groups, low, high)
    return figure


def _seed_words(seed: int | None) -> str:
    return "" if seed is None else f"seed {seed}"


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
            line={"color": group.method.color, "dash": group.method.dash, "width": thick if mean else 1},
            marker={"size": 5 if mean else 0},
            opacity=1.0 if mean else SEED_OPACITY,
            hovertemplate=f"{label}<br>%{{x:,.0f}} tokens: %{{y:.3f}}<extra></extra>",
        )
    )


def _range(groups: Sequence[MethodCurves]) -> tuple[float, float]:
    """Return an axis that holds every value, with some room."""
    values = [float(v) for group in groups for curve in group.curves for v in curve.values]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = 0.06 * ((high - low) or 1.0)
    return low - room, high + room


def _label_ends(figure: go.Figure, groups: Sequence[MethodCurves], low: float, high: float) -> None:
    """Write each method's name at the height where its line ends, apart from one another."""
    ends = [_end(group) for group in groups]
    heights = spread([(end - low) / (high - low) for end in ends], LABEL_GAP, low=0.02, high=0.98)
    for group, height in zip(groups, heights, strict=True):
        figure.add_annotation(
            x=1.01,
            y=height,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="middle",
            showarrow=False,
            text=f"<span style='color:{group.method.color}'>■</span> {plotly_escape(group.method.label)}",
            font={"size": 14},
        )


def _end(group: MethodCurves) -> float:
    """Return where the thick line of a method ends; of several without a mean, where the longest does."""
    if group.mean is not None:
        return float(group.mean[-1])
    return float(max(group.curves, key=lambda curve: curve.tokens[-1]).values[-1])


def spread(places: Sequence[float], gap: float, *, low: float = -math.inf, high: float = math.inf) -> list[float]:
    """Move places apart until neighbours keep a distance, each about as little as that takes.

    Parameters
    ----------
    places : sequence of float
        Where things want to be.
    gap : float
        The smallest distance allowed.
    low : float, default=-math.inf
        The lowest place.
    high : float, default=math.inf
        The highest; both bounds are kept as long as everything has room between them.

    Returns
    -------
    list of float
        Where they go, in the given order.

    Examples
    --------
    >>> [round(place, 2) for place in spread([0.5, 0.5, 0.9], 0.1)]
    [0.45, 0.55, 0.9]
    >>> [round(place, 2) for place in spread([0.0, 0.0], 0.1, low=0.0, high=1.0)]
    [0.0, 0.1]
    """
    order = sorted(range(len(places)), key=lambda i: (places[i], i))
    blocks: list[tuple[float, list[int]]] = []  # (lowest place, members)
    for i in order:
        blocks.append((max(low, min(places[i], high)), [i]))
        while len(blocks) > 1 and blocks[-2][0] + gap * len(blocks[-2][1]) > blocks[-1][0] + 1e-12:
            _, above = blocks.pop()
            _, below = blocks.pop()
            members = below + above
            centre = sum(places[m] for m in members) / len(members)
            length = gap * (len(members) - 1)
            blocks.append((max(low, min(centre - length / 2, high - length)), members))
    moved = [0.0] * len(places)
    for first, members in blocks:
        for step, i in enumerate(members):
            moved[i] = first + step * gap
    return moved


def starts_figure(found: Sequence[Start], *, unit: str) -> go.Figure:
    """Draw the loss right after initialisation, a bar a method, the lowest at the top.

    Parameters
    ----------
    found : sequence of Start
        The lowest first.
    unit : str
        What the loss is given in.

    Returns
    -------
    go.Figure
        Whiskers reach from the lowest to the highest seed.
    """
    figure = go.Figure(
        go.Bar(
            x=[start.mean for start in found],
            y=[start.method.key for start in found],
            orientation="h",
            marker={"color": [start.method.color for start in found]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [start.high - start.mean for start in found],
                "arrayminus": [start.mean - start.low for start in found],
                "thickness": 1.5,
                "width": 5,
            },
            customdata=[[plotly_escape(start.method.label), start.n_seeds, start.low, start.high] for start in found],
            hovertemplate="%{customdata[0]}: %{x:.3f}, %{customdata[1]} seeds, "
            "%{customdata[2]:.3f} to %{customdata[3]:.3f}<extra></extra>",
        )
    )
    keys = [start.method.key for start in found]
    figure.update_layout(
        height=60 + 34 * max(2, len(found)), margin={"l": 10, "r": 24, "t": 8, "b": 40}, showlegend=False, bargap=0.25
    )
    figure.update_xaxes(title_text=f"loss on held-out text, {unit}", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=keys,
        autorange="reversed",
        tickmode="array",
        tickvals=keys,
        ticktext=[f"{plotly_escape(start.method.label)}  <b>{start.mean:.3f}</b>" for start in found],
        fixedrange=True,
        automargin=True,
        tickfont={"size": 14},
    )
    return figure
