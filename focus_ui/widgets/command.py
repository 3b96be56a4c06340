"""A command to be called in the project's folder, as a page shows it."""

from __future__ import annotations

import streamlit as st


def show_command(command: str) -> None:
    """Draw a command of the shell, to copy."""
    st.code(command, language="bash", wrap_lines=True)
