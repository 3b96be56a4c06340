"""The methods that copy some embeddings and leave every other one to a fallback.

Whether the others are drawn (script-wise, over all, with the full covariance) or are the mean is the fallback of the
method's entry in the registry.
"""

from __future__ import annotations

import numpy as np

from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.tokenization.identity import SPECIAL
from focus_core.types import RULES, Rule

USER = RULES.index(Rule.USER)
NO_ANCHORS = np.zeros(0, np.int32)


def copy_overlap(inputs: MethodInput) -> MethodOutput:
    """Copy the row of every shared token."""
    copied = np.arange(inputs.overlap.n_overlap)
    return MethodOutput(weights=assemble_weights(inputs, copied), anchor_ids=NO_ANCHORS)


def copy_specials(inputs: MethodInput) -> MethodOutput:
    """Copy the rows of special tokens, which match by string or type, and of the user's own pairs."""
    return MethodOutput(weights=assemble_weights(inputs, always_copied(inputs)), anchor_ids=NO_ANCHORS)


def copied_positions(inputs: MethodInput) -> np.ndarray:
    """Return the positions in the overlap that are copied: all, or what always is where the option says so."""
    return np.arange(inputs.overlap.n_overlap) if inputs.config.copy_overlap else always_copied(inputs)


def not_copied(inputs: MethodInput, positions: np.ndarray) -> np.ndarray:
    """Return which target tokens are there and not among the copied pairs of the overlap, shape (n_target,), bool."""
    free = np.array(inputs.target.present)
    free[inputs.overlap.target_ids[positions]] = False
    return free


def always_copied(inputs: MethodInput) -> np.ndarray:
    """Return the positions in the overlap of special tokens and of the user's own pairs."""
    overlap = inputs.overlap
    return np.flatnonzero((inputs.target.kinds[overlap.target_ids] == SPECIAL) | (overlap.rules == USER))
