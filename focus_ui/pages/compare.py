"""Compare: where to look in this run, and what differs from a second one."""

import streamlit as st

from focus_ui import compare_view as view
from focus_ui.compare_difference import difference_section
from focus_ui.compare_groups import groups_section
from focus_ui.compare_hubs import hubs_section
from focus_ui.components import page_head
from focus_ui.guards import require_run

page_head("Compare", "Where to look in this run, and what differs from a second one.")
run = require_run()
other = view.second_run(run)
if other is not None:
    difference_section(run, other)
view.checks_section(run, other)
view.lists_section(run)
hubs_section(run)
view.spread_section(run, other)
together = groups_section(run, other)
view.report_section(run, other, together)
with st.expander("What am I looking at?", icon=":material/help:"):
    view.what_am_i_looking_at()
