"""What an initialisation method is given and what it returns.

Owns the protocol and the two value objects. Refuses any mathematics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from focus_core.config import InitConfig
from focus_core.domain import ProgressHook, no_progress
from focus_core.overlap import Overlap
from focus_core.vocabulary import Vocabulary
from focus_core.weights import WeightMatrix

if TYPE_CHECKING:
    from focus_core.auxiliary import AuxiliaryVectors


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodInput:
    """Everything a method may look at.

    Parameters
    ----------
    source, target : Vocabulary
        The two vocabularies; with extension, ``target`` is the extended one.
    overlap : Overlap
        Which target token is which source token.
    auxiliary : AuxiliaryVectors, default=None
        One vector a target id; ``None`` for methods that need none.
    config : InitConfig
        The options.
    frequency : ndarray of shape (n_target,), dtype int64, default=None
        Occurrences in the corpus; ``None`` where there was none.
    progress : ProgressHook, default=no_progress
        Receives progress.
    """

    source: Vocabulary
    target: Vocabulary
    overlap: Overlap
    auxiliary: AuxiliaryVectors | None = None
    config: InitConfig
    frequency: np.ndarray | None = None
    progress: ProgressHook = no_progress


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodOutput:
    """What a method made.

    Parameters
    ----------
    weights : WeightMatrix
        ``W`` of shape (n_target, n_source) with the origin of every row.
    anchor_ids : ndarray of shape (n_anchors,), dtype int32
        Target ids that new tokens were compared with, ascending.
    """

    weights: WeightMatrix
    anchor_ids: np.ndarray


class Method(Protocol):
    """Turns vocabularies, overlap and auxiliary vectors into weights."""

    def __call__(self, inputs: MethodInput) -> MethodOutput:
        """Compute the weights of every target row."""
