"""A thin proportional bar in the colours of the legend, for places where a chart would be too much."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from focus_ui.charts.theme import CATEGORIES, count, percent

_CSS = """
.bar { display: flex; height: 10px; border-radius: 5px; overflow: hidden; gap: 1px;
  background: var(--st-background-color); }
.bar span { display: block; min-width: 2px; }
"""

_JS = """
export default function ({ data, parentElement }) {
  const bar = parentElement.querySelector('.bar');
  bar.setAttribute('aria-label', data.alt);
  bar.replaceChildren(...data.parts.map((part) => {
    const piece = document.createElement('span');
    piece.style.flex = `${part.n} 0 0`;
    piece.style.background = part.color;
    piece.title = part.label;
    return piece;
  }));
}
"""

_component = st.components.v2.component("focus_lab_bar", html='<div class="bar" role="img">\n</div>', css=_CSS, js=_JS)


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
    alt = "Where rows come from: " + "; ".join(str(part["label"]) for part in parts)
    _component(key=key, data={"parts": parts, "alt": alt})
