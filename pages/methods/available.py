"""Which methods can run on what is given: each with a line on what it does, what it takes, and what it lacks."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from focus_core.initialization.methods.base import Method
from focus_core.initialization.methods.registry import METHODS
from focus_core.numerics.formats import duration
from focus_core.runs.legend import method_of
from focus_core.types import COST_SUMMARIES, MethodName, Need
from focus_ui.widgets.further_inputs import NAMES, lacking_words
from pages.methods.estimate import ComparisonEstimate

MIN_CELL = 360
USUAL = (
    MethodName.FOCUS, MethodName.OVERLAP, MethodName.SCRIPT, MethodName.SUBWORD_MEAN, MethodName.MEAN,
    MethodName.RANDOM, MethodName.MULTIVARIATE_NORMAL,
)  # fmt: skip
"""The paper's method and what it is usually held against. All that can run would take hours, so these are chosen at
first, and what reads a further input that was given: it was given for that."""


def method_choice(given: Collection[Need], estimate: ComparisonEstimate | None) -> tuple[str, ...]:
    """Draw every method, those that lack an input too; return the names of the chosen ones."""
    st.header("Methods", anchor=False)
    _choose_many(given)
    chosen: list[str] = []
    cells = st.grid(2, min_column_width=MIN_CELL)
    for name, method in METHODS.items():
        lacks = method.lacks(given)
        key = _key(name, lacking=bool(lacks))
        st.session_state.setdefault(key, not lacks and _is_usual(method))
        with cells.cell(), st.container(gap="xxsmall"):
            is_on = st.checkbox(
                f"**{method_of(name).label}**: {method.summary}", disabled=bool(lacks), key=key,
            )  # fmt: skip
            st.caption(_about(method, lacks, estimate))
        chosen += [name] if is_on and not lacks else []
    return tuple(chosen)


def _choose_many(given: Collection[Need]) -> None:
    """Draw what ticks many boxes at once."""
    able = {name: method for name, method in METHODS.items() if not method.lacks(given)}
    usual = {name for name, method in able.items() if _is_usual(method)}
    with st.container(horizontal=True, gap="small"):
        for label, names in (("The usual ones", usual), (f"All {len(able)} that can run", set(able)), ("None", set())):
            st.button(label, on_click=_tick, args=(able, names), disabled=not able)


def _tick(able: Collection[str], names: Collection[str]) -> None:
    """Choose some of the methods that can run, and no other."""
    for name in able:
        st.session_state[_key(name, lacking=False)] = name in names


def _is_usual(method: Method) -> bool:
    """Whether a method is chosen before anybody chose: one of the usual, or one that a further input was given for."""
    return method.name in USUAL or not {Need.TEXT, Need.BODY}.issuperset(method.needs)


def _key(name: str, *, lacking: bool) -> str:
    return f"_method_{name}_{'lacking' if lacking else 'offered'}"


def _about(method: Method, lacks: Collection[Need], estimate: ComparisonEstimate | None) -> str:
    """Return what a method needs and takes, or what it lacks and where to get it; Markdown of our own words."""
    if lacks:
        return lacking_words(lacks)
    needs = ", ".join(NAMES[need] for need in method.needs)
    words = f"Needs {needs}" if needs else "Needs nothing beside the model and the tokenizers"
    cost = "" if estimate is None else f"; about {duration(estimate.by_method[str(method.name)])} with all its seeds"
    return f"{words}: {COST_SUMMARIES[method.cost]}{cost}."
