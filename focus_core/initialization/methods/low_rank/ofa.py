"""OFA (Liu et al., NAACL Findings 2024, arXiv 2311.08849): the nearest source subwords in one space of words.

Its factorisation is the option ``rank``; here are its weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from focus_core.errors import AuxiliaryError, bad_input, option
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS, copied_positions, not_copied
from focus_core.initialization.weights import SparseRows
from focus_core.numerics.neighbors import nearest_embeddings
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary

_WORDS_AT_ONCE = 20_000


def ofa(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; a new one is a softmax mean of the source subwords that are nearest by words.

    ``w = softmax(cos / temperature)`` over the ``top_k`` source subwords with the largest cosine. A subword's vector is
    the mean of the vectors of the words that it is a part of, in a space that has words of both languages.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies, overlap, vectors of words and options.

    Returns
    -------
    MethodOutput
        New tokens that are a part of no word fall back.

    Raises
    ------
    AuxiliaryError
        If no source subword, or no new token, is a part of a word that has a vector.
    """
    given = inputs.source_vectors
    if given is None:
        raise bad_input(option("vectors"), "vectors of words of both languages", "none", "give them", AuxiliaryError)
    near = subword_vectors(inputs.source, given.words, given.vectors)
    own = subword_vectors(inputs.target, given.words, given.vectors)
    copied = copied_positions(inputs)
    wanted = not_copied(inputs, copied)
    ids = np.flatnonzero(wanted & own.any(axis=1)).astype(np.int32)
    candidates = np.flatnonzero(near.any(axis=1)).astype(np.int32)
    _refuse_strangers(given.name, candidates, ids, wanted)
    config = inputs.config
    k = min(config.top_k or len(candidates), max(1, len(candidates)))
    columns, cosines = nearest_embeddings(
        own[ids], near[candidates], k=k, memory_mib=config.memory_mib, progress=inputs.progress
    )
    rows = _softmax_rows(ids, candidates[columns], cosines, config.temperature)
    return MethodOutput(weights=assemble_weights(inputs, copied, rows), anchor_ids=NO_ANCHORS)


def _refuse_strangers(name: str, candidates: np.ndarray, ids: np.ndarray, wanted: np.ndarray) -> None:
    """Refuse vectors that know one of the two tokenizers' words not at all."""
    if wanted.any() and not (len(candidates) and len(ids)):
        got = f"{len(candidates):,} source subwords and {len(ids):,} new tokens in a word"
        remedy = "give vectors of one space that has words of both languages"
        raise bad_input(name, "words of both languages", got, remedy, AuxiliaryError)


def subword_vectors(vocabulary: Vocabulary, words: Sequence[str], vectors: np.ndarray) -> np.ndarray:
    """Give every subword the mean of the vectors of the words that it is a part of.

    Parameters
    ----------
    vocabulary : Vocabulary
        Whose subwords.
    words : sequence of str, length n_words
        Each is split as it stands, after a space, and after a space with a capital; it counts once a way.
    vectors : ndarray of shape (n_words, dim)
        Their vectors.

    Returns
    -------
    ndarray of shape (n, dim), dtype float32
        Zeros for special tokens and for what is a part of no word.
    """
    total, counts = np.zeros((vocabulary.n, vectors.shape[1])), np.zeros(vocabulary.n)
    for first, part in _splits(vocabulary, words):
        total += part.T @ vectors[first : first + part.shape[0]].astype(np.float64)
        counts += np.asarray(part.sum(axis=0)).ravel()
    counts[(vocabulary.kinds == SPECIAL) | ~vocabulary.present] = 0
    means: np.ndarray = np.divide(total, counts[:, None], out=np.zeros_like(total), where=counts[:, None] > 0)
    return means.astype(np.float32)


def _splits(vocabulary: Vocabulary, words: Sequence[str]) -> Iterator[tuple[int, sparse.csr_array]]:
    """Yield the first word of a block, and how many ways of writing each word have which subword."""
    for first in range(0, len(words), _WORDS_AT_ONCE):
        block = list(words[first : first + _WORDS_AT_ONCE])
        counts = sparse.csr_array((len(block), vocabulary.n))
        for written in (block, [f" {word}" for word in block], [f" {word[:1].upper()}{word[1:]}" for word in block]):
            split = vocabulary.backend.encode_batch_fast(written, add_special_tokens=False)
            ids = [np.unique(one.ids) for one in split]
            flat = np.concatenate([np.zeros(0, np.int64), *ids])
            places = np.cumsum([0, *map(len, ids)])
            counts = counts + sparse.csr_array((np.ones(len(flat)), flat, places), shape=counts.shape)
        yield first, counts


def _softmax_rows(ids: np.ndarray, sources: np.ndarray, cosines: np.ndarray, temperature: float) -> SparseRows:
    """Return rows of softmax weights; ``cosines`` fall along a row, ``-inf`` where there is no neighbour."""
    shares = np.exp((cosines - cosines[:, :1]).astype(np.float64) / temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    kept = shares > 0
    return SparseRows(
        rows=ids,
        indptr=np.concatenate([[0], np.cumsum(kept.sum(axis=1))]),
        source_ids=sources[kept],
        weights=shares[kept].astype(np.float32),
        similarities=np.asarray(cosines[kept], np.float32),
    )
