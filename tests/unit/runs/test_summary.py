"""A run in a few words: which options differ from the paper's, and how an option that was left open is written."""

from __future__ import annotations

from pathlib import Path

from focus_core.runs.folder import open_run
from focus_core.runs.summary import differing_options


def test_an_option_for_which_the_papers_own_value_was_chosen_does_not_differ() -> None:
    """Epochs and min_count were left open; 5 and 10 were chosen for them, and 10 is the paper's."""
    pairs = {"epochs": [3, None], "min_count": [10, None]}
    manifest = {"differences_from_paper": pairs, "auxiliary": {"settings": {"epochs": 5, "min_count": 10}}}
    assert differing_options(manifest) == [("epochs", "3", "5 (chosen by the size of the text)")]


def test_the_demo_differs_in_its_auxiliary_space(root: Path) -> None:
    manifest = open_run(root / "assets" / "demo" / "runs" / "sw-8k").manifest
    found = {name: values for name, *values in differing_options(manifest)}
    assert found["auxiliary_space"] == ["fasttext", "counts"]
    assert "epochs" not in found


def test_an_open_option_that_was_chosen_otherwise_differs() -> None:
    manifest = {"differences_from_paper": {"min_count": [10, None]}, "auxiliary": {"settings": {"min_count": 5}}}
    assert differing_options(manifest) == [("min_count", "10", "5 (chosen by the size of the text)")]


def test_an_open_option_of_a_run_without_auxiliary_vectors_differs() -> None:
    manifest = {"differences_from_paper": {"epochs": [3, None], "top_k": [None, 4]}, "auxiliary": None}
    assert differing_options(manifest) == [("epochs", "3", "none"), ("top_k", "none", "4")]
