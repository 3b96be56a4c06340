"""WECHSEL (Minixhofer, Paischer & Rekabsaz, NAACL 2022, arXiv 2112.06598): two spaces of words, one rotation.

Both vocabularies get vectors of their tokens from static vectors of words; a dictionary rotates the source's space onto
the target's; every target token becomes the softmax-weighted mean of the source tokens nearest to it.
"""

from __future__ import annotations

import numpy as np

from focus_core.errors import AuxiliaryError, bad_input, option
from focus_core.initialization.auxiliary.words import WordVectors, count_words
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS, copied_positions, not_copied
from focus_core.initialization.methods.dictionary.alignment import (
    AlignedPairs,
    align_pairs,
    procrustes,
    refuse_few,
    variants,
)
from focus_core.initialization.methods.dictionary.nearest import Nearest, nearest_sources
from focus_core.initialization.methods.dictionary.token_space import token_vectors
from focus_core.initialization.weights import SparseRows
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL

TEMPERATURE, NEIGHBOURS, LEAST_PAIRS = 0.1, 10, 50
"""Of the paper's code: the softmax, the source tokens a row is made of; and what a rotation needs at least."""
DIM = 256
"""Length of word vectors that are counted: a rotation of two spaces holds on to more than by the 100 of tokens."""


def wechsel(inputs: MethodInput) -> MethodOutput:
    """Give every target token its row of weights over source tokens.

    With ``u_t`` and ``v_s`` the vectors of target and source tokens and ``W`` the rotation of the dictionary's pairs,
    ``e_t = sum_s softmax(cos(u_t, v_s W) / temperature) e_s`` over the ``top_k`` nearest source tokens ``s``.

    Parameters
    ----------
    inputs : MethodInput
        The dictionary; source vectors, or none: then the source's own embeddings stand for them; the target's text, or
        ready vectors of its words.

    Returns
    -------
    MethodOutput
        Shared tokens are copied where the option says so. Tokens without a vector fall back.

    Raises
    ------
    InvalidInputError
        If too few pairs of the dictionary have vectors, or there are fewer source tokens than neighbours asked for.
    """
    if inputs.dictionary is None:
        raise bad_input("dictionary", "pairs of words", "none", "give one")
    target_words = inputs.target_vectors or _counted(inputs)
    source_words, source = _source_space(inputs, target_words.vectors.shape[1])
    pairs = align_pairs(inputs.dictionary, source_words, target_words)
    refuse_few(pairs, inputs.config.least_pairs, inputs.dictionary.name)
    rotation = procrustes(source_words.vectors[pairs.source_rows], target_words.vectors[pairs.target_rows])
    source = (source @ rotation).astype(np.float32)
    target = token_vectors(target_words, inputs.target, inputs.config.subword_vectors)
    copied = copied_positions(inputs)
    rows = _to_combine(inputs, target, copied)
    found = _compare(inputs, source, target, rows)
    combined = softmax_rows(rows, found, inputs.config.temperature)
    notes = {**pairs.to_dict(), "n_ties": found.n_ties, "source_space": source_words.name}
    return MethodOutput(
        weights=assemble_weights(inputs, copied, combined),
        anchor_ids=NO_ANCHORS,
        notes=notes,
        warnings=_warnings(pairs),
    )


def _counted(inputs: MethodInput) -> WordVectors:
    if inputs.corpus is None:
        raise bad_input(option("corpus"), "text or ready vectors of words", "none", "give one of them", AuxiliaryError)
    return count_words(inputs.corpus, dim=inputs.config.dim, progress=inputs.progress)


def _source_space(inputs: MethodInput, dim: int) -> tuple[WordVectors, np.ndarray]:
    """Return vectors of source words, and of the source's tokens in the same space."""
    words = inputs.source_vectors
    if words is not None:
        return words, token_vectors(words, inputs.source, inputs.config.subword_vectors)
    ordinary = inputs.source.present & (inputs.source.kinds != SPECIAL)
    rows = (inputs.source_embeddings - inputs.source_embeddings[ordinary].mean(axis=0)) * ordinary[:, None]
    return _words_of_embeddings(inputs, rows), rows


def _words_of_embeddings(inputs: MethodInput, rows: np.ndarray) -> WordVectors:
    """Return the words of the dictionary as means of the source's own embeddings of their tokens."""
    dictionary = inputs.dictionary
    words = list(dict.fromkeys(w for pair in (dictionary.pairs if dictionary else ()) for w in variants(pair[0])))
    backend = plain_backend(inputs.source.backend)
    encoded = backend.encode_batch_fast([f" {word}" for word in words], add_special_tokens=False)
    known = [(word, e.ids) for word, e in zip(words, encoded, strict=True) if e.ids]
    vectors = np.stack([rows[ids].mean(axis=0) for _, ids in known]) if known else np.zeros((0, rows.shape[1]))
    return WordVectors(
        name="the source's own embeddings",
        digest="",
        n_bytes=0,
        words=tuple(word for word, _ in known),
        vectors=vectors.astype(np.float32),
        frequency=np.ones(len(known)),
    )


def _to_combine(inputs: MethodInput, target: np.ndarray, copied: np.ndarray) -> np.ndarray:
    """Return the target ids that have a vector and are not copied."""
    return np.flatnonzero(target.any(axis=1) & not_copied(inputs, copied)).astype(np.int32)


def _compare(inputs: MethodInput, source: np.ndarray, target: np.ndarray, rows: np.ndarray) -> Nearest:
    ordinary = source.any(axis=1) & inputs.source.present
    ids = np.flatnonzero(ordinary).astype(np.int32)
    k = inputs.config.top_k or NEIGHBOURS
    if len(ids) < k:
        expected, got = f"at most {len(ids):,}, the source tokens that have a vector", f"{k:,}"
        raise bad_input(option("top_k"), expected, got, "lower it, or give vectors of more words")
    return nearest_sources(
        target[rows],
        source[ids],
        ids,
        k=k,
        new_starts=inputs.target.word_start[rows],
        source_starts=inputs.source.word_start[ids],
        progress=inputs.progress,
    )


def softmax_rows(rows: np.ndarray, found: Nearest, temperature: float) -> SparseRows:
    """Return rows whose weights are the softmax of their cosines over the temperature."""
    n, k = found.source_ids.shape
    return SparseRows(
        rows=rows,
        indptr=np.arange(n + 1, dtype=np.int64) * k,
        source_ids=found.source_ids.ravel(),
        weights=softmax(found.cosines, temperature).astype(np.float32).ravel(),
        similarities=found.cosines.ravel(),
    )


def softmax(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Return ``exp(s / T)`` over its sum in every row, in float64; the largest score is taken away first.

    Examples
    --------
    >>> softmax(np.array([[0.9, 0.8, 0.5]]), 0.1).round(4).tolist()
    [[0.7214, 0.2654, 0.0132]]
    """
    scaled = scores.astype(np.float64) / temperature
    exponents = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))


def _warnings(pairs: AlignedPairs) -> tuple[str, ...]:
    """Say so where the rotation hangs on fewer pairs than the default allows."""
    n = len(pairs.source_rows)
    few = f"the two spaces were aligned by {n:,} pairs alone; {LEAST_PAIRS} are the least that is usual"
    return (few,) if n < LEAST_PAIRS else ()
