"""Vectors by counting, in plain numpy: positive pointwise mutual information and a truncated SVD."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary

NGRAMS = (3, 4, 5)
RARE = 10.0
"""Occurrences at which a token's own vector and that of its n-grams weigh as much."""
SHARE = 0.5
"""Sum of squares of the n-grams' columns, as a share of that of the counts'."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The settings of a space by counting; the defaults are the library's."""

    window: int = 2
    apart: bool = True
    dim: int = 100
    context_exponent: float = 0.75
    singular_exponent: float = 0.5
    min_count: int = 1


def count_vectors(
    rows: list[np.ndarray], vocabulary: Vocabulary, settings: Counted, *, beside: bool = False
) -> AuxiliaryVectors:
    """Return the vectors of tokens from what stands around them.

    Parameters
    ----------
    rows : list of ndarray of shape (n,), dtype int32
        The ids of every line.
    vocabulary : Vocabulary
        Whose ids they are.
    settings : Counted
        The settings.
    beside : bool, default=False
        Whether a matrix of tokens by character n-grams stands beside the counts.

    Returns
    -------
    AuxiliaryVectors
        Shape (n, dim); special tokens and those seen less than ``min_count`` times have none.
    """
    from sklearn.utils.extmath import randomized_svd

    n = vocabulary.n
    stream = np.concatenate([part for row in rows for part in (row, [-1])]).astype(np.int64)
    frequency = np.bincount(stream[stream >= 0], minlength=n)
    usable = (frequency >= settings.min_count) & (vocabulary.kinds != SPECIAL)
    usable_at = np.where(stream >= 0, usable[np.maximum(stream, 0)], False)
    matrices = [_ppmi(m, settings.context_exponent) for m in _counts(stream, usable_at, n, settings)]
    if beside:
        grams = ngram_matrix(vocabulary)
        size = sum(float((m.data**2).sum()) for m in matrices)
        matrices.append(grams * np.sqrt(SHARE * size / float((grams.data**2).sum())))
    whole = sparse.hstack(matrices, format="csr").astype(np.float32)
    u, s, _ = randomized_svd(whole, settings.dim, n_iter=4, random_state=0)
    vectors = (u * s**settings.singular_exponent).astype(np.float32)
    has = np.asarray(usable & (np.diff(whole.indptr) > 0))
    vectors[~has] = 0
    return AuxiliaryVectors(vectors=vectors, has_vector=has, kind="trained")


def _counts(stream: np.ndarray, usable: np.ndarray, n: int, settings: Counted) -> Iterator[sparse.csr_array]:
    """Yield a matrix of counts for each offset, or their sum."""
    total: sparse.csr_array | None = None
    ends = np.cumsum(stream < 0)
    for d in range(1, settings.window + 1):
        pairs = usable[:-d] & usable[d:] & (ends[:-d] == ends[d:])
        left, right = stream[:-d][pairs], stream[d:][pairs]
        one = sparse.coo_array((np.ones(len(left), np.float32), (left, right)), shape=(n, n)).tocsr()
        if settings.apart:
            yield one
            yield one.T.tocsr()
        else:
            both = one + one.T
            total = both if total is None else total + both
    if total is not None:
        yield total.tocsr()


def _ppmi(counts: sparse.csr_array, exponent: float) -> sparse.csr_array:
    """Return positive pointwise mutual information, the context distribution raised to an exponent."""
    rows, columns = counts.sum(axis=1), counts.sum(axis=0).astype(np.float64)
    smoothed = np.where(columns > 0, columns, 1.0) ** exponent * (columns > 0)
    coo = counts.tocoo()
    row, column = coo.coords
    values = np.log(coo.data * smoothed.sum() / (rows[row] * smoothed[column]))
    keep = values > 0
    return sparse.csr_array((values[keep], (row[keep], column[keep])), shape=counts.shape)


def ngram_matrix(vocabulary: Vocabulary) -> sparse.csr_array:
    """Return tokens by character n-grams, weighted by rarity, rows of length one, shape (n, n_ngrams)."""
    numbers: dict[str, int] = {}
    row: list[int] = []
    column: list[int] = []
    for i, token in enumerate(vocabulary.tokens):
        if vocabulary.kinds[i] == SPECIAL or not vocabulary.present[i]:
            continue
        text = f"{token}>"
        found = {text[k : k + size] for size in NGRAMS for k in range(len(text) - size + 1)}
        row += [i] * len(found)
        column += [numbers.setdefault(gram, len(numbers)) for gram in sorted(found)]
    matrix = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(vocabulary.n, len(numbers)))
    shared = matrix.sum(axis=0)
    matrix = (matrix * np.where(shared > 1, np.log(vocabulary.n / np.maximum(shared, 1)), 0.0)[None, :]).tocsr()
    length = np.sqrt((matrix**2).sum(axis=1))
    return (sparse.diags_array(1 / np.where(length > 0, length, 1.0)) @ matrix).tocsr()


def with_ngrams(plain: AuxiliaryVectors, vocabulary: Vocabulary, frequency: np.ndarray) -> AuxiliaryVectors:
    """Draw the vectors of rare tokens to the mean of those that share character n-grams with them."""
    grams = ngram_matrix(vocabulary)
    near = (grams @ grams.T).tocsr()
    near.setdiag(0)
    length = np.linalg.norm(plain.vectors, axis=1, keepdims=True)
    unit = plain.vectors / np.where(length > 0, length, 1.0)
    near = near * (frequency >= RARE)[None, :]  # what is rare itself says nothing about others
    mean = near @ unit
    size = np.linalg.norm(mean, axis=1, keepdims=True)
    mean = mean / np.where(size > 0, size, 1.0)
    own = (frequency / (frequency + RARE))[:, None]
    own = np.where(size > 0, own, 1.0)
    vectors = (own * unit + (1 - own) * mean).astype(np.float32)
    vectors[vocabulary.kinds == SPECIAL] = 0
    return AuxiliaryVectors(vectors=vectors, has_vector=vectors.any(axis=1), kind="trained")
