"""Start: what FOCUS does, on one real token of the current run, and the ways to go on."""

import streamlit as st

from focus_ui import navigation, start_view
from focus_ui.components import kpi_row, page_head, warnings
from focus_ui.guards import require_run

page_head(
    "A new vocabulary for a pretrained model",
    "FOCUS copies the embedding of every token that both vocabularies share, and builds each new one as a sparse "
    "weighted mean of shared tokens that are used alike in your text. Here you see where every row comes from.",
)
run = require_run()
kpi_row(run)
start_view.worked_token(run)
start_view.doors()
warnings(run)
with st.expander("What am I looking at?", icon=":material/help:"):
    start_view.what_am_i_looking_at()
navigation.link(navigation.EXPORT, "Check this run and export the model")
