"""What an installation brings: ranges around tested versions, the command `focus-lab`, the files beside the code."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return dict(re.fullmatch(r"([\w.-]+)==([\w.]+)", x).groups() for x in lines if x and not x.startswith("#"))


def test_every_pin_lies_in_the_range_of_its_name() -> None:
    ranges = {r.name: r.specifier for r in map(Requirement, PROJECT["project"]["dependencies"])}
    assert set(ranges) == set(pins())
    assert {name: pin for name, pin in pins().items() if pin not in ranges[name]} == {}
    assert all(len(list(r)) == 2 for r in ranges.values()), "a lower and an upper end"


def test_the_command_is_the_command_line() -> None:
    module, _, name = PROJECT["project"]["scripts"]["focus-lab"].partition(":")
    assert callable(getattr(import_module(module), name))
    command = Path(sys.executable).with_name("focus-lab")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert "Usage: focus-lab" in done.stdout
    assert "explain" in done.stdout


def test_every_kind_of_file_beside_the_code_is_packed() -> None:
    """A wheel without the scripts of the map would draw an empty page."""
    packed = {p.removeprefix("*") for p in PROJECT["tool"]["setuptools"]["package-data"]["*"]}
    files = [p for top in ("focus_core", "focus_ui", "pages") for p in (ROOT / top).rglob("*") if p.is_file()]
    beside = {p.suffix for p in files if "__pycache__" not in p.parts} - {".py", ""}
    assert {s for s in beside if s != ".typed"} <= packed


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False)],
)
def test_only_whoever_is_alone_may_name_models_of_the_hub(host: str, alone: bool) -> None:
    shown = subprocess.run(
        ["make", "-n", "app", f"HOST={host}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert f"--server.address {host}" in shown
    assert ("FOCUS_LAB_ALLOW_HUB" in shown) == alone
