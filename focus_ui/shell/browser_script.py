"""What no widget offers: a browser knows its runs again, keys for the search, a page is read from its top.

One component without a picture of its own, drawn on every page, and the cookie that holds the owner's secret: it goes
to this server alone (``SameSite=Strict``), is never part of an address, and names nothing but a random number. Decision
0024.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from focus_ui.charts.component_files import component_from_files
from focus_ui.session import state

KEY = "_frame_script"
KEEP_S = 180 * 24 * 3600
"""How long a browser keeps the owner's secret after its last visit."""
QUERY_LENGTH = 80
"""Hexadecimal digits of a query in a key."""

_component = component_from_files("focus_lab_frame", Path(__file__).parent, "browser_script.js")


def hits_key(query: str) -> str:
    """Return the key of what the search found: the browser tells by it whether the answer is that to its query."""
    typed = query.encode("utf-8", "replace").hex()
    return f"search_hits_{len(typed)}_{typed[-QUERY_LENGTH:]}"


def frame_script() -> None:
    """Let the browser keep the owner's secret, listen for the keys of the frame, and begin at the top."""
    _component(
        key=KEY,
        data={
            "cookie": state.OWNER_COOKIE,
            "secret": state.owner(),
            "keep": KEEP_S,
            "digits": QUERY_LENGTH,
            "replace": state.has_forgotten(),
            "page": _page(),
            "view": state.count_view(),
            "job": state.chosen_job(),
        },
        height="content",
        on_owner_change=lambda: state.adopt_owner(getattr(st.session_state[KEY], "owner", None)),
    )


def _page() -> str:
    """Return which page is drawn; data that stay alike would not be sent to the browser again."""
    context = get_script_run_ctx()
    return context.page_script_hash if context is not None else ""
