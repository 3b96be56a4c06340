"""A button that copies a link: of what is on the screen, or of a run.

The address is the browser's own; nothing in it is written on the page. One deed of a reader is one step of the
browser's history, however often the address changes until the page stands; what is moved by and by, such as a slider,
is none: the way back leads to what one looked at before. Decision 0027.
"""

from __future__ import annotations

from pathlib import Path

from focus_ui.charts.component_files import component_from_files
from focus_ui.session import state

_component = component_from_files(
    "focus_lab_copy_link", Path(__file__).parent, "copy_link.html", "copy_link.css", "copy_link.js"
)


def copy_link(
    key: str, *, query: str | None = None, label: str = "Copy link", help_text: str = "", wide: bool = False
) -> None:
    """Draw the button."""
    data = {"query": query, "label": label, "help": help_text, "wide": wide, "moved": list(state.MOVED_PARAMS)}
    _component(key=key, data=data, width="stretch" if wide else "content")
