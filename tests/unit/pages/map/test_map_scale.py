"""The scale of neighbours kept: seen on both backgrounds, in order for colour-blind eyes, no colour of an origin."""

import math

import numpy as np
import pytest

from focus_core.runs.legend import CATEGORIES
from pages.map.component import SCALE
from tests.unit.focus_ui.charts.test_theme import CONFIG, VISION, contrast, lab, linear


def steps(scheme, n=9):
    """Return colours along the scale in linear RGB, mixed as the canvas mixes them: in sRGB."""
    stops = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in SCALE[scheme]])
    at = np.linspace(0, len(stops) - 1, n)
    mixed = np.column_stack([np.interp(at, range(len(stops)), stops[:, i]) for i in range(3)])
    return ["#" + "".join(f"{round(v):02X}" for v in color) for color in mixed]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_step_shows_on_the_map(scheme):
    """WCAG 2.2, 1.4.11: graphics need a contrast of 3; the panes are the ground with 2.8 % of the text's colour."""
    ground, text = (
        [int(CONFIG["theme"][scheme][name][i : i + 2], 16) for i in (1, 3, 5)]
        for name in ("backgroundColor", "textColor")
    )
    panel = "#" + "".join(f"{round(g + 0.028 * (t - g)):02X}" for g, t in zip(ground, text, strict=True))
    assert min(contrast(color, panel) for color in steps(scheme)) >= 3.0


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("scheme", "sign"), [("light", 1), ("dark", -1)])
def test_it_goes_one_way_in_lightness_for_every_eye(scheme, sign, vision):
    light = [lab(np.clip(VISION[vision] @ linear(color), 0, 1))[0] for color in steps(scheme)]
    assert np.all(sign * np.diff(light) > 2), light
    assert abs(light[-1] - light[0]) > 35


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_blue_and_orange_mean_origins_alone(scheme):
    for key in ("exact", "fuzzy", "combined", "fallback"):
        origin = lab(linear(CATEGORIES[key].color))
        assert min(math.dist(lab(linear(color)), origin) for color in steps(scheme)) > 25, key
