"""Axes by formula: two directions named by tokens, and the map of cosines to them.

A direction is written as tokens joined by " + " and " - ". Every term is searched like anywhere else; what it was taken
for stands below the box, with other tokens that fit. A box that names none leaves the last axis on the map. The page's
address holds the axes that are drawn, where they are not those of the beginning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from focus_core.analysis.provenance.search import near_spellings
from focus_core.projection.axes import Direction
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import showcase
from focus_core.tokenization.display import markdown_escape, show_token
from focus_ui.data import cache
from focus_ui.data.tables import token_table
from focus_ui.data.token_names import target_names, token_label
from focus_ui.session import state

MAX_TERMS = 6
MAX_FORMULA = 300
N_OTHERS = 4
SIGNS = re.compile(r"\s+([+\-−])\s+")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis as it was written."""

    direction: Direction
    title: str
    formula: str


def terms_of(formula: str) -> list[tuple[int, str]]:
    """Return the terms of a formula.

    Examples
    --------
    >>> terms_of("mfalme - mwanaume + #12")
    [(1, 'mfalme'), (-1, 'mwanaume'), (1, '#12')]
    """
    parts = SIGNS.split(formula.strip())
    signs = [1, *(1 if sign == "+" else -1 for sign in parts[1::2])]
    return [(sign, name.strip()) for sign, name in zip(signs, parts[::2], strict=True) if name.strip()][:MAX_TERMS]


def choose_axes(run: RunFolder) -> tuple[Axis, Axis]:
    """Draw the two boxes; return the axes: in place of one that names no token, which has been said then, the last."""
    examples = _examples(run)
    last = drawn_axes(run) or tuple(_axis_of(run, [(1, i)], _first_formula(i)) for i in examples)
    found = []
    for column, name, example, before in zip(st.columns(2), state.AXIS_PARAMS, examples, last, strict=True):
        with column:
            found.append(_axis(run, name, example, before))
    first, second = found
    return first, second


def _examples(run: RunFolder) -> list[int]:
    """Return the two tokens that the axes begin with."""
    return [int(i) for i in (*showcase(run)[:2], *token_table(run)["id"].head(2).tolist())][:2]


def _first_formula(example: int) -> str:
    return f"#{example}"


def drawn_axes(run: RunFolder) -> tuple[Axis, Axis] | None:
    """Return the axes of the last map that could be drawn in this session, if there is one."""
    drawn: tuple[Axis, Axis] | None = st.session_state.get(f"focus_map_axes_{run.digest[:12]}")
    return drawn


def remember_axes(run: RunFolder, axes: tuple[Axis, Axis]) -> None:
    """Keep axes of which a map could be drawn, in the session and in the page's address."""
    st.session_state[f"focus_map_axes_{run.digest[:12]}"] = axes
    for name, axis, example in zip(state.AXIS_PARAMS, axes, _examples(run), strict=True):
        state.write_choice(name, None if axis.formula == _first_formula(example) else axis.formula)


def leave_axes() -> None:
    """Take the axes out of the page's address: another layout is on the map."""
    for name in state.AXIS_PARAMS:
        state.write_choice(name, None)


def _axis(run: RunFolder, name: str, example: int, last: Axis) -> Axis:
    key = f"_map_axis_{name}_{run.digest[:12]}"
    named = state.named_anew(name, key)
    if named is not None:
        st.session_state[key] = named[:MAX_FORMULA]
    elif key not in st.session_state:
        st.session_state[key] = _first_formula(example)
    formula = st.text_input(
        f"{name}: cosine to",
        key=key,
        max_chars=MAX_FORMULA,
        type="search",
        persist_state="session",
        help="A token, or tokens joined by + and - with spaces around them, such as king - man + woman; #ID names one "
        "exactly. Embeddings are taken at norm 1.",
    )
    terms = terms_of(formula or "")
    hits = [(sign, cache.search(run, term, limit=N_OTHERS + 1)) for sign, term in terms]
    missing = next((place for place, (_, fitting) in enumerate(hits) if not fitting), None)
    if not terms or missing is not None:
        _not_found(run, key, terms, missing, last)
        return last
    meant = [(sign, fitting[0]) for sign, fitting in hits]
    with st.container(horizontal=True, gap="xsmall", key=f"map_axis_{name}"):
        st.markdown(
            " ".join(
                _sign(sign, i, plus="\\+ ") + token_label(run, target_id) for i, (sign, target_id) in enumerate(meant)
            )
        )
        if len(terms) == 1:
            for other in hits[0][1][1:]:
                _offer(run, key, other, f"#{other}")
    return _axis_of(run, meant, formula.strip())


def _axis_of(run: RunFolder, meant: Sequence[tuple[int, int]], formula: str) -> Axis:
    plus, minus = (tuple(i for sign, i in meant if sign == wanted) for wanted in (1, -1))
    return Axis(direction=Direction(plus=plus, minus=minus), title=_title(run, meant), formula=formula)


def _not_found(run: RunFolder, key: str, terms: Sequence[tuple[int, str]], missing: int | None, last: Axis) -> None:
    """Say which term names no token and what the map shows instead; offer tokens that are spelt like it."""
    words = f"The map still shows: {markdown_escape(last.title)}."
    if missing is None:
        st.caption(f"Name a token. {words}")
        return
    term = terms[missing][1]
    near = near_spellings(run, term, limit=N_OTHERS)
    with st.container(horizontal=True, gap="xsmall", key=f"{key}_near", vertical_alignment="center"):
        words = f"No target token fits {markdown_escape(show_token(term, limit=24))}. {words}"
        st.caption(f"{words} Did you mean" if near else words, width="content")
        for target_id in near:
            names = [f"#{target_id}" if place == missing else name for place, (_, name) in enumerate(terms)]
            signs = ["", *(" + " if sign > 0 else " - " for sign, _ in terms[1:])]
            _offer(run, key, target_id, "".join(sign + name for sign, name in zip(signs, names, strict=True)))


def _offer(run: RunFolder, key: str, target_id: int, formula: str) -> None:
    st.button(
        token_label(run, target_id), key=f"{key}_{target_id}", type="tertiary", on_click=_take, args=(key, formula)
    )


def _sign(sign: int, place: int, *, plus: str = "+ ") -> str:
    return "" if place == 0 and sign > 0 else {1: plus, -1: "− "}[sign]


def _take(key: str, formula: str) -> None:
    st.session_state[key] = formula


def _title(run: RunFolder, meant: Sequence[tuple[int, int]]) -> str:
    """Return an axis in plain words: cosine to the tokens that were meant."""
    names = target_names(run, [target_id for _, target_id in meant], limit=24)
    words = [_sign(sign, place) + name for place, ((sign, _), name) in enumerate(zip(meant, names, strict=True))]
    return f"cosine to {' '.join(words)}"
