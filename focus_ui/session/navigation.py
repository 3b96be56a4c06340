"""The list of pages, and links between them: no other module names a page file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from focus_ui.session import state


@dataclass(frozen=True, kw_only=True)
class PageEntry:
    """One page of the app."""

    file: str
    title: str
    icon: str
    url: str


START = PageEntry(file="../pages/start/page.py", title="Start", icon=":material/home:", url="start")
LEARN = PageEntry(file="../pages/learn/page.py", title="Learn", icon=":material/school:", url="learn")
DATA = PageEntry(file="../pages/data/page.py", title="Data and run", icon=":material/play_circle:", url="data")
OVERLAP = PageEntry(file="../pages/overlap/page.py", title="Overlap", icon=":material/join_inner:", url="overlap")
TOKEN = PageEntry(file="../pages/token/page.py", title="Token", icon=":material/token:", url="token")
MAP = PageEntry(file="../pages/map/page.py", title="Map", icon=":material/scatter_plot:", url="map")
TRAIN = PageEntry(file="../pages/train/page.py", title="Train", icon=":material/trending_down:", url="train")
COMPARE = PageEntry(file="../pages/compare/page.py", title="Compare", icon=":material/compare_arrows:", url="compare")
METHODS = PageEntry(file="../pages/methods/page.py", title="Methods", icon=":material/leaderboard:", url="methods")
EXPORT = PageEntry(file="../pages/export/page.py", title="Check and export", icon=":material/download:", url="export")
PAGES = (START, LEARN, DATA, OVERLAP, TOKEN, MAP, TRAIN, METHODS, COMPARE, EXPORT)


def pages() -> list[st.Page]:
    """Return the pages for ``st.navigation``; the first is the default."""
    return [
        st.Page(page.file, title=page.title, icon=page.icon, url_path=page.url, default=page is START) for page in PAGES
    ]


def tab_title(url: str) -> str:
    """Return what the browser's tab says of a page."""
    page = next((page for page in PAGES if page.url == url), START)
    return f"{page.title} · FOCUS Lab"


def link(
    page: PageEntry,
    label: str,
    *,
    icon: str | None = None,
    width: Literal["content", "stretch"] = "content",
    parameters: Mapping[str, object] | None = None,
    **more: object,
) -> None:
    """Draw a link to a page that stays in the current run, unless its parameters name another."""
    shown, named = page.icon if icon is None else icon or None, {**(parameters or {}), **more}
    st.page_link(page.file, label=label, icon=shown, width=width, query_params=state.link(**named))


def go(page: PageEntry, **parameters: object) -> None:
    """Leave for another page of the current run, because something on this one was selected."""
    state.count_click()
    st.switch_page(page.file, query_params=state.link(**parameters))
