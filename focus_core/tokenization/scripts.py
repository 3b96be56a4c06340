"""Name the one Unicode script of a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from fontTools import unicodedata as unicode_tables  # type: ignore[import-untyped]

NO_SCRIPT = frozenset({"Common", "Inherited", "Unknown"})
NEUTRAL_SCRIPTS = NO_SCRIPT | {"Special", "Byte"}
"""What a token's script is called where it tells nothing of its language."""


@lru_cache(maxsize=1 << 17)
def script_of_character(character: str) -> str:
    """Return the long Unicode name of a character's script ("Latin", "Han", "Common")."""
    return str(unicode_tables.script_name(unicode_tables.script(character), default="Unknown"))


def scripts_of_texts(texts: Sequence[str]) -> list[str]:
    """Return the script of the majority of characters of each text.

    Examples
    --------
    >>> scripts_of_texts(["naïve", "2024", "да!", ""])
    ['Latin', 'Common', 'Cyrillic', 'Common']
    """
    table = {c: script_of_character(c) for c in set().union(*texts)}
    return ["Latin" if text.isascii() and text.isalpha() else _majority(text, table) for text in texts]


def _majority(text: str, table: dict[str, str]) -> str:
    """Return the script of most characters."""
    names = [table[c] for c in text]
    return _first_most_common(n for n in names if n not in NO_SCRIPT) or _first_most_common(names) or "Common"


def _first_most_common(names: Iterable[str]) -> str:
    """Return the most frequent name, the first one of equals, or nothing."""
    ranked = Counter(names).most_common(1)
    return ranked[0][0] if ranked else ""
