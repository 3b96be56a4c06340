"""Evaluation in a real browser: chosen, started, watched, drawn with intervals, there again after a reload, deleted."""

from __future__ import annotations

import shutil

import pytest

from focus_core.jobs.record import list_jobs
from scripts.app_browser import serve
from tests.unit.export.test_run_model import corpus_of, small_run

WAIT_MS = 60_000


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a folder: ``demo`` with a run of a tiny model, and ``text.txt``."""
    folder = tmp_path_factory.mktemp("evaluate")
    run = small_run(folder, "roberta")
    corpus_of(folder)
    shutil.copytree(run.path, folder / "demo" / "small")
    return folder


@pytest.fixture(scope="module")
def app(small, environment, chromium):
    """Return the address of an app whose demo is that run."""
    del chromium  # no browser, no server
    named = {"FOCUS_LAB_DEMO_RUNS": str(small / "demo"), "FOCUS_LAB_RUNS": str(small / "runs")}
    with serve(small, environment | named) as address:
        yield address


def test_a_state_is_evaluated_and_found_again(user, app, small):
    visitor = user(address=app, width=900, scheme="dark")
    page = visitor.page
    visitor.open("train", run="small")
    page.get_by_text("Evaluate on a text").click()
    start = page.get_by_role("button", name="Evaluate", exact=True)
    start.wait_for(timeout=WAIT_MS)
    visitor.settle()
    page.get_by_role("combobox", name="Text", exact=False).last.click()
    page.get_by_role("option", name="Upload a text").click()
    page.get_by_text("Held-out text").wait_for(timeout=WAIT_MS)
    visitor.settle()
    text = {"name": "mine.txt", "mimeType": "text/plain", "buffer": (small / "text.txt").read_bytes()}
    page.locator('input[type="file"]').first.set_input_files(text)
    page.get_by_text("mine.txt").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    start.click()
    page.get_by_text("Whiskers hold").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert len(list_jobs(small / "runs" / ".evaluations")) == 1
    chart = page.locator('[data-testid="stPlotlyChart"]').first
    assert "initialised (overlap only)" in chart.inner_text()
    assert chart.locator(".errorbar").count() >= 1
    page.reload()
    page.get_by_text("Whiskers hold").wait_for(timeout=WAIT_MS)
    visitor.settle()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Whiskers hold").wait_for(state="hidden", timeout=WAIT_MS)
    assert list_jobs(small / "runs" / ".evaluations") == []
