"""What an initialisation gives: the weights, the embeddings, and everything needed to explain them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.learned_rows import LearnedRows
from focus_core.initialization.overlap.matching import Overlap
from focus_core.initialization.weights import WeightMatrix
from focus_core.numerics.formats import ratio
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import ORIGINS, RULES, Origin, Rule

if TYPE_CHECKING:
    import torch


TAKEN = frozenset({"input", "output", "bias", "tied"})
"""Names in a manifest's ``matrices`` that no further tensor may have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FocusResult:
    """One initialisation, complete.

    Parameters
    ----------
    source, target : Vocabulary
        The two vocabularies; with extension, ``target`` is the extended one.
    overlap : Overlap
        Which target token is which source token.
    auxiliary : AuxiliaryVectors or None
        The vectors that similarities were taken from; ``None`` where the method compared none.
    weights : WeightMatrix
        ``W`` of shape (n_target, n_source) with one origin a row; of the input side where the two differ.
    embeddings : dict of str to torch.Tensor
        ``input`` of shape (n_target, d) and, where the model has them apart, ``output`` (n_target, d) and
        ``bias`` (n_target,).
    statistics : dict of str to ndarray
        ``mean`` and ``std`` of the source's input rows, shape (d,) each.
    config : InitConfig
        The options.
    tied : bool
        Whether the output matrix is the input matrix.
    frequency, source_frequency : ndarray of shape (n_target,) and (n_source,), dtype int64, default=None
        Occurrences in the corpus under each tokenizer; ``None`` where there was no corpus.
    examples : list of (int, str)
        (target id, corpus line), at most three lines an id; ``None`` where they were left out.
    corpus : dict
        Numbers about the corpus; ``None`` where there was none.
    health : dict
        The health report of the auxiliary space; empty without one.
    overlap_statistics : dict
        Counts of shared and new tokens by rule, script, length and kind.
    inputs : list of dict
        ``role``, ``name``, ``sha256`` and ``bytes`` of every input.
    notes : dict
        Further facts for the manifest, such as the report on an extension.
    warnings : list of str
        What the user should know, one sentence each.
    output_weights : WeightMatrix, default=None
        ``W`` of the output side where it differs, of the same shape, origins and rules; ``None``: `weights` made both.
    input_scale, output_scale : ndarray of shape (n_target,), dtype float32, default=None
        What the rows of a side were multiplied by: embedding = scale × W·E; ``None``: by nothing.
    learned : LearnedRows, default=None
        Rows that a method made itself; ``W`` names only what weighs most in them.
    residual : ndarray of shape (n_target,), dtype float32, default=None
        How long the part of each input embedding is that is not W·E, as a share of it; ``None``: there is none.
    extra_tensors : dict of str to torch.Tensor
        Every other tensor of the model that follows the vocabulary, by its own name; one of its dimensions is n_target.

    Raises
    ------
    ValueError
        If the sides are said to differ though they are tied, or a part does not fit the vocabulary.
    """

    source: Vocabulary
    target: Vocabulary
    overlap: Overlap
    auxiliary: AuxiliaryVectors | None
    weights: WeightMatrix
    embeddings: Mapping[str, torch.Tensor]
    statistics: Mapping[str, np.ndarray]
    config: InitConfig
    tied: bool = True
    frequency: np.ndarray | None = None
    source_frequency: np.ndarray | None = None
    examples: list[tuple[int, str]] | None = None
    corpus: dict[str, Any] | None = None
    health: dict[str, Any] = field(default_factory=dict)
    overlap_statistics: dict[str, Any] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    output_weights: WeightMatrix | None = None
    input_scale: np.ndarray | None = None
    output_scale: np.ndarray | None = None
    learned: LearnedRows | None = None
    residual: np.ndarray | None = None
    extra_tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own, other = self.weights, self.output_weights
        if self.tied and (other is not None or self.output_scale is not None):
            raise ValueError("tied embeddings have no weights or scale of an output side")
        if other is not None and not (
            other.matrix.shape == own.matrix.shape
            and np.array_equal(other.origins, own.origins)
            and np.array_equal(other.rules, own.rules)
        ):
            raise ValueError("the weights of the two sides differ in shape, origins or rules")
        for scale in (self.input_scale, self.output_scale):
            if scale is not None and not (scale.shape == (own.n_target,) and np.isfinite(scale).all()):
                raise ValueError(f"a scale is one finite number a token, not of shape {scale.shape}")
        for name, tensor in self.extra_tensors.items():
            if name in TAKEN or own.n_target not in tensor.shape:
                raise ValueError(f"{name} of shape {tuple(tensor.shape)} is no further tensor of the vocabulary")

    @cached_property
    def by_origin(self) -> dict[str, int]:
        """Number of present target tokens per origin."""
        origins = self.weights.origins[self.target.present]
        return {str(name): int((origins == code).sum()) for code, name in enumerate(ORIGINS)}

    @cached_property
    def counts(self) -> dict[str, Any]:
        """The numbers of the manifest's ``counts``.

        ``n_overlap`` counts the tokens that are shared, ``by_rule`` the rows that are copied, by what matched them: a
        method may copy fewer than are shared.
        """
        return {
            "n_source": self.overlap.n_source,
            "n_target": self.overlap.n_target,
            "n_overlap": self.overlap.n_overlap,
            "n_new": self.overlap.n_new,
            "n_anchors": int(self.auxiliary.has_vector[self.overlap.target_ids].sum()) if self.auxiliary else 0,
            "by_rule": self._copied_by_rule,
            "by_origin": self.by_origin,
        }

    @property
    def _copied_by_rule(self) -> dict[str, int]:
        copied = (self.weights.origins == ORIGINS.index(Origin.COPIED)) & self.target.present
        counts = np.bincount(self.weights.rules[copied], minlength=len(RULES))
        return {str(rule): int(counts[code]) for code, rule in enumerate(RULES) if rule is not Rule.NONE}

    @cached_property
    def copied_from(self) -> np.ndarray:
        """Source id whose row each target id copies, shape (n_target,), dtype int32; -1 where it copies none."""
        matrix, sources = self.weights.matrix, np.full(self.weights.n_target, -1, np.int32)
        copied = np.flatnonzero(self.weights.origins == ORIGINS.index(Origin.COPIED))
        sources[copied] = matrix.indices[matrix.indptr[copied]]
        return sources

    @cached_property
    def occurrence_shares(self) -> dict[str, float | None]:
        """Shares of corpus occurrences: of overlapping tokens, and of new tokens on combined rows."""
        if self.frequency is None:
            return {"share_overlap_occurrences": None, "share_combined_of_new_occurrences": None}
        new = self.frequency[self.overlap.new_ids]
        combined = self.weights.origins[self.overlap.new_ids] == ORIGINS.index(Origin.COMBINED)
        return {
            "share_overlap_occurrences": ratio(self.frequency[self.overlap.target_ids].sum(), self.frequency.sum()),
            "share_combined_of_new_occurrences": ratio(new[combined].sum(), new.sum()),
        }
