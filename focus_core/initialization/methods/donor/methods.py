"""The donor methods as the registry has them: shared tokens are copied, new ones built in the donor's space."""

from __future__ import annotations

import numpy as np

from focus_core.errors import bad_input, option, phrase
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.donor.clp import clp_weights
from focus_core.initialization.methods.donor.interpolation import interpolate
from focus_core.initialization.methods.donor.omp import pursue
from focus_core.initialization.methods.donor.salt import salt_weights
from focus_core.initialization.methods.donor.space import check_donor, combine, donor_space, weights_over_sources
from focus_core.initialization.methods.focus import anchors_and_new
from focus_core.numerics.similarity import similarity_weights
from focus_core.numerics.sparsemax import RowWeights

K = 64
"""Atoms, or neighbours, of a token where ``top_k`` does not say: as many as mergekit takes, or all there are."""

MOST_WEIGHTS = 1 << 25
"""Most entries of ``W`` that CLP may make; ten times as many would fill the memory of a small machine."""


def clp(inputs: MethodInput) -> MethodOutput:
    """Weigh every shared token by its cosine in the donor's space, over the sum of the cosines."""
    config = inputs.config
    return combine(
        inputs,
        lambda new, shared: clp_weights(
            new, shared, top_k=config.top_k, memory_mib=config.memory_mib, progress=inputs.progress
        ),
    )


def check_clp(inputs: MethodInput) -> None:
    """Refuse what `check_donor` refuses, and more weights than can be kept."""
    check_donor(inputs)
    space = donor_space(inputs)
    each = inputs.config.top_k or len(space.shared)
    if len(space.new_ids) * each > MOST_WEIGHTS:
        got = f"{len(space.new_ids):,} new tokens of {each:,} shared ones each"
        remedy = phrase(f"give {{top_k}} {MOST_WEIGHTS // len(space.new_ids)} or less, or choose {{method}} clp-plus")
        raise bad_input(option("top_k"), f"at most {MOST_WEIGHTS:,} weights in all", got, remedy)


def clp_plus(inputs: MethodInput) -> MethodOutput:
    """Weigh shared tokens by the sparsemax of their cosines in the donor's space."""
    return combine(inputs, lambda new, shared: _sparsemax(inputs, new, shared))


def _sparsemax(inputs: MethodInput, new: np.ndarray, shared: np.ndarray) -> RowWeights:
    config = inputs.config
    return similarity_weights(
        new,
        shared,
        temperature=config.temperature,
        top_k=config.top_k,
        memory_mib=config.memory_mib,
        device=config.device,
        progress=inputs.progress,
    )


def omp(inputs: MethodInput) -> MethodOutput:
    """Build new tokens from few shared ones by orthogonal matching pursuit in the donor's space."""
    config = inputs.config
    return combine(
        inputs,
        lambda new, shared: pursue(
            new,
            shared,
            k=config.top_k or min(K, len(shared)),
            memory_mib=config.memory_mib,
            progress=inputs.progress,
        ),
    )


def interpolation(inputs: MethodInput) -> MethodOutput:
    """Weigh the nearest shared tokens in the donor's space."""
    config = inputs.config
    return combine(
        inputs,
        lambda new, shared: interpolate(
            new,
            shared,
            k=config.top_k or min(K, len(shared)),
            weighting=config.interpolation,
            memory_mib=config.memory_mib,
            progress=inputs.progress,
        ),
    )


def salt(inputs: MethodInput) -> MethodOutput:
    """Rebuild a token's donor embedding from the shared tokens that are used alike, by the vectors of its text."""
    overlap, space = inputs.overlap, donor_space(inputs)
    anchors, combined = anchors_and_new(inputs)
    anchors, combined = anchors[np.isin(anchors, space.shared)], combined[np.isin(combined, space.new_ids)]
    columns = overlap.target_ids[anchors]
    if not len(combined) or not len(anchors) or inputs.auxiliary is None:
        copies = assemble_weights(inputs, np.arange(overlap.n_overlap))
        return MethodOutput(weights=copies, anchor_ids=np.sort(columns))
    vectors, rows = inputs.auxiliary.vectors, space.embeddings
    support = _sparsemax(inputs, vectors[combined], vectors[columns])
    weights = salt_weights(rows[combined], rows[columns], support, progress=inputs.progress)
    found = weights_over_sources(combined, overlap.source_ids[anchors], weights)
    made = assemble_weights(inputs, np.arange(overlap.n_overlap), found)
    return MethodOutput(weights=made, anchor_ids=np.sort(columns))
