"""Start: what FOCUS does in one picture of the current run, the ways on, and every run there is."""

import streamlit as st

from focus_ui.shell.guards import run_if_any
from focus_ui.shell.sidebar import kpi_row, page_head, warnings
from pages.start import view as start_view
from pages.start.gallery import gallery

page_head(
    "A new vocabulary for a pretrained model",
    "FOCUS copies the embedding of every token that both vocabularies share, and builds each new one as a sparse "
    "weighted mean of shared tokens that are used alike in your text. Here you see where every embedding "
    "comes from.",
)
run = run_if_any()
if run is not None:
    start_view.worked_picture(run)
    start_view.doors()
    kpi_row(run)
    warnings(run)
    with st.expander("What am I looking at?", icon=":material/help:"):
        start_view.what_am_i_looking_at()
gallery()
