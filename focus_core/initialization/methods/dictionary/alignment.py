"""The rotation that lays one space of words onto another, from the pairs of a dictionary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.corpus.dictionary import Dictionary
from focus_core.errors import InvalidInputError, bad_input, phrase
from focus_core.initialization.auxiliary.words import WordVectors


@dataclass(frozen=True, kw_only=True, eq=False)
class AlignedPairs:
    """Pairs of a dictionary whose words both have a vector.

    Parameters
    ----------
    source_rows, target_rows : ndarray of shape (n_pairs,), dtype int64
        Their rows on either side, each pair of rows once.
    n_read : int
        Pairs that the dictionary has.
    n_source, n_target : int
        Pairs whose source word, or whose target word, has a vector in some case variant.
    """

    source_rows: np.ndarray
    target_rows: np.ndarray
    n_read: int
    n_source: int
    n_target: int

    def to_dict(self) -> dict[str, int]:
        """Return the counts, for the manifest."""
        found = {"n_read": self.n_read, "n_with_source_vector": self.n_source, "n_with_target_vector": self.n_target}
        return found | {"n_aligned": len(self.source_rows)}


def align_pairs(dictionary: Dictionary, source: WordVectors, target: WordVectors) -> AlignedPairs:
    """Find the pairs of a dictionary that have vectors on both sides, in every variant of case.

    Parameters
    ----------
    dictionary : Dictionary
        Pairs of words.
    source, target : WordVectors
        The two spaces.

    Returns
    -------
    AlignedPairs
        As written, in lower case and with capital first letters on either side, each combination that both spaces
        have, once: the reference keeps repeats, which weigh short lists of variants more.
    """
    found: dict[tuple[int, int], None] = {}
    n_source = n_target = 0
    for one, other in dictionary.pairs:
        sources, targets = ([side.places[w] for w in variants(word) if w in side.places] for word, side in (
            (one, source), (other, target)))  # fmt: skip
        n_source, n_target = n_source + bool(sources), n_target + bool(targets)
        found |= dict.fromkeys((s, t) for s in sources for t in targets)
    rows = np.array(list(found), np.int64).reshape(-1, 2)
    return AlignedPairs(
        source_rows=rows[:, 0], target_rows=rows[:, 1], n_read=len(dictionary.pairs), n_source=n_source,
        n_target=n_target,
    )  # fmt: skip


def variants(word: str) -> tuple[str, ...]:
    """Return a word as written, in lower case, and with capital first letters; each once.

    Examples
    --------
    >>> variants("Milk")
    ('Milk', 'milk')
    """
    return tuple(dict.fromkeys((word, word.lower(), word.title())))


def refuse_few(pairs: AlignedPairs, least: int, name: str) -> None:
    """Refuse a dictionary that leaves too few pairs to rotate a space by.

    Raises
    ------
    InvalidInputError
        With the counts of pairs read, of pairs with a vector on either side, and of pairs with both.
    """
    n = len(pairs.source_rows)
    if n and n >= least:
        return
    got = (
        f"{n:,}: of {pairs.n_read:,} read, {pairs.n_source:,} have a source vector and {pairs.n_target:,} a target one"
    )
    remedy = phrase("give more pairs, in the languages of both, or lower {least_pairs}")
    expected = f"at least {max(1, least):,} pairs of words with vectors on both sides"
    raise bad_input(name, expected, got, remedy, InvalidInputError)


def procrustes(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the rotation that lays source vectors nearest to target vectors (Schönemann 1966).

    Parameters
    ----------
    source : ndarray of shape (n_pairs, d_source)
        Vectors of source words.
    target : ndarray of shape (n_pairs, d_target)
        Vectors of their translations.

    Returns
    -------
    ndarray of shape (d_source, d_target), dtype float64
        ``argmin_W ||source W - target||`` with orthonormal rows or columns: ``U V'`` of the singular value
        decomposition of ``source' target``.

    Examples
    --------
    >>> procrustes(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.0, 1.0], [-1.0, 0.0]])).round(6).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    u, _, vt = np.linalg.svd(source.astype(np.float64).T @ target.astype(np.float64), full_matrices=False)
    return np.asarray(u @ vt)
