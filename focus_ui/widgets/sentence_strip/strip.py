"""The strip of a sentence: two tokenizers above each other on the same characters, linked subword by subword.

Every text of a token has passed ``show_token`` and reaches the page as ``textContent``; nothing of it is markup.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from focus_core.analysis.sentence import Reading, Subword, Tokenization
from focus_core.analysis.token_alignment import Placed, Stretch
from focus_core.numerics.formats import count
from focus_core.runs.legend import ACCENT, CATEGORIES, SOURCE_ALONE, SOURCE_ONLY, UNKNOWN, Category, category_of
from focus_core.tokenization.display import WORD_START
from focus_ui.charts.component_files import component_from_files

_component = component_from_files("focus_sentence_strip", Path(__file__).parent, "strip.html", "strip.css", "strip.js")
HINT = (
    "Point at a subword (piece), or step through them with Tab and the arrow keys: what covers the same characters "
    "lights up. A click, or Enter, opens the token."
)
LOST = f"{UNKNOWN.label}: the characters are lost"
_RIGHT_TO_LEFT = frozenset({"R", "AL"})


def sentence_strip(reading: Reading, *, key: str) -> tuple[str, int] | None:
    """Draw a sentence in the pieces of both tokenizers."""
    result = _component(key=key, data=strip_data(reading), on_opened_change=lambda: None)
    return opened_token(getattr(result, "opened", None), reading)


def opened_token(event: Any, reading: Reading) -> tuple[str, int] | None:
    """Return what a click asks for, if it is a token of the sentence; a browser may send anything."""
    if not isinstance(event, dict) or event.get("side") not in ("source", "target"):
        return None
    side, wanted = str(event["side"]), event.get("id")
    ids = {subword.id for subword in getattr(reading, side).subwords}
    return (side, int(wanted)) if isinstance(wanted, int) and wanted in ids else None


def strip_data(reading: Reading) -> dict[str, Any]:
    """Return what the component draws, as JSON values."""
    n_source, n_target = len(reading.source.subwords), len(reading.target.subwords)
    return {
        "dir": direction(reading.text),
        "alt": f"The sentence in {count(n_source)} source tokens above {count(n_target)} target tokens",
        "hint": HINT,
        "colors": {"source": SOURCE_ONLY, "target": ACCENT},
        "legend": _legend(reading),
        "words": [[_stretch(reading, stretch) for stretch in word] for word in _words(reading)],
        "measures": _measures(reading.source, reading.target),
        "source": [_subword(p, "source") for p in reading.source.subwords],
        "target": [_subword(p, "target") for p in reading.target.subwords],
    }


def _legend(reading: Reading) -> list[dict[str, Any]]:
    """Return the names and colours in use; what is unknown has a frame as well."""
    used = {_category(subword).key for subword in (*reading.source.subwords, *reading.target.subwords)}
    return [
        {"label": c.label if c is not UNKNOWN else LOST, "color": c.color, "framed": c is UNKNOWN}
        for c in (*CATEGORIES.values(), SOURCE_ALONE, UNKNOWN)
        if c.key in used
    ]


def direction(text: str) -> str:
    """Return the direction of a text's first letter that has one.

    Examples
    --------
    >>> direction("سلام!"), direction("12 hello"), direction("")
    ('rtl', 'ltr', 'ltr')
    """
    kinds = (unicodedata.bidirectional(character) for character in text)
    return "rtl" if next((k for k in kinds if k in _RIGHT_TO_LEFT or k == "L"), "L") in _RIGHT_TO_LEFT else "ltr"


def _words(reading: Reading) -> Iterator[list[Stretch]]:
    """Yield stretches that stand together: a new line begins at a space where it can."""
    word: list[Stretch] = []
    for stretch in reading.stretches:
        if word and reading.text[stretch.start : stretch.start + 1].isspace():
            yield word
            word = []
        word.append(stretch)
    if word:
        yield word


def _stretch(reading: Reading, stretch: Stretch) -> dict[str, Any]:
    text = reading.text[stretch.start : stretch.end]
    letters = any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT | {"L"} for c in text)
    return {
        "columns": stretch.n_columns,
        "dir": direction(text if letters else reading.text),
        "source": [_block(reading, "source", placed) for placed in stretch.upper],
        "target": [_block(reading, "target", placed) for placed in stretch.lower],
    }


def _block(reading: Reading, side: str, placed: Placed) -> dict[str, Any]:
    return {
        "text": reading.shown(side, placed),
        "first": placed.first,
        "last": placed.last,
        "pieces": list(placed.block.subwords),
    }


def _subword(subword: Subword, side: str) -> dict[str, Any]:
    category = _category(subword)
    return {
        "id": subword.id,
        "label": subword.label,
        "short": _short(subword.label),
        "native": f"native form {subword.native}",
        "category": category.label,
        "color": category.color,
        "about": _about(subword, category, side),
        "unknown": subword.unknown,
        "links": list(subword.links),
    }


def _category(subword: Subword) -> Category:
    if subword.unknown:
        return UNKNOWN
    return category_of(subword.origin, subword.rule) if subword.origin else SOURCE_ALONE


def _short(label: str) -> str:
    """Return a token's label for little room: bytes as bare hexadecimal digits."""
    bare = label.removeprefix(WORD_START)
    if bare.startswith("<0x") and bare.endswith(">"):
        return " ".join(part.strip("<>")[2:] for part in bare.split("><"))
    return label


def _about(subword: Subword, category: Category, side: str) -> str:
    if subword.unknown:
        return LOST
    other = "source" if side == "target" else "target"
    parts = [category.label]
    if subword.partner >= 0:
        parts.append(f"{'from' if side == 'target' else 'to'} {other} #{subword.partner}")
    if subword.frequency is not None:
        parts.append(f"{count(subword.frequency)} times in the run's corpus")
    return " · ".join(parts)


def _measures(source: Tokenization, target: Tokenization) -> list[dict[str, Any]]:
    """Return the four numbers of either cut, and a bar for each, the longer one full."""
    old, new = source.measures, target.measures
    rows: list[tuple[str, str, tuple[float, float], str]] = [
        ("Tokens", "Fewer are faster, and leave more room in the context.", (old.n_tokens, new.n_tokens), "d"),
        ("Tokens per word", "Fertility: 1 is a token for every word.", (old.tokens_per_word, new.tokens_per_word), "f"),
        ("Continued words", "Words of two tokens or more.", (old.continued_words, new.continued_words), "%"),
        ("Characters per token", "Spaces counted.", (old.characters_per_token, new.characters_per_token), "f"),
    ]
    if old.n_unknown or new.n_unknown:
        rows.append(("Unknown tokens", "Characters that are lost.", (old.n_unknown, new.n_unknown), "d"))
    return [{"title": title, "meaning": meaning} | _bars(values, form) for title, meaning, values, form in rows]


def _bars(values: Sequence[float], form: str) -> dict[str, Any]:
    known = [value for value in values if not math.isnan(value)]
    longest = 1.0 if form == "%" else max(known, default=0.0) or 1.0
    return {
        side: {"text": _number(value, form), "share": 0.0 if math.isnan(value) else round(100 * value / longest, 2)}
        for side, value in zip(("source", "target"), values, strict=True)
    }


def _number(value: float, form: str) -> str:
    if math.isnan(value):
        return "–"
    return {"d": f"{value:.0f}", "f": f"{value:.2f}", "%": f"{100 * value:.0f} %"}[form]
