"""The clickable flow of contributors, as a specification that ``st.echarts_chart`` draws.

ECharts draws a node's name as plain text, in the chart and, escaped, in its tooltip; names are unique, since two tokens
that look alike would become one node, and no name stands in a template of ECharts, whose braces it would read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from focus_core.numerics.formats import numbered
from focus_core.runs.legend import ACCENT, NEUTRAL
from focus_ui.charts.figures import shorten

NODE_PX, GAP_PX = 12, 15
LABEL_CHARACTERS = 20
CHARACTER_PX, LEAST_MARGIN_PX, MOST_MARGIN_PX = 8, 60, 200
"""Room for the longest label on either side, by its characters."""


@dataclass(frozen=True, kw_only=True)
class FlowNode:
    """One token of a flow."""

    id: int | None
    label: str
    weight: float
    color: str


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One token and those that it takes from, or that take from it."""

    label: str
    color: str
    others: tuple[FlowNode, ...]
    inward: bool


def with_rest(nodes: Sequence[FlowNode], *, most: int) -> tuple[FlowNode, ...]:
    """Return the first nodes, and one more for all that follow."""
    rest = nodes[most:]
    if not rest:
        return tuple(nodes)
    weight = sum(node.weight for node in rest)
    return (*nodes[:most], FlowNode(id=None, label=f"{len(rest):,} more", weight=weight, color=NEUTRAL))


def flow_height(flow: Flow) -> int:
    """Return how many pixels high a flow has to be, so that no two labels touch."""
    return 60 + (GAP_PX + 12) * max(3, len(flow.others))


def flow_option(flow: Flow) -> dict[str, Any]:
    """Return a flow as an ECharts option of one Sankey series."""
    names = numbered(
        [
            shorten(flow.label, LABEL_CHARACTERS),
            *(f"{shorten(n.label, LABEL_CHARACTERS)}  {n.weight:.3f}" for n in flow.others),
        ]
    )
    sides = ("left", "right") if flow.inward else ("right", "left")
    colors = [flow.color, *(node.color for node in flow.others)]
    nodes = [
        {"name": name, "itemStyle": {"color": color}, "label": {"position": sides[0] if place else sides[1]},
         "depth": int(flow.inward) if place == 0 else int(not flow.inward)}
        for place, (name, color) in enumerate(zip(names, colors, strict=True))
    ]  # fmt: skip
    own, other = _margin(names[:1]), _margin(names[1:])
    ends = [(name, names[0]) if flow.inward else (names[0], name) for name in names[1:]]
    links = [
        {"source": source, "target": target, "value": abs(node.weight), "lineStyle": _line(node)}
        for (source, target), node in zip(ends, flow.others, strict=True)
    ]
    series = {
        "type": "sankey", "data": nodes, "links": links, "top": 8, "bottom": 8,
        "left": other if flow.inward else own, "right": own if flow.inward else other,
        "nodeWidth": NODE_PX, "nodeGap": GAP_PX, "layoutIterations": 0, "draggable": False, "selectedMode": "single",
        "lineStyle": {"opacity": 0.38, "curveness": 0.5}, "label": {"fontSize": 13, "overflow": "none"},
        "emphasis": {"focus": "adjacency"}, "select": {"itemStyle": {"borderColor": ACCENT, "borderWidth": 1}},
    }  # fmt: skip
    return {"tooltip": {"trigger": "item", "valueFormatter": "%.4f"}, "animation": False, "series": [series]}


def _line(node: FlowNode) -> dict[str, Any]:
    """Return the look of a ribbon; one of a negative weight is pale, and its label has the sign."""
    return {"color": node.color} | ({"opacity": 0.16} if node.weight < 0 else {})


def _margin(names: Sequence[str]) -> int:
    longest = max((len(name) for name in names), default=0)
    return min(MOST_MARGIN_PX, max(LEAST_MARGIN_PX, 16 + CHARACTER_PX * longest))


def clicked_id(selection: Mapping[str, Any], flow: Flow) -> int | None:
    """Return the id of the token that was clicked, by its node or by its ribbon."""
    for group in selection.get("selected") or []:
        shift = 1 if group.get("data_type") != "edge" else 0
        for place in group.get("data_indices") or []:
            at = int(place) - shift
            if 0 <= at < len(flow.others):
                return flow.others[at].id
    return None
