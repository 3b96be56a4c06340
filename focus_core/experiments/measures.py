"""What is measured beside the loss: what the text costs without a model, and retrieval of translations.

Retrieval takes the pairs of a dictionary that no method was given, copied tokens apart.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from focus_core.corpus.word_masking import masked_words
from focus_core.evaluation.alignment import WordPairs, find_pairs, measure_alignment
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import MatchMode


def count_characters(lines: Iterable[str]) -> Counter[str]:
    """Return how often each character occurs in some lines."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    return counts


def unigram_bits(counts: Counter[str], lines: Sequence[str], *, seed: int | None) -> np.ndarray:
    """Return what each line costs under the characters' own frequencies.

    Parameters
    ----------
    counts : Counter of str
        From the text that methods may read.
    lines : sequence of str
        Lines to measure.
    seed : int or None
        The words that this seed masks count, and no spaces; ``None``: every character of the line.

    Returns
    -------
    ndarray of shape (n_lines,), dtype float64
        ``-sum log2 p`` with one added to every count, and one for all characters that were never seen.
    """
    seen = {c: n for c, n in counts.items() if seed is None or not c.isspace()}
    total = sum(seen.values()) + len(seen) + 1
    bits = {c: math.log2(total / (n + 1)) for c, n in seen.items()}
    unseen = math.log2(total)
    found = np.zeros(len(lines))
    for number, line in enumerate(lines):
        spans = [(0, len(line))] if seed is None else masked_words(line, seed=seed)
        found[number] = sum(bits.get(c, unseen) for begin, end in spans for c in line[begin:end])
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class ListedPairs:
    """Pairs of words, one token each, and the source rows that they are looked up from.

    Parameters
    ----------
    new, shared : WordPairs
        Pairs whose target token is new, and pairs whose target token both vocabularies share: that one is copied by
        most methods, whatever they know of its meaning.
    source_rows : ndarray of shape (n_source, d)
        The source model's input matrix.
    """

    new: WordPairs
    shared: WordPairs
    source_rows: np.ndarray


def find_listed(
    source: Vocabulary,
    target: Vocabulary,
    pairs: Sequence[tuple[str, str]],
    source_rows: np.ndarray,
    *,
    match: MatchMode,
    given: bool,
) -> ListedPairs:
    """Return the pairs to measure on.

    Parameters
    ----------
    source, target : Vocabulary
        The two tokenizers.
    pairs : sequence of (str, str)
        Source word and target word.
    source_rows : ndarray of shape (n_source, d)
        The source model's input matrix.
    match : MatchMode
        Which tokens count as shared.
    given : bool
        Whether a method was given the dictionary; then only the half of its source words that was not is taken.

    Returns
    -------
    ListedPairs
        Possibly none.
    """
    listed = [pair for pair in pairs if not (given and is_given(pair[0]))]
    found = find_pairs(source, target, listed)
    shared = np.isin(found.candidates, match_vocabularies(source, target, mode=match).target_ids)
    copied = shared[found.pairs[:, 1]]
    return ListedPairs(
        new=dataclasses.replace(found, pairs=found.pairs[~copied]),
        shared=dataclasses.replace(found, pairs=found.pairs[copied]),
        source_rows=source_rows,
    )


def is_given(word: str) -> bool:
    """Tell whether the pairs of a source word are those that methods may read, by a hash: half of all words."""
    digest = hashlib.blake2b(f"given\0{word}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return digest[0] < 128


def measure_retrieval(pairs: ListedPairs, rows: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Return how often a right translation is among the first 1, 5 and 10 of all candidates.

    Parameters
    ----------
    pairs : ListedPairs
        From `find_listed`.
    rows : ndarray of shape (n_target, d)
        The input matrix of a run.
    seed : int
        Of the shuffled pairs, which say what chance gives.

    Returns
    -------
    dict
        ``new`` and ``shared``, each with ``n_words``, ``n_pairs``, ``n_candidates``, and ``precision``: ``"1"``,
        ``"5"``, ``"10"``, by cosine; ``None`` where there is no pair.
    """
    return {"new": _measure(pairs.new, pairs, rows, seed), "shared": _measure(pairs.shared, pairs, rows, seed)}


def _measure(some: WordPairs, pairs: ListedPairs, rows: np.ndarray, seed: int) -> dict[str, Any]:
    found = measure_alignment(some, pairs.source_rows, rows, seed=seed)
    counts = {name: found[name] for name in ("n_words", "n_pairs", "n_candidates")}
    return counts | {"precision": found["retrieval"]["cosine"]}
