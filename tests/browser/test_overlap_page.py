"""The Overlap page in a real browser: linked pieces by pointer and by keys, right to left, narrow and dark."""

from __future__ import annotations

import pytest

from tests.hostile_tokens import WITHOUT_SURROGATES
from tests.toy_run import id_of

WAIT_MS = 60_000


def piece(visitor, side, label):
    return visitor.page.get_by_role("button", name=f"{side} token {label}, id").first


def lit(visitor):
    """Return the pieces that are lit, as (side, id); waits until some are."""
    visitor.page.locator(".strip .piece.on").first.wait_for(timeout=WAIT_MS)
    return set(
        visitor.page.locator(".strip .piece.on").evaluate_all("all => all.map(b => b.dataset.side + b.dataset.id)")
    )


def test_pointing_at_a_piece_lights_what_covers_the_same_characters(user, toy):
    """The source reads mkulima as its mark (16), the unknown token (3) and the letter a (21)."""
    visitor = user()
    visitor.open("overlap", run="toy", text="mkulima farmer")
    new = id_of(toy, "▁mkulima")
    piece(visitor, "target", "▁mkulima").hover()
    assert lit(visitor) == {f"target{new}", "source16", "source3", "source21"}
    assert f"#{new}" in visitor.page.locator(".strip .card").inner_text()
    piece(visitor, "target", "▁mkulima").click()
    visitor.page.get_by_role("heading", name="▁mkulima").first.wait_for(timeout=WAIT_MS)
    assert f"token={new}" in visitor.page.url


@pytest.mark.parametrize(("scheme", "width"), [pytest.param("light", 2500, marks=pytest.mark.long), ("dark", 900)])
def test_by_keys_alone(user, toy, scheme, width):
    visitor = user(scheme=scheme, width=width)
    visitor.open("overlap", run="toy", text="mkulima farmer")
    piece(visitor, "target", "▁mkulima").focus()
    visitor.page.keyboard.press("ArrowRight")
    assert lit(visitor) == {"target5", "source5"}
    visitor.page.keyboard.press("ArrowUp")
    assert visitor.page.evaluate("document.activeElement.shadowRoot.activeElement.dataset.side") == "source"
    main = visitor.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("heading", name="▁farmer").first.wait_for(timeout=WAIT_MS)
    assert "source=5" in visitor.page.url


def test_what_is_typed_is_read_at_once_and_stands_in_the_address(user):
    visitor = user()
    visitor.open("overlap", run="toy")
    visitor.page.get_by_role("textbox", name="Sentence").fill("market rain")
    piece(visitor, "target", "▁rain").wait_for(timeout=WAIT_MS)
    visitor.page.wait_for_function("location.search.includes('market')")
    visitor.page.reload()
    piece(visitor, "target", "▁rain").wait_for(timeout=WAIT_MS)


def test_right_to_left_is_drawn_from_the_right(user):
    visitor = user()
    visitor.open("overlap", run="toy", text="سلام الأطفال")
    words = visitor.page.locator(".strip .word")
    words.nth(1).wait_for(timeout=WAIT_MS)
    first, second = (words.nth(i).bounding_box() for i in range(2))
    assert second["x"] + second["width"] <= first["x"]


def test_hostile_sentences_become_text(user):
    """No markup, no request: the fixture fails on any request that leaves this machine."""
    visitor = user()
    visitor.open("overlap", run="toy", text=" ".join(t for t in WITHOUT_SURROGATES if "<" in t)[:300])
    visitor.page.locator(".strip .piece").first.wait_for(timeout=WAIT_MS)
    assert visitor.page.locator(".strip img, .strip script, .strip a, .strip b:not(.line b)").count() == 0


def test_a_list_a_bar_and_chips_filter_the_table(user):
    """The toy: 1 control token matched by type; 28 of 135 tokens in both vocabularies."""
    visitor = user()
    visitor.open("overlap", run="toy", text="farmer")
    visitor.page.get_by_role("button", name="Control tokens matched by type").click()
    visitor.page.get_by_text("1 token", exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert "list=specials-by-role" in visitor.page.url
    chips = visitor.page.locator(".st-key-overlap_chips")
    chips.get_by_role("button", name="Control tokens matched by type").click()
    visitor.page.get_by_text("135 tokens", exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()
    bars = visitor.page.locator('[data-testid="stPlotlyChart"]').first
    bars.locator(".bars .point").nth(1).click(force=True)
    visitor.page.get_by_text("28 tokens", exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.locator(".st-key-overlap_note").get_by_role("link", name="Go to the table").click()
    top = "document.getElementById('tokens').getBoundingClientRect().top"
    visitor.page.wait_for_function(f"Math.abs({top}) < innerHeight / 2")
    visitor.page.reload()
    visitor.page.get_by_text("28 tokens", exact=True).wait_for(timeout=WAIT_MS)
    chips.get_by_role("button", name="in both vocabularies").click()
    visitor.page.get_by_text("135 tokens", exact=True).wait_for(timeout=WAIT_MS)
