"""What only a browser shows: pages drawn light and dark, clicks on charts, keys, uploads, a run from end to end."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError

from scripts.app_browser import serve
from tests.toy_run import id_of, source_id_of

WAIT_MS = 60_000
"""A busy machine is slow; none of these waits is long on an idle one."""

PAGES = ("", "learn", "data", "overlap", "token", "map", "train", "methods", "compare", "export")
WORDS = {
    "": "A new vocabulary",
    "learn": "Learn",
    "data": "Data and run",
    "overlap": "Overlap",
    "token": "▁",
    "map": "Map",
    "train": "Train",
    "methods": "Methods",
    "compare": "Compare",
    "export": "Check and export",
}


def heading(page):
    return page.locator("h1").first


def click_bar(visitor, chart, place):
    """Click the middle of one bar of a chart."""
    bars = visitor.page.locator('[data-testid="stPlotlyChart"]').nth(chart).locator(".barlayer .point path")
    bars.nth(place).wait_for(timeout=WAIT_MS)
    box = bars.nth(place).bounding_box()
    visitor.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def wait_for_title(visitor, text):
    visitor.page.locator("h1", has_text=text).first.wait_for(timeout=WAIT_MS)
    visitor.settle()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_drawn(user, name, scheme):
    visitor = user(scheme=scheme)
    visitor.open(name)
    assert WORDS[name] in heading(visitor.page).inner_text()
    color = visitor.page.locator('[data-testid="stApp"]').evaluate("e => getComputedStyle(e).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", color)[:3])) / 3
    assert brightness > 200 if scheme == "light" else brightness < 60


@pytest.mark.parametrize("width", [900, pytest.param(1600, marks=pytest.mark.long)])
def test_no_page_is_wider_than_its_window(user, width):
    visitor = user(width=width)
    for name in PAGES:
        visitor.open(name)
        main = visitor.page.locator('[data-testid="stMain"]')
        assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1, name


WATCH = """
  window.seen = {lost: false, bare: false};
  const look = () => {
    const text = document.body ? document.body.innerText : '';
    if (/page not found/i.test(text)) window.seen.lost = true;
    const heading = document.querySelector('[data-testid="stMain"] h1');
    if (heading && !document.querySelector('[data-testid="stSidebar"]')) window.seen.bare = true;
  };
  new MutationObserver(look).observe(document, {childList: true, subtree: true, characterData: true});
"""
"""Notes, at every change of the document, whether it ever said that a page is lost, or showed one without its frame."""


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        pytest.param("token", {"run": "toy", "token": "▁mkulima"}, "▁mkulima", marks=pytest.mark.long),
        ("overlap", {"run": "trained"}, "Overlap"),
        pytest.param("learn", {"run": "toy", "chapter": "3"}, "Learn", marks=pytest.mark.long),
    ],
    ids=["a token", "a run", "a chapter"],
)
def test_a_link_is_the_first_thing_a_fresh_server_is_asked_for(
    user, environment, toy, tmp_path, name, parameters, words
):
    """Twice, by two users: the framed page, no "Page not found", not even for a moment; decision 0030."""
    if "token" in parameters:
        parameters = {**parameters, "token": id_of(toy, parameters["token"])}
    with serve(tmp_path, environment) as fresh:
        for _ in range(2):
            visitor = user(address=fresh)
            visitor.page.add_init_script(WATCH)
            visitor.open(name, **parameters)
            assert words in heading(visitor.page).inner_text()
            assert visitor.page.get_by_role("link", name="Check and export").count() >= 1
            assert visitor.page.evaluate("window.seen") == {"lost": False, "bare": False}


def test_from_start_to_a_token_to_what_feeds_it(user, toy):
    visitor = user()
    visitor.open()
    visitor.page.get_by_role("link", name="Everything about this token").click()
    wait_for_title(visitor, "▁")
    assert "token=" in visitor.page.url
    click_bar(visitor, 0, 0)
    visitor.page.locator("p", has_text="It feeds").wait_for(timeout=WAIT_MS)
    assert "source=" in visitor.page.url
    visitor.page.get_by_role("link", name="Back to the target token looked at last").click()
    visitor.page.get_by_text("Formula").wait_for(timeout=WAIT_MS)
    assert "source=" not in visitor.page.url


def test_a_click_on_the_overlap_filters_and_a_row_opens_its_token(user):
    visitor = user()
    visitor.open("overlap")
    visitor.page.get_by_text("135 tokens", exact=True).wait_for(timeout=WAIT_MS)
    click_bar(visitor, 0, 1)  # the piece "in both"
    visitor.page.get_by_text("28 tokens", exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()
    table = visitor.page.locator('[data-testid="stDataFrame"]').first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    visitor.page.mouse.click(box["x"] + 18, box["y"] + 35 + 18)  # the first row's own box
    visitor.page.get_by_text("Formula").wait_for(timeout=WAIT_MS)
    assert "/token" in visitor.page.url


def test_the_search_answers_as_one_types_and_works_with_keys_alone(user, toy):
    visitor = user()
    visitor.open("overlap")
    box = visitor.page.get_by_role("searchbox", name="Find a token", exact=True)
    box.focus()
    visitor.page.keyboard.type("mkuli", delay=30)
    visitor.page.get_by_role("link", name="mkulima").wait_for(timeout=WAIT_MS)
    visitor.settle()
    for _ in range(6):
        visitor.page.keyboard.press("Tab")
        if "mkulima" in visitor.page.evaluate("document.activeElement.innerText || ''"):
            break
    visitor.page.keyboard.press("Enter")
    wait_for_title(visitor, "▁mkulima")
    assert f"token={id_of(toy, '▁mkulima')}" in visitor.page.url


def test_hostile_source_tokens_do_nothing(user, toy):
    """Their own pages and the bars of what feeds them; target tokens have theirs in ``test_every_page``."""
    visitor = user()
    for source in ("<b>bold</b>", "=2+2", "**bold**", "\u202eevil"):
        visitor.open("token", run="toy", source=source_id_of(toy, source))
        assert heading(visitor.page).inner_text().strip()
        assert visitor.page.locator("h1 b, h1 a, h1 strong").count() == 0


def test_charts_have_a_text_for_those_who_do_not_see_them(user):
    visitor = user()
    visitor.open()
    described = visitor.page.locator('[aria-label*="Contributors of"], [alt*="Contributors of"]')
    described.first.wait_for(timeout=60_000)  # it is drawn after the script that asks for it has ended


def choose(visitor, label, option):
    """Choose an option of a select box; a list that opens while the page still scrolls closes again: try once more."""
    box = visitor.page.get_by_label(label, exact=True)
    wanted = visitor.page.get_by_role("option", name=option)
    for _ in range(8):
        box.scroll_into_view_if_needed()
        box.click()
        try:
            wanted.click(timeout=5000)
            break
        except TimeoutError:
            visitor.page.wait_for_timeout(500)
    else:
        pytest.fail(f"the list {label!r} never offered {option!r}")
    visitor.settle()


def prepare_run(visitor, text):
    """Fill the page Data and run: an uploaded text, a small vocabulary, the offered model."""
    visitor.open("data")
    visitor.page.get_by_role("radio", name="Upload").first.click()
    visitor.settle()
    file = {"name": "../mine.txt", "mimeType": "text/plain", "buffer": text.encode()}
    visitor.page.locator('input[type="file"]').first.set_input_files(file)
    visitor.page.get_by_text("lines,").wait_for(timeout=WAIT_MS)
    visitor.settle()  # the lower part of the page is still being drawn
    visitor.page.get_by_role("radio", name="On this server").last.click()
    visitor.settle()
    choose(visitor, "Folder on this server", "offered/tiny")
    start = visitor.page.get_by_role("button", name="Start the run")
    start.wait_for(timeout=WAIT_MS)
    return start


TEXT = (Path(__file__).parents[2] / "assets" / "corpora" / "sw.txt").read_text("utf-8")


@pytest.mark.timeout(170)
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_upload_run_overlap_token(user, scheme):
    """The whole way: a text goes up, a run is made by the real command line, its overlap opens, a token is clicked."""
    visitor = user(scheme=scheme)
    start = prepare_run(visitor, TEXT)
    start.click()
    link = visitor.page.get_by_role("link", name="See the overlap")
    link.first.wait_for(timeout=150_000)
    visitor.settle()
    link.first.click()
    wait_for_title(visitor, "Overlap")
    assert re.search(r"run=[0-9a-f]{32}", visitor.page.url)
    table = visitor.page.locator('[data-testid="stDataFrame"]').first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    visitor.page.mouse.click(box["x"] + 18, box["y"] + 35 + 18)
    visitor.page.get_by_text("Formula").wait_for(timeout=WAIT_MS)


@pytest.mark.timeout(120)
def test_a_running_job_is_cancelled_and_is_nobody_elses(user, folder):
    visitor = user()
    start = prepare_run(visitor, TEXT * 400)
    size = visitor.page.get_by_label("Size in tokens", exact=True)
    size.fill("840")  # what one copy of the text supports; a larger one would be refused before it is cancelled
    size.press("Enter")
    visitor.settle()
    start.click()
    cancel = visitor.page.get_by_role("button", name="Cancel", exact=True)
    cancel.first.wait_for(timeout=WAIT_MS)
    other = user()
    other.open()
    assert other.page.get_by_role("button", name="Cancel").count() == 0
    assert "Jobs" not in other.page.locator('[data-testid="stSidebar"]').inner_text()
    cancel.first.click()
    visitor.page.get_by_text("Cancelled; nothing was left behind.").wait_for(timeout=WAIT_MS)
    end = time.monotonic() + 10
    while list((folder / "runs").glob("*.part")) and time.monotonic() < end:
        time.sleep(0.1)
    assert list((folder / "runs").glob("*.part")) == []
