"""Where a token stands in a line of the corpus, bytes included.

A line is looked at as text and not tokenized, so the place that is found is one where the token fits, by its own
characters and by whether it begins a word.
"""

from __future__ import annotations

import re

from focus_core.types import TokenKind

_SPELT_BYTE = re.compile("<0x([0-9A-F]{2})>")


def bytes_of(text: str) -> bytes:
    r"""Return the bytes that the readable text of a byte token stands for.

    Examples
    --------
    >>> bytes_of("<0xE0><0xA4>a")
    b'\xe0\xa4a'
    """
    parts = _SPELT_BYTE.split(text)
    return b"".join(bytes([int(part, 16)]) if place % 2 else part.encode() for place, part in enumerate(parts))


def find_occurrence(line: str, text: str, *, kind: str = TokenKind.NORMAL, word_start: bool = False) -> slice | None:
    """Find the place in a line where a token fits best.

    Parameters
    ----------
    line : str
        A line of the corpus.
    text : str
        The token's readable text.
    kind : str, default="normal"
        Its kind; the bytes of a byte token are looked for in the line's UTF-8.
    word_start : bool, default=False
        Whether it begins a word.

    Returns
    -------
    slice or None
        The characters that hold the token, for bytes those they are part of. The first place that begins a word as
        the token does, else the first one in the same case, else in any; ``None`` where there is none.

    Examples
    --------
    >>> find_occurrence("nyaya ya leo", "ya", word_start=True)
    slice(6, 8, None)
    >>> find_occurrence("nyaya ya leo", "ya")
    slice(1, 3, None)
    """
    if not text.strip():
        return None
    if kind == TokenKind.BYTE:
        return _find_bytes(line, bytes_of(text))
    places = _places(line, text) or _places(line.casefold(), text.casefold(), of=line)
    fitting = (at for at in places if _opens_word(line, at) == word_start)
    first = next(fitting, places[0] if places else None)
    return None if first is None else slice(first, first + len(text))


def _places(line: str, text: str, *, of: str = "") -> list[int]:
    """Return every place of a text; none where case-folding has moved the characters of the line."""
    if of and (len(line) != len(of) or not text):
        return []
    return [match.start() for match in re.finditer(f"(?={re.escape(text)})", line)]


def _opens_word(line: str, at: int) -> bool:
    return at == 0 or not (line[at - 1].isalnum() or line[at - 1] == "_")


def _find_bytes(line: str, content: bytes) -> slice | None:
    """Return the characters whose UTF-8 holds some bytes, at the first place."""
    raw = line.encode("utf-8", errors="surrogatepass")
    at = raw.find(content) if content else -1
    if at < 0:
        return None
    ends, total = [], 0
    for character in line:
        total += len(character.encode("utf-8", errors="surrogatepass"))
        ends.append(total)
    first = next(place for place, end in enumerate(ends) if end > at)
    last = next(place for place, end in enumerate(ends) if end >= at + len(content))
    return slice(first, last + 1)
