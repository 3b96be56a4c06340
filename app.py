"""Entry of the app: page settings, the session's state, the shared frame, then the chosen page."""

import streamlit as st

st.set_page_config(page_title="FOCUS Lab", page_icon=":material/hub:", layout="wide", initial_sidebar_state="expanded")

from focus_ui.components import sidebar  # noqa: E402 (the first command sets the page)
from focus_ui.navigation import pages  # noqa: E402
from focus_ui.state import init_state  # noqa: E402

init_state()
page = st.navigation(pages(), position="top")
sidebar()
page.run()
