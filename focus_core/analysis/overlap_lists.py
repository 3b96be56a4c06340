"""Target tokens worth a look because of how two vocabularies meet, list by list: what they share, and why it matters.

Owns the lists and their words, and how the text falls on either vocabulary. Refuses to judge a run (see `checks`) and
to rank rows by their weights (see `comparison`); all follows from the run's own tables.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from focus_core.analysis.token_list import TokenList
from focus_core.errors import phrase
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import TABLES, anchors, by_frequency, frequency, has_origin
from focus_core.types import Origin, Rule, TokenKind

BYTE_TEXT = "<0x"
FIRST_BYTE = slice(3, 5)
"""Where the first byte's digits stand in the text of a byte token, ``<0xE0>``."""


@dataclass(frozen=True, kw_only=True)
class TextShares:
    """How often tokens of either vocabulary occur in the run's text, by whether the other vocabulary has them too."""

    source_only: int | None
    source_both: int | None
    target_both: int
    target_only: int


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many tokens two vocabularies have apart and together."""

    source_only: int
    both: int
    target_only: int
    occurrences: float | None

    @property
    def share(self) -> float:
        """Share of the target vocabulary that is in both."""
        return self.both / max(1, self.both + self.target_only)


def matched(run: RunFolder, side: str) -> np.ndarray:
    """Return which tokens have a partner in the other vocabulary."""
    found = np.zeros(len(run.column(TABLES[side], "id")), dtype=bool)
    found[_with_partner(run, side)] = True
    return found


def _with_partner(run: RunFolder, side: str) -> np.ndarray:
    return np.asarray(run.column("candidates", f"{side}_id")[run.column("candidates", "rank") == 0])


def sizes_of(run: RunFolder) -> Sizes:
    """Return how many tokens the two vocabularies have apart and together."""
    counts: dict[str, Any] = run.manifest["counts"]
    return Sizes(
        source_only=counts["n_source"] - int(matched(run, "source").sum()),
        both=counts["n_overlap"],
        target_only=counts["n_new"],
        occurrences=(run.manifest.get("corpus") or {}).get("share_overlap_occurrences"),
    )


def text_shares(run: RunFolder) -> TextShares | None:
    """Return how the run's text falls on tokens of one vocabulary and of both.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    TextShares or None
        ``None`` where the run has no corpus.
    """
    if not run.manifest.get("corpus"):
        return None
    target, source = (_split(run, side) for side in ("target", "source"))
    return TextShares(
        source_only=None if source is None else source[0],
        source_both=None if source is None else source[1],
        target_both=0 if target is None else target[1],
        target_only=0 if target is None else target[0],
    )


def _split(run: RunFolder, side: str) -> tuple[int, int] | None:
    """Return occurrences of tokens without and with a partner; ``None`` where none were counted."""
    seen = frequency(run, side)
    if not np.isfinite(seen).any():
        return None
    shared = np.nan_to_num(seen)[np.unique(_with_partner(run, side))].sum()
    return int(np.nansum(seen) - shared), int(shared)


def overlap_lists(run: RunFolder) -> list[TokenList]:
    """Return every list of a run, empty ones too, always in the same order.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    list of TokenList
        All tokens of each, the most frequent first; the remedy says why it matters. Computed once a run.
    """
    return run.remember("overlap lists", lambda: [_list(run, *entry) for entry in _LISTS])


def _list(
    run: RunFolder, key: str, title: str, find: Callable[[RunFolder], np.ndarray], meaning: str, why: str
) -> TokenList:
    ids = by_frequency(run, np.asarray(find(run), dtype=np.int64))
    return TokenList(key=key, title=title, meaning=meaning, remedy=why, ids=tuple(ids.tolist()))


def _several(run: RunFolder) -> np.ndarray:
    return np.unique(run.column("candidates", "target_id")[run.column("candidates", "rank") > 0])


def _shared_row(run: RunFolder) -> np.ndarray:
    ids = np.flatnonzero(has_origin(run, Origin.COPIED))
    sources = run.column("tokens", "source_id")[ids].astype(np.int64)
    return ids[np.bincount(sources, minlength=1)[sources] > 1] if len(ids) else ids


def _spelt_alike(run: RunFolder) -> np.ndarray:
    ids = np.setdiff1d(_of_kind(run, TokenKind.NORMAL), run.column("candidates", "target_id"))
    words = run.column("source_tokens", "text")[run.column("source_tokens", "kind") == TokenKind.NORMAL]
    known = {text.lower() for text in words.tolist()} - {""}
    texts = run.column("tokens", "text")
    return np.array([i for i in ids.tolist() if texts[i].lower() in known], dtype=np.int64)


def _no_anchor(run: RunFolder) -> np.ndarray:
    stood = anchors(run)
    if not stood.any():
        return np.zeros(0, dtype=np.int64)
    return np.intersect1d(np.flatnonzero(has_origin(run, Origin.COPIED) & ~stood), _of_kind(run, TokenKind.NORMAL))


def _within_a_character(run: RunFolder) -> np.ndarray:
    texts = run.column("tokens", "text")
    return np.array(
        [i for i in _of_kind(run, TokenKind.BYTE).tolist() if _first_byte(texts[i]) >= 0x80], dtype=np.int64
    )


def _first_byte(text: str) -> int:
    """Return the first byte of a byte token's text; 255 where it is not spelt out."""
    return int(text[FIRST_BYTE], 16) if text.startswith(BYTE_TEXT) else 255


def _byte_twins(run: RunFolder) -> np.ndarray:
    texts = run.column("tokens", "text")
    single = {chr(_first_byte(texts[i])): i for i in _of_kind(run, TokenKind.BYTE).tolist() if len(texts[i]) == 6}
    single = {character: i for character, i in single.items() if ord(character) < 0x80}
    twins = [i for i in _of_kind(run, TokenKind.NORMAL).tolist() if texts[i] in single] if single else []
    return np.unique(np.array([*twins, *(single[texts[i]] for i in twins)], dtype=np.int64))


def _read_the_same(run: RunFolder) -> np.ndarray:
    texts, opens = run.column("tokens", "text"), run.column("tokens", "word_start")
    groups: dict[tuple[str, bool], list[int]] = {}
    for i in _of_kind(run, TokenKind.NORMAL).tolist():
        text = texts[i] if texts[i].isascii() else unicodedata.normalize("NFKC", texts[i])
        groups.setdefault((text, bool(opens[i])), []).append(i)
    return np.array([i for ids in groups.values() if len(ids) > 1 for i in ids], dtype=np.int64)


def _specials_alone(run: RunFolder) -> np.ndarray:
    specials = _of_kind(run, TokenKind.SPECIAL)
    return np.asarray(specials[~has_origin(run, Origin.COPIED)[specials]])


def _specials_by_type(run: RunFolder) -> np.ndarray:
    specials = _of_kind(run, TokenKind.SPECIAL)
    return np.asarray(specials[run.column("tokens", "rule")[specials] == Rule.SPECIAL])


def _unseen(run: RunFolder) -> np.ndarray:
    if not run.manifest.get("corpus"):
        return np.zeros(0, dtype=np.int64)
    return np.intersect1d(np.flatnonzero(frequency(run) == 0), _of_kind(run, TokenKind.NORMAL))


def _of_kind(run: RunFolder, kind: TokenKind) -> np.ndarray:
    return np.flatnonzero(run.column("tokens", "kind") == kind)


_LISTS: Sequence[tuple[str, str, Callable[[RunFolder], np.ndarray], str, str]] = (
    (
        "several", "Several candidates", _several,
        "More than one source token fits; the one with the same string, then the same case, then the lowest id was "
        "taken.",
        "Another choice is another embedding. Settle the frequent ones in a map of your own, or match exactly.",
    ),
    (
        "shared-row", "One source embedding for several tokens", _shared_row,
        "The same source embedding was copied to this token and another one, as for The and the under fuzzy matching.",
        "Until training moves them apart, the model cannot tell these tokens from one another.",
    ),
    (
        "spelt-alike", "New, but spelt alike in the source", _spelt_alike,
        "No source token matched, but one differs only in upper and lower case or in the space before it.",
        "Fuzzy matching would copy these embeddings. That is right for most words, and wrong for names and endings.",
    ),
    (
        "no-anchor", "Shared, but too rare to be an anchor", _no_anchor,
        "The embedding is copied, but the text has too few occurrences for an auxiliary vector.",
        phrase(
            "Nothing can be combined from such a token. If many are listed, give more text, or lower {min_count} where "
            "it is above 1."
        ),
    ),
    (
        "cut", "Cut within a character", _within_a_character,
        "The token is bytes of a character, not a whole one.",
        "Such a subword means nothing alone. If they are frequent, the tokenizer lacks characters of this text.",
    ),
    (
        "byte-twins", "Byte and character", _byte_twins,
        "A character has a token of its own and one as a byte: a and <0x61>.",
        "Two ids for one character, by design of byte fallback. The byte is hardly ever used, so its embedding is not "
        "trained.",
    ),
    (
        "same-text", "Read the same", _read_the_same,
        "Another token looks just like this one: composed or decomposed accents, full-width or half-width forms.",
        "Text that looks the same is tokenized in two ways. Normalise the text before the tokenizer is trained.",
    ),
    (
        "specials-alone", "Control tokens without a source embedding", _specials_alone,
        "A control token of the target that no control token of the source stands for.",
        "Every sequence may hold it, so an embedding from nowhere harms every prediction. Name its partner in a map.",
    ),
    (
        "specials-by-role", "Control tokens matched by type", _specials_by_type,
        "The names differ, the special-token type is the same: [MASK] for <mask>.",
        "Right, if both tokenizers mean the same by it; worth one look.",
    ),
    (
        "unseen", "Never in the text", _unseen,
        "The corpus of this run does not hold the token once.",
        "Its embedding gets no auxiliary vector from this text, and training on it will not change that.",
    ),
)  # fmt: skip
"""Key, title, finder, meaning and reason of every list."""
