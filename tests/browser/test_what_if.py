"""Why these weights, in a real browser: the slider with keys alone, at once, narrow and dark; then the way back."""

from __future__ import annotations

import time

import pytest

from tests.toy_run import id_of

WAIT_MS = 60_000


@pytest.mark.parametrize(("scheme", "width"), [pytest.param("light", 1400, marks=pytest.mark.long), ("dark", 900)])
def test_a_lower_temperature_by_keys_and_back(user, toy, scheme, width):
    """``▁mkulima`` at T = 0.5, five steps of the slider below 1: its weights by hand are 0.7 and 0.3."""
    visitor = user(scheme=scheme, width=width)
    visitor.open("token", run="toy", token=id_of(toy, "▁mkulima"))
    visitor.page.get_by_text("These are the stored weights").wait_for(timeout=WAIT_MS)
    slider = visitor.page.locator(".st-key-what_if_settings").get_by_role("slider")
    slider.focus()
    begin = time.monotonic()
    for _ in range(5):  # 0.9, 0.8, 0.7, 0.6, 0.5
        visitor.page.keyboard.press("ArrowLeft")
    bars = visitor.page.locator('[class*="st-key-what_if_weights"]')
    bars.locator("text", has_text="0.700").first.wait_for(timeout=WAIT_MS)
    assert time.monotonic() - begin < 10, "a ceiling for a machine under load"
    assert "90 % of the weight stays" in visitor.page.locator('[data-testid="stMain"]').inner_text()
    main = visitor.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    visitor.page.get_by_role("radio", name="softmax").click()
    visitor.page.get_by_text("Softmax: no threshold").wait_for(timeout=WAIT_MS)
    visitor.page.get_by_role("button", name="Stored settings").click()
    visitor.page.get_by_text("These are the stored weights").wait_for(timeout=WAIT_MS)
