"""Joint FOCUS: new tokens are compared with source tokens in a space that both tokenizers' cuts of the text make."""

from __future__ import annotations

import numpy as np

from focus_core.errors import AuxiliaryError, bad_input, phrase
from focus_core.initialization.methods.assembly import NO_ROWS, assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.initialization.methods.joint.space import Space, joint_space
from focus_core.initialization.weights import SparseRows
from focus_core.numerics.similarity import similarity_weights
from focus_core.tokenization.identity import SPECIAL
from focus_core.types import Anchors


def joint_focus(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens and combine new ones from source tokens that are near in the joint space.

    ``w = sparsemax(cos(F(t), F(s)) / temperature)`` over the anchors ``s``: the shared tokens, or all source tokens
    that the text has.

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
    anchors = anchor_sources(inputs, space)
    new_ids = new_with_vector(inputs, space)
    rows = combine(inputs, space, new_ids, anchors)
    notes = {"n_anchors": len(anchors), "n_combined": len(new_ids)}
    weights = assemble_weights(inputs, everything, rows)
    return MethodOutput(weights=weights, anchor_ids=anchor_targets(inputs, space), notes=notes)


def anchor_sources(inputs: MethodInput, space: Space) -> np.ndarray:
    """Return the source ids that new tokens are compared with, ascending; refuse a space that has none."""
    covered = sources_with_vector(inputs, space)
    if inputs.config.anchors == Anchors.SHARED:
        covered &= np.isin(np.arange(inputs.source.n), inputs.overlap.source_ids)
    found = np.flatnonzero(covered)
    if not len(found):
        expected, got = "a shared token of text that has a vector, to be an anchor", "none"
        remedy = phrase("give more text, {match} fuzzy, or a target tokenizer that shares tokens with the source")
        raise bad_input("the joint space", expected, got, remedy, AuxiliaryError)
    return found


def sources_with_vector(inputs: MethodInput, space: Space) -> np.ndarray:
    """Return which source tokens of text have a vector, shape (n_source,), dtype bool."""
    return np.asarray(space.source.any(axis=1) & inputs.source.present & (inputs.source.kinds != SPECIAL))


def new_with_vector(inputs: MethodInput, space: Space) -> np.ndarray:
    """Return the ids of new tokens of text that have a vector, ascending."""
    new = inputs.overlap.new_ids
    found: np.ndarray = new[space.target[new].any(axis=1) & (inputs.target.kinds[new] != SPECIAL)]
    return found


def anchor_targets(inputs: MethodInput, space: Space) -> np.ndarray:
    """Return the target ids of shared tokens that are anchors, ascending, dtype int32."""
    ids = inputs.overlap.target_ids[space.source[inputs.overlap.source_ids].any(axis=1)]
    return np.sort(ids[inputs.target.kinds[ids] != SPECIAL]).astype(np.int32)


def combine(inputs: MethodInput, space: Space, new_ids: np.ndarray, anchors: np.ndarray) -> SparseRows:
    """Weigh source tokens for new ones by the sparsemax of their cosines.

    Parameters
    ----------
    inputs : MethodInput
        Options: ``temperature``, ``top_k``, ``memory_mib``, ``device``.
    space : Space
        The vectors.
    new_ids : ndarray of shape (n_new,)
        Target ids with a vector.
    anchors : ndarray of shape (n_anchors,)
        Source ids with a vector.

    Returns
    -------
    SparseRows
        A row for each of ``new_ids``.
    """
    if not len(new_ids):
        return NO_ROWS
    config = inputs.config
    found = similarity_weights(
        space.target[new_ids],
        space.source[anchors],
        temperature=config.temperature,
        top_k=config.top_k,
        memory_mib=config.memory_mib,
        device=config.device,
        progress=inputs.progress,
    )
    return SparseRows(
        rows=new_ids,
        indptr=found.indptr,
        source_ids=anchors[found.indices].astype(np.int32),
        weights=found.weights,
        similarities=found.similarities,
    )
