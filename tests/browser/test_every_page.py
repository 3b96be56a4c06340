"""Every page, on a demo run and on one that was made from an uploaded text: its main control is used and answers.

And fifty hostile tokens on every page: nothing of them is run, fetched or followed.
"""

from __future__ import annotations

import re

import pytest

from pages.methods.available import USUAL
from scripts.app_browser import visit
from tests.browser.test_browser import PAGES, TEXT, WORDS, prepare_run, wait_for_title
from tests.toy_run import HOSTILE, id_of

WAIT_MS = 60_000
FRAGMENTS = ("<", "[", "$", ":", "=", "https")
"""Together they find most of the hostile tokens that a page could mistake for its own language."""

FORBIDDEN = "a[href*='example.org'], img[src*='example.org'], img[src='x'], h1 b, [data-testid='stMain'] script"


@pytest.fixture(scope="module")
def own(browser, address):
    """Return the id of a run that a user made from an uploaded text, in another browser than the tests' own."""
    with visit(browser, address) as visitor:
        start = prepare_run(visitor, TEXT)
        start.click()
        link = visitor.page.get_by_role("link", name="See the overlap").first
        link.wait_for(timeout=150_000)
        visitor.settle()
        link.click()
        wait_for_title(visitor, "Overlap")
        return re.search(r"run=([0-9a-f]{32})", visitor.page.url).group(1)


def words_of(visitor, test_id):
    return visitor.page.get_by_test_id(test_id).all_inner_texts()


def use_start(visitor):
    """Another token of the picture: its sum is written below."""
    picture = visitor.page.locator(".picture").first
    picture.locator(".picks button[aria-pressed='false']").first.click()
    chosen = picture.locator(".picks button[aria-pressed='true']").inner_text()
    assert picture.locator(".words").inner_text().startswith(f"Embedding of {chosen} =")


def use_learn(visitor):
    """The next chapter."""
    visitor.page.get_by_role("button", name=re.compile("Next|2")).first.click()
    visitor.page.wait_for_url("**chapter=2**", timeout=WAIT_MS)


def use_data(visitor):
    """Another sample language is read."""
    visitor.settle()  # a press while the page is still being drawn is lost
    before = words_of(visitor, "stMarkdown")
    visitor.page.get_by_role("radio", name="The current run, changed").click()
    visitor.settle()
    assert words_of(visitor, "stMarkdown") != before


def use_overlap(visitor):
    """Occurrences instead of entries: the bars say so to those who do not see them, too."""
    bars = visitor.page.locator("[aria-label^='Proportional bar']").first
    before = bars.get_attribute("aria-label")
    visitor.page.get_by_role("radio", name="corpus occurrences").click()
    visitor.settle()
    assert bars.get_attribute("aria-label") != before


def use_token(visitor):
    """The next token of the vocabulary."""
    before = re.search(r"token=(\d+)", visitor.page.url).group(1)
    visitor.page.get_by_role("button", name="Next", exact=True).click()
    visitor.page.wait_for_function("before => !location.search.includes(`token=${before}`)", arg=before)


def use_map(visitor):
    """Tokens are marked by a search."""
    visitor.page.locator(".focus-map canvas").first.wait_for(timeout=WAIT_MS)
    visitor.page.get_by_label("Mark tokens").fill("a")
    visitor.page.get_by_label("Mark tokens").press("Enter")
    visitor.page.get_by_text(re.compile(r"\d+ marked")).first.wait_for(timeout=WAIT_MS)


def use_train(visitor):
    """Curves change their unit; a run without a training says how to get one."""
    if visitor.page.get_by_role("radio", name="nats per token").count():
        visitor.page.get_by_role("radio", name="nats per token").click()
        visitor.page.get_by_text(re.compile("nats per")).first.wait_for(timeout=WAIT_MS)
    else:
        visitor.page.get_by_text("Train it further").first.wait_for(timeout=WAIT_MS)


def use_compare(visitor):
    """The report holds the run's checks."""
    assert visitor.page.get_by_text("FOC001").count() + visitor.page.get_by_text("FOC002").count() > 0
    visitor.page.get_by_text("Copy as report").first.wait_for(timeout=WAIT_MS)


def use_export(visitor):
    """The whole run as one page."""
    with visitor.page.expect_download(timeout=WAIT_MS) as found:
        visitor.page.get_by_role("button", name=re.compile("report", re.IGNORECASE)).first.click()
    assert found.value.path().read_bytes().lstrip().startswith(b"<!")


def use_methods(visitor):
    """A method is left out of the comparison: the estimate knows."""
    visitor.page.get_by_text(f"{len(USUAL)} methods chosen").wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.get_by_text("copy special tokens, give the rest the mean").click()
    visitor.page.get_by_text(f"{len(USUAL) - 1} methods chosen").wait_for(timeout=WAIT_MS)


USE = {
    "": use_start,
    "learn": use_learn,
    "data": use_data,
    "overlap": use_overlap,
    "token": use_token,
    "map": use_map,
    "train": use_train,
    "methods": use_methods,
    "compare": use_compare,
    "export": use_export,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("which", ["trained", pytest.param("uploaded", marks=pytest.mark.long)])
def test_the_main_control_answers(user, request, which, name):
    run = request.getfixturevalue("own") if which == "uploaded" else which
    visitor = user()
    visitor.open(name, run=run)
    visitor.page.locator("h1").first.wait_for(timeout=WAIT_MS)
    if name != "token":
        assert WORDS[name] in visitor.page.locator("h1").first.inner_text()
    USE[name](visitor)
    visitor.settle()
    assert f"run={run}" in visitor.page.url


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", PAGES)
def test_hostile_tokens_do_nothing_beside_any_page(user, name):
    """The search is beside every page; its hits are links that hold tokens."""
    visitor = user()
    visitor.open(name, run="toy")
    box = visitor.page.get_by_role("searchbox", name="Find a token", exact=True)
    for fragment in FRAGMENTS:
        box.fill(fragment)
        visitor.page.locator("[data-testid='stSidebar'] a", has_text=fragment).first.wait_for(timeout=WAIT_MS)
        assert visitor.page.locator(FORBIDDEN).count() == 0
    visitor.settle()
    assert visitor.page.locator(FORBIDDEN).count() == 0


@pytest.mark.timeout(170)
@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.long)])
def test_fifty_hostile_tokens_on_their_own_page(user, toy, half):
    """From one to the next, as one would leaf through them."""
    hostile = {id_of(toy, token) for token in HOSTILE}
    first = sorted(hostile)[:50][25 * half]
    visitor = user()
    visitor.open("token", run="toy", token=first)
    for target in range(first, first + 25):
        visitor.page.wait_for_url(f"**token={target}", timeout=WAIT_MS)
        visitor.settle()  # the address is written first: until the page stands, Next still leads to where one is
        visitor.page.locator("h1").first.wait_for(timeout=WAIT_MS)
        assert target in hostile
        assert visitor.page.locator(FORBIDDEN).count() == 0
        visitor.page.get_by_role("button", name="Next", exact=True).click()
    visitor.settle()


def test_a_private_run_is_opened_by_its_address_and_listed_for_nobody_else(user, own):
    """The same view for whoever holds the link; a browser that was not given it finds the run nowhere."""
    holder, stranger = user(), user()
    holder.open("overlap", run=own)
    assert "Overlap" in holder.page.locator("h1").first.inner_text()
    assert holder.page.locator("[data-testid='stPlotlyChart']").count() >= 2
    stranger.open("")
    stranger.settle()
    assert own not in stranger.page.content()
    links = stranger.page.locator("a").evaluate_all("all => all.map(a => a.href)")
    assert not [link for link in links if own in link]
