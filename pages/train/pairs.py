"""The choice of parallel text to learn from, on the page Train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from focus_core.corpus.parallel import read_parallel
from focus_core.numerics.formats import count
from focus_core.tokenization.display import show_name
from focus_ui.data.kept import kept
from focus_ui.data.uploads import keep_upload
from focus_ui.session.errors import if_sound

TOKENS_PER_WORD = 1.5
"""Roughly; it only suggests how long to train."""


@dataclass(frozen=True, kw_only=True)
class PairsChoice:
    """Chosen parallel text.

    Parameters
    ----------
    label : str
        What it is called.
    file : Path
        Where it lies.
    n_tokens : float
        About how many target tokens it has.
    """

    label: str
    file: Path
    n_tokens: float


def _sizes(path: Path) -> tuple[int, int]:
    """Return the number of pairs, and of words on their target side."""
    pairs = read_parallel(path).pairs
    return len(pairs), sum(len(target.split()) for _, target in pairs)


sizes = kept(_sizes, most=16, spinner="Reading the pairs")


def pairs_choice() -> PairsChoice | None:
    """Draw the choice of parallel text; return it, or ``None`` while there is none that can be read."""
    given = st.file_uploader(
        "Pairs of lines", type=["tsv", "gz", "zst"], key="_adapt_pairs",
        help="A line in the source's language, a tab and its translation on each line of a .tsv file; an identifier "
        "may stand before them.",
    )  # fmt: skip
    path = None if given is None else if_sound(lambda: keep_upload(given))
    found = None if path is None else if_sound(lambda: sizes(path))
    if given is None or path is None or found is None:
        return None
    n_pairs, n_words = found
    st.caption(f"{count(n_pairs)} pairs, {count(n_words)} words in the target language.")
    return PairsChoice(label=show_name(given.name, limit=60), file=path, n_tokens=TOKENS_PER_WORD * n_words)
