"""README's table of methods is made of comparisons: what is tied is bold, what was not measured is no row."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from focus_core.experiments.table import build_table
from tests.made_comparison import LEVELS, made_comparison


@pytest.fixture(scope="module")
def tables(root: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(root / "scripts"))
    yield importlib.import_module("method_tables")
    sys.path.remove(str(root / "scripts"))


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(json.dumps(build_table(made_comparison(missing={"mean": ["donor"]}))))
    return whole


def test_the_best_on_average_comes_first_and_what_is_tied_with_it_is_bold(
    tables: ModuleType, found: dict[str, Any]
) -> None:
    lines = tables.short_table({"source-sw": found}).splitlines()
    assert lines[0] == "| bits per character after the probe | Swahili, source of six languages |"
    bold = {line.split(" | ")[0].strip("| ") for line in lines if "**" in line}
    assert bold == set(found["recommendation"]["tied"]) == {"focus", "overlap"}
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:4]] in (["focus", "overlap"], ["overlap", "focus"])
    assert lines[-1].startswith("| *the source under its own tokenizer* | 2.")


def test_a_method_that_one_comparison_lacks_is_no_row(tables: ModuleType, found: dict[str, Any]) -> None:
    fewer = json.loads(json.dumps(found))
    next(entry for entry in fewer["methods"] if entry["method"] == "script")["status"] = "missing"
    both = {"source-sw": found, "english-sw": fewer}
    assert "script" in tables.ordered_methods({"source-sw": found})
    assert set(tables.ordered_methods(both)) == set(LEVELS) - {"script"}


def test_each_comparison_has_its_own_table_and_its_answer(tables: ModuleType, found: dict[str, Any]) -> None:
    text = tables.tables({"english-ar": found})
    assert text.startswith("### Arabic, source of English alone\n\n| method | at once |")
    assert text.endswith(found["recommendation"]["sentence"])
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {8}


def test_only_what_lies_between_the_marks_is_written(tables: ModuleType) -> None:
    document = f"a\n{tables.START}\n{{}}\n{tables.END}\nb"
    assert tables.between(document.format("old"), "new") == document.format("new")


def test_the_documents_hold_what_the_results_say(tables: ModuleType, root: Path) -> None:
    results = tables.load_results()
    for name, text in (("README.md", tables.short_table(results)), ("docs/benchmarks.md", tables.tables(results))):
        document = (root / name).read_text(encoding="utf-8")
        assert tables.between(document, text) == document
