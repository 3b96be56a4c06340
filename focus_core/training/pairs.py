"""Pairs of sentences for a distillation: encoded once, read in passes, each in an order of its own.

A step reads the sentences that begin within its share of one long stream of tokens, so that the tokens seen are those
that were asked for, whatever the lengths of sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from focus_core.corpus.parallel import SplitPairs, hash_lines
from focus_core.export.sentence_encoder import SentenceEncoder
from focus_core.training.dataset import HELD_OUT_LINES, order_of_pass


@dataclass(frozen=True, kw_only=True, eq=False)
class PairStream:
    """Sentences in the order in which steps read them.

    Parameters
    ----------
    lengths : ndarray of shape (n_pairs,), dtype int64
        Tokens of each target sentence; at least one.
    step_tokens : int
        Tokens of one step; at least as many as the longest sentence has.
    seed : int
        Of the order of every pass.
    """

    lengths: np.ndarray
    step_tokens: int
    seed: int

    def numbers(self, step: int) -> np.ndarray:
        """Return which pairs a step reads, in their order; at least one."""
        found = [order[(starts >= low) & (starts < high)] for order, starts, low, high in self._passes(step)]
        return np.concatenate(found)

    def tokens_after(self, step: int) -> int:
        """Return the tokens of all pairs that steps before this one read."""
        total = int(self.lengths.sum())
        number, rest = divmod(step * self.step_tokens, total)
        order, starts = self._order(number)
        return number * total + int(self.lengths[order[starts < rest]].sum())

    def used(self, n_steps: int) -> np.ndarray:
        """Return which pairs are read in so many steps, in ascending order."""
        if n_steps * self.step_tokens >= int(self.lengths.sum()):
            return np.arange(len(self.lengths))
        order, starts = self._order(0)
        return np.sort(order[starts < n_steps * self.step_tokens])

    def _passes(self, step: int) -> list[tuple[np.ndarray, np.ndarray, int, int]]:
        """Return of each pass that a step touches: order, where sentences begin, and the step's share of it."""
        total = int(self.lengths.sum())
        begin, end = step * self.step_tokens, (step + 1) * self.step_tokens
        numbers = range(begin // total, (end - 1) // total + 1)
        return [(*self._order(number), begin - number * total, end - number * total) for number in numbers]

    def _order(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the order of a pass, and before how many of its tokens each sentence begins."""
        order = order_of_pass(self.seed, number, len(self.lengths))
        lengths = self.lengths[order]
        return order, np.cumsum(lengths) - lengths


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingPairs:
    """The pairs of a distillation.

    Parameters
    ----------
    sequences : list of ndarray, dtype int32
        Ids of every target sentence: those to train on, and then those to measure on.
    sources : list of str
        The source sentences in the same order.
    n_kept : int
        How many of them are to train on.
    stream : PairStream
        In which order.
    used : ndarray of shape (n_used,), dtype int64
        Which of them all steps together read.
    length : int
        Most tokens of a target sentence; a longer one was cut.
    percent : int
        How many target lines in a hundred are kept aside.
    n_aside, n_left_out : int
        Pairs kept aside, and pairs left out for sharing a line with one of these.
    """

    sequences: list[np.ndarray]
    sources: list[str]
    n_kept: int
    stream: PairStream
    used: np.ndarray
    length: int
    percent: int
    n_aside: int
    n_left_out: int

    @property
    def measured(self) -> np.ndarray:
        """Which pairs the held-out loss is taken on."""
        return np.arange(self.n_kept, len(self.sequences))

    @property
    def taught(self) -> np.ndarray:
        """Which pairs the teacher is asked about: those that are read, and those to measure on."""
        return np.concatenate([self.used, self.measured])


def encode_pairs(
    split: SplitPairs, student: SentenceEncoder, *, length: int, batch_tokens: int, n_steps: int, seed: int
) -> TrainingPairs:
    """Encode the target side of pairs.

    Parameters
    ----------
    split : SplitPairs
        Pairs to train on and pairs kept aside; at most 400 of these are measured on, evenly over all.
    student : SentenceEncoder
        Whose tokenizer reads them.
    length : int
        Most tokens of a sentence; a longer one is cut.
    batch_tokens : int
        Tokens of one step.
    n_steps : int
        Steps of the whole training.
    seed : int
        Of the order.

    Returns
    -------
    TrainingPairs
        Ready to be read.
    """
    aside = split.aside[:: -(-len(split.aside) // HELD_OUT_LINES)]
    both = [*split.kept, *aside]
    length = min(length, student.n_positions)
    sequences = student.ids_of([target for _, target in both], length=length)
    lengths = np.array([len(ids) for ids in sequences[: len(split.kept)]], np.int64)
    stream = PairStream(lengths=lengths, step_tokens=max(batch_tokens, int(lengths.max())), seed=seed)
    return TrainingPairs(
        sequences=sequences,
        sources=[source for source, _ in both],
        n_kept=len(split.kept),
        stream=stream,
        used=stream.used(n_steps),
        length=length,
        percent=split.percent,
        n_aside=len(split.aside),
        n_left_out=split.n_left_out,
    )


def read_hashes(split: SplitPairs, used: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the hashes of every line of some pairs to train on, sorted, each once; see `hash_lines`."""
    lines = [line for i in np.asarray(used).tolist() for line in split.kept[i]]
    return np.unique(hash_lines(lines))
