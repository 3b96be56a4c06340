"""A whole model goes up as a zip in a real browser: it is the source of a run, trained, evaluated, exported, loaded."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.browser.test_browser import choose, wait_for_title
from tests.tiny_models import tiny_model

WAIT_MS, LONG_MS = 60_000, 120_000


@pytest.fixture
def packed(tmp_path):
    """Return a zip with a tiny BERT in one folder, its word-piece tokenizer and its licence."""
    folder = tiny_model("bert", tmp_path / "offered" / "bert-tiny")
    (folder / "LICENSE").write_text("Do as you like.\n")
    return Path(shutil.make_archive(str(tmp_path / "bert-tiny"), "zip", folder.parent, folder.name))


def button(visitor, name):
    return visitor.page.get_by_role("button", name=name, exact=True)


def give_zip(visitor, path):
    """Open Data and run, give the zip, and wait for the card that says what is in it."""
    visitor.open("data")
    visitor.page.get_by_role("radio", name="Upload").last.click()
    visitor.page.get_by_text("Zip of a model folder").wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.locator('.st-key-_source_zip input[type="file"]').set_input_files(str(path))
    visitor.page.get_by_text("Body included: can be trained, evaluated, exported.").wait_for(timeout=WAIT_MS)
    visitor.settle()
    card = visitor.page.locator(".st-key-source_card").inner_text()
    assert "a body of 2 layers" in card
    assert "its licence (LICENSE)" in card


def make_run(visitor):
    """Make a run of the sample text by a method that takes no vectors, and open its page Train."""
    choose(visitor, "Kind", re.compile("^WordPiece"))
    visitor.page.get_by_text("Options", exact=True).first.click()
    visitor.settle()
    choose(visitor, "Method", re.compile("^overlap"))
    button(visitor, "Start the run").click()
    visitor.page.wait_for_url(re.compile(r"run=[0-9a-f]{32}"), wait_until="commit", timeout=LONG_MS)
    visitor.settle()
    visitor.page.get_by_role("link", name="Train", exact=True).first.click()
    wait_for_title(visitor, "Train")


def train(visitor):
    """Train the run for three steps, and open the trained copy."""
    visitor.page.get_by_role("radio", name="Sample").first.click()
    visitor.page.get_by_text("Nothing is chosen for you").wait_for(timeout=WAIT_MS)
    visitor.settle()
    choose(visitor, "Language", "Swahili")
    choose(visitor, "Counted in", re.compile("^steps"))
    visitor.page.get_by_role("spinbutton", name="How long").fill("3")
    visitor.page.get_by_role("spinbutton", name="How long").press("Tab")
    button(visitor, "Start training").click()
    button(visitor, "Open this run").wait_for(timeout=LONG_MS)
    visitor.settle()
    button(visitor, "Open this run").click()
    visitor.page.get_by_text("What drifted most").wait_for(timeout=WAIT_MS)
    visitor.settle()


def evaluate(visitor):
    """Measure the run before and after training, and the source itself, on the sample text."""
    visitor.page.get_by_text("Evaluate on a text").click()
    button(visitor, "Evaluate").wait_for(timeout=WAIT_MS)
    visitor.settle()
    button(visitor, "Evaluate").click()
    visitor.page.get_by_text("Whiskers hold").wait_for(timeout=LONG_MS)
    visitor.settle()
    chart = visitor.page.locator('[data-testid="stPlotlyChart"]', has_text="initialised (overlap only)").first
    assert "adapted" in chart.inner_text()


def export(visitor):
    """Make the model folder of the trained state, and return the zip that comes down."""
    visitor.page.get_by_role("link", name="Check and export").first.click()
    wait_for_title(visitor, "Check and export")
    button(visitor, "Make the model folder").click()
    download = visitor.page.get_by_role("button", name=re.compile("Download the model"))
    download.wait_for(timeout=LONG_MS)
    visitor.settle()
    with visitor.page.expect_download(timeout=WAIT_MS) as coming:
        download.click()
    return Path(coming.value.path())


def check_model(path, folder):
    """Load the unpacked export as its page says, and let it fill a mask."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    assert (folder / "model" / "LICENSE").read_text() == "Do as you like.\n"
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    model = AutoModelForMaskedLM.from_pretrained(folder / "model").eval()
    with torch.no_grad():
        logits = model(**tokenizer("habari ya [MASK]", return_tensors="pt")).logits
    assert logits.shape[-1] == len(tokenizer)
    assert bool(torch.isfinite(logits).all())


@pytest.mark.timeout(300)
def test_a_zip_goes_in_as_source_and_a_trained_model_comes_out(user, packed, tmp_path, runs):
    visitor = user(width=1400)
    give_zip(visitor, packed)
    make_run(visitor)
    assert [path.name for path in (runs / ".sources").glob("*/*/model.safetensors")] == ["model.safetensors"]
    train(visitor)
    evaluate(visitor)
    check_model(export(visitor), tmp_path / "unpacked")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 420), pytest.param("light", 1440, marks=pytest.mark.long)])
def test_a_hostile_zip_is_refused_in_one_line_and_fits_the_page(user, tmp_path, scheme, width):
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("m/config.json", "{}")
        archive.writestr("m/../../escaped.safetensors", "x")
    visitor = user(scheme=scheme, width=width)
    visitor.open("data")
    visitor.page.get_by_role("radio", name="Upload").last.click()
    visitor.page.get_by_text("Zip of a model folder").wait_for(timeout=WAIT_MS)
    visitor.settle()
    visitor.page.locator('.st-key-_source_zip input[type="file"]').set_input_files(str(hostile))
    visitor.page.get_by_text("which leads out").wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert button(visitor, "Start the run").is_disabled()
    main = visitor.page.locator('[data-testid="stMain"]')
    assert main.evaluate("e => e.scrollWidth - e.clientWidth") <= 1
