"""The spaces that are compared: what is the default, what each variant changes, and the vectors of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from focus_core.initialization.auxiliary.counted import LITTLE_TEXT, CountSettings, counted_vectors
from focus_core.initialization.auxiliary.counting import PairCounter
from focus_core.initialization.auxiliary.ngrams import draw_rare_tokens
from focus_core.initialization.auxiliary.token_stream import TokenStream
from focus_core.initialization.auxiliary.vectors import COUNTED, AuxiliaryVectors, train_auxiliary
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from scripts.auxiliary_space.ngrams import vectors_with_ngrams

FASTTEXT, COUNTS = "fastText", "counts"
"""The names of the reference and of the default; every other variant changes one thing of the default."""
UNDRAWN, DRAWN = "window 2", "window 2, rare tokens drawn"
"""On little text: counts without what n-grams say, and with it."""
ON_LITTLE_TEXT: dict[str, dict[str, Any]] = {
    UNDRAWN: {"window": 2},
    "window 5": {"window": 5},
    "window 10": {"window": 10},
    "window 10, offsets together": {"window": 10, "apart": False},
    DRAWN: {"window": 2, "ngrams": "rare"},
    "window 10, rare tokens drawn": {"window": 10, "ngrams": "rare"},
    "window 10, rare tokens that occur drawn": {"window": 10, "ngrams": "occurring"},
    "window 2, those that never occur drawn": {"window": 2, "ngrams": "missing"},
    "window 10, those that never occur drawn": {"window": 10, "ngrams": "missing"},
    "fastText and window 10 joined": {"window": 10, "fasttext": True},
}
"""What is measured on little text, where one setting cannot be the default's."""
VARIANTS: dict[str, dict[str, Any]] = {
    FASTTEXT: {"fasttext": True, "counted": False},
    "fastText, minimum count 1": {"fasttext": True, "counted": False, "min_count": 1},
    COUNTS: {"ngrams": "automatic"},
    "window 1": {"window": 1},
    "window 3": {"window": 3},
    "window 5": {"window": 5},
    "window 10": {"window": 10},
    "offsets together": {"apart": False},
    "50 dimensions": {"dim": 50},
    "200 dimensions": {"dim": 200},
    "300 dimensions": {"dim": 300},
    "context exponent 0.5": {"context_exponent": 0.5},
    "context exponent 1": {"context_exponent": 1.0},
    "singular exponent 0": {"singular_exponent": 0.0},
    "singular exponent 0.25": {"singular_exponent": 0.25},
    "singular exponent 1": {"singular_exponent": 1.0},
    "minimum count 5": {"min_count": 5},
    "fastText and counts joined": {"fasttext": True},
    "character n-grams beside the counts": {"ngrams": "beside"},
    "rare tokens drawn to those with the same n-grams": {"ngrams": "rare"},
    **ON_LITTLE_TEXT,
}
"""Name -> what it changes of the default."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text in the target's tokens.

    Parameters
    ----------
    vocabulary : Vocabulary
        The target's.
    rows : list of ndarray of shape (n_tokens_of_line,), dtype int32
        The ids of every line.
    stream : TokenStream
        The same for fastText, on disk.
    """

    vocabulary: Vocabulary
    rows: list[np.ndarray]
    stream: TokenStream

    @property
    def lengths(self) -> list[int]:
        """Tokens of every line."""
        return [len(row) for row in self.rows]


def make_vectors(text: Text, options: dict[str, Any], *, seed: int) -> AuxiliaryVectors:
    """Return the vectors of a variant.

    Parameters
    ----------
    text : Text
        What they are made from.
    options : dict of str to any
        What the variant changes of the default: a value of `VARIANTS`.
    seed : int
        Of fastText; counting draws nothing that the result depends on.

    Returns
    -------
    AuxiliaryVectors
        One row a target id; rows of special tokens are zero.
    """
    changed = dict(options)
    fasttext, counted, ngrams = changed.pop("fasttext", False), changed.pop("counted", True), changed.pop("ngrams", "")
    found = []
    if fasttext:
        own = None if counted else changed.pop("min_count", None)
        found.append(train_auxiliary(text.stream, text.vocabulary, min_count=own, threads=1, seed=seed))
    if counted:
        found.append(_counted(text, CountSettings(**changed), ngrams))
    return found[0] if len(found) == 1 else joined(found)


def _counted(text: Text, settings: CountSettings, ngrams: str) -> AuxiliaryVectors:
    """Return vectors by counting, with character n-grams where the variant asks for them."""
    vocabulary, frequency = text.vocabulary, text.stream.frequency
    if ngrams == "automatic":
        ngrams = "rare" if text.stream.n_tokens <= LITTLE_TEXT else ""
    counter = PairCounter(vocabulary.n, settings.window)
    counter.add(np.concatenate(text.rows), np.repeat(np.arange(len(text.rows), dtype=np.int32), text.lengths))
    counts, eligible = counter.finish(), (frequency >= settings.min_count) & (vocabulary.kinds != SPECIAL)
    if ngrams == "beside":
        vectors = vectors_with_ngrams(counts, eligible, settings, vocabulary)
    else:
        vectors, _ = counted_vectors(counts, eligible, settings)
    drawn_only = {"rare": frequency >= 0, "occurring": frequency > 0, "missing": frequency == 0}
    if ngrams in drawn_only:
        vectors = np.where(
            drawn_only[ngrams][:, None], draw_rare_tokens(vectors, vocabulary, frequency), vectors
        ).astype(np.float32)
    return AuxiliaryVectors(vectors=vectors, has_vector=vectors.any(axis=1), kind=COUNTED)


def joined(found: list[AuxiliaryVectors]) -> AuxiliaryVectors:
    """Put spaces side by side, each at length one, so that cosines are means of theirs.

    Parameters
    ----------
    found : list of AuxiliaryVectors
        Of the same vocabulary.

    Returns
    -------
    AuxiliaryVectors
        A token has a vector where any of them has one; what lacks one there is zero.
    """
    parts = []
    for one in found:
        length = np.linalg.norm(one.vectors, axis=1, keepdims=True)
        parts.append(one.vectors / np.where(length > 0, length, 1.0))
    vectors = np.concatenate(parts, axis=1).astype(np.float32)
    return AuxiliaryVectors(vectors=vectors, has_vector=vectors.any(axis=1), kind=COUNTED)
