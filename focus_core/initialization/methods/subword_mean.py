"""Subword mean: FVT (Gee et al., EMNLP industry 2022, arXiv 2402.09977), with the word start kept."""

from __future__ import annotations

import numpy as np

from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.initialization.methods.subwords import subword_weights


def subword_mean(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; combine a new one from the subwords that the source tokenizer splits its text into."""
    made = subword_weights(inputs.overlap.new_ids, source=inputs.source, target=inputs.target)
    copied = np.arange(inputs.overlap.n_overlap)
    return MethodOutput(weights=assemble_weights(inputs, copied, made), anchor_ids=NO_ANCHORS)
