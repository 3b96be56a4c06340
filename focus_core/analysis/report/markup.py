"""HTML from values: every text and every attribute is escaped here, nowhere else.

Owns elements and tables. Refuses to know what stands in them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from focus_core.errors import bad_input

VOID = frozenset({"meta"})
"""Elements without an end."""

SILENT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
"""Characters that HTML does not allow."""


class Markup(str):
    """Text that is HTML already: what `tag` made. Everything else is escaped when it becomes part of an element."""


def text(value: object) -> Markup:
    """Return a value as text inside an element; markup stays as it is.

    Examples
    --------
    >>> text("<b>&")
    '&lt;b&gt;&amp;'
    """
    if isinstance(value, Markup):
        return value
    plain = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return Markup(html.escape(SILENT.sub(lambda found: f"\\x{ord(found.group()):02x}", plain), quote=True))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Its name; a fixed word.
    *children : object
        What stands in it, from left to right; what is not markup is escaped.
    **attributes : object
        Its attributes; an underscore stands for a hyphen, one at the end is dropped, ``None`` leaves one out.

    Returns
    -------
    Markup
        The element.

    Raises
    ------
    InvalidInputError
        If an element without an end is given children.

    Examples
    --------
    >>> tag("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        if children:
            raise bad_input(name, expected="no children", got=str(len(children)), remedy="give attributes alone")
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[object]) -> Markup:
    """Return parts one after the other, each escaped unless it is markup."""
    return Markup("".join(text(part) for part in parts))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()) -> Markup:
    """Return a table."""

    def cells(name: str, row: Sequence[object]) -> Markup:
        return tag("tr", *(tag(name, cell, class_="n" if i in numbers else None) for i, cell in enumerate(row)))

    body = tag("tbody", *(cells("td", row) for row in rows))
    return tag("div", tag("table", tag("thead", cells("th", head)), body), class_="scroll", tabindex="0")


def section(title: str, *parts: object, key: str) -> Markup:
    """Return a part of the report under a heading."""
    return tag("section", tag("h2", title), *parts, id=key)


def note(*parts: object) -> Markup:
    """Return small print."""
    return tag("p", *parts, class_="note")
