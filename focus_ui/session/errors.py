"""How an error of the library reaches the user: its message and its remedy, never a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from focus_core.errors import FocusError
from focus_core.tokenization.display import markdown_escape
from focus_ui.session.option_labels import in_field_words

R = TypeVar("R")


def show_error(error: FocusError) -> None:
    """Draw an error: what is wrong, and below it what to do."""
    hint = f"  \n**What to do:** {markdown_escape(in_field_words(error.hint))}." if error.hint else ""
    st.error(f"{markdown_escape(in_field_words(error.message))}.{hint}", icon=":material/error:")


def if_sound(make: Callable[[], R], *, told: Callable[[FocusError], FocusError] = lambda error: error) -> R | None:
    """Return what a call gives; where the library refuses, draw why, in the words of `told`."""
    try:
        return make()
    except FocusError as error:
        show_error(told(error))
        return None


@contextmanager
def reported() -> Iterator[None]:
    """Draw any error of the library that is raised inside, then end the page."""
    try:
        yield
    except FocusError as error:
        show_error(error)
        st.stop()
