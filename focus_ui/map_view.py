"""The parts of the page Map: which layout, how it is coloured, which tokens are marked, and the one that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from focus_core.errors import FocusError
from focus_core.run_folder import RunFolder
from focus_ui import cache, navigation, state
from focus_ui.change_view import before_beside_after, choose_training, current_training
from focus_ui.components import token_label
from focus_ui.errors import show_error
from focus_ui.figures import CONFIG
from focus_ui.map_figures import COSINE, KEPT, ORIGIN, MapChoice, overlay_figure, panes_figure
from focus_ui.map_tables import (
    INITIALISED,
    METHOD_WORDS,
    QUICK,
    TRAINED_PREFIX,
    on_map,
    projection_label,
    readable_projections,
)
from focus_ui.theme import count, percent
from focus_ui.training_tables import readable_trainings, with_matrix

if TYPE_CHECKING:
    from focus_core.run_folder import ProjectionFolder, TrainingFolder
    from focus_ui.map_tables import MapLayout

SIDE_BY_SIDE, OVERLAY = "side by side", "one over the other"
TRAILS = (0, 50, 200, 1000, 5000)
MAX_MARKED = 30
MAX_LISTED = 8
PLOT_CONFIG: dict[str, Any] = {**CONFIG, "scrollZoom": True, "displayModeBar": True, "modeBarButtonsToRemove": [
    "select2d", "lasso2d", "autoScale2d", "toImage"]}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """The layout that the page shows, and the training whose measures colour it.

    Parameters
    ----------
    layout : MapLayout
        The map.
    right : str
        The member beside the initialised one; ``initialised`` itself where there is no other.
    training : TrainingFolder, default=None
        That of ``right``; ``None`` where it is no training of this run.
    """

    layout: MapLayout
    right: str
    training: TrainingFolder | None = None


def choose_layout(run: RunFolder) -> Chosen | None:
    """Draw the choice of a layout and of what stands beside the initialised rows.

    Parameters
    ----------
    run : RunFolder
        The current run.

    Returns
    -------
    Chosen or None
        ``None`` where a layout cannot be read or made; that has been said then.
    """
    stored, errors = readable_projections(run)
    trainings, more = readable_trainings(run)
    for error in (*errors, *more):
        show_error(error)
    names = {**{projection.name: projection_label(projection) for projection in stored}, QUICK: QUICK}
    left, right = st.columns(2)
    with left:
        key = f"_map_layout_{run.digest[:12]}"
        _show_wanted(run, trainings, stored, key)
        name = st.selectbox(
            "Layout", list(names), format_func=lambda n: names.get(n, n), key=key, persist_state="session"
        )
    projection = next((projection for projection in stored if projection.name == name), None)
    try:
        with right:
            if projection is None:
                training = choose_training(run, with_matrix(trainings))
                layout = cache.quick_layout(run, training)
            else:
                layout = cache.stored_layout(run, projection)
            beside = _beside(run, layout)
    except FocusError as error:
        show_error(error)
        return None
    named = beside.removeprefix(TRAINED_PREFIX)
    found = next((t for t in trainings if beside.startswith(TRAINED_PREFIX) and t.name == named), None)
    return Chosen(layout=layout, right=beside, training=found)


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


def _beside(run: RunFolder, layout: MapLayout) -> str:
    """Draw the choice of the second member where there are several."""
    others = [key for key in layout.members if key != INITIALISED]
    if len(others) < 2:
        return others[0] if others else next(iter(layout.members))
    chosen = st.selectbox(
        "Beside the initialised rows",
        others,
        format_func=lambda key: layout.members.get(key, key),
        key=f"_map_beside_{run.digest[:12]}_{len(others)}",
    )
    return chosen if chosen in layout.members else others[0]


def draw_map(run: RunFolder, chosen: Chosen) -> None:
    """Draw the controls, the map, what one must know of it, and the token that was chosen.

    Parameters
    ----------
    run : RunFolder
        The current run.
    chosen : Chosen
        From `choose_layout`.
    """
    layout = chosen.layout
    selected = _selected(run)
    color, view, trails = _controls(run, chosen)
    found = _search(run, layout)
    marked = [*([selected] if selected is not None else []), *found]
    left = INITIALISED if INITIALISED in layout.members else next(iter(layout.members))
    choice = MapChoice(
        left=left, right=chosen.right, color=color, highlighted=tuple(on_map(layout, marked)), trails=trails
    )
    frame = cache.map_frame(run, layout, chosen.training)
    draw = overlay_figure if view == OVERLAY else panes_figure
    event = st.plotly_chart(
        draw(layout, frame, choice),
        key=state.once_key(f"map_{run.digest[:12]}"),
        on_select="rerun",
        selection_mode="points",
        config=PLOT_CONFIG,
        alt=_alt(layout, choice, view),
    )
    st.caption(" ".join(honest_words(layout, choice, view)))
    clicked = _clicked(event)
    if clicked is not None and clicked != selected:
        state.show_target(clicked)
        state.count_click()
        st.rerun()
    if selected is not None:
        token_card(run, chosen, selected)


def _selected(run: RunFolder) -> int | None:
    """Return the token that the page's address or the session names, if it is one of the run."""
    named = state.chosen_token() or ""
    kinds = run.column("tokens", "kind")
    if not (named.isascii() and named.isdigit()) or int(named[:12]) >= len(kinds):
        return None
    return int(named[:12]) if kinds[int(named[:12])] is not None else None


def _controls(run: RunFolder, chosen: Chosen) -> tuple[str, str, int]:
    """Draw what the colour says, how the two members stand, and how many trails there are."""
    changed = chosen.training is not None and cache.changes(run, chosen.training) is not None
    color, view, trails = ORIGIN, SIDE_BY_SIDE, 0
    if chosen.right == INITIALISED:
        return color, view, trails
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if changed:
            color = st.segmented_control(
                "Colour", [ORIGIN, KEPT, COSINE], default=ORIGIN, required=True, key="_map_color",
                persist_state="session",
            ) or ORIGIN  # fmt: skip
        view = st.segmented_control(
            "Initialised and trained", [SIDE_BY_SIDE, OVERLAY], default=SIDE_BY_SIDE, required=True, key="_map_view",
            persist_state="session",
        ) or SIDE_BY_SIDE  # fmt: skip
        if changed and view == OVERLAY:
            trails = st.select_slider(
                "Trails of the most changed", TRAILS, value=200, format_func=count, key="_map_trails",
                persist_state="session", width=260,
            )  # fmt: skip
    return color, view, int(trails)


def _search(run: RunFolder, layout: MapLayout) -> list[int]:
    """Draw the search; return the tokens to mark, each also a button that chooses it."""
    query = st.text_input(
        "Mark tokens",
        type="search",
        key="_map_query",
        persist_state="session",
        placeholder="Part of a token, or #ID",
        icon=":material/my_location:",
        width=420,
    )
    if not query:
        return []
    hits = cache.search(run, query, limit=MAX_MARKED)
    there = on_map(layout, hits)
    words = f"{count(len(there))} marked" if there else "No token on this map fits."
    if len(hits) > len(there):
        words += f" {count(len(hits) - len(there))} more fit, but are not in the sample."
    st.caption(words)
    with st.container(horizontal=True, gap="xsmall", key="map_hits"):
        for target_id in there[:MAX_LISTED]:
            label = token_label(run, target_id)
            st.button(
                label, key=f"_map_hit_{target_id}", on_click=state.show_target, args=(target_id,), type="tertiary"
            )
    return there


def _alt(layout: MapLayout, choice: MapChoice, view: str) -> str:
    """Return the map in words for those who do not see it; the numbers stand in the card and on the page Train."""
    method = METHOD_WORDS.get(layout.method, layout.method)
    members = " and ".join(dict.fromkeys(layout.members[key] for key in (choice.left, choice.right)))
    how = "" if choice.left == choice.right else f", {view}"
    return f"Map of {count(len(layout.ids))} tokens by {method}: {members}{how}, coloured by {choice.color}"


def honest_words(layout: MapLayout, choice: MapChoice, view: str) -> list[str]:
    """Return what one must know to read a map: method, sample, seed, how far it can be trusted.

    Parameters
    ----------
    layout : MapLayout
        The map.
    choice : MapChoice
        What of it is drawn.
    view : str
        How the two members stand.

    Returns
    -------
    list of str
        Sentences.
    """
    method = METHOD_WORDS.get(layout.method, "a layout")
    sample = "all" if len(layout.ids) == layout.n_total else f"{count(len(layout.ids))} of"
    words = [f"{method} of {sample} {count(layout.n_total)} tokens, seed {layout.seed}."]
    if choice.left != choice.right:
        words.append(
            "Both states were laid out together: a token that stays where it was stands in the same place in both."
        )
    if view == OVERLAY:
        words.append("Grey rings: right after initialisation; filled: after training; lines: the way between.")
    if layout.explained:
        shares = " and ".join(percent(share) for share in layout.explained[:2])
        words.append(f"The two axes hold {shares} of the variance: most of it is not in this picture.")
    if layout.trust is not None:
        words.append(
            f"Trustworthiness {layout.trust:.2f}: 1 if all neighbours on the map are neighbours in the original space, "
            "0.5 by chance; what lies far apart says little."
        )
    words.append(
        "All numbers come from the original space; only the picture is flat. Click a point to choose its token."
    )
    return words


def token_card(run: RunFolder, chosen: Chosen, target_id: int) -> None:
    """Draw the chosen token: what training did to it, and its nearest tokens before and after.

    Parameters
    ----------
    run : RunFolder
        The current run.
    chosen : Chosen
        What the map shows.
    target_id : int
        The token.
    """
    with st.container(border=True, key="map_card"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(token_label(run, target_id), anchor=False, width="content")
            navigation.link(navigation.TOKEN, "Everything about this token", token=target_id)
        if not on_map(chosen.layout, [target_id]):
            st.caption("It is not in the sample of this map.")
        _measures(run, chosen, target_id)
        if chosen.training is not None and "input" in chosen.training.matrix_names():
            before_beside_after(run, chosen.training, target_id)


def _measures(run: RunFolder, chosen: Chosen, target_id: int) -> None:
    frame = None if chosen.training is None else cache.changes(run, chosen.training)
    row = None if frame is None else frame[frame["id"] == target_id]
    if frame is None or row is None or not len(row):
        return
    place, first = int(row.index[0]) + 1, row.iloc[0]
    st.markdown(
        f"Neighbours kept **{first['kept']:.2f}** (those in common, as a share of all that are near before or after), "
        f"cosine of the row before and after **{first['cosine']:.2f}**, "
        f"length **{first['norm_ratio']:.2f}** of what it was: number **{count(place)}** of {count(len(frame))} in "
        "order of change."
    )


def _clicked(event: Any) -> int | None:
    """Return the id that the clicked point carries."""
    points = event["selection"]["points"] if event else []
    data = points[0].get("customdata") if points else None
    if isinstance(data, Sequence) and not isinstance(data, str):
        data = data[0] if data else None
    return int(data) if isinstance(data, int | float) else None


def not_trained() -> None:
    """Say that there is one state alone, and where the other comes from."""
    st.info(
        "This run has no trained embeddings yet, so the map shows the initialised rows alone.", icon=":material/info:"
    )
    navigation.link(navigation.TRAIN, "Train it, or attach trained embeddings")
