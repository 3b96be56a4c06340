"""The main script: page settings, the session's state, the shared frame, then the chosen page."""

from pathlib import Path

import streamlit as st

ICON = Path(__file__).parents[1] / "assets" / "icon.png"
st.set_page_config(page_title="FOCUS Lab", page_icon=ICON, layout="wide", initial_sidebar_state=272)

from focus_ui.session.navigation import pages, tab_title  # noqa: E402 (the first command sets the page)
from focus_ui.session.state import init_state  # noqa: E402
from focus_ui.shell.guards import guarded  # noqa: E402
from focus_ui.shell.sidebar import sidebar  # noqa: E402

init_state()
st.logo(ICON, size="large")
page = st.navigation(pages(), position="sidebar", expanded=True)
st.set_page_config(page_title=tab_title(page.url_path))
sidebar()
with guarded():
    page.run()
