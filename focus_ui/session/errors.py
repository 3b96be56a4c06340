"""How the library's texts reach the user: its options called as the forms call them; an error with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from focus_core.errors import FocusError, Phrase, flag
from focus_core.tokenization.display import markdown_escape

LABELS = {
    "vocab_size": "Size in tokens",
    "min_frequency": "Least occurrences to stay",
    "train_tokenizer": "Kind",
    "normalization": "Normalization",
    "target_tokenizer": "Target tokenizer",
    "method": "Method",
    "preset": "Preset",
    "match": "Match",
    "fallback": "Tokens that cannot be combined",
    "temperature": "Temperature",
    "top_k": "Top-k",
    "seed": "Seed",
    "auxiliary_space": "Auxiliary space",
    "dim": "Dimensions",
    "epochs": "Epochs",
    "min_count": "Least occurrences",
    "extend": "Keep the source's tokens",
    "field": "Field or column that holds the text",
    "encoding": "Encoding",
    "corpus": "Text",
    "source": "Source model",
    "source_tokenizer": "tokenizer.json",
    "source_embeddings": "Embeddings",
    "tensor": "Tensor",
    "learning_rate": "Learning rate",
    "parallel": "Pairs of lines",
    "dictionary": "Dictionary",
    "vectors": "Vectors of the source language",
}
"""What the forms call the field of an option."""
WITHOUT_FIELD = {
    "covariance_scale",
    "map",
    "auxiliary",
    "auxiliary_kind",
    "max_seq_length",
    "resume",
    "objective",
    "whole",
    "source_column",
    "target_column",
    "donor",
    "copy_overlap",
    "subword_vectors",
    "least_pairs",
    "aligner",
    "min_links",
    "interpolation",
    "train_tokens",
    "language_weight",
    "anchors",
    "rank",
    "factorization",
}


def in_words(text: str, **said: str) -> str:
    """Return a text in which options are called as the form calls them, or as this place says."""
    if not isinstance(text, Phrase):
        return text
    names = [said.get(name) or _label(name, quoted=bool(i or text.parts[0])) for i, name in enumerate(text.options)]
    return "".join(part for pair in zip(text.parts[::2], [*names, ""], strict=True) for part in pair)


def _label(name: str, *, quoted: bool) -> str:
    if name in WITHOUT_FIELD:
        return f"{flag(name)} (an option of the command line)"
    label = LABELS.get(name)
    return flag(name) if label is None else f"“{label}”" if quoted else label


R = TypeVar("R")


def show_error(error: FocusError) -> None:
    """Draw an error: what is wrong, and below it what to do."""
    hint = f"  \n**What to do:** {markdown_escape(in_words(error.hint))}." if error.hint else ""
    st.error(f"{markdown_escape(in_words(error.message))}.{hint}", icon=":material/error:")


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
