"""Map: every token where its row lies, right after initialisation and after training, in one layout."""

import streamlit as st

from focus_ui import map_view as view
from focus_ui.components import page_head
from focus_ui.guards import require_run
from focus_ui.map_tables import INITIALISED

page_head("Map", "Every token where its row lies, right after initialisation and after training, in one layout.")
run = require_run()
chosen = view.choose_layout(run)
if chosen is None:
    st.stop()
if chosen.right == INITIALISED:
    view.not_trained()
view.draw_map(run, chosen)
