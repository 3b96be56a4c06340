"""What character n-grams could add to a space by counting: columns of their own."""

from __future__ import annotations

import numpy as np

from focus_core.initialization.auxiliary.counted import CountSettings, context_matrices, positive_information
from focus_core.initialization.auxiliary.counting import PairCounts
from focus_core.initialization.auxiliary.ngrams import ngram_matrix
from focus_core.initialization.auxiliary.svd import truncated_svd
from focus_core.tokenization.vocabulary import Vocabulary

SHARE = 0.5
"""Sum of squares of the n-grams' columns, as a share of that of the counts'."""


def vectors_with_ngrams(
    counts: PairCounts, eligible: np.ndarray, settings: CountSettings, vocabulary: Vocabulary
) -> np.ndarray:
    """Return vectors of the counts with the n-grams as columns beside them, shape (n, dim)."""
    ids = np.flatnonzero(eligible & counts.seen)
    blocks = [positive_information(m, settings.context_exponent) for m in context_matrices(counts, ids, settings)]
    grams = ngram_matrix(vocabulary)[ids].astype(np.float32)
    size = sum(float((block.data**2).sum()) for block in blocks)
    u, s = truncated_svd([*blocks, grams * np.float32(np.sqrt(SHARE * size / (grams.data**2).sum()))], settings.dim)
    vectors = np.zeros((vocabulary.n, settings.dim), np.float32)
    vectors[ids, : len(s)] = u * s**settings.singular_exponent
    return vectors
