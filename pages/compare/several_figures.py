"""Charts of three to seven runs: small pictures of the same kind, one a run, over the same axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.analysis.comparison.distributions import MEASURE_WORDS, Distribution
from focus_core.analysis.comparison.runs import KINDS, RunComparison
from focus_core.runs.legend import ACCENT, CATEGORIES, ink_on
from focus_core.tokenization.display import plotly_escape
from focus_ui.charts.figures import Segment, name_axis, proportion_figure
from pages.compare.figures import SECOND, axis_ticks, baselines, bin_labels, series_trace, stepped

ROW_PX, PANEL_PX = 92, 150
N_COLUMNS = 3
N_COSINES = 32
VERDICTS = {
    Status.PASSED: ("✓", "#1F7F57"),
    Status.WARNING: ("!", "#D5700B"),
    Status.PROBLEM: ("✕", "#C8323C"),
    Status.NOT_APPLICABLE: ("–", "#8C8C8C"),
}
"""The sign and the colour of every verdict; the sign says it without the colour."""


def counts_figure(names: Sequence[str], counts: Sequence[dict[str, int]]) -> go.Figure:
    """Draw the rows of every run by origin, a bar a run."""
    rows = [
        (
            plotly_escape(name),
            [
                Segment(key=kind, label=CATEGORIES[kind].label, value=found[kind], color=CATEGORIES[kind].color)
                for kind in KINDS
                if found.get(kind)
            ],
        )
        for name, found in zip(names, counts, strict=True)
    ]
    figure = proportion_figure(rows, unit="embeddings")
    figure.update_layout(height=50 + 44 * len(rows))
    return figure


def verdicts_figure(letters: Sequence[str], rows: Sequence[Sequence[CheckResult]]) -> go.Figure:
    """Draw the verdict of every check on every run as a sign in a coloured square, a column a run."""
    codes = [row[0].code for row in rows]
    figure = go.Figure()
    for status, (sign, color) in VERDICTS.items():
        found = [(x, row[0], row[x]) for row in rows for x in range(len(letters)) if row[x].status is status]
        figure.add_trace(
            go.Scatter(
                x=[x for x, _, _ in found],
                y=[first.code for _, first, _ in found],
                mode="markers+text",
                marker={"symbol": "square", "size": 22, "color": color},
                text=[sign] * len(found),
                textfont={"color": ink_on(color), "size": 14},
                customdata=[[letters[x], plotly_escape(r.headline), str(r.status)] for x, _, r in found],
                hovertemplate="run %{customdata[0]}: %{customdata[2]}<br>%{customdata[1]}<extra></extra>",
                name=str(status),
            )
        )
    figure.update_layout(
        height=52 + 27 * len(rows), margin={"l": 10, "r": 24, "t": 30, "b": 6}, showlegend=False, hovermode="closest"
    )
    places = list(range(len(letters)))
    figure.update_xaxes(
        side="top", tickmode="array", tickvals=places, ticktext=list(letters), range=[-0.5, len(letters) - 0.5],
        fixedrange=True, showgrid=False, zeroline=False, tickfont={"size": 14},
    )  # fmt: skip
    titles = [plotly_escape(f"{row[0].code} {row[0].title}") for row in rows]
    name_axis(figure, codes, titles, tickfont={"size": 13}, showgrid=False)
    return figure


def turned_figure(letters: Sequence[str], found: Sequence[RunComparison]) -> go.Figure:
    """Draw how far embeddings turned against the first run: a small histogram of cosines a run, over the same bins."""
    turned = [np.empty(0) if c.cosine is None else c.cosine[c.turned] for c in found]
    low = min((float(values.min()) for values in turned if len(values)), default=0.0)
    edges = np.linspace(np.floor(10 * min(low, 0.9)) / 10, 1.0, N_COSINES + 1)
    titles = [f"{letter}: {len(values):,}" for letter, values in zip(letters, turned, strict=True)]
    n_columns = min(N_COLUMNS, len(found))
    n_rows = -(-len(found) // n_columns)
    figure = make_subplots(
        rows=n_rows, cols=n_columns, subplot_titles=titles, horizontal_spacing=0.07,
        vertical_spacing=min(0.2, 0.36 / n_rows),
    )  # fmt: skip
    middles, highest = (edges[:-1] + edges[1:]) / 2, 0.0
    for place, (letter, values, whole) in enumerate(zip(letters, turned, found, strict=True)):
        n_all = 0 if whole.cosine is None else int(np.isfinite(whole.cosine).sum())
        shares = 100 * np.histogram(values, bins=edges)[0] / max(1, n_all)
        highest = max(highest, float(shares.max()))
        hover = f"run {letter}, cosine about %{{x:.2f}}: %{{y:.1f}} % of its embeddings<extra></extra>"
        bars = go.Bar(x=middles, y=shares, marker={"color": ACCENT}, hovertemplate=hover)
        figure.add_trace(bars, row=place // n_columns + 1, col=place % n_columns + 1)
    figure.update_xaxes(fixedrange=True, range=[float(edges[0]), 1.0], nticks=5, showgrid=False)
    figure.update_yaxes(
        fixedrange=True, range=[0, 1.05 * (highest or 1.0)], ticksuffix=" %", nticks=4, showticklabels=False
    )
    figure.update_yaxes(showticklabels=True, col=1)
    figure.update_layout(
        height=40 + PANEL_PX * n_rows, margin={"l": 10, "r": 16, "t": 30, "b": 30}, showlegend=False, bargap=0.06
    )
    figure.update_annotations(font_size=13)
    return figure


def with_values(panels: Sequence[Distribution], letters: Sequence[str]) -> list[int]:
    """Return the places of the runs that have a value in one of the panels; the first run always stands there."""
    return [i for i in range(len(letters)) if not i or any(panel.series[i].n for panel in panels)]


def small_multiples(panels: Sequence[Distribution], letters: Sequence[str]) -> go.Figure:
    """Draw distributions as a grid, a row a run and a column an origin or measure; the first run is outlined in all."""
    alike = len({panel.measure for panel in panels}) == 1
    titles = [str(panel.origin) if alike else MEASURE_WORDS[panel.measure] for panel in panels]
    places = with_values(panels, letters)
    n_rows = len(places)
    figure = make_subplots(
        rows=n_rows, cols=len(panels), column_titles=titles, row_titles=[f"<b>{letters[i]}</b>" for i in places],
        shared_xaxes=True, horizontal_spacing=0.09, vertical_spacing=0.16 / n_rows,
    )  # fmt: skip
    for column, panel in enumerate(panels, start=1):
        highest = _draw_column(figure, panel, letters, places, column)
        marks, words = axis_ticks(panel, 5 if len(panels) < 3 else 2)
        span = [-0.6, len(panel.edges) - 1.4]
        figure.update_xaxes(tickmode="array", tickvals=marks, ticktext=words, range=span, col=column)
        # not shared: the range of the first row alone would cut the bars of the others
        figure.update_yaxes(range=[0, 1.05 * highest], col=column)
    figure.update_xaxes(fixedrange=True, showgrid=False, tickangle=0)
    figure.update_yaxes(fixedrange=True, ticksuffix=" %", nticks=3)
    figure.update_layout(
        height=60 + ROW_PX * n_rows, margin={"l": 10, "r": 30, "t": 30, "b": 30}, showlegend=False, bargap=0.06,
        hovermode="closest",
    )  # fmt: skip
    figure.update_annotations(font_size=13, textangle=0)
    return figure


def _draw_column(
    figure: go.Figure, panel: Distribution, letters: Sequence[str], places: Sequence[int], column: int
) -> float:
    """Draw one measure of one origin in every run; return the highest share."""
    ranges, first = bin_labels(panel), panel.series[0]
    data: list[list[object]] = [[label, int(n)] for label, n in zip(ranges, first.counts, strict=True)]
    hover = "run A<br>%{customdata[0]}: %{customdata[1]:,} embeddings, %{y:.1f} %<extra></extra>"
    for row, place in enumerate(places, start=1):
        series = panel.series[place]
        traces: list[go.Bar | go.Scatter] = []
        if series.n:
            traces.append(series_trace(panel, series, ranges, f"run {letters[place]}", as_bars=True))
        if place and first.n:
            traces.append(stepped(100 * first.counts / first.n, data, hover, {"color": SECOND, "width": 1.6}))
        for trace in traces + ([] if place else list(baselines(panel, ranges))):
            figure.add_trace(trace, row=row, col=column)
    known = [series for series in panel.series if series.n] + ([panel.drawn] if panel.drawn else [])
    return max((100 * float(series.counts.max()) / series.n for series in known if series.n), default=1.0)
