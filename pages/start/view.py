"""The parts of the Start page: the picture, the doors to the other pages, one explanation."""

from __future__ import annotations

import streamlit as st

from focus_core.runs.folder import RunFolder
from focus_ui.data import cache
from focus_ui.data.training_tables import readable_trainings, with_matrix
from focus_ui.session import navigation
from focus_ui.session.navigation import PageEntry
from focus_ui.widgets.training_choice import before_beside_after, current_training
from pages.start.drawing import draw_picture
from pages.start.picture import picture_data

DOORS = (
    (
        navigation.LEARN,
        "Show me how FOCUS works",
        "Eight short chapters with live pictures, from a sentence to a trained embedding.",
    ),
    (
        navigation.OVERLAP,
        "Explore this run",
        "What the two vocabularies share, by script, length and use; then every token down to its embedding.",
    ),
    (
        navigation.DATA,
        "Use my own text",
        "Upload a text, train a vocabulary on it, and see what FOCUS makes of it.",
    ),
)
OTHERS: tuple[tuple[PageEntry, str], ...] = (
    (navigation.MAP, "All tokens on a map"),
    (navigation.TRAIN, "What it is worth in training"),
    (navigation.COMPARE, "Compare two runs"),
    (navigation.EXPORT, "Check this run and export the model"),
)


def worked_picture(run: RunFolder) -> None:
    """Draw the two vocabularies of the run, what is copied, and new tokens made of shared ones."""
    picture = picture_data(run, cache.explain)
    with st.container(border=True, key="picture"):
        chosen, opened, source = draw_picture(picture, key=f"_picture_{run.digest[:16]}")
        if chosen is None:
            st.caption(
                "This run combined nothing: by its method, or because new tokens are too rare or every token is shared."
            )
        else:
            navigation.link(navigation.TOKEN, "Everything about this token", token=chosen)
            _after_training(run, chosen)
    if source is not None:
        navigation.go(navigation.TOKEN, token=chosen, source=source)
    if opened is not None:
        navigation.go(navigation.TOKEN, token=opened)


def _after_training(run: RunFolder, target_id: int) -> None:
    """Draw, folded, what training made of the token's neighbourhood, where the run was trained."""
    training = current_training(run, with_matrix(readable_trainings(run)[0]))
    if training is None:
        return
    with st.expander("What training made of it", icon=":material/trending_down:"):
        before_beside_after(run, training, target_id)


def doors() -> None:
    """Draw the three ways on, and below them, smaller, the others."""
    st.header("Where to go from here", anchor=False)
    with st.grid(3, min_column_width=230, key="doors"):
        for page, title, words in DOORS:
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.subheader(title, anchor=False)
                st.markdown(words)
                if page is navigation.LEARN:
                    navigation.link(page, page.title, chapter=1)
                else:
                    navigation.link(page, page.title)
    with st.container(horizontal=True, gap="small"):
        for page, label in OTHERS:
            navigation.link(page, label)


def what_am_i_looking_at() -> None:
    """Explain the picture in three sentences, one formula and one limit."""
    st.markdown(
        "Both vocabularies are read as they are, and tokens that mean the same are matched. A small model is trained "
        "on the corpus over the **target** tokens; in its space, every new token is compared with every shared one. "
        "Sparsemax turns these similarities into a few positive weights, and the new embedding is that weighted "
        "mean of embeddings which the pretrained model already has:"
    )
    st.latex(r"e_{\mathrm{new}} = \sum_j w_j\, e_j,\qquad w = \mathrm{sparsemax}(s),\qquad \sum_j w_j = 1")
    st.caption(
        "A limit: a token that the corpus hardly holds cannot be compared; its embedding falls back, and is marked so."
    )
