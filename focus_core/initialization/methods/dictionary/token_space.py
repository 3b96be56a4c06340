"""Vectors of a vocabulary's tokens from vectors of words: by the words that contain a token, or by its n-grams."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from focus_core.initialization.auxiliary.loading import mix_words
from focus_core.initialization.auxiliary.words import WordVectors
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import KINDS, SubwordVectors, TokenKind

NGRAM = 5
"""Characters of an n-gram, the marks of begin and end of a word included."""


def token_vectors(words: WordVectors, vocabulary: Vocabulary, mode: SubwordVectors) -> np.ndarray:
    """Return a vector for every token that words tell something about.

    Parameters
    ----------
    words : WordVectors
        The space of words.
    vocabulary : Vocabulary
        Its tokens.
    mode : SubwordVectors
        ``words``: ``sum_w f_w v_w / sum_w f_w`` over the words ``w`` whose tokens contain it, each word cut at the
        start of a text and after a space. ``ngrams``: the mean over the n-grams of its text, and its word where there
        is one, as fastText composes; an n-gram's vector is the mean of the words that contain it.

    Returns
    -------
    ndarray of shape (n, dim), dtype float32
        Zero where no word says anything, and for special tokens.
    """
    if mode == SubwordVectors.WORDS:
        mixing = mix_words(plain_backend(vocabulary.backend), words.words, vocabulary.n, words.frequency)
    else:
        mixing = _by_ngrams(words, vocabulary)
    totals = np.asarray(mixing.sum(axis=1)).ravel()[:, None]
    found = (mixing @ words.vectors.astype(np.float64)) / np.where(totals == 0, 1, totals)
    found[vocabulary.kinds == KINDS.index(TokenKind.SPECIAL)] = 0
    return np.asarray(found.astype(np.float32))


def _by_ngrams(words: WordVectors, vocabulary: Vocabulary) -> sparse.csr_array:
    """Return how much of every word is in a token's mean, shape (n, n_words)."""
    n_words, ids = len(words.words), dict[str, int]()
    entries = [(ids.setdefault(gram, len(ids)), w) for w, word in enumerate(words.words) for gram in set(ngrams(word))]
    rows, columns = np.array(entries, np.int64).reshape(-1, 2).T
    grams = _unit_rows(sparse.csr_array((words.frequency[columns], (rows, columns)), shape=(len(ids), n_words)))
    parts: list[tuple[int, int]] = []
    whole: list[tuple[int, int]] = []
    for i in np.flatnonzero(vocabulary.present).tolist():
        text = vocabulary.texts[i].strip()
        parts += [(i, ids[gram]) for gram in ngrams(text) if gram in ids]
        whole += [(i, words.places[text])] if text in words.places else []
    composed = _ones(parts, (vocabulary.n, len(ids))) @ grams + _ones(whole, (vocabulary.n, n_words))
    return _unit_rows(sparse.csr_array(composed))


def _ones(entries: list[tuple[int, int]], shape: tuple[int, int]) -> sparse.csr_array:
    rows, columns = np.array(entries, np.int64).reshape(-1, 2).T
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _unit_rows(matrix: sparse.csr_array) -> sparse.csr_array:
    """Scale every row of positive numbers to the sum 1."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    return sparse.csr_array(sparse.diags_array(1 / np.where(sums == 0, 1, sums)) @ matrix)


def ngrams(word: str, *, n: int = NGRAM) -> Iterator[str]:
    """Yield the n-grams of a word with its marks of begin and end; a shorter one is its own only one.

    Examples
    --------
    >>> list(ngrams("soko")), list(ngrams("na"))
    (['<soko', 'soko>'], ['<na>'])
    """
    marked = f"<{word}>"
    yield from (marked[i : i + n] for i in range(max(1, len(marked) - n + 1)))
