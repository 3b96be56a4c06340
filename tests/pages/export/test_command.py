"""The command that the page Check and export shows must work as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path

from focus_core.cli import main as cli
from focus_core.runs.folder import open_run
from focus_ui.data.catalog import demo_runs
from pages.export.model import export_command


def test_the_command_of_a_demo_run_names_a_folder_that_is_there(root: Path, monkeypatch) -> None:
    monkeypatch.delenv("FOCUS_LAB_DEMO_RUNS", raising=False)
    monkeypatch.chdir(root)
    run = open_run(demo_runs()[0].path)
    program, *words = shlex.split(export_command(run, None))
    assert program == ".venv/bin/python"
    assert words[:3] == ["-m", "focus_core", "export"]
    assert (root / words[3]).is_dir()


def test_the_command_exports_the_demo_run(root: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("FOCUS_LAB_DEMO_RUNS", raising=False)
    monkeypatch.chdir(root)
    words = shlex.split(export_command(open_run(demo_runs()[0].path), None))[3:]
    assert cli.run([*words[:-1], str(tmp_path / "model")]) == 0
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_a_run_elsewhere_is_named_without_its_path(toy) -> None:
    run = toy if hasattr(toy, "path") else open_run(toy)
    assert str(run.path.parent) not in export_command(run, None)
