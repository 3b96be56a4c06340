"""Charts of a comparison: bits per character with intervals, differences to the best, curves.

A method has one colour and one dash in every chart; the tie set has a tinted ground and says so beside its names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from focus_core.runs.legend import NEUTRAL
from focus_core.tokenization.display import plotly_escape
from focus_ui.charts.figures import name_axis
from pages.methods.results import Table, look_of, measured, reference

ROW_PX = 38
CURVES_PX = 380
TIED, BEST = "tied", "best"
"""What is said of the first rows: several that cannot be told apart, or one alone."""
TINT = "rgba(213, 112, 11, 0.13)"
"""The ground of the tie set, pale on both backgrounds."""
ROOM = 0.06


def standing_figure(table: Table) -> go.Figure:
    """Draw bits per character of every method, at once (hollow) and after the probe (filled), with intervals."""
    entries = measured(table)
    figure = go.Figure()
    for entry in entries:
        _add_way(figure, entry)
    for when, words, hollow in (("start", "at once", True), ("probe", "after training", False)):
        _add_marks(figure, entries, when, words, hollow=hollow)
    values = [entry[when][end] for entry in entries for when in ("start", "probe") for end in ("low", "high")]
    reference = table["reference"]["bits_per_character"]
    if reference is not None:
        _add_reference(figure, reference)
        values += [reference["low"], reference["high"]]
    _lay_out(figure, entries, values, "bits per character, lower is better", top=34 if reference else 8)
    return figure


def _add_way(figure: go.Figure, entry: Mapping[str, Any]) -> None:
    """Draw the line from where a method began to where it was after the probe."""
    look = look_of(entry)
    figure.add_trace(
        go.Scatter(
            x=[entry["start"]["value"], entry["probe"]["value"]], y=[look.key, look.key], mode="lines",
            line={"color": look.color, "width": 2, "dash": "dot"}, hoverinfo="skip",
        )
    )  # fmt: skip


def _add_marks(figure: go.Figure, entries: Sequence[Mapping[str, Any]], when: str, words: str, *, hollow: bool) -> None:
    """Draw one value of every method with its interval."""
    looks, found = [look_of(entry) for entry in entries], [entry[when] for entry in entries]
    data = [
        [plotly_escape(look.label), one["low"], one["high"], one["seed_low"], one["seed_high"]]
        for look, one in zip(looks, found, strict=True)
    ]
    colors = [look.color for look in looks]
    figure.add_trace(
        go.Scatter(
            x=[one["value"] for one in found], y=[look.key for look in looks], mode="markers", name=words,
            marker={"symbol": "circle-open" if hollow else "circle", "size": 12, "color": colors, "line": {"width": 2}},
            error_x=_whiskers(found) | {"color": NEUTRAL},
            customdata=data,
            hovertemplate=f"%{{customdata[0]}}, {words}: %{{x:.3f}}<br>95 % from %{{customdata[1]:.3f}} to "
            "%{customdata[2]:.3f}; seeds from %{customdata[3]:.3f} to %{customdata[4]:.3f}<extra></extra>",
        )
    )  # fmt: skip


def _whiskers(found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    return {
        "type": "data", "symmetric": False, "array": [one["high"] - one["value"] for one in found],
        "arrayminus": [one["value"] - one["low"] for one in found], "thickness": 1.5, "width": 5,
    }  # fmt: skip


def _add_reference(figure: go.Figure, reference: Mapping[str, float]) -> None:
    """Draw where the source stands under its own tokenizer."""
    figure.add_vrect(x0=reference["low"], x1=reference["high"], fillcolor=NEUTRAL, opacity=0.2, line_width=0)
    figure.add_vline(x=reference["value"], line={"color": NEUTRAL, "width": 2, "dash": "dash"})
    figure.add_annotation(
        x=reference["value"], y=1.0, yref="paper", yanchor="bottom", showarrow=False, font={"size": 12},
        text=f"source, own tokenizer {reference['value']:.3f}",
    )  # fmt: skip


def difference_figure(table: Table) -> go.Figure:
    """Draw what every method pays more than the best after the probe, with simultaneous intervals."""
    entries = measured(table)
    found, near = [entry["probe_minus_best"] for entry in entries], float(table["settings"]["near"])
    looks = [look_of(entry) for entry in entries]
    figure = go.Figure()
    figure.add_vrect(x0=-near, x1=near, fillcolor=NEUTRAL, opacity=0.22, line_width=0)
    figure.add_vline(x=0, line={"color": NEUTRAL, "width": 1.5})
    figure.add_trace(
        go.Scatter(
            x=[one["value"] for one in found], y=[look.key for look in looks], mode="markers",
            marker={"size": 11, "color": [look.color for look in looks]}, error_x=_whiskers(found) | {"color": NEUTRAL},
            customdata=[[plotly_escape(k.label), f["low"], f["high"]] for k, f in zip(looks, found, strict=True)],
            hovertemplate="%{customdata[0]}: %{x:+.3f}, simultaneous 95 % from %{customdata[1]:+.3f} to "
            "%{customdata[2]:+.3f}<extra></extra>",
        )
    )  # fmt: skip
    values = [one[end] for one in found for end in ("low", "high")] + [-near, near]
    _lay_out(figure, entries, values, f"bits per character more than {plotly_escape(reference(table))}", top=8)
    return figure


def _lay_out(
    figure: go.Figure, entries: Sequence[Mapping[str, Any]], values: Sequence[float], title: str, *, top: int
) -> None:
    """Name the rows, tint the tie set, and give the axis room for every interval."""
    keys = [look_of(entry).key for entry in entries]
    for place, entry in enumerate(entries):
        if entry["tied"]:
            figure.add_hrect(y0=place - 0.5, y1=place + 0.5, fillcolor=TINT, line_width=0, layer="below")
    word = TIED if sum(entry["tied"] for entry in entries) > 1 else BEST
    ticks = [
        f"<b>{plotly_escape(look_of(entry).label)}</b> {word}" if entry["tied"] else plotly_escape(look_of(entry).label)
        for entry in entries
    ]
    low, high = min(values), max(values)
    room = ROOM * ((high - low) or 1.0)
    figure.update_layout(
        height=54 + top + ROW_PX * max(2, len(keys)), margin={"l": 10, "r": 24, "t": top, "b": 40}, showlegend=False,
        hovermode="closest",
    )  # fmt: skip
    figure.update_xaxes(title_text=title, range=[low - room, high + room], fixedrange=True, zeroline=False)
    name_axis(figure, keys, ticks, tickfont={"size": 14}, range=[len(keys) - 0.5, -0.5])
    figure.update_yaxes(autorange=False)


def curves_figure(table: Table) -> go.Figure:
    """Draw the held-out loss of every method's probe on its way, each line named at its end."""
    figure = go.Figure()
    entries = [entry for entry in measured(table) if entry["curve"]]
    for entry in entries:
        look = look_of(entry)
        name = plotly_escape(look.label)
        figure.add_trace(
            go.Scatter(
                x=[point["tokens"] for point in entry["curve"]],
                y=[point["held_out_loss"] for point in entry["curve"]],
                mode="lines+markers", name=name, marker={"size": 5},
                line={"color": look.color, "dash": look.dash, "width": 3 if entry["tied"] else 2},
                hovertemplate=f"{name}<br>%{{x:,.0f}} tokens: %{{y:.3f}}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_layout(
        height=CURVES_PX, margin={"l": 10, "r": 24, "t": 14, "b": 90}, hovermode="closest", showlegend=True,
        legend={"orientation": "h", "yref": "container", "y": 0.01, "yanchor": "bottom", "x": 0, "font": {"size": 13},
                "entrywidth": 150, "entrywidthmode": "pixels"},
    )  # fmt: skip
    figure.update_xaxes(title_text="tokens of training", rangemode="tozero", fixedrange=True, zeroline=False)
    figure.update_yaxes(title_text="held-out loss, nats per token", fixedrange=True, zeroline=False)
    return figure
