"""The one way to show a token: every token, whatever it holds, becomes a short, visible, harmless line.

A display text is never a key: two tokens may share one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

WORD_START = "▁"
"""Stands before a token that begins a word, whichever mark its own tokenizer uses."""

SPACE = "␣"
EMPTY = "<empty>"
ELLIPSIS = "…"
LIMIT = 80
MAX_MARKS = 4
"""Combining marks kept on one letter: Hebrew, Thai and Vietnamese need up to three, Tibetan four."""

ISOLATE_START, ISOLATE_END = "\u2068", "\u2069"
DOTTED_CIRCLE = "◌"

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn", "Zs", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Mc", "Me"})
_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\U000110bd\U000110cd")
"""Format characters with a shape of their own: the signs that enclose digits in Arabic, Syriac and Kaithi."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that count as letters, marks or symbols and show nothing."""

_MARKDOWN = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_JOINED = frozenset(":@.-<>~=")
_WORD_JOINER = "\u2060"
_PLOTLY = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def show_name(text: str, *, limit: int = LIMIT) -> str:
    """Return a name, a title or a line of text as one visible, harmless line in which spaces stay spaces."""
    return show_token(text, limit=limit).replace("␣", " ")


def show_token(text: str, *, word_start: bool = False, limit: int = LIMIT) -> str:
    r"""Return a token as one visible, harmless line.

    Parameters
    ----------
    text : str
        The token's readable text (column ``text`` of a run), or any other string from a user's file.
    word_start : bool, default=False
        Whether the token begins a word; shown as a leading ``▁``.
    limit : int, default=80
        Longest result in characters, the ellipsis included, the two invisible isolates not.

    Returns
    -------
    str
        Spaces as ``␣``; controls, invisible and unassigned characters as ``<U+202E>``; lone surrogates as
        ``\ud800``; at most four combining marks a letter; right-to-left text between isolates, so that it
        cannot reorder what stands beside it, its mark ``▁`` at its right; ``<empty>`` for an empty token.

    Notes
    -----
    Plain text, not yet safe inside markup: see `markdown_escape`, `plotly_escape`, `csv_safe`.

    Examples
    --------
    >>> show_token("habari", word_start=True)
    '▁habari'
    >>> show_token("a\u202eb c\n")
    'a<U+202E>b␣c<U+000A>'
    """
    if not text:
        return WORD_START if word_start else EMPTY
    shown = _shorten(_pieces(text), limit - word_start)
    if any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in shown):
        shown = f"{ISOLATE_START}{shown}{ISOLATE_END}"
    return mark_word_start(shown) if word_start else shown


def mark_word_start(shown: str) -> str:
    r"""Return a visible line with the mark of a word's start where its first letter is read.

    Parameters
    ----------
    shown : str
        From `show_token`.

    Returns
    -------
    str
        The mark stands inside the isolate of right-to-left text, so at its right; before any other text.

    Examples
    --------
    >>> mark_word_start("habari"), ascii(mark_word_start("\u2068\u0633\u2069"))
    ('▁habari', "'\\u2068\\u2581\\u0633\\u2069'")
    """
    if shown.startswith(ISOLATE_START):
        return f"{ISOLATE_START}{WORD_START}{shown[1:]}"
    return f"{WORD_START}{shown}"


def opens_word(shown: str) -> bool:
    """Return whether a line from `show_token` carries the mark of a word's start.

    Parameters
    ----------
    shown : str
        From `show_token`.

    Returns
    -------
    bool
        Also where the mark stands inside the isolate of right-to-left text.

    Examples
    --------
    >>> opens_word("▁habari"), opens_word("habari")
    (True, False)
    """
    return shown.removeprefix(ISOLATE_START).startswith(WORD_START)


def _pieces(text: str) -> Iterator[str]:
    """Yield what each character is shown as; marks beyond the fourth are counted, not shown."""
    marks, has_base = 0, False
    for character in text:
        if _is_mark(character):
            marks += 1
            if marks <= MAX_MARKS:
                yield character if has_base else DOTTED_CIRCLE + character
                has_base = True
            continue
        if marks > MAX_MARKS:
            yield f"<marks+{marks - MAX_MARKS}>"
        marks = 0
        shown = _show_character(character)
        has_base = shown == character
        yield shown
    if marks > MAX_MARKS:
        yield f"<marks+{marks - MAX_MARKS}>"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in _MARKS and character not in _BLANK


def _show_character(character: str) -> str:
    """Return one character other than a combining mark in its visible form."""
    if character == " ":
        return SPACE
    category = unicodedata.category(character)
    if category == "Cs":
        return f"\\u{ord(character):04x}"
    if character in _BLANK or (category in _HIDDEN_CATEGORIES and character not in _VISIBLE_FORMATS):
        return f"<U+{ord(character):04X}>"
    return character


def _shorten(pieces: Iterator[str], limit: int) -> str:
    """Join pieces up to a length, never cutting one; an ellipsis says that something is missing."""
    kept: list[str] = []
    length = 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > limit:
            break
    else:
        return "".join(kept)
    while kept and length > limit - len(ELLIPSIS):
        length -= len(kept.pop())
    return "".join(kept) + ELLIPSIS


def markdown_escape(text: str) -> str:
    r"""Return text that Markdown shows as it is, Streamlit's additions included.

    Parameters
    ----------
    text : str
        One line, best from `show_token`; line breaks become spaces.

    Returns
    -------
    str
        Every ASCII punctuation mark has a backslash. A word joiner (invisible, U+2060) follows those from which
        Streamlit builds emoji, icons, arrows and links after the backslashes are gone.

    Examples
    --------
    >>> markdown_escape("**x**")
    '\\*\\*x\\*\\*'
    """
    characters = " ".join(text.splitlines()) if len(text.splitlines()) > 1 else text.rstrip("\r\n")
    shown: list[str] = []
    for position, character in enumerate(characters):
        if character == "." and characters[max(0, position - 3) : position].lower() == "www":
            shown.append(_WORD_JOINER)  # a link needs no more than "www" and a dot beside it
        shown.append(f"\\{character}" if character in _MARKDOWN else character)
        if character in _JOINED and position + 1 < len(characters):
            shown.append(_WORD_JOINER)
    return "".join(shown)


def plotly_escape(text: str) -> str:
    """Return text that plotly shows as it is, instead of reading HTML-like tags or LaTeX.

    Parameters
    ----------
    text : str
        One line, best from `show_token`.

    Returns
    -------
    str
        ``&``, ``<``, ``>`` and ``$`` as entities.

    Examples
    --------
    >>> plotly_escape("<b>&")
    '&lt;b&gt;&amp;'
    """
    return text.translate(_PLOTLY)


def csv_safe(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    Parameters
    ----------
    text : str
        The cell; the csv module does the quoting.

    Returns
    -------
    str
        An apostrophe stands before a cell that begins with ``= + - @``, a tab, a line break, or the full-width
        forms of these signs.

    Examples
    --------
    >>> csv_safe("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
