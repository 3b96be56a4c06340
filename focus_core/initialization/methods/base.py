"""What an initialisation method is given, what it returns, and what the registry says about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from focus_core.corpus.corpus import Corpus
from focus_core.corpus.dictionary import Dictionary
from focus_core.corpus.parallel import ParallelText
from focus_core.errors import ModelError, bad_input, option, phrase
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.auxiliary.words import WordVectors
from focus_core.initialization.config import OF_METHODS, InitConfig
from focus_core.initialization.learned_rows import LearnedRows
from focus_core.initialization.overlap.matching import Overlap
from focus_core.initialization.supplied import Donor, rows_of
from focus_core.initialization.weights import COMBINED, WeightMatrix
from focus_core.models.source import SourceModel
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import (
    METHOD_SUMMARIES,
    AuxiliarySpace,
    Cost,
    Fallback,
    MethodName,
    Need,
    ProgressHook,
    no_progress,
)

_TOLERANCE = 1e-4
"""How far the sum of a row's weights in float32 may lie from 1."""


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
    corpus : Corpus, default=None
        The text itself, for methods that read it in a way of their own.
    dictionary : Dictionary, default=None
        Pairs of words.
    parallel : ParallelText, default=None
        Pairs of sentences.
    source_vectors : WordVectors, default=None
        Vectors of the source language's words.
    donor : Donor, default=None
        A model that has the target tokenizer.
    target_vectors : WordVectors, default=None
        Ready vectors of the target language's words.
    model : SourceModel, default=None
        The source's matrices, one row for every source id.
    progress : ProgressHook, default=no_progress
        Receives progress.
    """

    source: Vocabulary
    target: Vocabulary
    overlap: Overlap
    auxiliary: AuxiliaryVectors | None = None
    config: InitConfig
    frequency: np.ndarray | None = None
    corpus: Corpus | None = None
    dictionary: Dictionary | None = None
    parallel: ParallelText | None = None
    source_vectors: WordVectors | None = None
    donor: Donor | None = None
    target_vectors: WordVectors | None = None
    model: SourceModel | None = None
    progress: ProgressHook = no_progress

    @cached_property
    def source_embeddings(self) -> np.ndarray:
        """The source's input embeddings, shape (n_source, d), dtype float32; read-only.

        Raises
        ------
        ModelError
            If there is no source model.
        """
        if self.model is None:
            raise bad_input("source embeddings", "a source model", "none", "give one", ModelError)
        return rows_of(self.model)


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodOutput:
    """What a method made.

    Parameters
    ----------
    weights : WeightMatrix
        ``W`` of shape (n_target, n_source) with the origin of every row; empty rows are the fallback's.
    anchor_ids : ndarray of shape (n_anchors,), dtype int32
        Target ids that new tokens were compared with, ascending; none where nothing was compared.
    learned : LearnedRows, default=None
        Rows of combined tokens that are not ``W·E``; ``None`` where the weights say everything.
    notes : mapping, default={}
        What the method found, as JSON values, for the manifest.
    warnings : tuple of str, default=()
        What the user should know, one sentence each.
    output_weights : WeightMatrix, default=None
        ``W`` of the output side where it differs, with the same origins and rules; never of a source whose sides are
        tied.
    input_scale, output_scale : ndarray of shape (n_target,), dtype float32, default=None
        What the rows of a side are multiplied by, 1 for a copied one; ``None``: by nothing.
    """

    weights: WeightMatrix
    anchor_ids: np.ndarray
    learned: LearnedRows | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    output_weights: WeightMatrix | None = None
    input_scale: np.ndarray | None = None
    output_scale: np.ndarray | None = None


class ComputeWeights(Protocol):
    """Turns vocabularies, overlap and, where it needs them, auxiliary vectors into weights."""

    def __call__(self, inputs: MethodInput) -> MethodOutput:
        """Compute the weights of every target row."""


class CheckInputs(Protocol):
    """Refuses what a method cannot work with, before anything is read or made."""

    def __call__(self, inputs: MethodInput) -> None:
        """Raise an `InvalidInputError`; vectors and text are not there yet."""


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
    made_of : str, default=""
        What a row is that it combined, one sentence; empty where it combines none.
    needs : tuple of Need, default=()
        What it cannot do without, beyond the source and the target tokenizer. One that does not need text compares no
        auxiliary vectors: none are trained.
    uses : tuple of Need, default=()
        What it uses beside these where it is given. What is in neither is not read, and a warning says so.
    needs_lines : bool, default=False
        Whether it needs the lines of the text themselves: ready vectors do not stand for them, and it compares none.
    own_vectors : bool, default=False
        Whether it makes vectors of its own from the text: the auxiliary vectors of the target's tokens are not made.
    joint : bool, default=False
        Whether these are counted of the text as both tokenizers cut it: no ready vectors stand for text, and no other
        auxiliary space for counts.
    signed : bool, default=False
        Whether rows of ``W`` may have negative weights and any sum. Else weights are at least 0 and sum to 1.
    beyond : str, default=""
        What a combined row has beside its weights, one sentence; empty where it is ``W·E``. Such rows are not cut to
        a rank.
    sparsemax : bool, default=False
        Whether weights are the sparsemax of similarities over the temperature, so that a threshold explains them.
    options : tuple of str, default=()
        Options of single methods that it has, of `OF_METHODS`.
    defaults : mapping of str to object, default={}
        Its own defaults of general options. An option that has its general default counts as not chosen.
    rank : int, default=None
        The rank that it cuts the source's embeddings to where none is given.
    cost : Cost, default="rows"
        What its work grows with; of methods that cannot be told apart, the cheapest is recommended.
    copies_text : bool, default=True
        Whether every shared token keeps its source row. If not, only special tokens and the user's own pairs do.
    fallback : Fallback, default=None
        How its empty rows are filled, where that is part of the method; ``None``: as the options say.
    check : CheckInputs, default=None
        What it refuses as soon as it is known which tokens are shared.
    spent_tokens : int, default=0
        Tokens of text that it trains the source's backbone or the new embeddings on. A comparison pays them from the
        same budget as the training that follows.
    """

    name: MethodName
    compute_weights: ComputeWeights
    citation: str
    made_of: str = ""
    needs: tuple[Need, ...] = ()
    uses: tuple[Need, ...] = ()
    needs_lines: bool = False
    own_vectors: bool = False
    joint: bool = False
    signed: bool = False
    beyond: str = ""
    sparsemax: bool = False
    options: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    rank: int | None = None
    cost: Cost = Cost.ROWS
    copies_text: bool = True
    fallback: Fallback | None = None
    check: CheckInputs | None = None
    spent_tokens: int = 0

    @property
    def summary(self) -> str:
        """What the method does, in one line."""
        return METHOD_SUMMARIES[self.name]

    @property
    def needs_text(self) -> bool:
        """Whether it compares vectors, which are made from text or given."""
        return Need.TEXT in self.needs and not self.needs_lines

    @property
    def compares_tokens(self) -> bool:
        """Whether it compares auxiliary vectors, one a target token."""
        return self.needs_text and not self.own_vectors

    @property
    def makes_vectors(self) -> bool:
        """Whether vectors are made for it of tokens, which the options of auxiliary vectors are about."""
        return self.compares_tokens or self.joint

    @property
    def reads_lines(self) -> bool:
        """Whether it reads the lines of the text themselves, so that ready vectors do not stand for them."""
        return self.needs_lines or self.joint

    @property
    def inputs(self) -> tuple[Need, ...]:
        """Everything that it reads where it is given."""
        return (*self.needs, *self.uses)

    def lacks(self, given: Collection[Need]) -> tuple[Need, ...]:
        """Return which of its needs are not among those that are given, in their order."""
        return tuple(need for need in self.needs if need not in given)

    def __call__(self, inputs: MethodInput) -> MethodOutput:
        """Return the weights of every target row; ``inputs`` hold options that `resolve` returned."""
        output = self.compute_weights(inputs)
        if not self.signed:
            for weights in filter(None, (output.weights, output.output_weights)):
                _check_shares(weights, self.name)
        return output

    def resolve(self, config: InitConfig) -> InitConfig:
        """Return the options with what this method implies, so that a manifest tells what was done.

        A general default counts as not chosen: the method's own one takes its place. Another fallback than the
        method's own, and an option of other methods, are refused.
        """
        usual = InitConfig()
        for name in OF_METHODS:
            if getattr(config, name) != getattr(usual, name) and name not in self.options:
                expected, remedy = f"a method that has it, which {self.name} is not", phrase("leave it out")
                raise bad_input(option(name), expected, str(getattr(config, name)), remedy)
        if self.joint and config.auxiliary_space != AuxiliarySpace.COUNTS:
            expected = phrase("counts beside {method} {}, which counts the cuts of both tokenizers", self.name)
            remedy = phrase("leave it out, or give {auxiliary_space} counts with the paper's preset")
            raise bad_input(option("auxiliary_space"), expected, str(config.auxiliary_space), remedy)
        return self.with_defaults(dataclasses.replace(config, fallback=self._fallback_of(config)))

    def with_defaults(self, config: InitConfig) -> InitConfig:
        """Return the options with this method's own defaults in place of general ones; nothing is refused."""
        usual = InitConfig()
        own = {name: value for name, value in self.defaults.items() if getattr(config, name) == getattr(usual, name)}
        return dataclasses.replace(config, fallback=self.fallback or config.fallback, **own)

    def _fallback_of(self, config: InitConfig) -> Fallback:
        if self.fallback is None or config.fallback is self.fallback:
            return config.fallback
        if config.fallback is not Fallback.NORMAL:
            expected = phrase("none beside {method} {}, whose own one is {}", self.name, self.fallback)
            remedy = phrase("leave {fallback} out, or choose {method} overlap")
            raise bad_input(option("fallback"), expected, str(config.fallback), remedy)
        return self.fallback


def _check_shares(weights: WeightMatrix, name: str) -> None:
    """Hold what the record promises of every method without signed weights."""
    combined = np.flatnonzero(weights.origins == COMBINED)
    sums = np.asarray(weights.matrix.sum(axis=1)).ravel()[combined]
    if (weights.matrix.data < 0).any() or (abs(sums - 1) > _TOLERANCE).any():
        raise ValueError(f"a row of {name} has a negative weight or does not sum to 1")
