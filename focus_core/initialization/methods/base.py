"""What an initialisation method is given, what it returns, and what the registry says about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from focus_core.errors import bad_input, option, phrase
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.overlap.matching import Overlap
from focus_core.initialization.weights import WeightMatrix
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import METHOD_SUMMARIES, Cost, Fallback, MethodName, Need, ProgressHook, no_progress


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
        The options, as `Method.resolve` returns them.
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
        ``W`` of shape (n_target, n_source) with the origin of every row; empty rows are the fallback's.
    anchor_ids : ndarray of shape (n_anchors,), dtype int32
        Target ids that new tokens were compared with, ascending; none where nothing was compared.
    """

    weights: WeightMatrix
    anchor_ids: np.ndarray


class ComputeWeights(Protocol):
    """Turns vocabularies, overlap and, where it needs them, auxiliary vectors into weights."""

    def __call__(self, inputs: MethodInput) -> MethodOutput:
        """Compute the weights of every target row."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """An entry of the registry; calling it computes the weights.

    Parameters
    ----------
    name : MethodName
        What ``--method`` takes.
    compute_weights : Weigh
        Computes the weights of every target row.
    citation : str
        Where the method comes from, in Markdown, for the card of an exported model.
    needs : tuple of Need, default=()
        What it cannot do without, beyond the source and the target tokenizer. One that does not need text compares no
        auxiliary vectors: none are trained.
    cost : Cost, default="rows"
        What its work grows with; of methods that cannot be told apart, the cheapest is recommended.
    copies_text : bool, default=True
        Whether every shared token keeps its source row. If not, only special tokens and the user's own pairs do.
    fallback : Fallback, default=None
        How its empty rows are filled, where that is part of the method; ``None``: as the options say.
    spent_tokens : int, default=0
        Tokens of text that it trains the source's backbone or the new embeddings on. A comparison pays them from the
        same budget as the training that follows.
    """

    name: MethodName
    compute_weights: ComputeWeights
    citation: str
    needs: tuple[Need, ...] = ()
    cost: Cost = Cost.ROWS
    copies_text: bool = True
    fallback: Fallback | None = None
    spent_tokens: int = 0

    @property
    def summary(self) -> str:
        """What the method does, in one line."""
        return METHOD_SUMMARIES[self.name]

    @property
    def needs_text(self) -> bool:
        """Whether it compares auxiliary vectors, which are made from text or given."""
        return Need.TEXT in self.needs

    def lacks(self, given: Collection[Need]) -> tuple[Need, ...]:
        """Return which of its needs are not among those that are given, in their order."""
        return tuple(need for need in self.needs if need not in given)

    def __call__(self, inputs: MethodInput) -> MethodOutput:
        """Return the weights of every target row; ``inputs`` hold options that `resolve` returned."""
        return self.compute_weights(inputs)

    def resolve(self, config: InitConfig) -> InitConfig:
        """Return the options with the fallback that this method implies, so that a manifest tells what was done.

        The default fallback, ``normal``, counts as not chosen; another one than the method's own is refused.
        """
        if self.fallback is None or config.fallback is self.fallback:
            return config
        if config.fallback is not Fallback.NORMAL:
            expected = phrase("none beside {method} {}, whose own one is {}", self.name, self.fallback)
            remedy = phrase("leave {fallback} out, or choose {method} overlap")
            raise bad_input(option("fallback"), expected, str(config.fallback), remedy)
        return dataclasses.replace(config, fallback=self.fallback)
