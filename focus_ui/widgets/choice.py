"""Choices among a few things: a list that shows names, and a row of buttons of which one is pressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

BOX_PX = 420


def choose(label: str, names: Mapping[str, str], key: str, *, place: Any = st, **options: Any) -> str | None:
    """Draw a list of keys by their names; return the chosen key."""
    chosen: str | None = place.selectbox(
        label, list(names), format_func=lambda name: names.get(name, name), key=key, **({"width": BOX_PX} | options)
    )
    return chosen


def switch(label: str, values: Sequence[str], key: str, *, default: str | None = None, **options: Any) -> str:
    """Draw values side by side, one of them pressed; it stays pressed on every page."""
    # In a card the row would scroll, which hides the last value: it wraps instead.
    chosen = st.segmented_control(
        label, values, default=default, required=True, key=key, persist_state="session", **({"wrap": True} | options)
    )
    return str(chosen or default or values[0])
