"""The page Methods in a real browser: an upload is compared by two methods, and what cannot be told apart is a tie."""

from __future__ import annotations

import io
import random
import re

import pytest
from PIL import Image

from focus_core.initialization.methods.registry import METHODS
from focus_core.runs.folder import open_run
from focus_core.runs.legend import method_of
from scripts.app_browser import serve
from tests.browser.test_browser import choose
from tests.every_method import write_every_run
from tests.shown_comparison import made_table, table_of, write_comparison
from tests.tiny_models import TARGET_LINES, target_tokenizer, tiny_model
from tests.toy_run import write_toy_run

WAIT_MS = 60_000
JOB_MS = 240_000
CHOSEN = ("leave new ones to the fallback", "like source tokens of their script")
"""What the boxes say of overlap only and script-wise."""
N_LINES = 10_600
"""Of so many lines two in a hundred are kept aside, which is more than a recommendation needs."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder: a toy run as the demo, a tiny model on the server, a comparison that ships with its runs."""
    folder = tmp_path_factory.mktemp("methods")
    toy = write_toy_run(folder / "demo" / "toy")
    tiny_model("roberta", folder / "offered" / "tiny")
    write_comparison(folder / "bundled" / "made", made_table(), runs=toy.path)
    write_every_run(write_comparison(folder / "bundled" / "every", table_of(METHODS)))
    return folder


@pytest.fixture(scope="module")
def app(place, environment, chromium):
    """Return the address of an app with these."""
    del chromium  # no browser, no server
    named = {"DEMO_RUNS": "demo", "RUNS": "runs", "PATHS": "offered", "DEMO_COMPARISONS": "bundled"}
    with serve(place, environment | {f"FOCUS_LAB_{k}": str(place / v) for k, v in named.items()}) as address:
        yield address


def text():
    words, chance = sorted({word for line in TARGET_LINES for word in line.split()}), random.Random(1)
    return "".join(" ".join(chance.choices(words, k=chance.randint(5, 9))) + "\n" for _ in range(N_LINES)).encode()


@pytest.mark.timeout(400)
def test_an_upload_is_compared_and_a_tie_is_called_a_tie(user, app, place):
    visitor = user(address=app, width=900, scheme="dark")
    page = visitor.page
    visitor.open("methods", run="toy")
    page.get_by_text("An example that ships with the app").wait_for(timeout=WAIT_MS)
    visitor.settle()
    page.get_by_role("radio", name="Upload").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    page.get_by_role("radio", name="Upload").first.click()
    visitor.settle()
    file = {"name": "../mine.txt", "mimeType": "text/plain", "buffer": text()}
    page.locator('input[type="file"][accept*=".jsonl"]').first.set_input_files(file)
    page.get_by_text("10,600 lines,").wait_for(timeout=WAIT_MS)
    visitor.settle()
    page.get_by_role("radiogroup", name="Target tokenizer").get_by_role("radio", name="Upload").click()
    visitor.settle()
    tokenizer = (target_tokenizer("roberta", place / "target") / "tokenizer.json").read_bytes()
    upload = {"name": "tokenizer.json", "mimeType": "application/json", "buffer": tokenizer}
    page.locator('input[type="file"][accept$=",.json"]').set_input_files(upload)
    visitor.page.get_by_text("tokenizer.json").last.wait_for(timeout=WAIT_MS)
    visitor.settle()
    page.get_by_role("radio", name="On this server").last.click()
    visitor.settle()
    choose(visitor, "Folder on this server", "offered/tiny")
    page.get_by_role("button", name="None", exact=True).click()
    visitor.settle()
    for words in CHOSEN:
        page.get_by_text(words).first.click()
        visitor.settle()
    for label, value in (("Seeds", "1"), ("Tokens of the short training", "1000")):
        box = page.get_by_label(label, exact=True)
        box.fill(value)
        box.press("Enter")
        visitor.settle()
    page.get_by_text("2 methods chosen").wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("2 methods on", exact=False).first.wait_for(timeout=WAIT_MS)
    page.wait_for_url(re.compile(r"comparison=[0-9a-f]{32}"), timeout=JOB_MS)
    visitor.settle()
    answer = page.locator(".st-key-methods_answer").inner_text().replace("\u2060", "")
    assert re.search(r"A tie: (script-wise and overlap only|overlap only and script-wise) cannot be told apart", answer)
    assert page.locator('[data-testid="stPlotlyChart"]').count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 900


def test_pointing_at_a_source_token_lights_it_up_under_every_method(user, app):
    visitor = user(address=app)
    visitor.open("methods", run="toy", comparison="made")
    parts = visitor.page.locator(".method .part")
    parts.first.wait_for(timeout=WAIT_MS)
    parts.first.scroll_into_view_if_needed()
    parts.first.hover()
    source = parts.first.get_attribute("data-source")
    lit = visitor.page.locator(".method .part.on")
    assert lit.count() == 6, "once under every method"
    assert {part.get_attribute("data-source") for part in lit.all()} == {source}
    visitor.page.locator("h1").first.hover()
    assert lit.count() == 0


BOXES = """found => found.map(box => {
  const {left, right, top, bottom} = box.getBoundingClientRect();
  const cut = [...box.querySelectorAll('.weight')].filter(e => e.scrollWidth > e.clientWidth + 1).length;
  return {left, right, top, bottom, cut, title: box.querySelector('h3').innerText};
})"""
"""Where the method's boxes lie, and how many of their weights are cut off."""


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (420, "dark")])
def test_one_token_under_every_method_is_drawn_whole(user, app, place, width, scheme):
    """The picture: a box for every method of the registry, none over another, none beyond the window, no weight cut."""
    visitor = user(address=app, width=width, scheme=scheme)
    visitor.open("methods", run="toy", comparison="every")
    (token,) = open_run(place / "bundled" / "every" / "runs" / "clp-1").find("▁Bauer")
    box = visitor.page.get_by_placeholder("Part of a token, or #ID")
    box.fill(f"#{token}")
    box.press("Enter")
    visitor.page.locator("[aria-label*='of ▁Bauer by method']").wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.locator(".methods").scroll_into_view_if_needed()
    boxes = visitor.page.locator(".method").evaluate_all(BOXES)
    assert [found["title"] for found in boxes] == [method_of(name).label for name in METHODS]
    for place_of, one in enumerate(boxes):
        assert one["left"] >= 0
        assert one["right"] <= width
        assert one["cut"] == 0, one["title"]
        for other in boxes[place_of + 1 :]:
            beside = one["right"] <= other["left"] + 0.5 or other["right"] <= one["left"] + 0.5
            assert beside or one["bottom"] <= other["top"] + 0.5, (one["title"], other["title"])
    drawn = visitor.page.locator(".methods").screenshot()
    assert len(Image.open(io.BytesIO(drawn)).convert("RGB").resize((200, 200)).getcolors(200 * 200) or []) > 40


def test_the_runs_of_a_comparison_open_side_by_side(user, app):
    visitor = user(address=app)
    visitor.open("methods", run="toy", comparison="made")
    visitor.page.get_by_role("link", name="Look into the runs on the page Compare").click()
    visitor.page.get_by_text("Six runs side by side").wait_for(timeout=WAIT_MS)
    assert visitor.page.url.count("with=") == 5
