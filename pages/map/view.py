"""The parts of the page Map: which layout, the canvas, which tokens are marked, and the one that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from focus_core.errors import FocusError
from focus_core.numerics.formats import count
from focus_core.runs.additions import ProjectionFolder, TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_ui.data import cache
from focus_ui.data.tables import has_frequency
from focus_ui.data.token_names import token_label
from focus_ui.data.training_tables import readable_trainings, with_matrix
from focus_ui.session import navigation, state
from focus_ui.session.errors import show_error
from focus_ui.shell.guards import guarded, id_in
from focus_ui.widgets.choice import choose
from focus_ui.widgets.training_choice import before_beside_after, choose_training, current_training
from pages.map import cache as map_cache
from pages.map.axes import Axis, choose_axes, drawn_axes, leave_axes, remember_axes
from pages.map.captions import NEAR_WORDS, alt_words, honest_words
from pages.map.component import map_canvas
from pages.map.payload import few_trails
from pages.map.project_form import map_offer, take_awaited
from pages.map.selection import Picked, selection_panel, take_reports
from pages.map.tables import (
    AXES,
    INITIALISED,
    KEPT_MEANING,
    KEPT_NAME,
    KEPT_TITLE,
    QUICK,
    TRAINED_PREFIX,
    Chosen,
    MapLayout,
    on_map,
    projection_label,
    readable_projections,
)

MAX_MARKED = 30
MAX_LISTED = 8
BOX_PX = 440
IN_ADDRESS = {"quick": QUICK, "axes": AXES}
"""Layouts that are no stored ones, by what the page's address calls them."""


def choose_layout(run: RunFolder, row: DeltaGenerator) -> Chosen | None:
    """Draw the choice of a layout and of the two members that are compared."""
    stored, errors = readable_projections(run)
    trainings, more = readable_trainings(run)
    for error in (*errors, *more):
        show_error(error)
    try:
        with row:
            name = _layout_box(run, trainings, stored)
            projection = next((projection for projection in stored if projection.name == name), None)
            training = choose_training(run, with_matrix(trainings)) if projection is None else None
            layout = None if projection is None else map_cache.stored_layout(run, projection)
            left, right = ("", "") if layout is None else _members(run, layout)
            map_offer(run, with_matrix(trainings))
        if name == AXES:
            layout = _by_formula(run, training)
        else:
            leave_axes()
            layout = map_cache.quick_layout(run, training) if layout is None else layout
    except FocusError as error:
        show_error(error)
        return None
    if not left:
        left, right = next(iter(layout.members)), list(layout.members)[-1]
    return Chosen(layout=layout, left=left, right=right, training=_between(trainings, left, right))


def _layout_box(run: RunFolder, trainings: Sequence[TrainingFolder], stored: Sequence[ProjectionFolder]) -> str:
    names = {**{projection.name: projection_label(projection) for projection in stored}, QUICK: QUICK, AXES: AXES}
    key = f"_map_layout_{run.digest[:12]}"
    words = {**IN_ADDRESS, **{name: name for name in names if name not in IN_ADDRESS.values()}}
    state.take_choice(state.LAYOUT_PARAM, key, words)
    _show_wanted(run, trainings, stored, key)
    new = take_awaited(run)
    if new in names:
        st.session_state[key] = new
    name = choose("Layout", names, key, persist_state="session", width=BOX_PX) or next(iter(names))
    word = next((word for word, layout in words.items() if layout == name), None)
    state.write_choice(state.LAYOUT_PARAM, None if name == next(iter(names)) else word)
    return name


def _show_wanted(
    run: RunFolder, trainings: Sequence[TrainingFolder], stored: Sequence[ProjectionFolder], key: str
) -> None:
    """Where the chosen training stands on no stored map, choose the one that is laid out at once."""
    training = current_training(run, with_matrix(trainings))
    if training is None or key in st.session_state:
        return
    shown = {str(member.get("key")) for p in stored for member in p.manifest.get("members", ())}
    if f"{TRAINED_PREFIX}{training.name}" not in shown:
        st.session_state[key] = QUICK


def _by_formula(run: RunFolder, training: TrainingFolder | None) -> MapLayout:
    """Lay tokens out on the axes as written; where those point nowhere, say so and keep the last map."""
    axes = choose_axes(run)
    try:
        layout = _on_axes(run, training, axes)
    except FocusError as error:
        last = drawn_axes(run)
        if last is None or last == axes:
            raise
        show_error(error)
        return _on_axes(run, training, last)
    remember_axes(run, axes)
    return layout


def _on_axes(run: RunFolder, training: TrainingFolder | None, axes: tuple[Axis, Axis]) -> MapLayout:
    return map_cache.cosine_layout(run, training, [axis.direction for axis in axes], [axis.title for axis in axes])


def _members(run: RunFolder, layout: MapLayout) -> tuple[str, str]:
    """Draw the choice of the two members where there are more than two."""
    keys = list(layout.members)
    first = INITIALISED if INITIALISED in layout.members else keys[0]
    if len(keys) < 3:
        return first, next((key for key in keys if key != first), first)
    boxes = (("Left", "left", keys.index(first)), ("Right", "right", next(i for i, k in enumerate(keys) if k != first)))
    left, right = (
        choose(label, layout.members, f"_map_{name}_{run.digest[:12]}_{len(keys)}", index=index, width=260)
        for label, name, index in boxes
    )
    return (left, right) if left in layout.members and right in layout.members else (first, keys[-1])


def _between(trainings: Sequence[TrainingFolder], left: str, right: str) -> TrainingFolder | None:
    """Return the training that leads from one member to the other, if one does."""
    pair = {left, right}
    return next((t for t in trainings if pair == {INITIALISED, f"{TRAINED_PREFIX}{t.name}"}), None)


@st.fragment
@guarded()
def map_section(run: RunFolder) -> None:
    """Draw the whole page below its head; what happens on the map runs this part again and nothing else."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    chosen = choose_layout(run, row)
    with row:
        query = _search_box()
    if chosen is None:
        return
    if chosen.left == chosen.right == INITIALISED:
        words = "This run has no trained embeddings yet, so the map shows the initialised ones alone."
        st.info(words, icon=":material/info:")
        navigation.link(navigation.TRAIN, "Train it, or import a checkpoint")
    draw_map(run, chosen, query)


def draw_map(run: RunFolder, chosen: Chosen, query: str) -> None:
    """Draw the canvas, what one must know of it, the selection, and the token that was chosen."""
    layout = chosen.layout
    key = f"map_{run.digest[:12]}"
    picked = take_reports(run, key)
    selected = _selected(run)
    found = _marked(run, layout, query)
    near = _near(run, chosen, selected)
    words = [*honest_words(chosen), *([NEAR_WORDS] if near else [])]
    digest, points = map_cache.map_points(run, layout, chosen.training, chosen.left, chosen.right)
    small = _shown(run, chosen, picked, selected, found)
    map_canvas(key=key, points=points, data={"digest": digest, **small, "near": near, "words": " ".join(words)})
    st.caption(" ".join(words))
    frame = map_cache.map_frame(run, layout, chosen.training)
    selection_panel(run, frame, picked, measured=cache.changes(run, chosen.training) is not None)
    if selected is not None:
        token_card(run, chosen, selected)


def _shown(
    run: RunFolder, chosen: Chosen, picked: Picked, selected: int | None, found: Sequence[int]
) -> dict[str, Any]:
    """Return what the canvas is sent beside the points."""
    frame = map_cache.map_frame(run, chosen.layout, chosen.training)
    return {
        "run": run.digest[:12],
        "key": f"{chosen.layout.method} {chosen.left} {chosen.right}",
        "alt": alt_words(chosen),
        "token": {"id": -1 if selected is None else selected, "at": picked.token_at},
        "selection": {"ids": list(picked.ids), "at": picked.selection_at},
        "brush": {"range": picked.brush, "at": picked.brush_at},
        "marked": list(found),
        "counted": has_frequency(run),
        "threshold": few_trails(frame),
        "keptName": KEPT_NAME,
        "keptWords": f"{KEPT_TITLE}: {KEPT_MEANING}. Drag over the bars to see some alone.",
        "file": f"map-{chosen.layout.method}-{run.digest[:8]}",
    }


def _near(run: RunFolder, chosen: Chosen, selected: int | None) -> dict[str, Any] | None:
    """Return the nearest tokens of the chosen one in both members, and those that are so in both."""
    if selected is None or chosen.training is None or "input" not in chosen.training.matrix_names():
        return None
    try:
        change = cache.neighbours(run, chosen.training, selected)
    except FocusError:
        return None  # the token's card tries the same and says why
    if not change.before:
        return None
    sides = [[neighbour.id for neighbour in side] for side in (change.before, change.after)]
    members = sides if chosen.left == INITIALISED else sides[::-1]
    return {"id": selected, "members": members, "kept": [neighbour.id for neighbour in change.kept]}


def _selected(run: RunFolder) -> int | None:
    """Return the token that the page's address or the session names, if it is one of the run."""
    wanted, kinds = id_in(state.chosen_token() or ""), run.column("tokens", "kind")
    return wanted if wanted is not None and wanted < len(kinds) and kinds[wanted] is not None else None


def _search_box() -> str:
    """Draw the box for tokens to mark; return what stands in it."""
    query = st.text_input(
        "Mark tokens",
        type="search",
        key="_map_query",
        persist_state="session",
        placeholder="Part of a token, or #ID",
        icon=":material/my_location:",
        width=300,
    )
    return str(query or "")


def _marked(run: RunFolder, layout: MapLayout, query: str) -> list[int]:
    """Draw the tokens that fit the search, each a button that chooses it; return those to mark."""
    if not query:
        return []
    hits = cache.search(run, query, limit=MAX_MARKED)
    there = on_map(layout, hits)
    words = f"{count(len(there))} marked" if there else "No token on this map fits."
    if len(hits) == MAX_MARKED:
        words = words.replace("marked", "marked, the first that fit")
    if len(hits) > len(there):
        words += f" {count(len(hits) - len(there))} more fit, but are not in the sample."
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="map_hits"):
        st.caption(words, width="content")
        _hits(run, there[:MAX_LISTED])
    if rest := there[MAX_LISTED:]:
        with (
            st.expander(f"and {count(len(rest))} more", icon=":material/my_location:"),
            st.container(horizontal=True, gap="small", key="map_more_hits"),
        ):
            _hits(run, rest)
    return there


def _hits(run: RunFolder, ids: list[int]) -> None:
    """Draw tokens as buttons that choose them."""
    for target_id in ids:
        label = token_label(run, target_id)
        st.button(label, key=f"_map_hit_{target_id}", on_click=state.show_target, args=(target_id,), type="tertiary")


def token_card(run: RunFolder, chosen: Chosen, target_id: int) -> None:
    """Draw the chosen token: what training did to it, and its nearest tokens before and after."""
    with st.container(border=True, key="map_card"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.header(token_label(run, target_id), anchor=False, width="content")
            navigation.link(navigation.TOKEN, "Everything about this token", token=target_id)
        if not on_map(chosen.layout, [target_id]):
            st.caption("It is not in the sample of this map.")
        _measures(run, chosen, target_id)
        if chosen.training is not None and "input" in chosen.training.matrix_names():
            before_beside_after(run, chosen.training, target_id)


def _measures(run: RunFolder, chosen: Chosen, target_id: int) -> None:
    frame = cache.changes(run, chosen.training)
    row = None if frame is None else frame[frame["id"] == target_id]
    if frame is None or row is None or not len(row):
        return
    place, first = int(row.index[0]) + 1, row.iloc[0]
    words = (
        f" **{first['kept']:.2f}**, cosine of the embedding before and after **{first['cosine']:.2f}**, "
        f"norm **{first['norm_ratio']:.2f}** of what it was: number **{count(place)}** of {count(len(frame))} in "
        "order of change."
    )
    st.markdown(KEPT_TITLE + words, help=KEPT_MEANING)
