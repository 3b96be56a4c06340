"""The Token page in a real browser: flow, clicks, walk, suggestions, columns; hostile tokens do nothing."""

from __future__ import annotations

import re

import pytest

from tests.toy_run import id_of, source_id_of

WAIT_MS = 60_000
FLOW = '[data-testid="stEChartsChart"]'


def as_flow(visitor):
    """Switch to the flow and wait until it is drawn."""
    visitor.page.get_by_role("radio", name="flow").click()
    visitor.page.locator(f"{FLOW} text").first.wait_for(timeout=WAIT_MS)
    visitor.settle()


def label(visitor, text):
    return visitor.page.locator(f"{FLOW} text", has_text=text).first


@pytest.mark.parametrize(("scheme", "width"), [pytest.param("light", 1440, marks=pytest.mark.long), ("dark", 900)])
def test_a_click_on_the_flow_leads_to_the_source_token_and_on_to_what_it_feeds(user, toy, scheme, width):
    visitor = user(scheme=scheme, width=width)
    visitor.open("token", run="toy", token=id_of(toy, "▁mkulima"))
    as_flow(visitor)
    assert "farmer 0.60" in visitor.page.locator(FLOW).get_attribute("aria-label")
    fill = label(visitor, "farmer").evaluate("e => getComputedStyle(e).fill")
    brightness = sum(map(int, re.findall(r"\d+", fill)[:3])) / 3
    assert brightness > 128 if scheme == "dark" else brightness < 150, "readable on its background"
    label(visitor, "market").click()
    visitor.page.get_by_text("What it feeds").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert f"source={source_id_of(toy, '▁market')}" in visitor.page.url
    label(visitor, "mkulima").click()
    visitor.page.get_by_role("heading", name="Made of").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert "source=" not in visitor.page.url, "and the clicks are not followed again"
    assert f"token={id_of(toy, '▁mkulima')}" in visitor.page.url
    main = visitor.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_next_problem_by_keys_alone(user, toy):
    visitor = user()
    visitor.open("token", run="toy", token=id_of(toy, "▁mkulima"))
    before = visitor.page.url
    visitor.page.get_by_role("button", name="Next problem").focus()
    visitor.page.keyboard.press("Enter")
    box = visitor.page.locator(".st-key-token_problem")
    box.get_by_text("1 of").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.url != before
    visitor.page.get_by_role("button", name="Next problem").focus()
    visitor.page.keyboard.press("Enter")
    box.get_by_text("2 of").wait_for(timeout=WAIT_MS)
    assert "What to do" in box.inner_text()


def test_a_misspelt_token_in_the_address_leads_to_the_right_one(user, toy):
    visitor = user()
    visitor.open("token", run="toy", token="mkulmia")
    visitor.page.get_by_text("Did you mean").wait_for(timeout=WAIT_MS)
    visitor.page.get_by_role("link", name="mkulima").first.click()
    visitor.page.get_by_text("Why these weights").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert f"token={id_of(toy, '▁mkulima')}" in visitor.page.url


def test_the_picture_of_training_stands_beside_the_baselines(user):
    visitor = user(width=2500)
    visitor.open("token", run="trained")
    row = visitor.page.locator(".st-key-token_neighbours")
    row.wait_for(timeout=WAIT_MS)
    lists = [
        row.get_by_text(name, exact=True).first.bounding_box() for name in ("Kept", "Lost", "Gained", "Mean embedding")
    ]
    assert len({round(box["y"]) for box in lists}) == 1, "in one line where the page is wide"
    assert "Training shown" in visitor.page.locator('[data-testid="stMain"]').inner_text()


MARK_AND_LETTERS = """heading => {
    const node = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT).nextNode(), text = node.data;
    const box = (from, to) => {
        const range = document.createRange();
        range.setStart(node, from);
        range.setEnd(node, to);
        return range.getBoundingClientRect();
    };
    const place = text.indexOf("▁");
    return [box(place, place + 1).left, box(place + 1, text.length).right, box(place + 1, text.length).left];
}"""


def test_the_mark_of_a_words_start_stands_where_its_first_letter_is_read(user, toy):
    """Left of a Latin word, right of an Arabic one."""
    visitor = user()
    visitor.open("token", run="toy", token=id_of(toy, "▁mkulima"))
    mark, _, first = visitor.page.locator("h1").first.evaluate(MARK_AND_LETTERS)
    assert mark < first
    visitor.open("token", run="toy", token=id_of(toy, "▁الأطفال"))
    mark, last, _ = visitor.page.locator("h1").first.evaluate(MARK_AND_LETTERS)
    assert mark >= last - 1


def test_hostile_tokens_do_nothing(user, toy):
    """Tags, images, links and Markdown of tokens are text: no request leaves, no script runs (see the fixture)."""
    texts = toy.column("tokens", "text")
    hostile = [next(i for i, t in enumerate(texts) if sign in t) for sign in ("![", "<img", ":material")]
    visitor = user()
    for target in hostile:
        visitor.open("token", run="toy", token=target)
        main = visitor.page.locator('[data-testid="stMain"]')
        main.get_by_text(f"#{target}").first.wait_for(timeout=WAIT_MS)
        assert main.locator("img:not([alt='Logo'])").count() == 0
