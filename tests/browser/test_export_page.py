"""Saving in a real browser: pictures and tables arrive as files, and what was saved fetches nothing."""

from __future__ import annotations

import csv
import io

import pytest

WAIT_MS = 60_000


def download(visitor, label, *, menu=None):
    """Click a download button, in the menu that is named where there is one, and return the file's name and bytes."""
    part = visitor.page if menu is None else visitor.page.get_by_test_id("stPopoverBody")
    button = part.get_by_role("button", name=label, exact=True).first
    if menu is not None:
        visitor.page.get_by_role("button", name=menu).first.click()
        button.wait_for(timeout=WAIT_MS)
    with visitor.page.expect_download(timeout=WAIT_MS) as found:
        button.click()
    return found.value.suggested_filename, found.value.path().read_bytes()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_a_chart_is_saved_as_png_svg_and_numbers(user, scheme):
    visitor = user(scheme=scheme)
    visitor.open("train", run="trained")
    visitor.page.locator('[data-testid="stPlotlyChart"] .main-svg').first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    name, content = download(visitor, "PNG", menu="Save")
    assert name == "loss-curves-in-bits-per-character.png"
    assert content.startswith(b"\x89PNG")
    visitor.page.get_by_role("button", name="PNG", exact=True).wait_for(state="hidden", timeout=WAIT_MS)
    name, content = download(visitor, "SVG", menu="Save")
    assert name.endswith(".svg")
    assert b"<svg" in content[:200]
    assert b"tokens of training" in content
    visitor.page.get_by_role("button", name="SVG", exact=True).wait_for(state="hidden", timeout=WAIT_MS)
    _, content = download(visitor, "CSV", menu="Save")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == ["training", "initialised by", "seed", "tokens", "loss in bits per character"]
    assert len(rows) > 2


def test_a_chart_as_html_fetches_nothing_and_offers_no_upload(user, tmp_path):
    visitor = user()
    visitor.open("train", run="trained")
    _, content = download(visitor, "HTML", menu="Save")
    file = tmp_path / "chart.html"
    file.write_bytes(content)
    page = visitor.page.context.new_page()
    heard = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(file.as_uri())
    page.locator(".main-svg").first.wait_for(timeout=WAIT_MS)
    assert heard == [file.as_uri()]
    titles = page.locator(".modebar-btn").evaluate_all("found => found.map(e => e.dataset.title)")
    assert any(title.startswith("Download plot") for title in titles)
    assert not [title for title in titles if "share" in title.lower() or "cloud" in title.lower()]


def test_tables_offer_no_csv_that_disarms_nothing(user):
    visitor = user()
    visitor.open("train", run="trained")
    table = visitor.page.locator('[data-testid="stDataFrame"]').last
    table.scroll_into_view_if_needed()
    table.hover()
    toolbar = visitor.page.locator('[data-testid="stElementToolbarButton"]')
    toolbar.first.wait_for(state="attached", timeout=WAIT_MS)
    names = toolbar.evaluate_all(
        "found => found.map(e => e.textContent + (e.querySelector('[aria-label]')?.ariaLabel || ''))"
    )
    assert names
    assert not [name for name in names if "CSV" in name or "ownload" in name]
    visitor.page.get_by_role("button", name="CSV", exact=True).last.wait_for(timeout=WAIT_MS)


def test_the_report_of_a_run_of_hostile_tokens_does_nothing(user, toy, tmp_path):
    """Opened as a file: no script, no request, no dialog; every section drawn; readable in a narrow window."""
    visitor = user()
    visitor.open("export", run="trained")
    name, content = download(visitor, "Report (HTML)")
    assert name.endswith(".html")
    file = tmp_path / "report.html"
    file.write_bytes(content)
    page = visitor.page.context.new_page()
    page.set_viewport_size({"width": 900, "height": 800})
    heard = []
    page.on("request", lambda request: heard.append(request.url))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(file.as_uri())
    assert page.locator("section").count() >= 8
    assert page.locator("script, img, iframe, object, link, [style], [onclick], [onerror]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    colors = page.evaluate("getComputedStyle(document.querySelector('.k-combined')).fill")
    assert colors == "rgb(213, 112, 11)", "the style inside is the one that the policy allows"
    assert page.locator("figure svg").first.bounding_box()["height"] > 20
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'alert(1)'}))")
    assert heard[0] == file.as_uri()
    assert len(heard) == 2, heard
    assert "Content Security Policy" in heard[1], "even a script that gets in does not run"


def test_a_map_for_the_atlas_arrives_and_reads_back(user):
    import pyarrow.parquet as pq

    visitor = user(scheme="dark", width=900)
    visitor.open("export", run="trained")
    name, content = download(visitor, "Map (Parquet)")
    table = pq.read_table(io.BytesIO(content))
    assert name.endswith("-atlas.parquet")
    assert {"token", "projection_x", "projection_y", "neighbors", "kept"} <= set(table.column_names)
