"""The picture on the Start page, drawn by the browser: one component, its look and its moves.

Every text reaches it as data and is set as text, never as HTML; colours of the page come from the theme, those of
origins from the legend. The numbers are those of `pages.start.picture`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from focus_ui.charts.component_files import component_from_files

_component = component_from_files("focus_lab_start", Path(__file__).parent, "drawing.html", "drawing.css", "drawing.js")


def draw_picture(picture: Mapping[str, Any], *, key: str) -> tuple[int | None, int | None, int | None]:
    """Draw the picture, and return what the reader did in it."""
    tokens = {token["id"]: token for token in picture["tokens"]}
    asked = _value(st.session_state.get(key), "token")
    chosen = asked if asked in tokens else next(iter(tokens), None)
    result = _component(
        key=key,
        data={**picture, "chosen": chosen},
        on_token_change=lambda: None,
        on_open_change=lambda: None,
        on_source_change=lambda: None,
    )
    opened, source = (_value(result, name) for name in ("open", "source"))
    sources = {anchor["id"] for token in tokens.values() for anchor in token["anchors"]}
    return chosen, opened if opened in tokens else None, source if source in sources else None


def _value(state: object, name: str) -> int | None:
    """Return a number that the browser sent; anything else is none."""
    value = state.get(name) if isinstance(state, Mapping) else None
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
