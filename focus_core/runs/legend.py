"""The one legend of origins, rules and methods: their keys, words, colours and dashes, wherever they are shown.

The colours are readable on the light and on the dark background and apart for colour-blind eyes
(`tests/unit/focus_ui/charts/test_theme.py` holds both); whatever is drawn in them also writes the name, so colour never
stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from focus_core.types import MethodName, Origin, Rule


@dataclass(frozen=True)
class Category:
    """Where a row came from, as the user sees it.

    Parameters
    ----------
    key : str
        Its name in data.
    label : str
        Its name on a page.
    color : str
        ``#RRGGBB``.
    badge : str
        The colour of a badge, by a theme's name.
    meaning : str
        One sentence.
    """

    key: str
    label: str
    color: str
    badge: str
    meaning: str


@dataclass(frozen=True)
class Method:
    """An initialisation method, as a chart draws it.

    Parameters
    ----------
    key : str
        Its name in data.
    label : str
        Its name on a page.
    color : str
        ``#RRGGBB``.
    dash : str
        The dashes of its line, by plotly's name.
    strokes : str or None
        The same as lengths of strokes and gaps, as SVG has them; ``None`` for an unbroken line. Plotly has fewer names
        than there are methods, so that only here no two are alike.
    """

    key: str
    label: str
    color: str
    dash: str = "solid"
    strokes: str | None = None


NEUTRAL, ACCENT, SOURCE_ONLY = "#8C8C8C", "#D5700B", "#A9B2C0"

# fmt: off
CATEGORIES: Mapping[str, Category] = {category.key: category for category in (
    Category("exact", "copied: exact", "#1C5FD0", "blue",
             "The source vocabulary has the same token; its embedding is copied bit for bit, unless a rank cut it."),
    Category("fuzzy", "copied: fuzzy", "#3B9AD9", "primary",
             "The same but for upper or lower case or the space before it; the embedding is copied."),
    Category("special", "copied: special", "#B23A9E", "violet",
             "A control token of the same type, whatever its name; the embedding is copied."),
    Category("symbol", "copied: symbol", "#1F7F57", "green",
             "A number, punctuation or white space, under the match mode for symbols; the embedding is copied."),
    Category("user", "copied: your map", "#87592F", "yellow",
             "A pair of your own map; the embedding is copied."),
    Category("combined", "combined", ACCENT, "orange",
             "A weighted sum of source embeddings; the method says of which, and how they are weighed."),
    Category("fallback", "fallback", NEUTRAL, "gray",
             "Neither copied nor combined: the embedding is drawn or averaged, as the method or an option says."),
)}
"""Every category by its key, in the order of the legend."""

METHOD_LOOKS: Mapping[str, Method] = {method.key: method for method in (
    Method(str(MethodName.FOCUS), "FOCUS", ACCENT),
    Method(str(MethodName.SCRIPT), "script-wise", "#1C5FD0", "dash", "9 5"),
    Method(str(MethodName.SUBWORD_MEAN), "subword mean", "#3B9AD9", "dot", "2 4"),
    Method(str(MethodName.ASYMMETRIC_MEAN), "asymmetric mean", "#3B9AD9", "longdash", "16 4"),
    Method(str(MethodName.MERGE), "merge", "#3B9AD9", "dash", "6 2"),
    Method(str(MethodName.ALIGN), "align", "#3B9AD9", "dashdot", "10 3 2 3"),
    Method(str(MethodName.JOINT_FOCUS), "joint FOCUS", ACCENT, "dash", "9 3"),
    Method(str(MethodName.UNIBRIDGE), "UniBridge", "#1C5FD0", "dash", "4 2"),
    Method(str(MethodName.TOKALIGN), "TokAlign", "#1C5FD0", "dot", "2 6"),
    Method(str(MethodName.WECHSEL), "WECHSEL", "#B23A9E", "dash", "7 3"),
    Method(str(MethodName.TIK_TO_TOK), "Tik-to-Tok", "#87592F", "dot", "3 3"),
    Method(str(MethodName.DICTIONARY_REMOVAL), "dictionary removal", "#1C5FD0", "dashdot", "11 3 3 3"),
    Method(str(MethodName.TRANS_TOKENIZATION), "Trans-Tokenization", "#3B9AD9", "dash", "5 3"),
    Method(str(MethodName.RAMEN), "RAMEN", "#B23A9E", "dashdot", "12 3 2 3"),
    Method(str(MethodName.CLP), "CLP", "#B23A9E", "dash", "8 4"),
    Method(str(MethodName.CLP_PLUS), "CLP+", "#B23A9E", "dot", "2 5"),
    Method(str(MethodName.OMP), "OMP", "#87592F", "dash", "6 4"),
    Method(str(MethodName.INTERPOLATION), "interpolation", "#87592F", "dot", "3 5"),
    Method(str(MethodName.SALT), "SALT", "#B23A9E", "dashdot", "8 3 3 3"),
    Method(str(MethodName.OFA), "OFA", "#1F7F57", "dash", "10 6"),
    Method(str(MethodName.UNKS_EVERYWHERE), "UNKs Everywhere", "#1F7F57", "dot", "3 2"),
    Method(str(MethodName.RIDGE), "ridge map", "#3B9AD9", "dashdot", "10 2 3 2"),
    Method(str(MethodName.CONSTRAINED_WORD2VEC), "constrained Word2Vec", "#B23A9E", "dot", "5 5"),
    Method(str(MethodName.VOCADT), "VocADT", "#1C5FD0", "dot", "4 3"),
    Method(str(MethodName.TOKEN_DISTILLATION), "Token Distillation", "#87592F", "dash", "4 4"),
    Method(str(MethodName.OVERLAP), "overlap only", "#1F7F57", "dashdot", "9 4 2 4"),
    Method(str(MethodName.MULTIVARIATE_NORMAL), "multivariate normal", "#B23A9E", "longdash", "14 5"),
    Method(str(MethodName.MEAN), "mean", "#87592F", "longdashdot", "14 4 2 4"),
    Method(str(MethodName.RANDOM), "random", NEUTRAL, "dot", "2 3"),
)}
"""Every method by its name, in the order of every chart; the colours are the legend's own, in charts of their own."""

SOURCE_ALONE = Category("source", "in the source alone", SOURCE_ONLY, "gray",
                        "A source token that no target token is a copy of.")
UNKNOWN = Category("unknown", "unknown here", "#C8323C", "red",
                   "The tokenizer has no token for these characters: they are lost.")
# fmt: on
"""Of subwords of a sentence: what no embedding of the target came from, and what stands for lost characters."""

LIGHT_INK, DARK_INK = "#FFFFFF", "#0B0E14"
"""Text on a coloured area; see `ink_on`."""


def category_of(origin: str, rule: str) -> Category:
    """Return the category of a row.

    Parameters
    ----------
    origin : str
        Its `Origin`.
    rule : str
        The `Rule` that matched it; looked at for copied rows alone.

    Returns
    -------
    Category
        One of `CATEGORIES`; a copied row whose rule is none of the legend's counts as exact.

    Raises
    ------
    KeyError
        If the origin is none.
    """
    if origin == Origin.COPIED:
        return CATEGORIES[rule if rule in CATEGORIES else Rule.EXACT.value]
    return CATEGORIES[origin]


def method_of(name: str) -> Method:
    """Return how a method is drawn.

    Parameters
    ----------
    name : str
        Of a method, or what a file calls one.

    Returns
    -------
    Method
        One of `METHOD_LOOKS`; one that is not ours is grey and keeps its name.
    """
    return METHOD_LOOKS.get(name) or Method(name, name[:40], NEUTRAL)


def ink_on(color: str) -> str:
    """Return the colour of text that reads best on a colour: white or nearly black.

    Parameters
    ----------
    color : str
        ``#RRGGBB``.

    Returns
    -------
    str
        `LIGHT_INK` or `DARK_INK`.

    Examples
    --------
    >>> ink_on("#1C5FD0"), ink_on("#D5700B")
    ('#FFFFFF', '#0B0E14')
    """
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return LIGHT_INK if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0545 else DARK_INK
