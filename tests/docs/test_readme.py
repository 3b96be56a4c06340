"""The README's promises, run: the library example, the two commands, the pages it lists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_library_example_has_eight_lines_and_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs in an empty folder that has the project's assets, and prints what the README says it prints.

    Of the formula only the left side is compared: the last digit of a fastText vector depends on the processor.
    """
    (source,) = code_blocks("python")
    assert len([line for line in source.splitlines() if line.strip()]) <= 8
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    exec(compile(source, "README.md", "exec"), {})
    (expected,) = code_blocks("text")
    origins, formula = capsys.readouterr().out.splitlines()
    assert origins == expected.splitlines()[0]
    assert formula.partition(" = ")[0] == expected.splitlines()[1].partition(" = ")[0] == "e(▁soko)"


def test_the_two_commands_are_in_the_makefile() -> None:
    commands = [line for block in code_blocks("sh") for line in block.splitlines()]
    assert "make -C focus-lab app" in commands
    done = subprocess.run(["make", "-n", "app", "PORT=9999"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "streamlit run app.py" in done.stdout
    assert "--server.port 9999" in done.stdout


def test_commands_of_the_command_line_exist() -> None:
    from focus_core.cli.main import app

    verbs = {c.name or c.callback.__name__ for c in app.registered_commands}
    documents = [README, ROOT / "docs" / "tutorial.md"]
    named = {verb for d in documents for verb in re.findall(r"^focus-lab (\w+)", d.read_text("utf-8"), re.MULTILINE)}
    assert len(named) > 8
    assert named <= verbs


def test_it_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_every_page_has_its_line() -> None:
    text = README.read_text(encoding="utf-8")
    pages = {p.relative_to(ROOT).as_posix() for p in (ROOT / "pages").glob("*/page.py")}
    assert len(pages) >= 9
    assert {name for name in pages if f"`{name}`" not in text} == set()


def test_six_figures_with_the_command_of_each() -> None:
    """Written by scripts/write_benchmark_table.py; that they are the committed results is held beside it."""
    table = (
        README.read_text(encoding="utf-8").partition("<!-- headlines:start -->")[2].partition("<!-- headlines:end")[0]
    )
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 6
    assert all(re.search(r"\| `python [\w./ -]+` \|$", row) for row in rows)
