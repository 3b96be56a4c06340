"""The legend: colours seen on both backgrounds and told apart by colour-blind eyes; numbers in words."""

import itertools
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest

from focus_core.runs import legend
from focus_core.runs.legend import CATEGORIES, category_of
from focus_core.types import Origin, Rule

CONFIG = tomllib.loads((Path(__file__).parents[4] / ".streamlit" / "config.toml").read_text("utf-8"))
VISION = {
    "normal": np.eye(3),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "tritanopia": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
"""Machado, Oliveira & Fernandes 2009, severity 1, for linear RGB."""


def linear(color):
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """Return the contrast of WCAG 2: (brighter + 0.05) / (darker + 0.05)."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (first, second))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    x, y, z = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz / [0.9505, 1.0, 1.0888])
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_the_measure_of_contrast_is_right():
    """Black on white is 21 by definition."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("key", CATEGORIES)
def test_colours_show_on_both_backgrounds(scheme, key):
    """WCAG 2.2, 1.4.11: graphics need a contrast of 3."""
    assert contrast(CATEGORIES[key].color, CONFIG["theme"][scheme]["backgroundColor"]) >= 3.0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_shows_on_both_backgrounds(scheme):
    """WCAG 2.2, 1.4.3: text needs a contrast of 4.5."""
    colors = CONFIG["theme"][scheme]
    for background in ("backgroundColor", "secondaryBackgroundColor"):
        for name in ("textColor", "linkColor", "blueTextColor", "violetTextColor", "greenTextColor", "orangeTextColor"):
            assert contrast(colors[name], colors[background]) >= 4.5, (name, background)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_grey_text_shows_too(scheme):
    colors = CONFIG["theme"][scheme]
    for background in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(colors["grayTextColor"], colors[background]) >= 4.5, background


def mixed(top, under, share):
    """Return a colour laid over another with some opacity."""
    parts = [share * int(top[i : i + 2], 16) + (1 - share) * int(under[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(part):02X}" for part in parts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_captions_show(scheme):
    """Streamlit draws a caption in the text's colour at 60 %."""
    colors = CONFIG["theme"][scheme]
    for background in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(mixed(colors["textColor"], colors[background], 0.6), colors[background]) >= 4.5, background


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_white_can_be_read_on_the_accent(scheme):
    """The words of a primary button: WCAG 2.2, 1.4.3."""
    assert contrast("#FFFFFF", CONFIG["theme"][scheme]["primaryColor"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("background", ["backgroundColor", "secondaryBackgroundColor"])
def test_the_accent_shows_on_both_backgrounds(scheme, background):
    """The area of a button, the ring of the focus, a slider: WCAG 2.2, 1.4.11."""
    colors = CONFIG["theme"][scheme]
    assert contrast(colors["primaryColor"], colors[background]) >= 3.0


@pytest.mark.parametrize(("scheme", "least"), [("light", 4.5), ("dark", 3.6)])
def test_the_accent_as_words_is_as_bright_as_white_on_it_allows(scheme, least):
    """A chosen segment is written in the accent on a tint of it; on the dark ground nothing reaches 4.5 as both."""
    colors = CONFIG["theme"][scheme]
    assert contrast(colors["primaryColor"], mixed(colors["primaryColor"], colors["backgroundColor"], 0.1)) >= least


def test_what_is_written_on_a_colour_shows():
    """Pieces of bars and pictures carry words: white or nearly black, whichever reads better."""
    areas = [category.color for category in CATEGORIES.values()] + [legend.SOURCE_ONLY, legend.ACCENT, legend.NEUTRAL]
    for color in areas:
        inks = {ink: contrast(ink, color) for ink in (legend.LIGHT_INK, legend.DARK_INK)}
        assert inks[legend.ink_on(color)] == max(inks.values())
        assert max(inks.values()) >= 4.5, color


@pytest.mark.parametrize("vision", VISION)
def test_colours_can_be_told_apart(vision):
    """A distance of 2.3 in CIELAB is just noticeable; neighbours in a bar need several times that."""
    seen = {key: lab(VISION[vision] @ linear(c.color)) for key, c in CATEGORIES.items()}
    for first, second in itertools.combinations(seen, 2):
        assert math.dist(seen[first], seen[second]) > 12, (vision, first, second)


def test_the_settings_use_the_same_colours():
    colors = [c.color for c in CATEGORIES.values()]
    for scheme in ("light", "dark"):
        assert CONFIG["theme"][scheme]["chartCategoricalColors"] == colors


def test_every_row_has_a_category():
    for origin, rule in itertools.product(Origin, Rule):
        category = category_of(origin, rule)
        assert category.key in CATEGORIES
        if origin != Origin.COPIED:
            assert category.key == origin
        elif rule != Rule.NONE:
            assert category.key == rule


def test_labels_are_distinct_and_badges_are_too():
    assert len({c.label for c in CATEGORIES.values()}) == len(CATEGORIES)
    assert len({c.badge for c in CATEGORIES.values()}) == len(CATEGORIES)


def test_what_is_computed_has_the_accent():
    assert CATEGORIES["combined"].color == legend.ACCENT


def test_no_rerun_ends_with_a_full_collection():
    """It holds Python's lock for some 100 ms while the rerun's last messages wait to be sent."""
    assert CONFIG["runner"]["postScriptGC"] is False
