"""Charts of the page Compare: hub anchors, and distributions of one or two runs.

The first run is drawn as bars in the colour of the origin, the second as a line, so that both are told apart without
colour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from focus_core.analysis.comparison.distributions import MEASURE_WORDS, Distribution, Series
from focus_core.analysis.comparison.lists import Hub, HubOrder
from focus_core.runs.legend import ACCENT, NEUTRAL, category_of
from focus_core.tokenization.display import plotly_escape, show_token
from focus_core.types import Rule
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.figures import token_bars, token_panels

SECOND = "#B23A9E"
"""The line of the second run: readable on both backgrounds, and no origin's colour."""

CHANCE, MEAN = "embeddings drawn by chance", "mean embedding"

CHART_PX = 270


def hubs_figure(hubs: Sequence[Hub], *, by: HubOrder = HubOrder.TOKENS) -> go.Figure:
    """Draw hub anchors as bars: what they are ranked by on the left, the other measure, paler, on the right."""
    labels = [show_token(hub.text, word_start=hub.word_start) for hub in hubs]
    panels = [
        ("tokens fed", [float(hub.n_fed) for hub in hubs], ",.0f"),
        ("share of all weight, %", [100 * hub.share for hub in hubs], ".2f"),
    ]
    if by is HubOrder.WEIGHT:
        panels.reverse()
    ids, drawn = [hub.id for hub in hubs], {}
    for opacity, (title, values, form) in zip((1.0, 0.45), panels, strict=True):
        marker, text = {"color": ACCENT, "opacity": opacity}, [format(v, form) for v in values]
        bars = token_bars(ids, labels, values, text=text, marker=marker, form=f":{form}")
        drawn[title] = bars, [0, 1.2 * (max(values) or 1.0)]
    return token_panels(ids, labels, drawn)


def distributions_figure(panels: Sequence[Distribution], names: Sequence[str]) -> go.Figure:
    """Draw distributions side by side, each as the share of its rows in every bin."""
    alike = len({panel.measure for panel in panels}) == 1
    titles = [str(panel.origin) if alike else MEASURE_WORDS[panel.measure] for panel in panels]
    figure = make_subplots(rows=1, cols=len(panels), subplot_titles=titles, horizontal_spacing=0.09)
    for column, panel in enumerate(panels, start=1):
        ranges = bin_labels(panel)
        for series in panel.series:
            if series.n:
                figure.add_trace(
                    series_trace(panel, series, ranges, plotly_escape(names[series.run]), as_bars=series.run == 0),
                    row=1,
                    col=column,
                )
        for trace in baselines(panel, ranges):
            figure.add_trace(trace, row=1, col=column)
        places, words = axis_ticks(panel, 5 if len(panels) < 3 else 2)
        figure.update_xaxes(
            tickmode="array", tickvals=places, ticktext=words, range=[-0.6, len(ranges) - 0.4], row=1, col=column
        )
    figure.update_xaxes(fixedrange=True, showgrid=False, tickangle=0)
    figure.update_yaxes(fixedrange=True, rangemode="tozero", ticksuffix=" %", nticks=5)
    figure.update_layout(
        height=CHART_PX, margin={"l": 10, "r": 16, "t": 36, "b": 30}, showlegend=False, bargap=0.06, hovermode="closest"
    )
    figure.update_annotations(font_size=13)
    return figure


def series_trace(
    panel: Distribution, series: Series, ranges: Sequence[str], name: str, *, as_bars: bool
) -> go.Bar | go.Scatter:
    """Return the rows of one run in every bin, as bars in the colour of their origin or as the line of a second run."""
    places = np.arange(len(series.counts))
    shares = 100 * series.counts / series.n
    hover = f"{name}<br>%{{customdata[0]}}: %{{customdata[1]:,}} embeddings, %{{y:.1f}} %<extra></extra>"
    data = [[label, int(n)] for label, n in zip(ranges, series.counts, strict=True)]
    if as_bars:
        color = category_of(panel.origin, Rule.EXACT).color
        return go.Bar(x=places, y=shares, marker={"color": color}, customdata=data, hovertemplate=hover)
    return stepped(shares, data, hover, {"color": SECOND, "width": 2.4})


def stepped(shares: np.ndarray, data: list[list[object]], hover: str, line: dict[str, object]) -> go.Scatter:
    """Return shares of bins as one line in steps."""
    corners = np.concatenate([[-0.5], np.arange(len(shares) + 1) - 0.5])
    return go.Scatter(
        x=corners, y=[0.0, *shares, 0.0], mode="lines", line=line | {"shape": "hv"},
        customdata=[data[0], *data, data[-1]], hovertemplate=hover,
    )  # fmt: skip


def baselines(panel: Distribution, ranges: Sequence[str]) -> list[go.Scatter]:
    """Return what rows without information would look like: a dotted line, and a triangle on the axis."""
    found: list[go.Scatter] = []
    if panel.drawn is not None and panel.drawn.n:
        data = [[label, int(n)] for label, n in zip(ranges, panel.drawn.counts, strict=True)]
        hover = f"{CHANCE}<br>%{{customdata[0]}}: %{{y:.1f}} %<extra></extra>"
        line = {"color": NEUTRAL, "width": 2, "dash": "dot"}
        found.append(stepped(100 * panel.drawn.counts / panel.drawn.n, data, hover, line))
    if panel.mean_embedding is not None:
        place = float(np.interp(panel.mean_embedding, panel.edges, np.arange(len(panel.edges)) - 0.5))
        found.append(
            go.Scatter(
                x=[place], y=[0.0], mode="markers", cliponaxis=False,
                marker={"symbol": "triangle-up", "size": 11, "color": NEUTRAL},
                hovertemplate=f"{MEAN}: {panel.mean_embedding:.3g}<extra></extra>",
            )
        )  # fmt: skip
    return found


def distribution_rows(panels: Sequence[Distribution], names: Sequence[str]) -> dict[str, list[object]]:
    """Return distributions as columns, a bin a row."""
    rows: list[tuple[object, ...]] = []
    for panel in panels:
        for place in range(len(panel.edges) - 1):
            drawn = None if panel.drawn is None else int(panel.drawn.counts[place])
            counts = [int(series.counts[place]) for series in panel.series]
            ends = panel.edges[place : place + 2].tolist()
            rows.append((MEASURE_WORDS[panel.measure], str(panel.origin), *ends, *counts, drawn))
    return as_columns(("measure", "embeddings", "from", "to", *names, CHANCE), rows)


def hub_rows(hubs: Sequence[Hub]) -> dict[str, list[object]]:
    """Return hub anchors as columns: token, id, share of all weight, rows fed."""
    rows = [(show_token(hub.text, word_start=hub.word_start), hub.id, hub.share, hub.n_fed) for hub in hubs]
    return as_columns(("token", "id", "share of all weight", "embeddings fed"), rows)


def bin_labels(panel: Distribution) -> list[str]:
    """Return what every bin of a distribution holds, in words."""
    lows, highs = panel.edges[:-1], panel.edges[1:]
    if panel.is_whole:
        return [f"{a:,.0f}" if b - a == 1 else f"{a:,.0f}–{b - 1:,.0f}" for a, b in zip(lows, highs, strict=True)]
    labels = [f"{a:.3g} to {b:.3g}" for a, b in zip(lows, highs, strict=True)]
    return [*labels[:-1], f"{lows[-1]:.3g} and more"] if panel.is_open else labels


def axis_ticks(panel: Distribution, n_steps: int) -> tuple[list[float], list[str]]:
    """Return where an axis is marked and with what: bins of whole numbers by their lowest, others at their edges."""
    if panel.is_whole:
        lows = panel.edges[:-1]
        marked = [(i, e) for i, e in enumerate(lows) if e == 0 or (np.log10(e) % 1 == 0 and not (e == 1 and i == 1))]
        return [float(i) for i, _ in marked], [_short(edge) for _, edge in marked]
    step = max(1, round((len(panel.edges) - 1) / n_steps))
    places = range(0, len(panel.edges), step)
    return [i - 0.5 for i in places], [f"{panel.edges[i]:.3g}" for i in places]


def _short(number: float) -> str:
    """Write a power of ten shortly."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:,.0f}{letter}"
    return f"{number:.0f}"
