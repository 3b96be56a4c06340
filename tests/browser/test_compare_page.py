"""Compare in a real browser: a second run, a click on a hub, the report; hostile tokens do nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError

from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.comparison.lists import hub_anchors, token_lists
from focus_core.artifacts import write_arrays
from focus_core.runs.folder import open_run
from scripts.app_browser import serve
from tests.toy_run import id_of, write_toy_run

WAIT_MS = 60_000


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a folder of two demo runs: the toy, and one whose rows all point the other way but one."""
    folder = tmp_path_factory.mktemp("compare")
    first, second = (write_toy_run(folder / "demo" / name) for name in ("first", "second"))
    rows = -second.embeddings()
    rows[id_of(first, "▁the")] *= -1
    write_arrays(second.path / "embeddings.safetensors", {"input": rows})
    manifest = json.loads((second.path / "manifest.json").read_text("utf-8"))
    manifest["config"]["seed"] = 7
    (second.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def two_runs(pair, environment, chromium):
    """Return the address of an app whose demos are these two runs."""
    del chromium  # no browser, no server
    named = {"FOCUS_LAB_DEMO_RUNS": str(pair / "demo"), "FOCUS_LAB_RUNS": str(pair / "runs")}
    with serve(pair, environment | named) as address:
        yield address


def wait_for(visitor, text):
    visitor.page.get_by_text(text, exact=False).first.wait_for(timeout=WAIT_MS)
    visitor.settle()


def choose(visitor, label, option):
    """Choose an option of a select box as a person does."""
    visitor.settle()  # a list that opens while the page is being drawn closes again
    box = visitor.page.get_by_role("combobox", name=label, exact=True).last
    wanted = visitor.page.get_by_role("option", name=option)
    for _ in range(6):
        box.scroll_into_view_if_needed()
        box.click()
        try:
            wanted.click(timeout=4000)
            break
        except TimeoutError:
            visitor.page.keyboard.press("Escape")
    else:
        pytest.fail(f"the list {label!r} never offered {option!r}")
    visitor.settle()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_a_second_run_is_chosen_and_compared(user, pair, two_runs, scheme):
    first = open_run(pair / "demo" / "first")
    n_tokens = first.manifest["counts"]["n_target"]
    visitor = user(address=two_runs, scheme=scheme, width=900)
    visitor.open("compare", run="first")
    wait_for(visitor, "Copy as report")
    assert visitor.page.get_by_text("This run against the second").count() == 0
    choose(visitor, "Compare with", "second · demo")
    wait_for(visitor, "This run against the second")
    assert "with=second" in visitor.page.url
    wait_for(visitor, f"{n_tokens - 1} embeddings point elsewhere")
    lines = visitor.page.locator('[data-testid="stPlotlyChart"]').nth(2).locator(".scatterlayer .trace")
    assert lines.count() == 9, "the second run, embeddings drawn by chance, the mean embedding; for three origins"
    width = visitor.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 900


def test_a_link_shows_the_same_comparison(user, two_runs):
    visitor = user(address=two_runs)
    visitor.open("compare", run="first", **{"with": "second"})
    wait_for(visitor, "This run against the second")


def test_a_click_on_a_hub_opens_its_source_token(user, pair, two_runs):
    hub = hub_anchors(open_run(pair / "demo" / "first"))[0]
    visitor = user(address=two_runs)
    visitor.open("compare", run="first")
    bar = visitor.page.locator('[data-testid="stPlotlyChart"]').first.locator(".barlayer .point path").first
    bar.wait_for(timeout=WAIT_MS)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    visitor.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visitor.page.wait_for_url("**/token**", timeout=WAIT_MS)
    visitor.settle()
    assert f"source={hub.id}" in visitor.page.url


def test_a_row_of_a_list_opens_its_token(user, pair, two_runs):
    first = open_run(pair / "demo" / "first")
    target = token_lists(first, run_checks(first))[0].ids[0]
    visitor = user(address=two_runs)
    visitor.open("compare", run="first")
    table = visitor.page.locator('[data-testid="stDataFrame"]').first
    table.wait_for(timeout=WAIT_MS)
    table.scroll_into_view_if_needed()
    visitor.settle()
    box = table.bounding_box()
    visitor.page.mouse.click(box["x"] + 18, box["y"] + 35 + 18)  # the first row's own box
    visitor.page.wait_for_url("**/token**", timeout=WAIT_MS)
    visitor.settle()
    assert f"token={target}" in visitor.page.url


def test_the_report_is_copied_and_downloaded(user, pair, two_runs):
    visitor = user(address=two_runs)
    visitor.open("compare", run="first", **{"with": "second"})
    wait_for(visitor, "Copy as report")
    code = visitor.page.locator('[data-testid="stCode"]').last
    assert "## A against B" in code.inner_text()
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code.hover()
    code.get_by_role("button", name="Copy to clipboard").click()
    visitor.page.wait_for_timeout(300)
    copied = visitor.page.evaluate("navigator.clipboard.readText()")
    with visitor.page.expect_download() as waiting:
        visitor.page.get_by_role("button", name="Report (Markdown)").click()
    report = Path(waiting.value.path()).read_text("utf-8")
    assert report.startswith("# Report on an initialisation")
    assert copied.strip() == report.strip()
    assert open_run(pair / "demo" / "second").digest[:16] in report


def test_hostile_tokens_do_nothing_in_lists_groups_and_report(user, two_runs):
    """Every list is shown once, and groups whose tokens are hostile; no request leaves (see the fixture)."""
    visitor = user(address=two_runs)
    visitor.open("compare", run="first", **{"with": "second"})
    wait_for(visitor, "Changed together")
    for name in ("One contributor decides", "Most diffuse mixtures", "Embeddings of unusual norm"):
        choose(visitor, "List", name)
        main = visitor.page.locator('[data-testid="stMainBlockContainer"]')
        assert main.locator("img, script, iframe").count() == 0
        hosts = main.locator("a").evaluate_all("found => found.map(a => a.host)")
        assert set(hosts) <= {two_runs.removeprefix("http://"), ""}


@pytest.mark.parametrize("width", [900, pytest.param(2500, marks=pytest.mark.long)])
def test_groups_that_changed_together_are_made_on_request(user, width):
    visitor = user(width=width)
    visitor.open("compare", run="trained")
    assert visitor.page.get_by_text("groups among").count() == 0
    visitor.page.get_by_text("Groups that gained and lost").click()
    wait_for(visitor, "groups among")
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    visitor.page.get_by_text("Copy as report").first.wait_for(timeout=WAIT_MS)
