"""A component of our own, made of files beside its module: HTML, CSS and JavaScript, read once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def component_from_files(name: str, folder: Path, *files: str) -> ComponentRenderer:
    """Register a component; files of one kind are joined in the order given, and none may be missing."""
    texts: dict[str, list[str]] = {"html": [], "css": [], "js": []}
    for file in files:
        texts[Path(file).suffix.removeprefix(".")].append((folder / file).read_text(encoding="utf-8"))
    html, css, js = ("\n".join(found) or None for found in texts.values())
    return st.components.v2.component(name, html=html, css=css, js=js)
