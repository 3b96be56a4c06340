"""One token under all methods: its contributors side by side, the same source tokens in the same colour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from focus_core.analysis.provenance.explanation import Explanation
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import NEUTRAL, category_of, method_of
from focus_core.runs.tokens import by_frequency, showcase
from focus_core.tokenization.display import show_token
from focus_ui.charts.component_files import component_from_files
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import save_table
from focus_ui.data import cache
from focus_ui.data.catalog import compared_run_id
from focus_ui.data.token_names import target_names
from focus_ui.session import navigation
from focus_ui.session.errors import if_sound
from focus_ui.widgets.choice import choose
from pages.methods.choice import Shown
from pages.methods.results import measured

_component = component_from_files(
    "focus_contributors", Path(__file__).parent, "contributors.html", "contributors.css", "contributors.js"
)
N_HITS, N_OFFERED, MOST_PARTS = 12, 24, 12
PALETTE = ("#1C5FD0", "#D5700B", "#1F7F57", "#B23A9E", "#87592F", "#3B9AD9", "#C8323C", "#6A5ACD")
"""Colours of source tokens that several methods have in common, the largest weight first."""
HINT = "Point at a source token, or step through them with Tab: it lights up under every method."
NO_RUNS = "The runs of this comparison are not kept here, so no token can be looked into."


def token_section(found: Shown) -> None:
    """Draw a token's contributors under every method, from the runs of the first seed."""
    st.header("One token under all methods", anchor=False)
    comparison = found.comparison
    seed = comparison.seeds[0]
    paths = {
        name: comparison.layout.run(f"{name}-{seed}")
        for name in (str(entry["method"]) for entry in measured(comparison.table))
    }
    paths = {name: path for name, path in paths.items() if path.is_dir()}
    if not paths:
        st.caption(NO_RUNS)
        return
    opened = {name: if_sound(partial(cache.load_run, path)) for name, path in paths.items()}
    runs = {name: run for name, run in opened.items() if run is not None}
    token = _choose(next(iter(runs.values()))) if runs else None
    if token is None:
        return
    explained = {name: cache.explain(run, token) for name, run in runs.items()}
    key = f"methods_token_{found.entry.id[:24]}_{token}"
    _component(key=f"_{key}", data=columns_data(explained))
    save_table(lambda: contributor_rows(explained), key=key, name="contributors by method")
    _links(found, list(runs), seed, token)


def _choose(run: RunFolder) -> int | None:
    """Draw a search and the tokens that it finds; return the id of the chosen one."""
    left, right = st.columns(2)
    query = left.text_input(
        "Find a token", type="search", live="300ms", key="_methods_query", persist_state="session",
        placeholder="Part of a token, or #ID",
    )  # fmt: skip
    ids = cache.search(run, query, limit=N_HITS) if query else _offered(run)
    if not ids:
        st.caption("No target token fits.")
        return None
    names = {str(i): f"{name} #{i}" for i, name in zip(ids, target_names(run, ids, limit=32), strict=True)}
    if st.session_state.get("_methods_token") not in names:
        st.session_state["_methods_token"] = next(iter(names))
    chosen = choose("Token", names, "_methods_token", place=right, width="stretch")
    return int(chosen) if chosen else None


def _offered(run: RunFolder) -> list[int]:
    """Return tokens that show well how a row is made; where nothing was combined, frequent ones."""
    found = showcase(run)
    if not found:
        import numpy as np

        present = np.flatnonzero(run.column("tokens", "origin").astype(str) != "")
        found = [int(i) for i in by_frequency(run, present)[:N_OFFERED]]
    return found[:N_OFFERED]


def columns_data(explained: dict[str, Explanation]) -> dict[str, Any]:
    """Return what the component draws, as JSON values: every text has passed ``show_token``."""
    colors = shared_colors(list(explained.values()))
    columns = [_column(name, explanation, colors) for name, explanation in explained.items()]
    display = next(iter(explained.values())).display
    words = "; ".join(f"{column['method']}: {_first(column)}" for column in columns)
    return {"columns": columns, "hint": HINT, "alt": f"Contributors of {display} by method. {words}"}


def _first(column: Mapping[str, Any]) -> str:
    parts = [f"{part['label']} {part['weight']:.2f}" for part in column["parts"][:3]]
    return ", ".join(parts) or str(column["note"])


def shared_colors(explained: Sequence[Explanation]) -> dict[int, str]:
    """Return a colour for source tokens that contribute under several methods, the largest weight first."""
    weights: defaultdict[int, float] = defaultdict(float)
    methods: Counter[int] = Counter()
    for explanation in explained:
        for part in explanation.contributors:
            weights[part.source_id] += abs(part.weight)
            methods[part.source_id] += 1
    shared = sorted((i for i, n in methods.items() if n > 1), key=lambda i: (-weights[i], i))
    return dict(zip(shared, PALETTE, strict=False))


def _column(name: str, explanation: Explanation, colors: dict[int, str]) -> dict[str, Any]:
    look, category = method_of(name), category_of(explanation.origin, explanation.rule)
    parts = explanation.contributors
    more = len(parts) - MOST_PARTS
    return {
        "method": look.label,
        "color": look.color,
        "note": category.label,
        "meaning": category.meaning,
        "words": "" if parts else category.meaning,
        "more": f"and {count(more)} more" if more > 0 else "",
        "parts": [
            {
                "id": part.source_id,
                "label": show_token(part.text, word_start=part.word_start, limit=32),
                "weight": part.weight,
                "color": colors.get(part.source_id, NEUTRAL),
            }
            for part in parts[:MOST_PARTS]
        ],
    }


def contributor_rows(explained: dict[str, Explanation]) -> dict[str, list[Any]]:
    """Return all contributors under all methods as columns."""
    rows = [
        (method_of(name).label, show_token(part.text, word_start=part.word_start), part.source_id, part.weight)
        for name, explanation in explained.items()
        for part in explanation.contributors
    ]
    return as_columns(("method", "source token", "source id", "weight"), rows)


def _links(found: Shown, methods: Sequence[str], seed: int, token: int) -> None:
    """Draw the way to the token's page under every method."""
    with st.container(horizontal=True, gap="small"):
        for name in methods:
            run_id = compared_run_id(found.entry.id, f"{name}-{seed}")
            navigation.link(navigation.TOKEN, method_of(name).label, run=run_id, token=token)
