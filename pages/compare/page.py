"""Compare: where to look in this run, and what differs from up to six others."""

import streamlit as st

from focus_ui.shell.guards import require_run
from focus_ui.shell.sidebar import page_head
from pages.compare import view
from pages.compare.choice import looked_into, other_runs, side_by_side
from pages.compare.difference import difference_section
from pages.compare.groups import groups_section
from pages.compare.hubs import hubs_section
from pages.compare.several import side_by_side_section

page_head("Compare", "Where to look in this run, and what differs from a second one, or from up to six.")
run = require_run()
others = other_runs()
are_many = len(others) > 1
if are_many:
    side_by_side_section(run, side_by_side(run, others))
other = looked_into(others)
if other is not None:
    difference_section(run, other)
if not are_many:
    view.checks_section(run, other)
view.lists_section(run)
hubs_section(run)
if not are_many:
    view.spread_section(run, other)
together = groups_section(run, others)
view.report_section(run, others, together)
with st.expander("What am I looking at?", icon=":material/help:"):
    view.what_am_i_looking_at()
