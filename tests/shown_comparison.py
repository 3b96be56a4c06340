"""A comparison that nobody ran: a made-up table in a folder of its own, with toy runs where they are asked for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "data" / "comparison" / "table.json"
KEEP = {
    "kind": "keep",
    "method": None,
    "sentence": "On this text (420 lines), the source under its own tokenizer is better by 0.10 (0.05 to 0.15).",
    "reasons": ["Against keeping it: 2.4 tokens a word instead of 1.5."],
    "tied": [],
    "worse": [],
    "not_tested": [],
}
"""What is recommended where no new vocabulary is worth it."""


def made_table(**recommendation: Any) -> dict[str, Any]:
    """Return the made-up table, with parts of its recommendation changed."""
    table: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    table["recommendation"] |= recommendation
    return table


def table_of(methods: Iterable[str]) -> dict[str, Any]:
    """Return the made-up table with other methods: each has the numbers of the made-up FOCUS."""
    table = made_table()
    (like,) = (entry for entry in table["methods"] if entry["method"] == "focus")
    table["methods"] = [like | {"method": name} for name in methods]
    table["recommendation"] |= {"tied": [], "worse": []}
    return table


def write_comparison(folder: Path, table: Mapping[str, Any], *, runs: Path | None = None) -> Path:
    """Write a finished comparison; every method that was measured gets a copy of ``runs`` for its first seed."""
    measured = [entry["method"] for entry in table["methods"] if entry["status"] == "measured"]
    manifest = {
        "schema_version": table["schema_version"], "kind": "comparison", "methods": measured, "missing": {},
        "request": {"seeds": len(table["settings"]["seeds"])},
    }  # fmt: skip
    (folder / "runs").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")
    (folder / "table.md").write_text("| method | bits |\n|---|---|\n| focus | 2.026 |\n", encoding="utf-8")
    for name in measured if runs is not None else ():
        shutil.copytree(runs, folder / "runs" / f"{name}-1")
    return folder
