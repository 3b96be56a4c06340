"""A run in a few words: which options differ from the paper's, and how an option that was left open is written."""

from __future__ import annotations

from pathlib import Path

from focus_core.runs.folder import open_run
from focus_core.runs.summary import differing_options


def test_an_option_for_which_the_papers_own_value_was_chosen_does_not_differ(root: Path) -> None:
    """The demo leaves epochs and min_count open; 5 and 10 were chosen for them, and 10 is the paper's."""
    manifest = open_run(root / "assets" / "demo" / "runs" / "sw-8k").manifest
    pairs = manifest["differences_from_paper"]
    assert pairs["min_count"] == [10, None]
    assert manifest["auxiliary"]["settings"]["min_count"] == 10
    found = {name: values for name, *values in differing_options(manifest)}
    assert set(found) == set(pairs) - {"min_count"}
    assert found["epochs"] == ["3", "5 (chosen by the size of the text)"]


def test_an_open_option_that_was_chosen_otherwise_differs() -> None:
    manifest = {"differences_from_paper": {"min_count": [10, None]}, "auxiliary": {"settings": {"min_count": 5}}}
    assert differing_options(manifest) == [("min_count", "10", "5 (chosen by the size of the text)")]


def test_an_open_option_of_a_run_without_auxiliary_vectors_differs() -> None:
    manifest = {"differences_from_paper": {"epochs": [3, None], "top_k": [None, 4]}, "auxiliary": None}
    assert differing_options(manifest) == [("epochs", "3", "none"), ("top_k", "none", "4")]
