"""One space for the tokens of both vocabularies: both tokenizers' cuts of the same lines, counted into one matrix.

A shared token is one type in both cuts: its neighbours come from both, and as a neighbour it is what tokens of either
cut have in common. So a target token and a source token lie near each other that stand beside the same tokens.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from focus_core.artifacts import cached_folder, digest_json, read_array, sha256_bytes, write_arrays
from focus_core.corpus.corpus import Corpus, empty_corpus, iter_batches
from focus_core.errors import AuxiliaryError, bad_input, option, phrase
from focus_core.initialization.auxiliary.counted import (
    LIBRARIES,
    LITTLE_TEXT,
    WINDOW,
    CountSettings,
    counted_vectors,
)
from focus_core.initialization.auxiliary.counting import PairCounter, PairCounts
from focus_core.initialization.auxiliary.ngrams import draw_rare_tokens
from focus_core.initialization.auxiliary.vectors import ANSWER
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.overlap.matching import Overlap
from focus_core.tokenization.encoding import LineEncoder, make_encoder
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import ProgressHook, no_progress

STAGE = "count both cuts"


@dataclass(frozen=True, kw_only=True, eq=False)
class CutCounts:
    """How often the tokens of two cuts stand near each other.

    Parameters
    ----------
    pairs : PairCounts
        Of types: a target token has its id, a source token what ``types`` says.
    types : ndarray of shape (n_source,), dtype int32
        The type of every source token.
    target_frequency : ndarray of shape (n_target,), dtype int64
        Occurrences in the target's cut.
    source_frequency : ndarray of shape (n_source,), dtype int64
        Occurrences in the source's cut.
    """

    pairs: PairCounts
    types: np.ndarray
    target_frequency: np.ndarray
    source_frequency: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.types, self.target_frequency, self.source_frequency):
            array.setflags(write=False)

    @property
    def n_target(self) -> int:
        """Target tokens; types from it on are of the source's cut alone."""
        return len(self.target_frequency)


@dataclass(frozen=True, kw_only=True, eq=False)
class Space:
    """Vectors of the tokens of both vocabularies; rows of zeros where a token has none.

    Parameters
    ----------
    target : ndarray of shape (n_target, dim), dtype float32
        Of the target tokens.
    source : ndarray of shape (n_source, dim), dtype float32
        Of the source tokens.
    counts : CutCounts
        What they were made from.
    """

    target: np.ndarray
    source: np.ndarray
    counts: CutCounts

    def __post_init__(self) -> None:
        self.target.setflags(write=False)
        self.source.setflags(write=False)


def joint_space(inputs: MethodInput) -> Space:
    """Return the space in which shared tokens are one type.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies, overlap, text and options (``dim``, ``min_count``, ``threads``).

    Returns
    -------
    Space
        Shared tokens have one vector on both sides. In little text rare tokens are drawn to frequent ones with the
        same character n-grams, as in the auxiliary space; source tokens that the text does not have are not.

    Raises
    ------
    AuxiliaryError
        If there is no text, or none of its tokens tells by its neighbours.
    """
    target_tokens, source_tokens = inputs.target, inputs.source
    types = shared_types(inputs.overlap, n_target=target_tokens.n, n_source=source_tokens.n)
    counts = count_cuts(corpus_of(inputs), target_tokens, source_tokens, types, progress=inputs.progress)
    vectors = space_vectors(inputs, counts, np.ones(counts.pairs.n_tokens, bool))
    target, source = vectors[: counts.n_target], vectors[counts.types]
    if counts.target_frequency.sum() <= LITTLE_TEXT:
        target, source = _drawn(inputs, counts, target, source)
    return Space(target=target, source=source, counts=counts)


def _drawn(
    inputs: MethodInput, counts: CutCounts, target: np.ndarray, source: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw rare tokens of either cut to frequent ones spelt alike; a shared token keeps one vector."""
    may = inputs.target.present & (inputs.target.kinds != SPECIAL)
    least = inputs.config.min_count or 1
    if least > 1:  # who asks for a least count wants none of what comes less often
        may &= counts.target_frequency >= least
    target = np.where(may[:, None], draw_rare_tokens(target, inputs.target, counts.target_frequency), 0)
    own = counts.source_frequency >= least
    source = np.where(own[:, None], draw_rare_tokens(source, inputs.source, counts.source_frequency), 0)
    linked = counts.types < counts.n_target
    source[linked] = target[counts.types[linked]]
    return target.astype(np.float32), source.astype(np.float32)


def corpus_of(inputs: MethodInput) -> Corpus:
    """Return the text; refuse ready vectors in its place, which are of one cut."""
    if inputs.corpus is None:
        remedy = phrase("give {corpus}, or choose another {method}")
        expected = f"text for {inputs.config.method}, which counts the cuts of both tokenizers"
        raise bad_input(option("corpus"), expected, "none", remedy, AuxiliaryError)
    return inputs.corpus


def shared_types(overlap: Overlap, *, n_target: int, n_source: int) -> np.ndarray:
    """Return the type of every source token where shared tokens are one type.

    Parameters
    ----------
    overlap : Overlap
        What is shared.
    n_target, n_source : int
        Ids are smaller than these.

    Returns
    -------
    ndarray of shape (n_source,), dtype int32
        The id of its target token, the lowest where there are several; else a number of its own from n_target on.
    """
    types = apart_types(n_target=n_target, n_source=n_source)
    order = np.argsort(-overlap.target_ids, kind="stable")  # of several, the lowest is written last
    types[overlap.source_ids[order]] = overlap.target_ids[order]
    return types


def apart_types(*, n_target: int, n_source: int) -> np.ndarray:
    """Return a type of its own for every source token, from n_target on; shape (n_source,), dtype int32."""
    return np.arange(n_target, n_target + n_source, dtype=np.int32)


def count_cuts(
    corpus: Corpus,
    target: Vocabulary,
    source: Vocabulary,
    types: np.ndarray,
    *,
    progress: ProgressHook = no_progress,
) -> CutCounts:
    """Cut a text by both tokenizers and count which tokens stand near each other, each cut by itself.

    Parameters
    ----------
    corpus : Corpus
        The text.
    target, source : Vocabulary
        The vocabularies.
    types : ndarray of shape (n_source,), dtype int32
        The type of every source token.
    progress : ProgressHook, default=no_progress
        Told the bytes read, of all bytes, as stage ``count both cuts``; raising from it ends the work.

    Returns
    -------
    CutCounts
        Sums over lines: the same whatever batches and threads there are.

    Raises
    ------
    CorpusError
        If the corpus cannot be read or holds no text.
    """
    done = 0

    def on_read(n_bytes: int) -> None:
        nonlocal done
        done += n_bytes

    numbers = (np.arange(target.n, dtype=np.int32), types)
    counter = PairCounter(target.n + source.n, WINDOW)
    frequency = [np.zeros(target.n, np.int64), np.zeros(source.n, np.int64)]
    encoders: list[LineEncoder] = []
    for batch in iter_batches(corpus, on_read=on_read):
        encoders = encoders or [make_encoder(one.backend, None, batch[:512]) for one in (target, source)]
        for i, encoder in enumerate(encoders):
            cut = encoder.encode(batch)
            frequency[i] += np.bincount(cut.ids, minlength=len(frequency[i]))
            counter.add(numbers[i][cut.ids], cut.line_of)
        progress(STAGE, min(done, corpus.n_bytes), corpus.n_bytes)
    if not frequency[0].any() and not frequency[1].any():
        raise empty_corpus(corpus.names)
    return CutCounts(pairs=counter.finish(), types=types, target_frequency=frequency[0], source_frequency=frequency[1])


def space_vectors(inputs: MethodInput, counts: CutCounts, chosen: np.ndarray) -> np.ndarray:
    """Return the vectors that the counts of some types give, from the cache where they lie there.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies and options.
    counts : CutCounts
        The counts.
    chosen : ndarray of shape (n_types,), dtype bool
        Which types take part; special tokens and those seen too rarely in either cut do not.

    Returns
    -------
    ndarray of shape (n_types, dim), dtype float32
        Rows of types without a vector are zero. The bytes do not depend on the number of threads.

    Raises
    ------
    AuxiliaryError
        If no token tells by its neighbours.
    """
    config = inputs.config
    settings = CountSettings(dim=config.dim, min_count=config.min_count or 1)
    eligible = chosen & _usable(inputs, counts, settings.min_count)

    def build(folder: Path) -> None:
        threads = config.threads or os.cpu_count() or 1
        made, _ = counted_vectors(counts.pairs, eligible, settings, threads=threads, progress=inputs.progress)
        write_arrays(folder / ANSWER, {"vectors": made})

    versions = {name: version(name) for name in LIBRARIES}
    key = ["joint", versions, counts.pairs.digest, sha256_bytes(eligible.tobytes()), dataclasses.asdict(settings)]
    return np.array(read_array(cached_folder(digest_json(key), build) / ANSWER, "vectors"))


def _usable(inputs: MethodInput, counts: CutCounts, least: int) -> np.ndarray:
    """Return which types are tokens of text that one of the cuts has often enough, shape (n_types,), dtype bool."""
    found = np.zeros(counts.pairs.n_tokens, bool)
    target, source = inputs.target, inputs.source
    found[: counts.n_target] = target.present & (target.kinds != SPECIAL) & (counts.target_frequency >= least)
    also = source.present & (source.kinds != SPECIAL) & (counts.source_frequency >= least)
    found[counts.types[also]] = True
    return found
