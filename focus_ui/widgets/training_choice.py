"""What training changed, in parts that several pages share: the choice of a training, and one token's neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from focus_core.analysis.provenance.change import ChangedNeighbour
from focus_core.analysis.provenance.neighbours import Neighbour
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import category_of
from focus_core.tokenization.display import markdown_escape, show_token
from focus_ui.data import cache
from focus_ui.data.training_tables import state_names
from focus_ui.session import navigation
from focus_ui.session.errors import if_sound
from focus_ui.widgets.choice import choose

N_NEIGHBOURS = 10


def choose_training(run: RunFolder, offered: Sequence[TrainingFolder]) -> TrainingFolder | None:
    """Draw the choice among trainings where there are several; the choice holds on every page."""
    if len(offered) < 2:
        return offered[0] if offered else None
    names = state_names(offered)
    key = training_key(run)
    wanted = st.session_state.pop(_wanted_key(run), None)  # before the box below is drawn: then it is too late
    if wanted in names:
        st.session_state[key] = wanted
    if st.session_state.get(key) not in names:
        st.session_state[key] = offered[0].name
    chosen = choose("Training", names, key, persist_state="session")
    return next((training for training in offered if training.name == chosen), offered[0])


def current_training(run: RunFolder, offered: Sequence[TrainingFolder]) -> TrainingFolder | None:
    """Return the training that the session chose, else the default, without drawing the choice."""
    named = st.session_state.get(_wanted_key(run)) or st.session_state.get(training_key(run))
    return next((training for training in offered if training.name == named), offered[0] if offered else None)


def want_training(run: RunFolder, name: str) -> None:
    """Choose a training for every page from the next rerun on."""
    st.session_state[_wanted_key(run)] = name


def _wanted_key(run: RunFolder) -> str:
    return f"focus{training_key(run)}_wanted"


def training_key(run: RunFolder) -> str:
    """Return where the session keeps the name of a run's chosen training."""
    return f"_training_{run.digest[:12]}"


def before_beside_after(
    run: RunFolder, training: TrainingFolder, target_id: int, *, n_shown: int = N_NEIGHBOURS
) -> None:
    """Draw a token's nearest tokens right after initialisation beside those after training."""
    change = if_sound(lambda: cache.neighbours(run, training, target_id))
    if change is None or not change.before:
        return
    kept = {neighbour.id for neighbour in change.kept}
    sides = (
        ("Nearest tokens right after initialisation", [(n, n.before) for n in change.before], "stays"),
        ("Nearest tokens after training", [(n, n.after) for n in change.after], "was there"),
    )
    for column, (title, found, word) in zip(st.columns(2), sides, strict=True):
        with column:
            st.markdown(f"**{title}**")
            for neighbour, cosine in found[:n_shown]:
                near_link(neighbour, neighbour.rule, f"{cosine:.2f}" + (f" · {word}" if neighbour.id in kept else ""))


def near_link(near: Neighbour | ChangedNeighbour, rule: str, numbers: str, *, limit: int = 24, about: str = "") -> None:
    """Draw a neighbour as a link to its page: a mark in the colour of its origin, the token, and its numbers."""
    shown = markdown_escape(show_token(near.text, word_start=near.word_start, limit=limit))
    label = f":{category_of(near.origin, rule).badge}[■] {shown} :gray[{numbers}]{about}"
    navigation.link(navigation.TOKEN, label, icon="", token=near.id)
