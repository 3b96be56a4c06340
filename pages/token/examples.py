"""The corpus lines that hold a token, the token marked."""

from __future__ import annotations

import unicodedata

import streamlit as st

from focus_core.analysis.provenance.explanation import Explanation
from focus_core.analysis.provenance.occurrence import find_occurrence
from focus_core.numerics.formats import count
from focus_core.runs.legend import category_of
from focus_core.tokenization.display import ISOLATE_END, ISOLATE_START, markdown_escape, show_token
from focus_core.types import TokenKind

MAX_CHARACTERS = 400
ZERO_WIDTH_JOINER = "\u200d"


def example_lines(explanation: Explanation) -> None:
    """Draw the corpus lines that hold a token; say so where it occurs and the run kept none."""
    if not explanation.examples and not explanation.frequency:
        return
    st.header("In the corpus", anchor=False)
    if not explanation.examples:
        st.caption(f"It occurs {count(explanation.frequency or 0)} ×. No line with it was kept with this run.")
    color = category_of(explanation.origin, explanation.rule).badge
    for line in explanation.examples:
        st.markdown(
            marked_line(line, explanation.text, color=color, kind=explanation.kind, word_start=explanation.word_start)
        )


def marked_line(line: str, text: str, *, color: str, kind: str = TokenKind.NORMAL, word_start: bool = False) -> str:
    """Return a corpus line as Markdown, the place where a token fits best marked.

    Examples
    --------
    >>> marked_line("Habari ya leo", "ya", color="orange", word_start=True)
    'Habari :orange-background[**ya**] leo'
    """
    place = find_occurrence(line, text, kind=kind, word_start=word_start)
    if place is None:
        return _isolated(markdown_escape(_readable(line)), line)
    before, after = (_joiner(line, at) for at in (place.start, place.stop))
    head, found, tail = (
        markdown_escape(_readable(part)) for part in (line[: place.start], line[place], line[place.stop :])
    )
    marked = f"{before}{found}{after}"
    return _isolated(f"{head}{before}:{color}-background[**{marked}**]{after}{tail}", line)


def _joiner(line: str, at: int) -> str:
    """Return what keeps two Arabic letters in their joined shapes where a mark begins or ends between them."""
    beside = line[max(0, at - 1) : at + 1]
    joined = 0 < at < len(line) and all(unicodedata.bidirectional(c) == "AL" and c.isalpha() for c in beside)
    return ZERO_WIDTH_JOINER if joined else ""


def _readable(line: str) -> str:
    """Make what cannot be seen visible, but keep plain spaces; the isolates come back around the whole line."""
    shown = show_token(line, limit=MAX_CHARACTERS) if line else ""
    return shown.replace("␣", " ").replace(ISOLATE_START, "").replace(ISOLATE_END, "")


def _isolated(markdown: str, line: str) -> str:
    """Put a line that `show_token` would isolate between isolates."""
    isolated = show_token(line, limit=MAX_CHARACTERS).startswith(ISOLATE_START)
    return f"{ISOLATE_START}{markdown}{ISOLATE_END}" if isolated else markdown
