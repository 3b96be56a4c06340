"""What a tokenizer to be trained does to text before it splits it: the choice, and what it inherits of the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from focus_core.initialization.request import TRIM
from focus_core.tokenization.text_form import AS_WRITTEN, TextForm, text_form
from focus_core.types import Normalization
from focus_ui.session.errors import LABELS
from focus_ui.widgets.choice import choose

NAMES = {
    Normalization.INHERIT: "inherit: as the source reads text",
    Normalization.NONE: "none: nothing of the source (the paper)",
    Normalization.NFC: "nfc: Unicode form NFC alone",
    Normalization.NFKC: "nfkc: Unicode form NFKC alone",
}
MEANING = (
    "A token is shared where both tokenizers write it alike: after a source that reads lower-case text, a tokenizer "
    "that keeps capitals shares little. The preset “as in the paper” inherits nothing unless another is chosen here."
)
ALONE = "Accents are stripped from Latin, Greek and Cyrillic letters alone."


def normalization_choice(key: str, own: Normalization | None = None, **options: Any) -> dict[str, Normalization]:
    """Draw the choice; return what a request says of it, nothing where it is left to the preset."""
    names = {name.value: words for name, words in NAMES.items()}
    start = list(names).index(own or Normalization.INHERIT)
    found = choose(LABELS["normalization"], names, key, index=start, help=MEANING, width="stretch", **options)
    chosen = Normalization(str(found))
    return {"normalization": chosen} if chosen != Normalization.INHERIT or own == chosen else {}


def source_sentence(form: TextForm, asked: Normalization) -> str:
    """Say what the source does to text, and whether the new tokenizer will.

    Examples
    --------
    >>> source_sentence(TextForm(lower=True), Normalization.INHERIT)
    'The source reads lower-case text; the new tokenizer will too.'
    >>> source_sentence(TextForm(lower=True), Normalization.NFC)
    'The source reads lower-case text; the new tokenizer will not, and shares fewer tokens.'
    """
    source = f"The source reads {form.words}"
    if form.words == AS_WRITTEN:
        return f"{source}: there is nothing to inherit."
    if asked is Normalization.INHERIT:
        return f"{source}; the new tokenizer will too." + (f" {ALONE}" if form.strips_accents else "")
    if text_form(asked, None).keeps_more_than(form):
        return f"{source}; the new tokenizer will not, and shares fewer tokens."
    return f"{source}; the new tokenizer does not inherit it."


def say_what_is_inherited(form: TextForm | None, target: Mapping[str, Any] | None, asked: Normalization) -> None:
    """Draw the sentence where a tokenizer is to be trained and the source's was looked at."""
    if form is not None and target is not None and target.get("train_tokenizer", TRIM) != TRIM:
        st.caption(source_sentence(form, asked))
