"""A token's neighbours in the model's own space: before and after training, and beside a random and the mean embedding.

Every number is exact and from the original space.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from focus_core.analysis.provenance.baselines import StartNeighbours, start_neighbours
from focus_core.analysis.provenance.change import ChangedNeighbours, changed_tokens
from focus_core.analysis.provenance.explanation import Tone, Verdict
from focus_core.analysis.provenance.neighbours import Neighbour
from focus_core.analysis.provenance.verdicts import training_verdicts
from focus_core.errors import FocusError
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import method_of
from focus_core.tokenization.display import markdown_escape
from focus_ui.data import cache
from focus_ui.data.training_tables import readable_trainings, training_label, training_words, with_matrix
from focus_ui.session.errors import if_sound
from focus_ui.widgets.training_choice import N_NEIGHBOURS, choose_training, near_link

COLUMN_PX = 188
"""Wide enough for a token with two cosines; the columns wrap where the page is narrow."""

MEANINGS = {"random": "drawn from N(mean, std)", "mean": "the mean source embedding"}


def choice_of_training(run: RunFolder) -> TrainingFolder | None:
    """Draw the choice among the trainings that kept a matrix, where there are several."""
    return choose_training(run, with_matrix(readable_trainings(run)[0]))


def what_training_did(run: RunFolder, training: TrainingFolder | None, target_id: int) -> Sequence[Verdict]:
    """Return what a training did to a token, in sentences; none where there was no training."""
    if training is None:
        return ()
    try:
        change = cache.neighbours(run, training, target_id)
        key = f"app changed {training.path} {training.digest}"
        return training_verdicts(run.remember(key, lambda: changed_tokens(run, training)), change, target_id)
    except FocusError as error:
        text = f"What training did cannot be read: {error.message}."
        return (Verdict(text=text, tone=Tone.WARNING, advice=f"{error.hint.capitalize()}." if error.hint else ""),)


def neighbours_section(run: RunFolder, training: TrainingFolder | None, target_id: int) -> None:
    """Draw the nearest tokens of a row: kept, lost and gained by training, beside a random and the mean row."""
    change = _change(run, training, target_id)
    starts = _starts(run, target_id)
    st.header("Nearest tokens in the model" if change is None else "Before and after training", anchor=False)
    if not starts or not starts[0].neighbours:
        st.caption("This token has no embedding to compare.")
        return
    own, random, mean = starts
    if change is not None and training is not None:
        _told(training, change, starts)
    else:
        st.caption("By cosine, exact, in the space of the model's own embeddings. This run keeps no trained ones.")
    with st.container(horizontal=True, gap="small", key="token_neighbours"):
        if change is None:
            _list(run, f"{method_of(own.method).label} embedding", "as this run has it", own.neighbours)
        else:
            _changes(change)
        after = {near.id for near in change.after} if change is not None else set()
        _list(run, "Random embedding", MEANINGS["random"], random.neighbours, after=after)
        _list(run, "Mean embedding", MEANINGS["mean"], mean.neighbours, after=after)
    st.caption(
        "Random and mean embedding: what would be nearest if this embedding alone had been made so, by the same seed, "
        "with every other one as it is."
    )


def _change(run: RunFolder, training: TrainingFolder | None, target_id: int) -> ChangedNeighbours | None:
    """Return the change of a token's neighbours; where it cannot be read, say so."""
    if training is None:
        return None
    change = if_sound(lambda: cache.neighbours(run, training, target_id))
    return change if change is not None and change.before else None


def _starts(run: RunFolder, target_id: int) -> tuple[StartNeighbours, ...]:
    kept: dict[int, tuple[StartNeighbours, ...]] = run.remember("app start neighbours", dict)
    if target_id not in kept:
        if len(kept) >= 512:
            kept.clear()
        kept[target_id] = start_neighbours(run, target_id, k=N_NEIGHBOURS)
    return kept[target_id]


def _told(training: TrainingFolder, change: ChangedNeighbours, starts: Sequence[StartNeighbours]) -> None:
    """Name the training, and say how many of the neighbours after it each start had found."""
    after = [near.id for near in change.after]
    own, random, mean = (found.among(after) for found in starts)
    words = markdown_escape(training_words(training))
    st.caption(f"Training shown: **{markdown_escape(training_label(training))}**. {words}")
    st.markdown(
        f"Of its {len(after)} nearest tokens after training, its embedding had **{own:d}** from the start; a random "
        f"embedding would have had **{random:d}**, the mean embedding **{mean:d}**."
    )


def _changes(change: ChangedNeighbours) -> None:
    """Draw the kept, lost and gained neighbours in three columns, each a link."""
    lists = (
        ("Kept", "near before and after", change.kept),
        ("Lost", "near before training only", change.lost),
        ("Gained", "near after training only", change.gained),
    )
    for title, words, found in lists:
        with st.container(width=COLUMN_PX, gap="xsmall"):
            st.markdown(f"**{title}** {len(found)}  \n:gray[{words}]")
            for neighbour in found:
                near_link(neighbour, neighbour.rule, f"{neighbour.before:.2f} → {neighbour.after:.2f}", limit=16)
            if not found:
                st.caption("none")


def _list(
    run: RunFolder,
    title: str,
    words: str,
    found: Sequence[Neighbour],
    *,
    after: frozenset[int] | set[int] = frozenset(),
) -> None:
    """Draw the neighbours of one row; those that are near after training too are marked."""
    with st.container(width=COLUMN_PX, gap="xsmall"):
        st.markdown(f"**{title}**  \n:gray[{words}]")
        for near in found:
            rule = str(run.column("tokens", "rule")[near.id])
            near_link(near, rule, f"{near.cosine:.2f}{' ✓ after' if near.id in after else ''}", limit=16)
        if not found:
            st.caption("none")
