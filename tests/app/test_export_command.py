"""The command that the page Check and export shows must work as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path

from focus_core import cli
from focus_core.run_folder import open_run
from focus_ui.catalog import ASSETS, demo_runs
from focus_ui.export_view import differing_options, export_command
from tests.toy_run import altered


def test_the_command_of_a_demo_run_names_a_folder_that_is_there(root: Path, monkeypatch) -> None:
    monkeypatch.delenv("FOCUS_LAB_DEMO_RUNS", raising=False)
    monkeypatch.chdir(root)
    run = open_run(demo_runs()[0].path)
    program, *words = shlex.split(export_command(run))
    assert program == ".venv/bin/python"
    assert words[:3] == ["-m", "focus_core", "export"]
    assert (root / words[3]).is_dir()


def test_the_command_exports_the_demo_run(root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("FOCUS_LAB_DEMO_RUNS", raising=False)
    monkeypatch.chdir(root)
    words = shlex.split(export_command(open_run(demo_runs()[0].path)))[3:]
    assert cli.run([*words[:-1], str(tmp_path / "model")]) == 0
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_a_run_elsewhere_is_named_without_its_path(toy) -> None:
    run = toy if hasattr(toy, "path") else open_run(toy)
    assert str(run.path.parent) not in export_command(run)


def test_an_option_for_which_the_papers_own_value_was_chosen_does_not_differ() -> None:
    run = open_run(ASSETS / "demo" / "runs" / "sw-8k")
    pairs = run.manifest["differences_from_paper"]
    assert pairs["min_count"] == [10, None]
    assert run.manifest["auxiliary"]["settings"]["min_count"] == 10
    found = differing_options(run)
    assert set(found["option"]) == set(pairs) - {"min_count"}
    epochs = found["option"].index("epochs")
    assert (found["paper"][epochs], found["this run"][epochs]) == ("3", "5 (chosen by the size of the text)")


def test_an_open_option_that_was_chosen_otherwise_differs(toy) -> None:
    auxiliary = {"settings": {"min_count": 5}}
    run = altered(toy, manifest={"differences_from_paper": {"min_count": [10, None]}, "auxiliary": auxiliary})
    assert "min_count" in differing_options(run)["option"]
