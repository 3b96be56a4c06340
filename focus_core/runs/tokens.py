"""Which tokens of a run to look at first: the frequent ones, whole words, anchors, and those that show the method well.

Owns what counts as a word and the order of ties. Refuses to judge a run: it reads the run's own tables and no more.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import LIMIT, show_token
from focus_core.types import MethodName, Origin, TokenKind

TABLES = {"source": "source_tokens", "target": "tokens"}
"""The table of either vocabulary."""

MIN_LETTERS = 3
SHORT_SCRIPTS = frozenset({"Han", "Hiragana", "Katakana", "Hangul"})
"""Scripts in which a character or two may be a word."""

FEW = (3, 12)
"""How many contributors a token has that shows the method well: more than one can check at a glance are too many."""

LONG = 6
"""How many letters a word has that is hardly a piece of another one."""

ENOUGH, MAX_SHOWN = 3, 24


def table_rows(run: RunFolder, ids: Sequence[int], side: str = "target") -> list[dict[str, Any]]:
    """Return what a run says of some tokens of one vocabulary.

    Parameters
    ----------
    run : RunFolder
        The run.
    ids : sequence of int
        Which tokens.
    side : {"target", "source"}, default="target"
        Of which vocabulary.

    Returns
    -------
    list of dict
        One per id, in the given order; of either vocabulary with ``word_start``.
    """
    return (run.token_rows if side == "target" else run.source_rows)(list(ids))


def row_name(row: Mapping[str, Any], *, limit: int = LIMIT) -> str:
    """Return the token of a row of a vocabulary's table as a visible line."""
    return show_token(str(row["text"]), word_start=bool(row["word_start"]), limit=limit)


def has_origin(run: RunFolder, *origins: Origin) -> np.ndarray:
    """Return which target ids hold a token of these origins, shape (n_target,), bool."""
    return np.isin(run.column("tokens", "origin").astype(str), [str(origin) for origin in origins])


def frequency(run: RunFolder, side: str = "target") -> np.ndarray:
    """Return corpus occurrences by id.

    Parameters
    ----------
    run : RunFolder
        The run.
    side : {"target", "source"}, default="target"
        Of which vocabulary.

    Returns
    -------
    ndarray of shape (n_tokens,), dtype float64
        NaN throughout where none were counted.
    """
    return np.asarray(run.column(TABLES[side], "frequency"), dtype=np.float64)


def by_frequency(run: RunFolder, ids: np.ndarray) -> np.ndarray:
    """Return target ids, the most frequent first, equal ones by id."""
    return np.asarray(ids[np.lexsort((ids, -np.nan_to_num(frequency(run)[ids])))])


def reads_as_word(text: str, script: str) -> bool:
    """Say whether a text reads as a word: letters with their marks alone, and enough of them.

    Examples
    --------
    >>> reads_as_word("shule", "Latin"), reads_as_word("ing2", "Latin"), reads_as_word("水", "Han")
    (True, False, True)
    """
    if len(text) < (1 if script in SHORT_SCRIPTS else MIN_LETTERS):
        return False
    return text.isalpha() or all(unicodedata.category(character)[0] in "LM" for character in text)


def letter_tokens(run: RunFolder) -> np.ndarray:
    """Return which target ids hold a token that reads as a word, at a word's start or not, shape (n_target,), bool."""
    return run.remember("letter tokens", lambda: _letter_tokens(run))


def _letter_tokens(run: RunFolder) -> np.ndarray:
    normal = run.column("tokens", "kind") == TokenKind.NORMAL
    texts, scripts = (run.column("tokens", name) for name in ("text", "script"))
    return np.array([n and reads_as_word(t, s) for n, t, s in zip(normal, texts, scripts, strict=True)], dtype=bool)


def frequent_words(run: RunFolder, ids: np.ndarray) -> np.ndarray:
    """Return those of some target tokens that are whole words of the text, the most frequent first, equal ones by id.

    Parameters
    ----------
    run : RunFolder
        The run.
    ids : ndarray of shape (n,), dtype int
        Target ids.

    Returns
    -------
    ndarray of shape (n_words,), dtype int
        Tokens that begin a word, read as one and occur in the run's corpus; where none were counted, by id.
    """
    seen = frequency(run)
    occurs = np.isnan(seen) | (seen > 0)
    whole = letter_tokens(run) & run.column("tokens", "word_start").astype(bool) & occurs
    return by_frequency(run, ids[whole[ids]])


def showcase(run: RunFolder) -> list[int]:
    """Return combined tokens that show well how a row is made: frequent words of a handful of contributors.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    list of int
        At most 24 target ids, most frequent first: long words; where there are hardly such, any, then words of any
        number of contributors, or else any combined tokens.
    """
    return run.remember("showcase", lambda: _showcase(run))


def _showcase(run: RunFolder) -> list[int]:
    combined = np.flatnonzero(has_origin(run, Origin.COMBINED))
    words = frequent_words(run, combined)
    n = run.column("tokens", "n_contributors")[words]
    few = (n >= FEW[0]) & (n <= FEW[1])
    long = np.char.str_len(run.column("tokens", "text")[words].astype(str)) >= LONG
    wishes = (words[few & long], words[few], words)
    chosen = next((wish for wish in wishes if len(wish) >= ENOUGH), by_frequency(run, combined))
    return [int(i) for i in chosen[:MAX_SHOWN]]


def anchors(run: RunFolder) -> np.ndarray:
    """Return which target tokens stood as anchors: shared tokens with an auxiliary vector, under FOCUS.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    ndarray of shape (n_target,), dtype bool
        All false under another method.
    """
    if run.manifest["config"]["method"] != MethodName.FOCUS:
        return np.zeros(len(run.present()), dtype=bool)
    return np.asarray(has_origin(run, Origin.COPIED) & run.column("tokens", "has_auxiliary").astype(bool))
