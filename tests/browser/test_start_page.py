"""Start in a real browser: one live picture, other tokens, ways on, and a gallery that reads at every width."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from focus_core.analysis.provenance.explain import explain_token
from focus_core.runs.tokens import showcase
from tests.browser.test_frame import secret_of
from tests.pages.frame import own_run

WAIT_MS = 60_000


def picture(visitor):
    found = visitor.page.locator(".st-key-picture svg")
    found.wait_for(timeout=WAIT_MS)
    visitor.settle()
    return found


@pytest.mark.parametrize(
    ("scheme", "width"),
    [("light", 900), *(pytest.param(*more, marks=pytest.mark.long) for more in (("dark", 1440), ("light", 2500)))],
)
def test_the_picture_is_drawn_whole_at_every_width(user, toy, scheme, width):
    visitor = user(scheme=scheme, width=width)
    visitor.open()
    drawn = picture(visitor)
    explained = explain_token(toy, showcase(toy)[0])
    assert "28 shared" in drawn.get_attribute("aria-label")
    anchors = drawn.get_by_role("link", name=re.compile("^Source token"))
    assert anchors.count() == min(6, len(explained.contributors))
    box = drawn.bounding_box()
    for place in range(anchors.count()):
        inner = anchors.nth(place).bounding_box()
        assert box["x"] <= inner["x"]
        assert inner["x"] + inner["width"] <= box["x"] + box["width"]
        assert box["y"] <= inner["y"]
        assert inner["y"] + inner["height"] <= box["y"] + box["height"]
    main = visitor.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    first = drawn.evaluate("e => getComputedStyle(e.querySelector('text')).fill")
    brightness = sum(map(int, re.findall(r"\d+", first)[:3])) / 3
    assert brightness < 90 if scheme == "light" else brightness > 180


def test_another_token_is_shown_at_once_and_its_anchors_lead_to_their_pages(user, toy):
    second = explain_token(toy, showcase(toy)[1])
    visitor = user()
    visitor.open()
    drawn = picture(visitor)
    words = visitor.page.locator(".st-key-picture .words")
    pick = visitor.page.locator(".st-key-picture").get_by_role("button", name=second.display, exact=True)
    pick.click()
    assert words.inner_text().startswith(f"Embedding of {second.display} = {second.contributors[0].weight:.2f} ×")
    visitor.page.locator(f'.st-key-picture a[href*="token={second.id}"]').first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert pick.get_attribute("aria-pressed") == "true"
    anchor = drawn.get_by_role("link", name=re.compile("^Source token")).first
    anchor.focus()
    assert f"weight {second.contributors[0].weight:.3f}" in words.inner_text()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(re.compile("/token"), timeout=WAIT_MS)
    visitor.settle()
    assert f"source={second.contributors[0].source_id}" in visitor.page.url
    assert f"token={second.id}" in visitor.page.url


def test_the_picture_is_saved_as_a_whole_and_harmless_file(user, tmp_path):
    visitor = user(scheme="dark")
    visitor.open()
    picture(visitor)
    with visitor.page.expect_download() as started:
        visitor.page.get_by_role("button", name="Save as SVG").click()
    path = tmp_path / "picture.svg"
    started.value.save_as(path)
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(path.read_text("utf-8")).iter()}
    assert tags == {"svg", "g", "rect", "path", "text"}


def test_cards_stand_beside_each_other_or_below_and_open_their_run(user, runs, toy):
    visitor = user(width=900)
    visitor.open()
    job = own_run(secret_of(visitor)["value"], toy.path, title="![x](https://example.org/x.png)")
    visitor.open()
    place = visitor.page.locator(f".st-key-run_card_{job.id}")
    place.wait_for(timeout=WAIT_MS)
    assert "![x](https://example.org/x.png)" in place.inner_text().replace("\u2060", "")
    assert place.locator("img").count() == 0
    assert place.get_by_role("img", name=re.compile("copied: exact: 27")).count() == 1
    place.get_by_role("button", name="Open", exact=True).click()
    place.get_by_text("current").wait_for(timeout=WAIT_MS)
    assert f"run={job.id}" in visitor.page.url
