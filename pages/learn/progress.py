"""Solved chapters outlive a reload: the browser keeps their numbers in a cookie of its own.

The component shows nothing. What a session takes from the cookie, `focus_ui.session.state` reads. Decision 0027.
"""

from __future__ import annotations

from pathlib import Path

from focus_ui.charts.component_files import component_from_files
from focus_ui.session import state
from focus_ui.shell.browser_script import KEEP_S

_component = component_from_files("focus_lab_learnt", Path(__file__).parent, "progress.js")


def keep_learnt() -> None:
    """Let the browser keep which chapters are solved; what another tab of it has kept stays."""
    solved = sorted(state.learnt())
    data = {"cookie": state.LEARNT_COOKIE, "mark": state.owner_mark(), "solved": solved, "keep": KEEP_S}
    _component(key="_keep_learnt", data=data, height="content")
