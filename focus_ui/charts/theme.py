"""The one colour legend of the app, its words, and how numbers are written.

Owns the seven categories of rows and the look of the methods. Imports no streamlit. The colours are readable on the
light and on the dark background and apart for colour-blind eyes (`tests/unit/focus_ui/charts/test_theme.py`
holds both); every chart also writes the category's name, so colour never stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from focus_core.types import MethodName, Origin, Rule


@dataclass(frozen=True, kw_only=True)
class Category:
    """Where a row came from, as the user sees it."""

    key: str
    label: str
    color: str
    badge: str
    meaning: str


CATEGORIES: Mapping[str, Category] = {
    category.key: category
    for category in (
        Category(
            key="exact",
            label="copied: exact",
            color="#1C5FD0",
            badge="blue",
            meaning="The source vocabulary has the very same token; its row is copied bit for bit.",
        ),
        Category(
            key="fuzzy",
            label="copied: fuzzy",
            color="#3B9AD9",
            badge="primary",
            meaning="The same but for upper or lower case or the space before it; the row is copied.",
        ),
        Category(
            key="special",
            label="copied: special",
            color="#B23A9E",
            badge="violet",
            meaning="A control token of the same role, whatever its name; the row is copied.",
        ),
        Category(
            key="symbol",
            label="copied: symbol",
            color="#1F7F57",
            badge="green",
            meaning="A number, punctuation or white space, under the match mode for symbols; the row is copied.",
        ),
        Category(
            key="user",
            label="copied: your map",
            color="#87592F",
            badge="yellow",
            meaning="A pair of your own map; the row is copied.",
        ),
        Category(
            key="combined",
            label="combined",
            color="#D5700B",
            badge="orange",
            meaning="A weighted mean of source rows: of shared tokens used alike (FOCUS), or of its own pieces.",
        ),
        Category(
            key="fallback",
            label="fallback",
            color="#8C8C8C",
            badge="gray",
            meaning="Neither copied nor combined: the row is drawn or averaged, as the method or an option says.",
        ),
    )
}
"""Every category by its key, in the order of the legend."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """An initialisation method, as a chart draws it."""

    key: str
    label: str
    color: str
    dash: str = "solid"


METHOD_LOOKS: Mapping[str, Method] = {
    method.key: method
    for method in (
        Method(key=MethodName.FOCUS, label="FOCUS", color="#D5700B"),
        Method(key=MethodName.SCRIPT, label="script-wise", color="#1C5FD0", dash="dash"),
        Method(key=MethodName.SUBWORD_MEAN, label="subword mean", color="#3B9AD9", dash="dot"),
        Method(key=MethodName.OVERLAP, label="overlap only", color="#1F7F57", dash="dashdot"),
        Method(key=MethodName.MULTIVARIATE_NORMAL, label="multivariate normal", color="#B23A9E", dash="longdash"),
        Method(key=MethodName.MEAN, label="mean", color="#87592F", dash="longdashdot"),
        Method(key=MethodName.RANDOM, label="random", color="#8C8C8C", dash="dot"),
    )
}
"""Every method by its name, in the order of every chart; the colours are the legend's own, in charts of their own."""

NEUTRAL = "#8C8C8C"
ACCENT = "#D5700B"
SOURCE_ONLY = "#A9B2C0"
SOURCE_ALONE = Category(
    key="source",
    label="in the source alone",
    color=SOURCE_ONLY,
    badge="gray",
    meaning="A source token that no target token is a copy of.",
)
UNKNOWN = Category(
    key="unknown",
    label="unknown here",
    color="#C8323C",
    badge="red",
    meaning="The tokenizer has no token for these characters: they are lost.",
)
"""Of pieces of a sentence: what no row of the target came from, and what stands for characters that are lost."""
STATUS_COLORS = {"passed": "green", "warning": "yellow", "problem": "red", "not applicable": "gray"}
"""Of verdicts of checks, by the names of badges."""
LIGHT_INK, DARK_INK = "#FFFFFF", "#0B0E14"
"""Text on a coloured area; see `ink_on`."""


def category_of(origin: str, rule: str) -> Category:
    """Return the category of a row."""
    if origin == Origin.COPIED:
        return CATEGORIES[rule if rule in CATEGORIES else Rule.EXACT.value]
    return CATEGORIES[origin]


def method_of(name: str) -> Method:
    """Return how a method is drawn; one that is not ours is grey and keeps its name."""
    return METHOD_LOOKS.get(name) or Method(key=name, label=name[:40], color=NEUTRAL)


def ink_on(color: str) -> str:
    """Return the colour of text that reads best on a colour: white or nearly black.

    Examples
    --------
    >>> ink_on("#1C5FD0"), ink_on("#D5700B")
    ('#FFFFFF', '#0B0E14')
    """
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return LIGHT_INK if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0545 else DARK_INK
