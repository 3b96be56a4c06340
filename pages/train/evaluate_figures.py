"""Evaluations as a chart and a table: one bar a state, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go

from focus_core.evaluation.comparable import why_not_comparable
from focus_core.evaluation.stored import state_name
from focus_core.numerics.formats import numbered
from focus_core.runs.legend import SOURCE_ONLY, method_of
from focus_core.tokenization.display import plotly_escape, show_name
from focus_ui.charts.figures import ROW_PX, interval_bars, shorten

ELSEWHERE = " · another run"


@dataclass(frozen=True, kw_only=True)
class State:
    """One measured state."""

    name: str
    color: str
    entry: Mapping[str, Any]
    minus_first: Mapping[str, float] | None

    @property
    def bits(self) -> Mapping[str, float] | None:
        """Bits per character with their interval; ``None`` where there is no loss."""
        loss = self.entry.get("loss") or {}
        found: Mapping[str, float] | None = loss.get("bits_per_character")
        return found


def measured_states(report: Mapping[str, Any], run_digest: str) -> list[State]:
    """Return the states of an evaluation in its order, sources last."""
    differences = {d["target"]: d["bits_per_character"] for d in report["differences"]}
    origins = [state.get("run") for state in report["states"]] or [run_digest] * len(report["targets"])
    found: list[State] = []
    for entry, origin in zip(report["targets"], origins, strict=True):
        words = state_name(entry | {"method": method_of(str(entry.get("method"))).label})
        name = _line(words) + ("" if origin == run_digest else ELSEWHERE)
        color = method_of(str(entry.get("method"))).color
        found.append(State(name=name, color=color, entry=entry, minus_first=differences.get(entry["target"])))
    for entry in report["sources"]:
        name = _line(state_name(entry, source=True))
        found.append(State(name=name, color=SOURCE_ONLY, entry=entry, minus_first=None))
    names = numbered(state.name for state in found)
    return [replace(state, name=name) for state, name in zip(found, names, strict=True)]


def _line(text: str) -> str:
    return show_name(text, limit=60)


def evaluation_figure(states: list[State]) -> go.Figure:
    """Draw bits per character of every state that has them, with 95 % intervals."""
    drawn = [(state, bits) for state in states if (bits := state.bits) is not None]
    return interval_bars(
        [str(place) for place in range(len(drawn))],
        [shorten(state.name, 34) for state, _ in drawn],
        [(bits["value"], bits["low"], bits["high"]) for _, bits in drawn],
        colors=[state.color for state, _ in drawn],
        data=[[plotly_escape(state.name), bits["low"], bits["high"]] for state, bits in drawn],
        hover="%{customdata[0]}: %{x:.3f}, 95 % from %{customdata[1]:.3f} to %{customdata[2]:.3f}",
        title="bits per character, lower is better",
        height=70 + ROW_PX * max(2, len(drawn)),
    )


def evaluation_table(states: list[State]) -> dict[str, list[Any]]:
    """Return an evaluation as columns: losses with intervals, the difference to the first, segmentation."""
    losses = [state.entry.get("loss") or {} for state in states]
    bits = [state.bits or {} for state in states]
    less = [state.minus_first or {} for state in states]
    pieces = [state.entry.get("segmentation") or {} for state in states]
    columns: dict[str, list[Any]] = {
        "state": [state.name for state in states],
        "bits": [found.get("value") for found in bits],
        "95 %": [
            _interval(state.bits or {}) or why_not_comparable(state.entry.get("loss")) or None for state in states
        ],
        "difference": [found.get("value") for found in less],
        "its 95 %": [_interval(found) for found in less],
        "nats per token": [found.get("nats_per_token") for found in losses],
        "tokens per word": [found.get("tokens_per_word") for found in pieces],
    }
    words = [state.entry.get("alignment") or {} for state in states]
    if any(words):
        columns["translations nearest"] = [found.get("alignment") for found in words]
        columns["by chance"] = [found.get("alignment_shuffled") for found in words]
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def _why(state: State) -> str | None:
    return why_not_comparable(state.entry.get("loss")) or None


def _interval(found: Mapping[str, float]) -> str | None:
    return f"{found['low']:.3f} to {found['high']:.3f}" if found else None
