"""FOCUS (Dobler & de Melo, EMNLP 2023, arXiv 2305.14481): copy what overlaps, combine the rest."""

from __future__ import annotations

import numpy as np

from focus_core.errors import AuxiliaryError, VocabularyError, bad_input, phrase
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.methods.assembly import NO_ROWS, assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.weights import SparseRows
from focus_core.numerics.similarity import similarity_weights
from focus_core.tokenization.identity import SPECIAL
from focus_core.validation import check_matrix


def focus(inputs: MethodInput) -> MethodOutput:
    """Give every target token its row of weights over source tokens.

    An overlapping token copies its source row. A new token ``t`` with an auxiliary vector ``F(t)`` becomes
    ``sum_a w[a] E[source of a]`` over the anchors ``a``, the overlapping tokens with a vector, where
    ``w = sparsemax(cos(F(t), F(a)) / temperature)``. The remaining tokens fall back as the options say.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, auxiliary vectors (one a target id) and options.

    Returns
    -------
    MethodOutput
        ``W`` and the anchors. Without new tokens every row is a copy, which is a success.

    Raises
    ------
    VocabularyError
        If there are new tokens and none overlaps but special ones.
    AuxiliaryError
        If there are new tokens but no auxiliary vectors, or these have another number of rows, or no overlapping
        token has one.
    """
    overlap = inputs.overlap
    _require_overlap(inputs)
    anchors, combined = anchors_and_new(inputs)
    weights = assemble_weights(inputs, np.arange(overlap.n_overlap), _combine(inputs, anchors, combined))
    return MethodOutput(weights=weights, anchor_ids=np.sort(overlap.target_ids[anchors]))


def _require_overlap(inputs: MethodInput) -> None:
    """Refuse vocabularies that share nothing but special tokens: nothing could be combined from these."""
    overlap = inputs.overlap
    if overlap.n_new and not (inputs.target.kinds[overlap.target_ids] != SPECIAL).any():
        got = f"none of {overlap.n_target} target tokens in the source vocabulary"
        got += f", special tokens aside ({overlap.n_overlap})" if overlap.n_overlap else ""
        remedy = phrase("use {match} fuzzy, or a target tokenizer that shares text or scripts with the source")
        raise bad_input("overlap", expected="a shared token", got=got, remedy=remedy, error=VocabularyError)


def anchors_and_new(inputs: MethodInput) -> tuple[np.ndarray, np.ndarray]:
    """Return who takes part in the space of the auxiliary vectors.

    Parameters
    ----------
    inputs : MethodInput
        Overlap and auxiliary vectors.

    Returns
    -------
    anchors : ndarray of shape (n_anchors,)
        Positions in the overlap of tokens with a vector, by source id; none where nothing is new.
    combined : ndarray of shape (n_combined,)
        Ids of new tokens with a vector.

    Raises
    ------
    AuxiliaryError
        If there are new tokens but no auxiliary vectors, or these have another number of rows, or no overlapping
        token has one.
    """
    overlap = inputs.overlap
    if not overlap.n_new:
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    covered = _covered(inputs)
    anchors = np.flatnonzero(covered[overlap.target_ids])
    combined = overlap.new_ids[covered[overlap.new_ids]]
    if not len(anchors):
        raise bad_input(
            "auxiliary vectors",
            expected="a vector for at least one overlapping token, to serve as anchor",
            got=f"none for {overlap.n_overlap} overlapping tokens",
            remedy=phrase(
                "give more text, a lower {min_count} where it is above 1, or vectors that cover the target vocabulary"
            ),
            error=AuxiliaryError,
        )
    order = np.lexsort((overlap.target_ids[anchors], overlap.source_ids[anchors]))
    return anchors[order], combined


def _covered(inputs: MethodInput) -> np.ndarray:
    """Which target ids have a usable vector, shape (n_target,); a vector of zeros has no direction."""
    auxiliary = inputs.auxiliary
    if auxiliary is None:
        way_out = phrase("give {corpus} to make them from, or {auxiliary}")
        raise bad_input("auxiliary vectors", expected="vectors", got="none", remedy=way_out, error=AuxiliaryError)
    remedy = "give vectors with one row for every target id"
    n = inputs.target.n
    check_matrix("auxiliary vectors", auxiliary.vectors, n_rows=n, remedy=remedy, error=AuxiliaryError)
    return np.asarray(auxiliary.has_vector & (auxiliary.vectors != 0).any(axis=1) & inputs.target.present)


def _combine(inputs: MethodInput, anchors: np.ndarray, combined: np.ndarray) -> SparseRows:
    """Weigh anchors for every combined token; ``anchors`` are positions in the overlap."""
    if not len(combined):
        return NO_ROWS
    vectors, config = _vectors(inputs.auxiliary), inputs.config
    rows = similarity_weights(
        vectors[combined],
        vectors[inputs.overlap.target_ids[anchors]],
        temperature=config.temperature,
        top_k=config.top_k,
        memory_mib=config.memory_mib,
        device=config.device,
        progress=inputs.progress,
    )
    return SparseRows(
        rows=combined,
        indptr=rows.indptr,
        source_ids=inputs.overlap.source_ids[anchors][rows.indices],
        weights=rows.weights,
        similarities=rows.similarities,
    )


def _vectors(auxiliary: AuxiliaryVectors | None) -> np.ndarray:
    return np.zeros((0, 0), np.float32) if auxiliary is None else auxiliary.vectors
