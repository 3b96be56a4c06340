"""A map in a real browser: asked for on the Map page, laid out by a job, shown at its end, offered as a file."""

from __future__ import annotations

import shutil

import pytest

from focus_core.jobs.record import list_jobs
from focus_core.runs.additions import list_projections
from focus_core.runs.folder import open_run
from tests.browser.test_frame import secret_of
from tests.pages.frame import own_run

WAIT_MS = 60_000


@pytest.fixture(scope="module")
def plain(folder, tmp_path_factory):
    """Return the folder of a trained run without a map."""
    path = tmp_path_factory.mktemp("plain") / "run"
    shutil.copytree(folder / "demo" / "trained", path, ignore=shutil.ignore_patterns("projection"))
    return path


def open_form(visitor, method, n_tokens):
    """Open the form and fill it."""
    page = visitor.page
    page.get_by_role("button", name="Lay out a map").click()
    page.get_by_role("radio", name=method, exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()
    page.get_by_role("radio", name=method, exact=True).click()
    visitor.settle()
    tokens = page.get_by_role("spinbutton", name="Tokens")
    tokens.fill(str(n_tokens))
    tokens.press("Tab")
    visitor.settle()


def test_a_map_is_laid_out_shown_and_offered_as_a_file(user, runs, plain):
    visitor = user(width=1440)
    visitor.open()
    job = own_run(secret_of(visitor)["value"], plain, title="to be mapped")
    page = visitor.page
    visitor.open("export", run=job.id)
    page.get_by_role("link", name="Lay one out on the page Map").click()
    page.get_by_role("button", name="Lay out a map").wait_for(timeout=WAIT_MS)
    visitor.settle()
    open_form(visitor, "PCA", 60)
    page.get_by_role("button", name="Lay it out").click()
    page.get_by_text("See it on the Map").wait_for(timeout=WAIT_MS)
    page.get_by_text("60 of ").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    (name,) = list_projections(open_run(job.run))
    assert name.startswith("pca-")
    assert name in page.get_by_test_id("stMain").inner_html()
    page.get_by_role("link", name="Check and export").first.click()
    page.get_by_role("button", name="Map (Parquet)").wait_for(timeout=WAIT_MS)


def test_a_cancelled_map_leaves_nothing(user, runs, plain):
    visitor = user(width=900, scheme="dark")
    visitor.open()
    job = own_run(secret_of(visitor)["value"], plain, title="left alone")
    page = visitor.page
    visitor.open("map", run=job.id)
    open_form(visitor, "UMAP", 100)
    page.get_by_role("button", name="Lay it out").click()
    page.get_by_role("button", name="Cancel", exact=True).click(timeout=WAIT_MS)
    page.get_by_text("cancelled").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    (asked,) = [found for found in list_jobs(runs / ".maps") if found.run.parents[1] == job.run]
    assert asked.arguments[asked.arguments.index("--method") + 1] == "umap"
    assert not asked.part.exists()
    assert list_projections(open_run(job.run)) == []
