"""A thin proportional bar in the colours of the legend, for places where a chart would be too much."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from focus_core.numerics.formats import count, percent
from focus_core.runs.legend import CATEGORIES
from focus_ui.charts.component_files import component_from_files

_component = component_from_files(
    "focus_lab_bar", Path(__file__).parent, "origin_bar.html", "origin_bar.css", "origin_bar.js"
)


def origins_bar(sizes: Mapping[str, int], *, key: str) -> None:
    """Draw where the rows of a run come from."""
    whole = sum(sizes.values()) or 1
    parts = [
        {
            "n": size,
            "color": CATEGORIES[name].color,
            "label": f"{CATEGORIES[name].label}: {count(size)}, {percent(size / whole)}",
        }
        for name, size in sizes.items()
    ]
    alt = "Where embeddings come from: " + "; ".join(str(part["label"]) for part in parts)
    _component(key=key, data={"parts": parts, "alt": alt})
