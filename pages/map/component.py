"""The canvas of the page Map, mounted: its files, what it is sent, and the keys under which it answers.

One component carries the points of a layout, once; the other draws them and answers. Both are trusted code of this
folder; a token reaches them as data alone and is drawn as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from focus_core.runs.legend import CATEGORIES, NEUTRAL
from focus_ui.charts.component_files import component_from_files

FOLDER = Path(__file__).parent / "canvas"
PARTS = ("space", "paint", "histogram", "picture", "controls", "painter", "canvas", "hands")
"""Files of the canvas, in the order in which they are joined into one module."""

SCALE = {"light": ("#00282B", "#1C6663", "#45998E"), "dark": ("#D4FBF1", "#5FBFB2", "#26776F")}
"""From changed to unchanged on each background: one hue, none of an origin's, and what changed most stands out most."""

MARK, PLATE, WAY = "#E0356F", "#A3154A", "#7A5AA8"
"""The ring around a token, the plate of its name, on which white is readable, and the way that it went."""


_POINTS = component_from_files("focus_map_points", FOLDER, "points.js")
_CANVAS = component_from_files(
    "focus_map_canvas", FOLDER, "canvas.html", "canvas.css", *(f"{part}.js" for part in PARTS)
)


def _nothing() -> None:
    """Be there: a state of a component is kept only where something is called when it changes."""
    return


def map_canvas(*, key: str, points: bytes, data: Mapping[str, Any]) -> None:
    """Draw a map; its answers lie in ``st.session_state[key]`` as ``token``, ``selection`` and ``brush``."""
    fixed = {
        "categories": [{"label": category.label, "color": category.color} for category in CATEGORIES.values()],
        "neutral": NEUTRAL,
        "scale": {ground: list(stops) for ground, stops in SCALE.items()},
        "mark": MARK,
        "plate": PLATE,
        "way": WAY,
    }
    with st.container(gap=None):
        _CANVAS(
            key=key,
            data={**fixed, **data},
            on_token_change=_nothing,
            on_selection_change=_nothing,
            on_brush_change=_nothing,
        )
        _POINTS(key=f"{key}_points", data=points, height=1)


def answer(key: str, name: str) -> Mapping[str, Any]:
    """Return what the canvas said last."""
    state = st.session_state.get(key)
    said = state.get(name) if isinstance(state, Mapping) else None
    return said if isinstance(said, Mapping) else {}


def whole_numbers(values: Any, *, limit: int, below: int) -> tuple[int, ...]:
    """Return those of some values that are ids."""
    given: Sequence[Any] = values if isinstance(values, list) else []
    return tuple(v for v in given[:limit] if isinstance(v, int) and not isinstance(v, bool) and 0 <= v < below)
