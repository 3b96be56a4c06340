"""The pictures of the lessons: plain values in, plotly figures out; the rules of ``figures.py`` hold here too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from focus_core.runs.legend import ACCENT, CATEGORIES, NEUTRAL
from focus_core.tokenization.display import plotly_escape
from focus_ui.charts.figures import ROW_PX, name_axis, shorten, token_axis, token_bars
from pages.learn.lessons.one_row import RowSum

FADED = 0.4
DIVERGING = ((0.0, CATEGORIES["exact"].color), (0.5, "rgba(140,140,140,0.12)"), (1.0, ACCENT))
"""Blue below zero, orange above: apart for colour-blind eyes, and nothing stands for nothing on any background."""


def bars_figure(
    rows: Sequence[tuple[int, str, float]], *, colors: Sequence[str] | str, digits: str, title: str
) -> go.Figure:
    """Draw tokens as named bars, an id, a name and a number each; the axis is one of ids, read as tokens."""
    ids, names, values = [i for i, _, _ in rows], [name for _, name, _ in rows], [value for *_, value in rows]
    text = [format(value, digits) for value in values]
    figure = go.Figure(token_bars(ids, names, values, text=text, marker={"color": colors}, form=""))
    token_axis(figure, ids, names)
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    figure.update_xaxes(title_text=title, range=[1.15 * low, 1.15 * high or 1.0], nticks=5, fixedrange=True)
    figure.update_layout(
        height=80 + ROW_PX * max(2, len(rows)), margin={"l": 10, "r": 24, "t": 8, "b": 44}, showlegend=False
    )
    return figure


def sparsemax_figure(
    names: Sequence[str], similarities: Sequence[float], weights: Sequence[float], threshold: float
) -> go.Figure:
    """Draw similarities as faded bars, what stands out above the threshold in full colour, the threshold as a line."""
    places = [str(i) for i in range(len(names))]
    figure = go.Figure()
    for values, base, opacity in (
        ([min(s, threshold) if w > 0 else s for s, w in zip(similarities, weights, strict=True)], 0.0, FADED),
        (list(weights), threshold, 1.0),
    ):
        figure.add_trace(
            go.Bar(
                x=places,
                y=values,
                base=base,
                marker={"color": ACCENT if opacity == 1.0 else NEUTRAL, "opacity": opacity},
                text=[f"weight {w:.3f}" for w in weights] if opacity == 1.0 else None,
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y:.3f}<extra></extra>",
            )
        )
    figure.add_hline(
        y=threshold, line={"dash": "dash", "width": 2, "color": CATEGORIES["exact"].color},
        annotation={"text": f"τ = {threshold:.2f}", "x": 1.01, "xanchor": "left", "font": {"size": 14}},
    )  # fmt: skip
    labels = [f"{plotly_escape(shorten(n, 16))}<br>{s:.2f}" for n, s in zip(names, similarities, strict=True)]
    figure.update_xaxes(
        type="category", tickmode="array", tickvals=places, ticktext=labels, tickfont={"size": 14}, fixedrange=True
    )
    figure.update_yaxes(
        title_text="similarity", range=[min(-0.1, threshold - 0.1, *similarities), 1.2], fixedrange=True, zeroline=True
    )
    figure.update_layout(
        barmode="overlay", height=340, margin={"l": 10, "r": 80, "t": 10, "b": 10}, showlegend=False, bargap=0.5
    )
    return figure


def sum_figure(found: RowSum, *, n_dimensions: int = 16) -> go.Figure:
    """Draw a new row as the sum of its terms, one line a term, one column a dimension."""
    terms = np.concatenate([found.terms, found.stored[None]])[:, :n_dimensions]
    names = [f"{w:.2f} × {shorten(n, 18)}" for n, w in zip(found.names, found.weights.tolist(), strict=True)]
    names += [f"{found.rest_weight:.2f} × all others", f"= {shorten(found.label, 18)}"]
    if not found.rest_weight:
        terms, names = np.delete(terms, -2, axis=0), [*names[:-2], names[-1]]
    places = [str(i) for i in range(len(names))]
    reach = float(np.abs(terms).max()) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=terms,
            x=list(range(1, terms.shape[1] + 1)),
            y=places,
            zmin=-reach,
            zmax=reach,
            colorscale=DIVERGING,
            xgap=2,
            ygap=2,
            colorbar={"thickness": 10, "nticks": 5},
            hovertemplate="dimension %{x}: %{z:.4f}<extra></extra>",
        )
    )
    name_axis(figure, places, [plotly_escape(n) for n in names], tickfont={"size": 14}, showgrid=False)
    figure.add_hline(y=len(names) - 1.5, line={"width": 2, "color": NEUTRAL})
    figure.update_xaxes(title_text="dimension", dtick=1, fixedrange=True, showgrid=False)
    figure.update_layout(height=90 + 34 * len(names), margin={"l": 10, "r": 10, "t": 8, "b": 44})
    return figure


def sum_numbers(found: RowSum, *, n_dimensions: int = 16) -> dict[str, list[object]]:
    """Return the numbers of `sum_figure`, one row a term, the stored row last."""
    terms = np.concatenate([found.terms, found.stored[None]])[:, :n_dimensions]
    columns: dict[str, list[object]] = {
        "term": [*found.names, "all others", f"{found.label} as it is stored"],
        "weight": [*found.weights.tolist(), found.rest_weight, None],
    }
    return columns | {f"dimension {i + 1}": terms[:, i].tolist() for i in range(terms.shape[1])}


def histogram_numbers(figure: go.Figure) -> dict[str, list[object]]:
    """Return the bars of `histogram_figure`: where each begins and ends, and how many tokens are in it."""
    bars = figure.data[0]
    middle, half = np.asarray(bars.x), np.asarray(bars.width) / 2
    return {"from": (middle - half).tolist(), "to": (middle + half).tolist(), "tokens": np.asarray(bars.y).tolist()}


def histogram_figure(values: np.ndarray, *, title: str, whole_numbers: bool = False) -> go.Figure:
    """Draw how values are spread."""
    known = values[~np.isnan(values)]
    end = float(known.max() if len(known) else 1.0) or 1.0
    low, high, bins = (-0.5, round(end) + 0.5, round(end) + 1) if whole_numbers else (0.0, end, 30)
    sizes, edges = np.histogram(known, bins=bins, range=(low, high))
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=sizes,
            width=np.diff(edges),
            marker={"color": ACCENT, "line": {"width": 1, "color": "rgba(128,128,128,0.35)"}},
            hovertemplate=("%{x:.0f}" if whole_numbers else "around %{x:.1f}") + ": %{y:,} tokens<extra></extra>",
        )
    )
    figure.update_xaxes(title_text=title, range=[low, high], dtick=1 if whole_numbers else None, fixedrange=True)
    figure.update_yaxes(title_text="tokens", fixedrange=True)
    figure.update_layout(height=240, margin={"l": 10, "r": 10, "t": 8, "b": 44}, showlegend=False, bargap=0)
    return figure
