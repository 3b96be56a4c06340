"""The whole way of an own run in a real browser: a text goes up, a model comes down and speaks; training a copy."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from tests.browser.test_browser import TEXT, choose, prepare_run, wait_for_title

WAIT_MS = 60_000
LONG_MS = 150_000


def button(visitor, name):
    return visitor.page.get_by_role("button", name=name, exact=True)


def current_run(visitor):
    found = re.search(r"run=([0-9a-f]{32})", visitor.page.url)
    return found[1] if found else None


def make_run(visitor):
    """Make a run of the text, which takes no vectors, wait for its end, and return its id."""
    start = prepare_run(visitor, TEXT)
    visitor.page.get_by_text("Options", exact=True).first.click()
    visitor.settle()
    choose(visitor, "Method", re.compile("^overlap"))
    start.click()
    button(visitor, "Open this run").wait_for(timeout=LONG_MS)
    visitor.page.wait_for_url(re.compile(r"run=[0-9a-f]{32}"), wait_until="commit")
    return current_run(visitor)


@pytest.mark.timeout(240)
def test_a_text_goes_up_and_a_model_comes_down(user, tmp_path):
    visitor = user(width=1400)
    run_id = make_run(visitor)
    visitor.settle()
    assert visitor.page.locator(".stButton", has_text="Open this run").count() == 1, "one job, drawn once"
    button(visitor, "Open this run").click()
    wait_for_title(visitor, "A new vocabulary for a pretrained model")
    assert current_run(visitor) == run_id
    visitor.page.get_by_role("link", name="Check and export").first.click()
    wait_for_title(visitor, "Check and export")
    assert current_run(visitor) == run_id
    visitor.page.locator("td", has_text="mine.txt").first.wait_for(state="attached", timeout=WAIT_MS)
    button(visitor, "Make the model folder").click()
    download = visitor.page.get_by_role("button", name=re.compile("Download the model"))
    download.wait_for(timeout=LONG_MS)
    visitor.settle()
    with visitor.page.expect_download(timeout=WAIT_MS) as coming:
        download.click()
    assert coming.value.suggested_filename.endswith(".zip")
    check_model(Path(coming.value.path()), tmp_path)


def check_model(path, folder):
    """Load a downloaded model as its page says, and let it fill a mask."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    model = AutoModelForMaskedLM.from_pretrained(folder / "model").eval()
    with torch.no_grad():
        logits = model(**tokenizer("habari ya leo", return_tensors="pt")).logits
    assert logits.shape[-1] == len(tokenizer)
    assert bool(torch.isfinite(logits).all())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_a_copy_of_a_run_is_trained_and_opened(user, folder, scheme):
    demo = folder / "demo" / "toy"
    visitor = user(scheme=scheme)
    first = make_run(visitor)
    visitor.page.get_by_role("link", name="Train", exact=True).first.click()
    wait_for_title(visitor, "Train")
    visitor.page.get_by_text("has not been trained yet").wait_for(timeout=WAIT_MS)
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
    assert current_run(visitor) == first, "nobody is led away from the run they read"
    button(visitor, "Open this run").click()
    visitor.page.get_by_text("What drifted most").wait_for(timeout=WAIT_MS)
    assert current_run(visitor) not in {None, first}
    assert not (demo / "training").exists()
