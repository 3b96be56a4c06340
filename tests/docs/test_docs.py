"""The documents: links lead somewhere, decisions are complete, names and files that are mentioned exist."""

from __future__ import annotations

import re
import runpy
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".venv", "build", "runs", ".git", "node_modules"}
DOCUMENTS = sorted(p for p in ROOT.rglob("*.md") if not SKIPPED & set(p.relative_to(ROOT).parts))
OWN = [p for p in DOCUMENTS if p.parent == ROOT or p.is_relative_to(ROOT / "docs")]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADINGS = ["## Context", "## Choice", "## Consequences", "## Guarded by"]

# Words that praise instead of saying something, and words that make a reader feel slow.
EMPTY_WORDS = (
    "simply|obviously|trivially|blazing|state-of-the-art|cutting-edge|world-class|seamless|effortless|just works"
)


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_links_inside_the_project_lead_somewhere(path: Path) -> None:
    targets = LINK.findall(without_code(path.read_text(encoding="utf-8")))
    for target in (t for t in targets if not re.match(r"[a-z]+:", t)):
        name, _, anchor = unquote(target).partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{short(path)}: {target}"
        assert not anchor or anchor in anchors(file), f"{short(path)}: {target} has no such heading"


@pytest.mark.parametrize("path", OWN, ids=short)
def test_links_to_the_web_are_encrypted(path: Path) -> None:
    assert "](http://" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", OWN, ids=short)
def test_no_empty_words(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(rf"\b(?:{EMPTY_WORDS})\b", text, flags=re.IGNORECASE) == []


@pytest.mark.parametrize("path", DECISIONS, ids=short)
def test_a_decision_has_its_parts(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    number = path.name[:4] if path.name != "0000-template.md" else "NNNN"
    assert lines[0].startswith(f"# {number} ")
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    assert any(line.startswith("Status: ") for line in lines)
    assert len(lines) <= 80, "a decision is a page, half a page where it can be"


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [int(p.name[:4]) for p in DECISIONS] == list(range(len(DECISIONS)))
    assert [p.name for p in DECISIONS[1:] if f"]({p.name})" not in index] == []


@pytest.mark.parametrize("path", DECISIONS[1:], ids=short)
def test_a_decision_names_a_guard_that_exists(path: Path) -> None:
    guard = path.read_text(encoding="utf-8").partition("## Guarded by")[2]
    files = re.findall(r"`((?:tests|benchmarks)/[\w/.-]*)`", guard)
    assert files, "name the test that fails when this is no longer true"
    assert [f for f in files if not (ROOT / f).exists()] == []
    source = "".join((ROOT / f).read_text(encoding="utf-8") for f in files if f.endswith(".py"))
    assert [t for t in re.findall(r"`(test_\w+)`", guard) if f"def {t}" not in source] == []


@pytest.mark.parametrize("path", OWN, ids=short)
def test_files_that_are_named_exist(path: Path) -> None:
    """`focus_core/x.py`, `docs/x.md`, `tests/...` in backticks are promises; patterns and placeholders are not."""
    named = re.findall(
        r"`((?:focus_core|focus_ui|pages|tests|docs|scripts|examples|benchmarks|assets)/[\w/.-]+)`",
        path.read_text(encoding="utf-8"),
    )
    assert [n for n in named if not (ROOT / n).exists()] == []


def rooms() -> list[Path]:
    return sorted(p.parent for top in ("focus_core", "focus_ui", "pages") for p in (ROOT / top).rglob("__init__.py"))


@pytest.mark.parametrize("room", [r for r in rooms() if r.parent != ROOT], ids=short)
def test_the_architecture_page_has_a_line_for_every_room(room: Path) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    name = short(room).removeprefix("focus_core/")
    assert re.search(rf"^\| `{re.escape(name)}/?` \|", text, flags=re.MULTILINE)


def test_the_drawing_of_the_rooms_is_that_of_the_imports() -> None:
    """`python scripts/draw_rooms.py` draws it anew."""
    drawn = runpy.run_path(str(ROOT / "scripts" / "draw_rooms.py"))["drawing"]()
    assert (ROOT / "docs" / "rooms.svg").read_text(encoding="utf-8") == drawn


def test_every_command_is_documented() -> None:
    """Every `make` target of the Makefile's help, and no other, is used in the documents."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    used = {
        t
        for p in OWN
        for t in re.findall(r"(?:`|^)make (?:-C \S+ )?([a-z][a-z-]*)", p.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert used <= targets, used - targets


def test_make_help_lists_the_targets() -> None:
    done = subprocess.run(["make", "help"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert {"app", "test", "bench", "lint", "fix"} <= set(re.findall(r"make ([a-z-]+)", done.stdout))


def test_sample_corpora_hold_distinct_sentences() -> None:
    for language in ("sw", "de", "ar"):
        lines = (ROOT / "assets" / "corpora" / f"{language}.txt").read_text(encoding="utf-8").splitlines()
        assert 340 <= len(lines) == len(set(lines))
        assert all(line == line.strip() and 8 < len(line) < 200 for line in lines)


def test_the_logo_is_an_image_with_a_title() -> None:
    tree = ET.parse(ROOT / "assets" / "logo.svg").getroot()
    assert tree.tag.endswith("svg")
    assert tree.findtext("{http://www.w3.org/2000/svg}title")
