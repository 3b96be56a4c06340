"""The part of the page Compare that shows which tokens changed their neighbours together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from focus_core.analysis.comparison.neighbour_groups import (
    NeighbourGroup,
    NeighbourGroups,
    changed_groups,
    training_groups,
)
from focus_core.numerics.formats import count
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import row_name
from focus_core.tokenization.display import markdown_escape
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import save_table
from focus_ui.data.token_names import target_names
from focus_ui.data.training_tables import began_elsewhere, readable_trainings, training_label, with_matrix
from focus_ui.session.errors import reported
from focus_ui.widgets.choice import choose
from pages.compare.choice import Compared
from pages.compare.view import choice_table, open_token

N_MEMBERS = 4


def groups_section(run: RunFolder, others: Sequence[Compared]) -> NeighbourGroups | None:
    """Draw the groups of tokens that gained and lost the same neighbours, once they are asked for."""
    trainings = [t for t in with_matrix(readable_trainings(run)[0]) if not began_elsewhere(run, t)]
    states: dict[str, TrainingFolder | Compared] = {training.name: training for training in trainings}
    for other in others:
        if other.run.manifest["target"]["digest"] == run.manifest["target"]["digest"]:
            states[f"{other.label}/"] = other  # no training is called like that
    st.header("Tokens that changed together", anchor=False)
    if not states:
        st.caption("Nothing to compare with: no training of this run kept its embeddings, and no second run is chosen.")
        return None
    with st.expander(
        "Groups that gained and lost the same neighbours", icon=":material/group_work:", key="_groups_box",
        on_change="rerun",
    ) as box:  # fmt: skip
        return _groups(run, states) if box.open else None


def _groups(run: RunFolder, states: dict[str, TrainingFolder | Compared]) -> NeighbourGroups:
    """Draw the choice of a state to compare the initialised rows with, and its groups; return them."""
    name = next(iter(states))
    if len(states) > 1:
        labels = (f"{s.label}: {s.name}" if isinstance(s, Compared) else training_label(s) for s in states.values())
        names = dict(zip(states, labels, strict=True))
        name = choose("From the initialised embeddings to", names, "_groups_state") or name
    state = states.get(name) or next(iter(states.values()))
    with reported(), st.spinner("Comparing neighbours"):
        found = _found(run, state)
    st.markdown(
        f"**{count(len(found.groups))}** groups among **{count(found.n_compared)}** of {count(found.n_total)} tokens: "
        "those seen often enough in the corpus, the most changed ones of a large vocabulary (the most frequent, where "
        "the embeddings of two runs differ in width). Choose a group."
    )
    if not found.groups:
        return found
    digest = state.run.digest if isinstance(state, Compared) else state.digest
    table = run.remember(f"app groups table {digest}", lambda: group_table(run, found))
    key = f"together_{run.digest[:12]}_{digest[:12]}"
    place = choice_table(table, key, alt="Groups of tokens that gained and lost the same neighbours", once=False)
    save_table(lambda: table, key=key, name="changed together")
    if place is not None:
        _members(run, found.groups[place], f"{key}_{place}")
    st.caption(
        "Every token has ten nearest tokens before and ten after, exact and in the original space. Agreement is the "
        "share of gains and losses that the first token has in common with the others."
    )
    return found


def _found(run: RunFolder, state: TrainingFolder | Compared) -> NeighbourGroups:
    """Return the groups of two states, found once."""
    if isinstance(state, Compared):
        other = state.run
        return run.remember(
            f"app groups {other.digest}",
            lambda: changed_groups(run, run.embeddings("input"), other.embeddings("input")),
        )
    return run.remember(f"app groups {state.digest}", lambda: training_groups(run, state))


def group_table(run: RunFolder, found: NeighbourGroups) -> dict[str, list[Any]]:
    """Return groups as columns: size, first members, what they moved towards and away from, agreement."""
    rows = [
        (
            len(group.ids), _shown(run, group.ids[:N_MEMBERS]), _shown(run, group.gained), _shown(run, group.lost),
            group.agreement, group.kept, group.occurrences,
        )
        for group in found.groups
    ]  # fmt: skip
    return as_columns(
        ("tokens", "the first of them", "towards", "away from", "agreement", "kept", "in the corpus"), rows
    )


def _shown(run: RunFolder, ids: Sequence[int]) -> str:
    return "  ".join(target_names(run, ids, limit=24))


def _members(run: RunFolder, group: NeighbourGroup, key: str) -> None:
    """Draw what a group moved towards and away from, and its tokens; choosing one opens its page."""
    for words, ids in (("Towards", group.gained), ("Away from", group.lost)):
        if ids:
            st.markdown(f"{words} " + markdown_escape(_shown(run, ids)))
    rows = [(row_name(row), row["frequency"], row["script"], row["id"]) for row in run.token_rows(list(group.ids))]
    shown = as_columns(("token", "in the corpus", "script", "id"), rows)
    place = choice_table(shown, f"members_{key}", alt="Tokens of the chosen group")
    if place is not None:
        open_token(group.ids[place])
