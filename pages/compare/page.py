"""Compare: where to look in this run, and what differs from a second one."""

import streamlit as st

from focus_ui.shell.guards import require_run
from focus_ui.shell.sidebar import page_head
from pages.compare import view
from pages.compare.difference import difference_section
from pages.compare.groups import groups_section
from pages.compare.hubs import hubs_section

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
