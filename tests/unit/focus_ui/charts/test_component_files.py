"""Components from files: kinds told by their endings, parts joined in order, a missing file is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from focus_ui.charts.component_files import component_from_files


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("streamlit.components.v2.component", lambda name, **parts: found.append((name, parts)))
    return found


def test_parts_go_by_their_kind_and_scripts_in_their_order(
    tmp_path: Path, registered: list[tuple[str, dict[str, Any]]]
) -> None:
    for name, text in (("x.html", "<p>é</p>\n"), ("b.js", "const b = 1;\n"), ("a.js", "const a = b;\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    component_from_files("x", tmp_path, "x.html", "b.js", "a.js")
    assert registered == [("x", {"html": "<p>é</p>\n", "css": None, "js": "const b = 1;\n\nconst a = b;\n"})]


def test_a_file_that_is_missing_or_of_another_kind_registers_nothing(
    tmp_path: Path, registered: list[tuple[str, dict[str, Any]]]
) -> None:
    with pytest.raises(FileNotFoundError):
        component_from_files("x", tmp_path, "x.js")
    (tmp_path / "x.py").write_text("")
    with pytest.raises(KeyError):
        component_from_files("x", tmp_path, "x.py")
    assert registered == []
