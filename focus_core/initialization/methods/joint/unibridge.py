"""UniBridge (Pham et al., ACL 2024), a sound variant: tokens nearest to each other in one space join the overlap."""

from __future__ import annotations

import numpy as np

from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.initialization.methods.joint.focus import (
    anchor_sources,
    anchor_targets,
    combine,
    new_with_vector,
    sources_with_vector,
)
from focus_core.initialization.methods.joint.space import Space, joint_space
from focus_core.initialization.weights import SparseRows, stacked
from focus_core.numerics.neighbors import nearest_embeddings


def unibridge(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens and those that a mutual nearest neighbour stands for; combine the rest from both.

    A new token and a source token that is not shared are a pair where each is the nearest of the other by cosine: the
    new one takes that source embedding. Of the others ``w = sparsemax(cos(F(t), F(s)) / temperature)`` over the shared
    source tokens and those of the pairs.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, text and options.

    Returns
    -------
    MethodOutput
        A new token without a vector falls back.

    Raises
    ------
    AuxiliaryError
        If there are new tokens and no text, or no anchor has a vector.
    """
    overlap = inputs.overlap
    everything = np.arange(overlap.n_overlap)
    if not overlap.n_new:
        return MethodOutput(weights=assemble_weights(inputs, everything), anchor_ids=NO_ANCHORS)
    space = joint_space(inputs)
    shared, new_ids = anchor_sources(inputs, space), new_with_vector(inputs, space)
    paired, partners, cosines = mutual_pairs(inputs, space, new_ids)
    anchors = np.sort(np.concatenate([shared, partners]))
    rest = np.setdiff1d(new_ids, paired)
    rows = stacked([pair_rows(paired, partners, cosines), combine(inputs, space, rest, anchors)])
    notes = {"n_anchors": len(anchors), "n_pairs": len(paired), "n_combined": len(rest)}
    weights = assemble_weights(inputs, everything, rows)
    return MethodOutput(weights=weights, anchor_ids=anchor_targets(inputs, space), notes=notes)


def mutual_pairs(inputs: MethodInput, space: Space, new_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return new tokens and source tokens that are not shared, each the nearest of the other.

    Parameters
    ----------
    inputs : MethodInput
        Overlap and options.
    space : Space
        The vectors.
    new_ids : ndarray of shape (n_new,)
        Target ids with a vector, ascending.

    Returns
    -------
    target_ids, source_ids : ndarray of shape (n_pairs,)
        The pairs, by target id; none of either comes twice. Of equally near ones the lowest id is the nearest.
    cosines : ndarray of shape (n_pairs,), dtype float32
        Their cosines.
    """
    free = sources_with_vector(inputs, space)
    free[inputs.overlap.source_ids] = False
    sources = np.flatnonzero(free)
    new, old, memory = space.target[new_ids], space.source[sources], inputs.config.memory_mib
    there, cosines = nearest_embeddings(new, old, k=1, memory_mib=memory, progress=inputs.progress)
    back, _ = nearest_embeddings(old, new, k=1, memory_mib=memory, progress=inputs.progress)
    if not len(new_ids) or not len(sources):
        return new_ids[:0], sources[:0], cosines[:0, 0]
    mutual = back[there[:, 0], 0] == np.arange(len(new_ids))
    return new_ids[mutual], sources[there[mutual, 0]], cosines[mutual, 0]


def pair_rows(target_ids: np.ndarray, source_ids: np.ndarray, similarities: np.ndarray) -> SparseRows:
    """Return rows that are one source row each, with the similarity that made them so."""
    n = len(target_ids)
    return SparseRows(
        rows=target_ids.astype(np.int32),
        indptr=np.arange(n + 1),
        source_ids=source_ids.astype(np.int32),
        weights=np.ones(n, np.float32),
        similarities=similarities.astype(np.float32),
    )
