"""The choice of a tokenizer that is there already: an upload, or a folder that the operator listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from focus_core.numerics.formats import count
from focus_ui.data import catalog, input_cache
from focus_ui.data.uploads import keep_upload
from focus_ui.session.errors import if_sound
from focus_ui.widgets.corpus_choice import in_the_form


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One chosen input: what it is called, and what a request says of it."""

    label: str
    fields: Mapping[str, Any]


def uploaded_tokenizer(key: str, name: str) -> tuple[Choice, int] | None:
    """Draw the upload of a tokenizer; return it under the name of its field, with its size."""
    upload = st.file_uploader("tokenizer.json", type=["json"], key=key, help="The file of the tokenizers library.")
    path = None if upload is None else if_sound(lambda: keep_upload(upload), told=in_the_form)
    n_tokens = None if path is None else if_sound(lambda: input_cache.tokenizer_size(path), told=in_the_form)
    if path is None or n_tokens is None:
        return None
    st.markdown(f"**{count(n_tokens)}** tokens")
    return Choice(label="uploaded tokenizer", fields={name: str(path)}), n_tokens


def server_folder(kind: str, field: str, key: str) -> Choice | None:
    """Draw the choice of a folder that the operator listed; return it under the name of its field."""
    found = catalog.operator_entries(kind)
    name = st.selectbox("Folder on this server", list(found), index=None, key=key, persist_state="session")
    return Choice(label=str(name).rpartition("/")[2], fields={field: str(found[name])}) if name else None
