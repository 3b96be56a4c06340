"""Which methods can run on what is given: each with a line on what it does, what it takes, and what it lacks."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from focus_core.initialization.methods.base import Method
from focus_core.initialization.methods.registry import METHODS
from focus_core.numerics.formats import duration
from focus_core.runs.legend import method_of
from focus_core.types import COST_SUMMARIES, Need
from focus_ui.widgets.further_inputs import NAMES, lacking_words
from pages.methods.estimate import ComparisonEstimate

MIN_CELL = 360


def method_choice(given: Collection[Need], estimate: ComparisonEstimate | None) -> tuple[str, ...]:
    """Draw every method, those that lack an input too; return the names of the chosen ones."""
    st.header("Methods", anchor=False)
    chosen: list[str] = []
    cells = st.grid(2, min_column_width=MIN_CELL)
    for name, method in METHODS.items():
        lacks = method.lacks(given)
        with cells.cell(), st.container(gap="xxsmall"):
            is_on = st.checkbox(
                f"**{method_of(name).label}**: {method.summary}", value=not lacks, disabled=bool(lacks),
                key=f"_method_{name}_{'lacking' if lacks else 'offered'}",
            )  # fmt: skip
            st.caption(_about(method, lacks, estimate))
        chosen += [name] if is_on and not lacks else []
    return tuple(chosen)


def _about(method: Method, lacks: Collection[Need], estimate: ComparisonEstimate | None) -> str:
    """Return what a method needs and takes, or what it lacks and where to get it; Markdown of our own words."""
    if lacks:
        return lacking_words(lacks)
    needs = ", ".join(NAMES[need] for need in method.needs)
    words = f"Needs {needs}" if needs else "Needs nothing beside the model and the tokenizers"
    cost = "" if estimate is None else f"; about {duration(estimate.by_method[str(method.name)])} with all its seeds"
    return f"{words}: {COST_SUMMARIES[method.cost]}{cost}."
