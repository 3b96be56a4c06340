"""How much of the source's own tokenizer stays where it is the target, cut to the text: the fields of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from focus_core.initialization.request import TRIM
from focus_core.tokenization.trimming.trim import MIN_FREQUENCY
from focus_ui.session.errors import LABELS

MOST = 250_000
MEANING = (
    "The tokens that the text uses stay, with special tokens, bytes and what they are made of. Every embedding is "
    "copied, and a text of these tokens is tokenized as before."
)


def trimming_choice(key: str, own: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Draw how often a token must occur and how many stay at most; return what a request says of it."""
    own = own or {}
    st.caption(MEANING)
    left, right = st.columns(2)
    least = left.number_input(
        LABELS["min_frequency"], 1, 10**6, int(own.get("min_frequency", MIN_FREQUENCY)), 1, key=f"{key}_least",
        help="Tokens that the text has less often are dropped.", **options,
    )  # fmt: skip
    most = right.number_input(
        LABELS["vocab_size"], min_value=8, max_value=MOST, value=own.get("vocab_size"), step=100, key=f"{key}_most",
        placeholder="all of these", help="At most so many tokens, the most frequent ones.", **options,
    )  # fmt: skip
    bound = {} if most is None else {"vocab_size": int(most)}
    return {"train_tokenizer": TRIM, "min_frequency": int(least)} | bound
