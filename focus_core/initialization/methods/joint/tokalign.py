"""TokAlign (ACL 2025): each cut has a space of its own, and tokens are told by how they lie to shared tokens in it."""

from __future__ import annotations

import numpy as np

from focus_core.errors import AuxiliaryError, bad_input, phrase
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.initialization.methods.joint.focus import new_with_vector
from focus_core.initialization.methods.joint.space import Space, apart_types, corpus_of, count_cuts, space_vectors
from focus_core.initialization.methods.joint.unibridge import pair_rows
from focus_core.numerics.similarity import block_rows, normalise_rows
from focus_core.tokenization.identity import SPECIAL
from focus_core.types import ProgressHook, no_progress

PIVOTS = 300
"""Shared tokens by which the others are told, at most (the authors' number)."""
STAGE = "similarities"


def tokalign(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens, and give each new token the row of the one source token that relates alike to shared ones.

    With ``G`` the vectors of a cut at length one and ``r = G G[pivots]ᵀ``, the new token ``t`` takes the row of
    ``argmax_s r_t · r_s``.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, text and options.

    Returns
    -------
    MethodOutput
        A new token that the text does not have falls back.

    Raises
    ------
    AuxiliaryError
        If there are new tokens and no text, or no shared token has a vector in both cuts.
    """
    overlap = inputs.overlap
    everything = np.arange(overlap.n_overlap)
    if not overlap.n_new:
        return MethodOutput(weights=assemble_weights(inputs, everything), anchor_ids=NO_ANCHORS)
    space = two_spaces(inputs)
    pivots = pivot_positions(inputs, space)
    new_ids, sources = new_with_vector(inputs, space), np.flatnonzero(space.source.any(axis=1))
    pivot_targets, pivot_sources = overlap.target_ids[pivots], overlap.source_ids[pivots]
    nearest, products = most_alike(
        relative(space.target, new_ids, pivot_targets),
        relative(space.source, sources, pivot_sources),
        memory_mib=inputs.config.memory_mib,
        progress=inputs.progress,
    )
    rows = pair_rows(new_ids, sources[nearest], products)
    notes = {"n_pivots": len(pivots), "n_aligned": len(new_ids), "n_sources_taken": len(np.unique(nearest))}
    weights = assemble_weights(inputs, everything, rows)
    return MethodOutput(weights=weights, anchor_ids=np.sort(pivot_targets), notes=notes)


def two_spaces(inputs: MethodInput) -> Space:
    """Return the space of each cut by itself: nothing of one tells of the other."""
    n_target, n_source = inputs.target.n, inputs.source.n
    types = apart_types(n_target=n_target, n_source=n_source)
    counts = count_cuts(corpus_of(inputs), inputs.target, inputs.source, types, progress=inputs.progress)
    of_target = np.arange(counts.pairs.n_tokens) < n_target
    target, source = (space_vectors(inputs, counts, side) for side in (of_target, ~of_target))
    return Space(target=target[:n_target], source=source[n_target:], counts=counts)


def pivot_positions(inputs: MethodInput, space: Space) -> np.ndarray:
    """Return which shared tokens the others are told by.

    Parameters
    ----------
    inputs : MethodInput
        The overlap.
    space : Space
        The spaces.

    Returns
    -------
    ndarray of shape (n_pivots,)
        Positions in the overlap of tokens of text with a vector in both cuts: of more than `PIVOTS`, those at equal
        distances when they are ordered by how often the rarer side comes, the most frequent first, then by target id.

    Raises
    ------
    AuxiliaryError
        If there is none.
    """
    overlap, counts = inputs.overlap, space.counts
    ordinary = inputs.target.kinds[overlap.target_ids] != SPECIAL
    in_both = space.target[overlap.target_ids].any(axis=1) & space.source[overlap.source_ids].any(axis=1)
    found = np.flatnonzero(ordinary & in_both)
    if not len(found):
        expected, got = "a shared token of text that both cuts have", "none"
        remedy = phrase("give more text, {match} fuzzy, or a target tokenizer that shares tokens with the source")
        raise bad_input("overlap", expected, got, remedy, AuxiliaryError)
    targets, sources = overlap.target_ids[found], overlap.source_ids[found]
    often = np.minimum(counts.target_frequency[targets], counts.source_frequency[sources])
    ordered = found[np.lexsort((targets, -often))]
    if len(ordered) <= PIVOTS:
        return ordered
    return ordered[np.arange(PIVOTS) * (len(ordered) - 1) // (PIVOTS - 1)]


def relative(vectors: np.ndarray, ids: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Return the cosines of some tokens with the pivots of their own space.

    Parameters
    ----------
    vectors : ndarray of shape (n, dim)
        A space.
    ids : ndarray of shape (m,)
        The tokens.
    pivots : ndarray of shape (n_pivots,)
        The pivots.

    Returns
    -------
    ndarray of shape (m, n_pivots), dtype float32
        ``r``.
    """
    return np.asarray(normalise_rows(vectors[ids]) @ normalise_rows(vectors[pivots]).T)


def most_alike(
    new: np.ndarray, source: np.ndarray, *, memory_mib: int = 512, progress: ProgressHook = no_progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return the source row with the largest inner product with each new one.

    Parameters
    ----------
    new : ndarray of shape (n, k), dtype float32
        Relations of new tokens to the pivots.
    source : ndarray of shape (m, k), dtype float32
        Those of source tokens; at least one.
    memory_mib : int, default=512
        What a block of products may take, MiB.
    progress : ProgressHook, default=no_progress
        Told the rows done.

    Returns
    -------
    nearest : ndarray of shape (n,), dtype int64
        Rows of ``source``; of equal products the first. Several new ones may have the same.
    products : ndarray of shape (n,), dtype float32
        The products.
    """
    rows = block_rows(len(source), memory_mib=memory_mib)
    right, block = source.T.copy(), np.zeros((rows, source.shape[1]), np.float32)
    nearest, products = np.zeros(len(new), np.int64), np.zeros(len(new), np.float32)
    for start in range(0, len(new), rows):
        part = new[start : start + rows]
        block[: len(part)] = part  # one size: a product of another shape may sum in another order
        scores = (block @ right)[: len(part)]
        stop = start + len(part)
        nearest[start:stop] = scores.argmax(axis=1)
        products[start:stop] = scores[np.arange(len(part)), nearest[start:stop]]
        progress(STAGE, stop, len(new))
    return nearest, products
