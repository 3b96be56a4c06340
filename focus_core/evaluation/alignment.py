"""Whether a word's embedding lies near those of its translations: alignment, and retrieval of translations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from focus_core.numerics.formats import ratio
from focus_core.numerics.neighbors import nearest_embeddings
from focus_core.numerics.similarity import normalise_rows
from focus_core.tokenization.identity import NORMAL
from focus_core.tokenization.vocabulary import Vocabulary

CSLS_K = 10
PRECISIONS = (1, 5, 10)
_TIE = 1e-6
"""Scores closer than this are equal: products of equal rows may round apart."""
_NEVER = np.iinfo(np.int64).max  # the rank of what a row of zeros would have to find
_BLOCK = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class WordPairs:
    """Dictionary pairs whose words are one token each.

    Parameters
    ----------
    queries : ndarray of shape (n_queries,), dtype int64
        Source ids, each once.
    candidates : ndarray of shape (n_candidates,), dtype int64
        Target ids, each once: the translations of all queries.
    pairs : ndarray of shape (n_pairs, 2), dtype int64
        Positions in ``queries`` and ``candidates``, both words being of different form.
    identical : ndarray of shape (n_identical, 2), dtype int64
        The same for pairs whose two words are the same string.
    n_listed : int
        Pairs in the dictionary.
    """

    queries: np.ndarray
    candidates: np.ndarray
    pairs: np.ndarray
    identical: np.ndarray
    n_listed: int


def find_pairs(source: Vocabulary, target: Vocabulary, listed: Sequence[tuple[str, str]]) -> WordPairs:
    """Find the pairs of a dictionary whose words are one token that opens a word, on either side.

    Parameters
    ----------
    source, target : Vocabulary
        The two tokenizers.
    listed : sequence of (str, str)
        Source word and target word.

    Returns
    -------
    WordPairs
        Possibly none.
    """
    of_source, of_target = _word_ids(source), _word_ids(target)
    found: list[tuple[int, int, bool]] = []
    for word, translation in listed:
        one, other = of_source.get(_normal(source, word)), of_target.get(_normal(target, translation))
        if one is not None and other is not None:
            found.append((one, other, source.texts[one] == target.texts[other]))
    table = np.array(found, np.int64).reshape(-1, 3)
    table = table[np.sort(np.unique(table, axis=0, return_index=True)[1])]
    queries, left = np.unique(table[:, 0], return_inverse=True)
    candidates, right = np.unique(table[:, 1], return_inverse=True)
    places, same = np.stack([left.reshape(-1), right.reshape(-1)], axis=1), table[:, 2] == 1
    return WordPairs(
        queries=queries,
        candidates=candidates,
        pairs=places[~same],
        identical=places[same],
        n_listed=len(listed),
    )


def _word_ids(vocabulary: Vocabulary) -> dict[str, int]:
    """Return the id of every text that opens a word; the lowest of several."""
    usable = vocabulary.present & vocabulary.word_start & (vocabulary.kinds == NORMAL)
    return {vocabulary.texts[i]: i for i in reversed(np.flatnonzero(usable).tolist()) if vocabulary.texts[i]}


def _normal(vocabulary: Vocabulary, word: str) -> str:
    """Return a word as the tokenizer's normaliser leaves it, without the mark it may put before."""
    normalizer = vocabulary.backend.normalizer
    normal = normalizer.normalize_str(word) if normalizer is not None else word
    return str(normal).lstrip("▁").strip()


def measure_alignment(
    pairs: WordPairs, source_rows: np.ndarray, target_rows: np.ndarray, *, seed: int = 0
) -> dict[str, Any]:
    """Measure how near the rows of words lie to those of their translations.

    Parameters
    ----------
    pairs : WordPairs
        Which rows belong together.
    source_rows : ndarray of shape (n_source, d)
        The source model's input matrix.
    target_rows : ndarray of shape (n_target, d)
        The input matrix of a run, before or after training.
    seed : int, default=0
        Of the shuffled pairs.

    Returns
    -------
    dict
        ``n_words``, ``n_pairs``, ``n_candidates``; ``alignment``: share of pairs whose translation is the nearest
        candidate by cosine, and ``alignment_shuffled``, the same for translations dealt out at random;
        ``mean_cosine`` and ``mean_cosine_shuffled`` of the pairs; ``retrieval`` with ``cosine`` and ``csls``, each
        ``{"1": ..., "5": ..., "10": ...}``: share of words with a right translation among the first 1, 5, 10;
        ``identical`` with ``n_pairs``, ``alignment`` and ``mean_cosine`` of pairs of the same form. Shares are
        ``None`` where there is no pair.

    Notes
    -----
    ``csls(x, y) = 2 cos(x, y) - r(x) - r(y)``, ``r`` being the mean cosine with the 10 nearest of the other side
    (Conneau et al. 2018). Candidates are the translations of all words. A query's own form is no candidate for its
    other translations, since that row may be a copy of its own; such pairs are measured apart. A candidate that ties
    with a translation counts as ahead of it, so that equal rows find nothing.
    """
    left = normalise_rows(np.asarray(source_rows[pairs.queries], np.float32))
    right = normalise_rows(np.asarray(target_rows[pairs.candidates], np.float32))
    generator = np.random.default_rng(seed)
    shuffled = np.stack([pairs.pairs[:, 0], generator.permutation(pairs.pairs[:, 1])], axis=1)
    hubness = _mean_of_nearest(left, right), _mean_of_nearest(right, left)
    ranks = {
        "pairs": _ranks(left, right, pairs.pairs, barred=pairs.identical, alone=True),
        "shuffled": _ranks(left, right, shuffled, barred=pairs.identical, alone=True),
        "identical": _ranks(left, right, pairs.identical, alone=True),
        "cosine": _ranks(left, right, pairs.pairs, barred=pairs.identical),
        "csls": _ranks(left, right, pairs.pairs, barred=pairs.identical, hubness=hubness),
    }
    return {
        "n_words": len(np.unique(pairs.pairs[:, 0])),
        "n_pairs": len(pairs.pairs),
        "n_candidates": len(pairs.candidates),
        "alignment": _share(ranks["pairs"], 1),
        "alignment_shuffled": _share(ranks["shuffled"], 1),
        "mean_cosine": _mean_cosine(left, right, pairs.pairs),
        "mean_cosine_shuffled": _mean_cosine(left, right, shuffled),
        "retrieval": {name: {str(k): _share(ranks[name], k) for k in PRECISIONS} for name in ("cosine", "csls")},
        "identical": {
            "n_pairs": len(pairs.identical),
            "alignment": _share(ranks["identical"], 1),
            "mean_cosine": _mean_cosine(left, right, pairs.identical),
        },
    }


def _share(ranks: np.ndarray, k: int) -> float | None:
    return ratio((ranks <= k).sum(), len(ranks))


def _mean_cosine(left: np.ndarray, right: np.ndarray, pairs: np.ndarray) -> float | None:
    if not len(pairs):
        return None
    return float(np.einsum("ij,ij->i", left[pairs[:, 0]], right[pairs[:, 1]]).mean(dtype=np.float64))


def _mean_of_nearest(queries: np.ndarray, base: np.ndarray) -> np.ndarray:
    cosines = nearest_embeddings(queries, base, k=CSLS_K)[1].astype(np.float64)
    there = np.isfinite(cosines)
    return np.asarray(np.where(there, cosines, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1))


def _ranks(
    left: np.ndarray,
    right: np.ndarray,
    pairs: np.ndarray,
    *,
    barred: np.ndarray | None = None,
    alone: bool = False,
    hubness: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return the rank of each query's best translation, or of each pair's where ``alone``; 1 is first."""
    # Other translations of a query stand in the way of a pair that is taken alone, but not of the query.
    ranks: list[np.ndarray] = []
    for queries, scores in _score_blocks(left, right, np.unique(pairs[:, 0]), hubness):
        if barred is not None:  # pairs that are no candidates of each other
            inside = barred[np.isin(barred[:, 0], queries)]
            scores[np.searchsorted(queries, inside[:, 0]), inside[:, 1]] = -np.inf
        chosen = pairs[np.isin(pairs[:, 0], queries)]
        rows, columns = np.searchsorted(queries, chosen[:, 0]), chosen[:, 1]
        own = scores[rows, columns]
        if alone:
            ahead = (scores[rows] >= own[:, None] - _TIE).sum(axis=1)  # itself included
            ranks.append(np.where(np.isfinite(own), ahead, _NEVER))
            continue
        best = np.full(len(queries), -np.inf)
        np.maximum.at(best, rows, own)
        scores[rows, columns] = -np.inf
        ahead = (scores >= best[:, None] - _TIE).sum(axis=1) + 1
        ranks.append(np.where(np.isfinite(best), ahead, _NEVER))
    return np.concatenate(ranks) if ranks else np.zeros(0, np.int64)


def _score_blocks(
    left: np.ndarray, right: np.ndarray, queries: np.ndarray, hubness: tuple[np.ndarray, np.ndarray] | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield some queries and their scores with all candidates; a row of zeros scores -inf."""
    for start in range(0, len(queries), _BLOCK):
        part = queries[start : start + _BLOCK]
        scores = (left[part] @ right.T).astype(np.float64)
        if hubness is not None:
            scores = 2 * scores - hubness[0][part][:, None] - hubness[1][None, :]
        scores[:, ~right.any(axis=1)] = -np.inf
        scores[~left[part].any(axis=1)] = -np.inf
        yield part, scores
