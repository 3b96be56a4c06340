"""HTML from values: every text and every attribute is escaped here, nowhere else."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from focus_core.tokenization.display import show_token

SILENT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
"""Characters that HTML does not allow."""


def text(value: object) -> Markup:
    """Return a value as text inside an element; markup stays as it is.

    Examples
    --------
    >>> print(text("<b>&"))
    &lt;b&gt;&amp;
    """
    if isinstance(value, Markup):
        return value
    plain = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return Markup(html.escape(SILENT.sub(lambda found: f"\\x{ord(found.group()):02x}", plain), quote=True))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """Return an element; of a name, an underscore is a hyphen, one at the end is dropped, and ``None`` leaves it out.

    Examples
    --------
    >>> print(tag("p", "a < b", class_="note"))
    <p class="note">a &lt; b</p>
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{''.join(map(text, children))}</{name}>")


def name_of(value: object, limit: int = 80) -> str:
    """Return a name that a user chose, as one visible line."""
    return show_token(str(value), limit=limit).replace("␣", " ")


class _Unbroken(Extension):
    """Joins the lines of a template: how its file is laid out is no text of the page."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return "".join(line.strip() for line in source.splitlines())


@cache
def _templates() -> Environment:
    """Return the templates; what they write passes `text`, and a name that nothing was given for is an error."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=text,
        extensions=[_Unbroken],
    )
    templates.filters["name"] = name_of
    return templates


def render(template: str, **values: Any) -> str:
    """Return a template of the report with values in it; a value that it names and was not given is an error."""
    return _templates().get_template(template).render(values)
