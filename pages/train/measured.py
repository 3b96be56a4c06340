"""What distillation was worth to a real sentence encoder, from the committed results, on the page Train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import streamlit as st

from focus_core.numerics.formats import count
from focus_core.runs.legend import method_of
from focus_ui.data import catalog
from focus_ui.data.kept import kept

RESULTS = catalog.ROOT / "benchmarks" / "results" / "retrieval.json"
TESTS = {("sw", "tatoeba"): "Swahili, Tatoeba", ("sw", "tico"): "Swahili, TICO", ("de", "tatoeba"): "German, Tatoeba"}
STATES = ("at once", "distilled")
SOURCE = "source"


def _results(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


results = kept(_results, most=1)


def measured_section() -> None:
    """Draw what a real encoder found by every method, at once and distilled; nothing without results."""
    if not RESULTS.is_file():
        return
    found = results(RESULTS)
    with st.expander("What it was worth to a real sentence encoder", icon=":material/table_rows:"):
        columns = columns_of(found["rows"])
        percent = st.column_config.NumberColumn(format="%.1f %%")
        st.dataframe(
            columns, hide_index=True, placeholder="–", alt="Table of translations found by method, in percent",
            column_config={name: percent for name in columns if name != "initialised by"},
        )  # fmt: skip
        st.caption(
            "Sentences found by their translation, in percent, by all-MiniLM-L6-v2, an English encoder: at once and "
            f"after {count(found['environment']['settings']['tokens'])} tokens of short Bible verses, on other texts. "
            "The intervals are in docs/benchmarks.md."
        )


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return results as columns: a method a row, the unchanged source last."""
    values = {
        (row["method"], row["language"], row["test"], row.get("state")): 100 * row["value"]
        for row in rows
        if "value" in row
    }
    methods = [*dict.fromkeys(key[0] for key in values if key[0] != SOURCE)]
    columns: dict[str, list[Any]] = {
        "initialised by": [*(method_of(m).label for m in methods), "the source, unchanged"]
    }
    for test, label in TESTS.items():
        if (SOURCE, *test, None) not in values:
            continue
        for state in STATES:
            found = [values.get((method, *test, state)) for method in methods]
            columns[f"{label}, {state}"] = [*found, values[SOURCE, *test, None]]
    return columns
