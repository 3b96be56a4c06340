"""The comparison is made of the committed measures, and these say what the project claims."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

METHODS = ("focus", "random", "script", "subword-mean", "overlap", "multivariate-normal", "mean")


@pytest.fixture(scope="module")
def table(root: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(root / "scripts"))
    yield importlib.import_module("demo_table")
    sys.path.remove(str(root / "scripts"))


def measured(value: float, method: str, trained: bool) -> dict[str, Any]:
    bits = {"value": value, "low": value - 0.1, "high": value + 0.1}
    tokens = 600_000 if trained else None
    return {"method": method, "trained_tokens": tokens, "bits_per_character": bits, "nats_per_token": 3 * value}


@pytest.fixture
def found() -> dict[str, Any]:
    groups = [measured(2.0 + 0.1 * i, method, False) for i, method in enumerate(METHODS)]
    groups += [measured(1.5 + 0.1 * i, method, True) for i, method in enumerate(METHODS)]
    worth = {"focus_at_start": 5.5, "one_pass": 1_000, "last_tokens": 3_000, "last_loss": 5.9, "reached": None}
    source = {"loss": {"bits_per_character": {"value": 2.2, "low": 2.1, "high": 2.3}}}
    return {"groups": groups, "worth": worth, "source": [source]}


def test_the_best_at_once_comes_first_with_its_interval(table: ModuleType, found: dict[str, Any]) -> None:
    lines = table.table_of({"sw": found}).splitlines()
    assert lines[0] == "| bits per character | Swahili, at once | Swahili, after 600k tokens |"
    assert lines[2] == "| FOCUS | **2.00 (1.90–2.10)** | **1.50 (1.40–1.60)** |"
    assert lines[3].startswith("| random | 2.10 (2.00–2.20) | 1.60 ")
    assert lines[9] == "| *the source under its own tokenizer* | 2.20 (2.10–2.30) | — |"


def test_what_is_said_where_random_rows_never_get_there(table: ModuleType, found: dict[str, Any]) -> None:
    text = table.sentence("sw", found)
    assert "do not reach FOCUS's loss at the start (5.50) within 3,000 tokens, 3.0 passes" in text
    found["worth"] |= {"reached": 2_345}
    assert "after 2,345 tokens of training" in table.sentence("sw", found)


def test_the_document_shows_the_committed_measures(
    table: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    text = (root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    shown = text.split(table.START, 1)[1].split(table.END, 1)[0].strip()
    assert shown == table.table_of(table.load_results()).strip()


@pytest.mark.parametrize("language", ["sw", "ar"])
def test_focus_lies_clearly_below_random(
    table: ModuleType, root: Path, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    found = table.load_results()[language]
    for trained in (False, True):
        focus = table.group_of(found, "focus", trained)["bits_per_character"]
        random = table.group_of(found, "random", trained)["bits_per_character"]
        assert focus["high"] < random["low"]
    assert len(found["seeds"]) == 3


def test_a_level_is_reached_on_the_line_between_two_rows(table: ModuleType) -> None:
    rows = [(0, 9.0), (100, 7.0), (200, 5.0)]
    assert table.when_below(rows, 6.0) == 150
    assert table.when_below(rows, 5.0) is None


def test_random_rows_that_were_not_trained_again_keep_their_curve(table: ModuleType, tmp_path: Path) -> None:
    """FOCUS starts lower now: the kept curve is read at the new level."""
    focus = table.Piece(language="sw", method="focus", seed=42, work=tmp_path)
    focus.trained().mkdir(parents=True)
    table.pq.write_table(pa.table({"held_out_loss": [5.5, 5.0]}), focus.trained() / "curve.parquet")
    kept = {"one_pass": 50, "curve": [{"tokens": 0, "held_out_loss": 9.0}, {"tokens": 100, "held_out_loss": 5.0}]}
    found = table.worth(focus, tmp_path, kept)
    assert (found["reached"], found["focus_at_start"], found["one_pass"], found["last_loss"]) == (88, 5.5, 50, 5.0)


def test_what_was_not_measured_again_stays(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]
) -> None:
    """Only FOCUS is measured: its groups are new, those of the others are the committed ones."""
    before = found | {"alignment": {"focus": {}, "random": {"initialised": 1}}}
    new = [measured(1.9, "focus", False), measured(1.4, "focus", True)]
    for group in (*new, *before["groups"]):
        group["state"] = "trained" if group["trained_tokens"] else "initialised"
    targets = [
        {"method": "focus", "state": g["state"], "seed": 42, "alignment": 2, "loss": {"nats_per_token": 4.0}}
        for g in new
    ]
    report = {"groups": new, "targets": targets, "corpus": {}, "settings": {}, "sources": [{"loss": 1}]}
    monkeypatch.setattr(table, "load_results", lambda: {"sw": before})
    monkeypatch.setattr(table, "worth", lambda *_: before["worth"])
    monkeypatch.setattr("focus_core.evaluation.report.evaluate_runs", lambda *_, **__: report)
    now = table.measure("sw", tmp_path, tmp_path, ("focus",))
    values = {(g["method"], g["state"]): g["bits_per_character"]["value"] for g in now["groups"]}
    assert len(values) == len(now["groups"]) == 14
    assert (values["focus", "initialised"], values["overlap", "initialised"]) == (1.9, 2.4)
    assert now["alignment"] == {"focus": {"initialised": 2, "trained": 2}, "random": {"initialised": 1}}
