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


@pytest.mark.parametrize("scheme", ["light", "dark"])
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
