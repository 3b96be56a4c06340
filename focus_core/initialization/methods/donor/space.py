"""The donor's space: which tokens are built there, from which, and what can be refused before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from focus_core.errors import ModelError, VocabularyError, bad_input, option, phrase
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.weights import SparseRows
from focus_core.numerics.sparsemax import RowWeights
from focus_core.tokenization.identity import SPECIAL

Weigh = Callable[[np.ndarray, np.ndarray], RowWeights]
"""From donor embeddings of new and of shared tokens to a row of weights over the shared ones for every new one."""

SMALLEST = 1e-6
"""Share of the sum of sizes below which a sum is rounding."""

_DEPENDENT = 1e-6
"""Singular values below this share of the largest are rounding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DonorSpace:
    """Who takes part in the donor's space.

    Parameters
    ----------
    new_ids : ndarray of shape (n_new,)
        Target ids that are built: new, no special token, with a donor embedding that is not zero.
    shared : ndarray of shape (n_shared,)
        Positions in the overlap of what they are built from: no special token, not zero; by source id.
    embeddings : ndarray of shape (n_target, d), dtype float32
        The donor's.
    """

    new_ids: np.ndarray
    shared: np.ndarray
    embeddings: np.ndarray


def donor_space(inputs: MethodInput) -> DonorSpace:
    """Return who takes part; special tokens, which are used like no word, do not."""
    if inputs.donor is None:
        remedy = phrase("give {donor}")
        raise bad_input(option("donor"), "a model with the target tokenizer", "none", remedy, ModelError)
    overlap, rows = inputs.overlap, inputs.donor.embeddings
    usable = rows.any(axis=1) & (inputs.target.kinds != SPECIAL) & inputs.target.present
    shared = np.flatnonzero(usable[overlap.target_ids])
    order = np.lexsort((overlap.target_ids[shared], overlap.source_ids[shared]))
    return DonorSpace(new_ids=overlap.new_ids[usable[overlap.new_ids]], shared=shared[order], embeddings=rows)


def check_donor(inputs: MethodInput) -> None:
    """Refuse what no donor method can work with.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, donor and options; vectors are not looked at.

    Raises
    ------
    VocabularyError
        If there are new tokens and no token of text is shared.
    ModelError
        If shared tokens lie on one line through the origin of the donor's space: every system is singular.
    InvalidInputError
        If ``top_k`` is above the number of shared tokens.
    """
    space, top_k = donor_space(inputs), inputs.config.top_k
    if not inputs.overlap.n_new:
        return
    n_shared = len(space.shared)
    if not n_shared:
        remedy = phrase("take a source that knows the language or its script, or {match} fuzzy")
        raise bad_input("overlap", "a shared token of text", "none", remedy, VocabularyError)
    if top_k is not None and top_k > n_shared:
        expected = f"at most {n_shared:,}, the number of shared tokens of text"
        raise bad_input(option("top_k"), expected, f"{top_k:,}", "give a smaller one")
    if n_shared > 1 and _on_one_line(space.embeddings[inputs.overlap.target_ids[space.shared]]):
        expected, got = "shared tokens that differ in direction", f"{n_shared:,} on one line"
        way_out = "give a donor that was trained: systems of such embeddings are singular"
        raise bad_input(option("donor"), expected, got, way_out, ModelError)


def _on_one_line(rows: np.ndarray) -> bool:
    """Whether all rows are multiples of one."""
    wide = rows.astype(np.float64)
    values = np.linalg.eigvalsh(wide.T @ wide)
    return len(values) < 2 or bool(values[-2] <= _DEPENDENT**2 * values[-1])


def combine(inputs: MethodInput, weigh: Weigh) -> MethodOutput:
    """Copy shared tokens and build new ones from them.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, donor and options.
    weigh : callable
        Weighs shared tokens for new ones in the donor's space.

    Returns
    -------
    MethodOutput
        New tokens without a weight fall back.
    """
    space, overlap = donor_space(inputs), inputs.overlap
    columns = overlap.target_ids[space.shared]
    weights = weigh(space.embeddings[space.new_ids], space.embeddings[columns])
    found = weights_over_sources(space.new_ids, overlap.source_ids[space.shared], weights)
    made = assemble_weights(inputs, np.arange(overlap.n_overlap), found)
    return MethodOutput(weights=made, anchor_ids=np.sort(columns))


def row_shares(values: np.ndarray) -> np.ndarray:
    """Return every row divided by its sum, in float64; one whose values cancel out is left empty.

    Parameters
    ----------
    values : ndarray of shape (n, k)
        Of any sign.

    Returns
    -------
    ndarray of shape (n, k), dtype float64
        Zeros where the sum is less than `SMALLEST` of the sum of the sizes: such shares would be rounding.
    """
    wide = values.astype(np.float64)
    total = wide.sum(axis=1, keepdims=True)
    usable = np.abs(total) > SMALLEST * np.abs(wide).sum(axis=1, keepdims=True)
    shares: np.ndarray = np.divide(wide, total, out=np.zeros_like(wide), where=usable)
    return shares


def weights_over_sources(new_ids: np.ndarray, source_ids: np.ndarray, weights: RowWeights) -> SparseRows:
    """Return rows over shared tokens as rows over their source tokens; empty ones are left out.

    Parameters
    ----------
    new_ids : ndarray of shape (n_new,)
        Target ids of the rows.
    source_ids : ndarray of shape (n_shared,)
        Source ids of the columns.
    weights : RowWeights
        The rows.

    Returns
    -------
    SparseRows
        Of every new token that has a weight.
    """
    full = weights.support > 0
    return SparseRows(
        rows=new_ids[full],
        indptr=np.concatenate([[0], np.cumsum(weights.support[full])]),
        source_ids=source_ids[weights.indices],
        weights=weights.weights,
        similarities=weights.similarities,
    )
