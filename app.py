"""Entry of the app: ``streamlit run app.py``, or any ASGI server on ``app:app``.

The main script lies in ``focus_ui/``, since Streamlit takes a folder ``pages`` beside the main script for its older
way of making pages (decision 0030).
"""

import streamlit as st

app = st.App("focus_ui/main.py")
