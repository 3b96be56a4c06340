"""Overlap: what two vocabularies share, by tokens and by use, down to the single token."""

import streamlit as st

from focus_ui.shell.guards import require_run
from focus_ui.shell.sidebar import page_head
from pages.overlap import filter as filters
from pages.overlap import view
from pages.overlap.sentence import sentence_section

page_head("Overlap", "What the two vocabularies share, and where the embedding of every target token comes from.")
run = require_run()
filters.restore(run)
view.lead_numbers(run)
unit = view.unit_choice(run)
filters.take_click("bar", filters.chart_key(run, "bar", unit))
filters.take_click("groups", filters.chart_key(run, "groups", unit, filters.current().by))
view.vocabulary_bar(run, unit)
st.header("One sentence, two tokenizers", anchor=False)
sentence_section(run)
st.header("By group", anchor=False)
view.group_chart(run, unit)
st.header("Worth a look", anchor=False)
view.list_cards(run)
st.header("Tokens", anchor=filters.TABLE_ANCHOR)
view.token_list(run)
with st.expander("What am I looking at?", icon=":material/help:"):
    view.what_am_i_looking_at()
