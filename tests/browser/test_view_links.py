"""A copied link opens the same view in another browser; turning a slider adds no history; Learn remembers."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from focus_core.runs.folder import open_run
from focus_ui.session.state import LEARNT_COOKIE
from pages.learn.lessons.chapters import CHAPTERS
from tests.browser.test_learn_page import answers, give
from tests.browser.test_map_page import FIND, open_map
from tests.toy_run import id_of

WAIT_MS = 60_000


@pytest.fixture(scope="session")
def trained(folder):
    """Return the trained toy, a demo run."""
    return open_run(folder / "demo" / "trained")


def copied_link(visitor):
    """Copy the link of the view, as one would."""
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.page.get_by_role("button", name="Copy link of this view").click()
    visitor.page.get_by_text("Link copied").wait_for(timeout=WAIT_MS)
    return visitor.page.evaluate("navigator.clipboard.readText()")


def parameters(address):
    return {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}


def has_in_address(visitor, part):
    visitor.page.wait_for_function("part => location.search.includes(part)", arg=part, timeout=WAIT_MS)


def slider(visitor):
    return visitor.page.locator(".st-key-what_if_settings").get_by_role("slider")


def turn_to_a_half(visitor):
    """Turn the temperature down by keys, faster than the server answers."""
    visitor.page.get_by_text("These are the stored weights").wait_for(timeout=WAIT_MS)
    slider(visitor).focus()
    for _ in range(5):  # 0.9, 0.8, 0.7, 0.6, 0.5
        visitor.page.keyboard.press("ArrowLeft")
    visitor.page.get_by_text("90 % of the weight stays").wait_for(timeout=WAIT_MS)
    has_in_address(visitor, "temperature=0.5")
    visitor.settle()


def test_other_weights_travel_with_the_link(user, toy):
    """``▁mkulima`` at T = 0.5: its weights by hand are 0.7 and 0.3."""
    visitor = user()
    visitor.open("token", run="toy", token=id_of(toy, "▁mkulima"))
    turn_to_a_half(visitor)
    said = visitor.page.get_by_text("What if:").inner_text()
    link = copied_link(visitor)
    assert parameters(link) == {"run": "toy", "token": str(id_of(toy, "▁mkulima")), "temperature": "0.5"}
    guest = user(width=900, scheme="dark")
    guest.page.goto(link)
    guest.page.get_by_text("90 % of the weight stays").wait_for(timeout=WAIT_MS)
    guest.settle()
    assert guest.page.get_by_text("What if:").inner_text() == said
    assert slider(guest).get_attribute("aria-valuetext") == slider(visitor).get_attribute("aria-valuetext")
    assert guest.page.url == link
    guest.page.get_by_role("button", name="Stored settings").click()
    guest.page.get_by_text("These are the stored weights").wait_for(timeout=WAIT_MS)
    guest.page.wait_for_function("() => !location.search.includes('temperature')", timeout=WAIT_MS)


def test_turning_a_slider_leaves_the_way_back_as_it_was(user, toy):
    visitor = user()
    visitor.open("token", run="toy", token=id_of(toy, "▁nyumba"))
    visitor.page.get_by_text("These are the stored weights").wait_for(timeout=WAIT_MS)
    visitor.page.get_by_role("button", name="Next", exact=True).click()
    has_in_address(visitor, f"token={id_of(toy, '▁nyumba') + 1}")
    visitor.open("token", run="toy", token=id_of(toy, "▁mkulima"))
    before = visitor.page.evaluate("history.length")
    turn_to_a_half(visitor)
    assert visitor.page.evaluate("history.length") == before
    visitor.page.go_back()
    has_in_address(visitor, f"token={id_of(toy, '▁nyumba') + 1}")


def test_one_step_back_for_every_page_that_was_opened(user):
    visitor = user()
    visitor.open("", run="toy")
    pages = ("overlap", "token", "compare")
    for page in pages:
        before = visitor.page.evaluate("history.length")
        visitor.page.locator(f'[data-testid="stSidebarNav"] a[href*="/{page}"]').click()
        visitor.page.wait_for_url(f"**/{page}*", timeout=WAIT_MS)
        visitor.settle()
        assert visitor.page.evaluate("history.length") == before + 1
    for page in reversed(("", *pages[:-1])):
        visitor.page.go_back()
        visitor.page.wait_for_function("page => location.pathname === `/${page}`", arg=page, timeout=WAIT_MS)
        visitor.settle()


def test_the_axes_of_the_map_travel_with_the_link(user, trained):
    visitor = user(width=900)
    open_map(visitor)
    visitor.page.get_by_role("combobox", name="Layout").click()
    visitor.page.get_by_role("option", name="Cosine to two tokens").click()
    visitor.page.get_by_text("nothing was projected").wait_for(timeout=WAIT_MS)
    visitor.settle()
    for name, formula, title in (
        ("x", "mkulima - maziwa", "cosine to ▁mkulima − ▁maziwa"),
        ("y", f"#{id_of(trained, '▁nyumba')} + farmer", "cosine to ▁nyumba + ▁farmer"),
    ):
        box = visitor.page.get_by_role("searchbox", name=f"{name}: cosine to")
        box.fill(formula)
        box.press("Enter")
        visitor.page.wait_for_function(f"() => {FIND}.points?.axes?.includes('{title}')", timeout=WAIT_MS)
        has_in_address(visitor, f"{name}=")
        visitor.settle()
    drawn = visitor.page.evaluate(f"() => {FIND}.points.axes")
    link = copied_link(visitor)
    assert parameters(link)["x"] == "mkulima - maziwa"
    guest = user()
    guest.page.goto(link)
    guest.page.wait_for_function(f"() => {FIND}?.points?.axes", timeout=WAIT_MS)
    guest.settle()
    assert guest.page.evaluate(f"() => {FIND}.points.axes") == drawn
    for name in "xy":
        label = f"{name}: cosine to"
        there, here = (v.page.get_by_role("searchbox", name=label).input_value() for v in (guest, visitor))
        assert there == here
    assert parameters(guest.page.url) == parameters(link)


def test_a_solved_chapter_is_solved_after_a_reload_and_two_tabs_agree(user, trained):
    visitor = user()
    visitor.open("learn", run="trained", chapter=2)
    tab = visitor.page.context.new_page()
    tab.goto(f"{visitor.address}/learn?run=trained&chapter=3")
    tab.get_by_text("0 of 8 tasks solved").wait_for(timeout=WAIT_MS)
    give(visitor, CHAPTERS[1].task(trained), answers(CHAPTERS[1].task(trained))[0])
    visitor.page.get_by_text("1 of 8 tasks solved").wait_for(timeout=WAIT_MS)
    visitor.page.wait_for_function(f"() => document.cookie.includes('{LEARNT_COOKIE}=')", timeout=WAIT_MS)
    (cookie,) = [c for c in visitor.page.context.cookies() if c["name"] == LEARNT_COOKIE]
    assert cookie["sameSite"] == "Strict"
    assert cookie["value"].endswith(".2")
    visitor.page.reload()
    visitor.page.get_by_text("1 of 8 tasks solved").wait_for(timeout=WAIT_MS)
    assert "solved" not in visitor.page.url
    first, visitor.page = visitor.page, tab
    visitor.settle()
    give(visitor, CHAPTERS[2].task(trained), answers(CHAPTERS[2].task(trained))[0])
    tab.wait_for_function("() => / *focus_lab_learnt=[0-9a-f]{8}\\.2-3/.test(document.cookie)", timeout=WAIT_MS)
    visitor.page = first
    first.reload()
    first.get_by_text("2 of 8 tasks solved").wait_for(timeout=WAIT_MS)
    visitor.settle()
    guest = user()
    guest.open("learn", run="trained", chapter=2)
    guest.page.get_by_text("0 of 8 tasks solved").wait_for(timeout=WAIT_MS)
