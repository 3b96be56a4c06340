"""The page of a source token: what it is, where it was copied, and every new token that it feeds."""

from __future__ import annotations

import streamlit as st

from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape, show_token
from focus_ui.data.token_names import source_label, target_names, token_label
from focus_ui.session import navigation
from focus_ui.shell.sidebar import category_badge
from pages.token.contributors import fed_section
from pages.token.view import draw_facts, source_category


def source_section(run: RunFolder, source_id: int) -> None:
    """Draw a source token: its facts and the target tokens that it feeds."""
    row = run.source_rows([source_id])[0]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(markdown_escape(source_label(run, source_id)), anchor=False, width="content")
        st.badge("source token", color="gray")
        if int(row["target_id"]) >= 0:
            category_badge(source_category(run, source_id))
    facts = [
        ("Id", f"#{source_id}"),
        ("Script", row["script"] or "–"),
        ("Kind", row["kind"]),
        ("In the corpus", "–" if row["frequency"] is None else f"{count(row['frequency'])} × (source tokenizer)"),
        ("Feeds", f"{count(row['n_fed'])} combined tokens"),
        ("Total weight", f"{row['weight_fed'] or 0:.2f}"),
        ("Native form", show_token(row["token"])),
    ]
    draw_facts(facts)
    _copy_link(run, int(row["target_id"]))
    fed_section(run, source_id, expanded=True)


def target_link(run: RunFolder, target_id: int) -> None:
    """Draw the way back to the target token looked at last, by its name: one may have come from elsewhere."""
    icon = ":material/arrow_back:"
    label = f"Back to the target token looked at last: {token_label(run, target_id)}"
    navigation.link(navigation.TOKEN, label, icon=icon, token=target_id)


def _copy_link(run: RunFolder, target_id: int) -> None:
    """Draw where the row was copied to."""
    if target_id < 0:
        st.markdown("No target token is a copy of it, so it is no anchor.")
        return
    label = markdown_escape(*target_names(run, [target_id]))
    icon = ":material/content_copy:"
    navigation.link(navigation.TOKEN, f"Copied to target token {label} :gray[#{target_id}]", icon=icon, token=target_id)
