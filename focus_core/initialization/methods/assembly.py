"""The part that all methods share: copies, embeddings that a method combined, and the rest for the fallback."""

from __future__ import annotations

import numpy as np

from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.subwords import fallback_rows
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK, SparseRows, WeightMatrix, assemble
from focus_core.types import RULES, Rule

NO_ROWS = SparseRows.copies(np.zeros(0, np.int32), np.zeros(0, np.int32))
"""No row at all."""


def assemble_weights(inputs: MethodInput, copied: np.ndarray, combined: SparseRows | None = None) -> WeightMatrix:
    """Assemble ``W`` from copies, given as positions in the overlap, and the rows that a method combined.

    A matched token that is not copied has the rule ``none``. Every token that is neither copied nor combined falls
    back, with weights under ``pieces`` and else without.
    """
    overlap, target = inputs.overlap, inputs.target
    copies = SparseRows.copies(overlap.target_ids[copied], overlap.source_ids[copied])
    origins, rules = np.full(target.n, FALLBACK, np.uint8), np.full(target.n, RULES.index(Rule.NONE), np.uint8)
    combined = combined or NO_ROWS
    origins[combined.rows] = COMBINED
    origins[copies.rows], rules[copies.rows] = COPIED, overlap.rules[copied]
    left = np.flatnonzero((origins == FALLBACK) & target.present).astype(np.int32)
    filled = fallback_rows(left, source=inputs.source, target=target, fallback=inputs.config.fallback)
    shape = (target.n, inputs.source.n)
    return assemble([copies, combined, filled], shape=shape, origins=origins, rules=rules)
