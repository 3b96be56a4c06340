"""Methods: which initialisation for this model and this text, measured; ties are called ties."""

import streamlit as st

from focus_ui.data.catalog import comparisons_root
from focus_ui.jobs.beside import draw_unfinished
from focus_ui.shell.sidebar import page_head
from pages.methods import view
from pages.methods.choice import chosen_comparison
from pages.methods.form import form_section
from pages.methods.token import token_section

page_head(
    "Methods",
    "Which initialisation for your model and your text: every method measured on lines that no input holds, at once "
    "and after a short training.",
)
draw_unfinished(comparisons_root(), name="comparison", all_lines="the form", quiet=False)
found = chosen_comparison()
if found is None or found.is_example:
    view.nothing_measured()
if found is not None:
    view.answer_section(found)
    view.picture_section(found)
    view.curves_section(found)
    view.table_section(found)
    token_section(found)
    view.copy_section(found)
form_section(expanded=found is None or found.is_example)
with st.expander("What am I looking at?", icon=":material/help:"):
    view.what_am_i_looking_at()
