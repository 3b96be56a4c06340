"""How a report looks, and what a browser lets it do.

The style sheet, ``templates/style.css``, has a class a colour of the legend.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from focus_core.runs.legend import CATEGORIES, METHOD_LOOKS, NEUTRAL, SOURCE_ONLY


def _colors() -> str:
    """Return a class a colour: one to fill with, one to draw with."""
    pairs = [(f"k-{key}", category.color) for key, category in CATEGORIES.items()]
    pairs += [(f"m-{key}", method.color) for key, method in METHOD_LOOKS.items()]
    pairs += [("m-other", NEUTRAL), ("k-other", SOURCE_ONLY)]
    fills = "".join(f".{name} {{ fill: {color}; }}\n" for name, color in pairs)
    return fills + "".join(f".s-{name} {{ stroke: {color}; }}\n" for name, color in pairs)


_LAYOUT = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
STYLE = Markup(f"\n{_LAYOUT}{_colors()}")
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
"""No script, no request, no style but the one inside."""


def method_class(method: str) -> str:
    """Return the class of a method's colour; one that is not ours is grey."""
    return f"m-{method}" if method in METHOD_LOOKS else "m-other"
