"""The parts of the Start page: one worked token, the doors to the other pages, one explanation."""

from __future__ import annotations

import streamlit as st

from focus_core.run_folder import RunFolder
from focus_core.token_text import markdown_escape, show_token
from focus_ui import cache, navigation
from focus_ui.change_view import before_beside_after, current_training
from focus_ui.components import category_badge
from focus_ui.tables import showcase
from focus_ui.theme import category_of
from focus_ui.token_view import contributors_chart
from focus_ui.training_tables import readable_trainings, with_matrix

DOORS = (
    (
        navigation.LEARN,
        "Show me how FOCUS works",
        "Eight short chapters with live pictures, from a sentence to a trained row.",
    ),
    (navigation.OVERLAP, "Explore this run", "What the two vocabularies share, by script, length and use."),
    (
        navigation.MAP,
        "See it on a map",
        "Every token where its row lies, right after initialisation and after training.",
    ),
    (navigation.TRAIN, "What is it worth?", "The loss at the start and through training, beside other methods."),
    (navigation.DATA, "Use my own text", "Upload a corpus, train a tokenizer on it, and make a run."),
)


def worked_token(run: RunFolder) -> None:
    """Draw one new token of the run and the shared tokens its row is made of.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    ids = showcase(run)
    if not ids:
        st.info(
            "This run combined nothing: by its method, or because new tokens are too rare or every token is shared."
        )
        return
    with st.container(border=True):
        chosen = _chosen(run, ids)
        explanation = cache.explain(run, chosen)
        category = category_of(explanation.origin, explanation.rule)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(f"The row of {markdown_escape(explanation.display)} is made of", anchor=False, width="content")
            category_badge(category)
        contributors_chart(run, explanation, key="start", clickable=False)
        _after_training(run, chosen)
        navigation.link(navigation.TOKEN, "Everything about this token", token=chosen)


def _after_training(run: RunFolder, target_id: int) -> None:
    """Draw what training made of the token's neighbourhood, where the run was trained; lead on to the whole picture."""
    training = current_training(run, with_matrix(readable_trainings(run)[0]))
    if training is None:
        return
    before_beside_after(run, training, target_id)
    with st.container(horizontal=True):
        navigation.link(navigation.MAP, "All tokens on one map, before and after training", token=target_id)
        navigation.link(navigation.TRAIN, "Training from this and from other initialisations")


def _chosen(run: RunFolder, ids: list[int]) -> int:
    """Draw the choice among tokens worth looking at."""
    names = {i: _name(run, i) for i in ids}
    chosen = st.selectbox(
        "A new token of the target vocabulary",
        ids,
        format_func=lambda i: names[i],
        key="_start_token",
        persist_state="session",
        width=360,
    )
    return int(chosen) if chosen in names else ids[0]


def _name(run: RunFolder, target_id: int) -> str:
    text, start = (run.column("tokens", name)[target_id] for name in ("text", "word_start"))
    return show_token(str(text), word_start=bool(start))


def doors() -> None:
    """Draw the ways to go on."""
    with st.container(horizontal=True, key="doors"):
        for page, title, words in DOORS:
            with st.container(border=True, height="stretch", width="stretch"):
                st.markdown(f"**{title}**  \n:gray[{words}]")
                if page is navigation.LEARN:
                    navigation.link(page, page.title, chapter=1)
                else:
                    navigation.link(page, page.title)


def what_am_i_looking_at() -> None:
    """Explain the picture in three sentences, one formula and one limit."""
    st.markdown(
        "Both vocabularies are read as they are, and tokens that mean the same are matched. A small model is trained "
        "on the corpus over the **target** tokens; in its space, every new token is compared with every shared one. "
        "Sparsemax turns these similarities into a few positive weights, and the new row is that weighted mean of "
        "the rows which the pretrained model already has:"
    )
    st.latex(r"e_{\mathrm{new}} = \sum_j w_j\, e_j,\qquad w = \mathrm{sparsemax}(s),\qquad \sum_j w_j = 1")
    st.caption(
        "A limit: a token that the corpus hardly holds cannot be compared; its row falls back, and is marked so."
    )
