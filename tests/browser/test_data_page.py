"""Data and run in a real browser: the demo changed and compared, uploads that cannot be used, a job that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import time

import pytest

from scripts.app_browser import serve

WAIT_MS = 60_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory, chromium, environment):
    """Return the address of the app on the demo that ships, with small uploads, and its folder of runs."""
    del chromium
    folder = tmp_path_factory.mktemp("data")
    own = {"FOCUS_LAB_RUNS": str(folder / "runs"), "FOCUS_LAB_DEMO_RUNS": "", "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "1"}
    with serve(folder, environment | own) as address:
        yield address, folder / "runs"


def upload(visitor, name, content):
    file = {"name": name, "mimeType": "text/plain", "buffer": content}
    visitor.page.locator('input[type="file"]').first.set_input_files(file)


def start(visitor, label="Start the run"):
    button = visitor.page.get_by_role("button", name=label, exact=True)
    button.wait_for(timeout=WAIT_MS)
    visitor.settle()
    button.click()


@pytest.mark.timeout(120)
def test_the_demo_is_made_again_with_one_change_and_compared(user, demo):
    visitor = user(address=demo[0], width=1440)
    visitor.open("compare")  # nothing is chosen there: that must not outlast the link below
    visitor.page.get_by_text("FOC001").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.get_by_role("link", name="Data and run").first.click()
    visitor.page.get_by_role("radio", name="The current run, changed").click()
    visitor.page.get_by_text("the same run is made again").wait_for(timeout=WAIT_MS)
    visitor.settle()
    box = visitor.page.get_by_role("spinbutton", name="Temperature")
    box.fill("0.5")
    box.press("Enter")
    visitor.page.get_by_text("temperature 0.⁠5").first.wait_for(timeout=WAIT_MS)
    start(visitor, "Start the changed run")
    link = visitor.page.get_by_role("link", name="Compare with the original")
    link.wait_for(timeout=WAIT_MS)
    assert visitor.page.get_by_text(re.compile("taken from the earlier run")).count() >= 2
    visitor.settle()
    link.click()
    visitor.page.get_by_role("heading", name="Compare").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert re.search(r"run=[0-9a-f]{32}", visitor.page.url)
    assert "with=sw-8k" in visitor.page.url
    visitor.page.get_by_text("This run against the second").wait_for(timeout=WAIT_MS)
    visitor.page.get_by_text("FOC001").first.wait_for(timeout=WAIT_MS)


@pytest.mark.timeout(120)
def test_an_upload_that_cannot_be_used_is_one_line_and_loses_nothing(user, demo):
    visitor = user(address=demo[0], width=900, scheme="dark")
    visitor.open("data")
    page = visitor.page
    page.get_by_role("radio", name="Upload").first.click()
    page.get_by_text("Up to 1 MB a file").wait_for(timeout=WAIT_MS)
    size = page.get_by_label("Size in tokens", exact=True)
    size.fill("500")
    size.press("Enter")
    visitor.settle()
    upload(visitor, "big.txt", b"habari ya leo\n" * 150_000)
    page.get_by_text("must be 1").first.wait_for(timeout=WAIT_MS)
    upload(visitor, "../../chai<b>.txt", "café na chai\n".encode("cp1252") * 60)
    alert = page.locator('[data-testid="stAlert"]', has_text="byte 0xE9")
    alert.wait_for(timeout=WAIT_MS)
    assert "chai-b.txt" in alert.inner_text().replace("\u2060", "")
    assert page.get_by_role("button", name="Start the run").is_disabled()
    assert page.locator('[data-testid="stAlert"]').count() == 1
    assert size.input_value() == "500"
    assert page.locator('[data-testid="stMain"]').evaluate("e => e.scrollWidth - e.clientWidth") <= 1


@pytest.mark.timeout(120)
def test_a_job_that_is_killed_says_so_and_is_started_again(user, demo):
    visitor = user(address=demo[0], width=1440)
    visitor.open("data")
    before = set((demo[1] / ".jobs").glob("*/job.json"))
    visitor.page.get_by_role("button", name="Start the run", exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.get_by_text("What will happen, step by step").scroll_into_view_if_needed()
    start(visitor)
    visitor.page.get_by_role("button", name="Cancel", exact=True).first.wait_for(timeout=WAIT_MS)
    (record,) = set((demo[1] / ".jobs").glob("*/job.json")) - before
    visitor.page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop === 0", timeout=WAIT_MS)
    assert visitor.page.locator('[data-testid="stMain"] [data-testid="stProgress"]').first.bounding_box()["y"] < 600
    os.killpg(json.loads(record.read_text())["pid"], signal.SIGKILL)
    began = time.monotonic()
    visitor.page.locator('[data-testid="stMain"]').get_by_text("was killed").wait_for(timeout=WAIT_MS)
    assert time.monotonic() - began < 15, "nobody waits for what is dead"
    visitor.settle()
    assert visitor.page.get_by_role("button", name="Cancel", exact=True).count() == 0
    visitor.page.get_by_role("button", name="Run it again").click()
    visitor.page.get_by_text("Everything is made anew").wait_for(timeout=WAIT_MS)
    assert visitor.page.get_by_role("button", name="Make the same run again").is_enabled()


@pytest.mark.timeout(120)
def test_hostile_text_is_harmless_in_pieces_and_names(user, demo):
    """Requests that leave this machine, and errors of the page, fail the test (see the fixture)."""
    visitor = user(address=demo[0], width=900)
    visitor.open("data")
    visitor.page.get_by_role("radio", name="Upload").first.click()
    visitor.page.get_by_text("Up to 1 MB a file").wait_for(timeout=WAIT_MS)
    line = "![i](https://evil.example/x.png) <img src=https://evil.example/y> <b>bold</b> **x** :material/home: $$x$$ "
    upload(visitor, "![n](https:__evil.example).txt", (line + "\u202eevil www.evil.example\n").encode() * 40)
    pieces = visitor.page.locator(".st-key-pieces")
    pieces.wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert pieces.locator("img, b, script, a, .katex").count() == 0
    assert "evil.example/x.png" in "".join(pieces.inner_text().replace("\u2060", "").split())
    assert visitor.page.locator('[data-testid="stMain"] img[src*="evil"]').count() == 0
    assert visitor.page.locator('[data-testid="stMain"]').evaluate("e => e.scrollWidth - e.clientWidth") <= 1
