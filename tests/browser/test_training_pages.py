"""Train in a real browser: units, a row, an upload that appears on other pages too; hostile tokens do nothing."""

from __future__ import annotations

import pytest

from focus_core.artifacts import write_arrays
from focus_core.runs.additions import open_training
from focus_core.runs.folder import open_run
from tests.toy_run import id_of

WAIT_MS = 60_000


@pytest.fixture(scope="session")
def trained(folder):
    """Return the trained toy, a demo run."""
    return open_run(folder / "demo" / "trained")


def chart(visitor, place=0):
    found = visitor.page.locator('[data-testid="stPlotlyChart"]').nth(place)
    found.locator(".main-svg").first.wait_for(timeout=WAIT_MS)
    return found


def test_curves_change_their_unit_and_a_row_opens_its_token(user):
    visitor = user()
    visitor.open("train", run="trained")
    title = chart(visitor).locator(".ytitle")
    assert "bits per character" in title.text_content()
    visitor.page.get_by_role("radio", name="nats per token").click()
    visitor.page.locator(".ytitle", has_text="nats per token").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert chart(visitor).locator(".legendtext").all_text_contents() == ["FOCUS", "random"]
    table = visitor.page.locator('[data-testid="stDataFrame"]').last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    visitor.page.mouse.click(box["x"] + 18, box["y"] + 35 + 18)
    visitor.page.get_by_text("Before and after training").wait_for(timeout=WAIT_MS)
    assert "/token" in visitor.page.url
    assert "token=" in visitor.page.url


def test_an_uploaded_trained_matrix_appears_on_train_map_and_token(user, toy, tmp_path):
    """The toy stays as it is; the user gets a copy of it that nobody else lists."""
    path = tmp_path / "trained.safetensors"
    rows = toy.embeddings().copy()
    target, other = id_of(toy, "▁mkulima"), id_of(toy, "▁maziwa")
    rows[target] = rows[other]
    write_arrays(path, {"input": rows})
    visitor = user()
    visitor.open("train", run="toy")
    visitor.page.get_by_text("has not been trained yet").wait_for(timeout=WAIT_MS)
    visitor.page.locator('input[type="file"]').first.set_input_files(str(path))
    visitor.page.get_by_text("trained.safetensors").first.wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.get_by_role("button", name="Import", exact=True).click()
    visitor.page.get_by_text("What drifted most").wait_for(timeout=WAIT_MS)
    run_id = visitor.page.url.partition("run=")[2].partition("&")[0]
    assert len(run_id) == 32
    visitor.open("token", run=run_id, token=target)
    visitor.page.get_by_text("Before and after training").wait_for(timeout=WAIT_MS)
    assert visitor.page.get_by_role("link", name="maziwa").count() >= 1
    visitor.open("map", run=run_id, token=target)
    visitor.page.get_by_text("laid out together").wait_for(timeout=WAIT_MS)
    stranger = user()
    stranger.open("train")
    assert run_id not in stranger.page.content()
    assert not (toy.path / "training").exists()


def test_a_matrix_of_another_shape_is_refused_in_words(user, toy, tmp_path):
    path = tmp_path / "small.safetensors"
    write_arrays(path, {"input": toy.embeddings()[:20].copy()})
    visitor = user()
    visitor.open("train", run="toy")
    visitor.page.locator('input[type="file"]').first.set_input_files(str(path))
    visitor.settle()
    visitor.page.get_by_role("button", name="Import", exact=True).click()
    alert = visitor.page.locator('[data-testid="stAlert"]', has_text="20 × 8")
    alert.wait_for(timeout=WAIT_MS)
    assert "135 embeddings" in alert.inner_text()


def test_hostile_tokens_do_nothing_on_the_page(user, trained):
    """Tags, images, links and Markdown of tokens are text: no request leaves, no script runs (see the fixture)."""
    visitor = user()
    visitor.open("train", run="trained")
    visitor.page.get_by_text("What drifted most").wait_for(timeout=WAIT_MS)
    training = open_training(trained, "focus-seed-1")
    assert len(training.tokens()) == len(trained.column("tokens", "text"))
