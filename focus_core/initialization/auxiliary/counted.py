"""Vectors from counts: positive pointwise mutual information of tokens and their neighbours, factorised.

A token's row holds, for each neighbour c at each place, max(0, log P(t, c) / (P(t) P_α(c))) with P_α(c) ∝ count(c)^α,
which keeps rare neighbours from weighing most (Levy, Goldberg & Dagan 2015). Its vector is its row of U S^p.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import cached_folder, digest_json, read_array, sha256_bytes, write_arrays
from focus_core.errors import AuxiliaryError, bad_input, option, phrase
from focus_core.initialization.auxiliary.counting import PairCounts
from focus_core.initialization.auxiliary.ngrams import draw_rare_tokens
from focus_core.initialization.auxiliary.svd import STAGE, truncated_svd
from focus_core.initialization.auxiliary.token_stream import TokenStream
from focus_core.initialization.auxiliary.vectors import ANSWER, COUNTED, AuxiliaryVectors
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import ProgressHook, no_progress

LIBRARIES = ("numba", "numpy", "scipy")
"""What the bytes of the vectors are a matter of, beside the text and the kind of processor."""
REACHED = 1e-3
"""Share of a token's row that its vector holds at least; below, it is rounding and no vector."""


@dataclass(frozen=True, kw_only=True)
class CountSettings:
    """How vectors are made from counts.

    Parameters
    ----------
    window : int, default=2
        How many places apart tokens are neighbours.
    apart : bool, default=True
        Whether a neighbour at each place, before and after, is one of its own, so that the order of words tells.
    context_exponent : float, default=0.75
        The counts of neighbours are raised to it; 1 leaves them.
    singular_exponent : float, default=0.5
        The singular values are raised to it.
    dim : int, default=100
        Length of a vector.
    min_count : int, default=1
        Tokens seen less often get no vector, and are no neighbours.
    width : int, default=32
        See `truncated_svd`.
    n_iter : int, default=None
        See `truncated_svd`.
    """

    window: int = 2
    apart: bool = True
    context_exponent: float = 0.75
    singular_exponent: float = 0.5
    dim: int = 100
    min_count: int = 1
    width: int = 32
    n_iter: int | None = None


WINDOW = CountSettings.window
"""How many places apart the tokens of a run's text are neighbours."""
LITTLE_TEXT = 100_000
"""Tokens of text up to which rare tokens are drawn to frequent ones with the same character n-grams."""


def count_auxiliary(
    stream: TokenStream,
    vocabulary: Vocabulary,
    *,
    dim: int = 100,
    min_count: int | None = None,
    threads: int | None = None,
    cache: bool = True,
    progress: ProgressHook = no_progress,
) -> AuxiliaryVectors:
    """Make vectors of the target tokens from the counts of a token stream.

    Parameters
    ----------
    stream : TokenStream
        The corpus, tokenised with ``vocabulary``, its pairs counted.
    vocabulary : Vocabulary
        The target vocabulary.
    dim : int, default=100
        Length of a vector.
    min_count : int, default=None
        Occurrences that a token needs; ``None`` is 1.
    threads : int, default=None
        Threads of the sparse products; ``None`` is one a core. The bytes do not depend on it.
    cache : bool, default=True
        Whether to take and leave the vectors in the cache.
    progress : ProgressHook
        Told the products done as stage ``factorise counts``; raising from it ends the work.

    Returns
    -------
    AuxiliaryVectors
        Rows of special tokens, of tokens seen less often than ``min_count`` and of tokens without neighbours are zero.
        In a text of no more than ``LITTLE_TEXT`` tokens rare tokens are drawn to frequent ones with the same character
        n-grams, and with a ``min_count`` of 1 those that never occur take their place from them.

    Raises
    ------
    AuxiliaryError
        If no token occurs often enough, none occurs twice, or none tells by its neighbours.
    """
    least = min_count or 1
    eligible = vocabulary.present & (vocabulary.kinds != SPECIAL) & (stream.frequency >= least)
    pairs = _checked(stream, eligible, least)
    settings = CountSettings(dim=dim, min_count=least)

    def build(folder: Path) -> None:
        vectors, _ = counted_vectors(
            pairs, eligible, settings, threads=threads or os.cpu_count() or 1, progress=progress
        )
        write_arrays(folder / ANSWER, {"vectors": vectors})

    described = dataclasses.asdict(settings)
    described["offsets"] = "apart" if described.pop("apart") else "together"
    versions = {name: version(name) for name in LIBRARIES}
    with tempfile.TemporaryDirectory(prefix="focus-lab-") as scratch:
        folder = Path(scratch)
        if cache:
            key = ["counts", versions, stream.digest, sha256_bytes(eligible.tobytes()), described]
            folder = cached_folder(digest_json(key), build)
        else:
            build(folder)
        vectors = np.array(read_array(folder / ANSWER, "vectors"))
    drawn = stream.n_tokens <= LITTLE_TEXT
    if drawn:
        # With a least count of 1 a token that never occurs is drawn too: nobody asked that it have no vector.
        may = eligible | (least == 1)
        vectors = np.where(may[:, None], draw_rare_tokens(vectors, vocabulary, stream.frequency), 0)
    progress(STAGE, 1, 1)
    told = {
        "method": "truncated SVD of the positive pointwise mutual information of tokens and their neighbours",
        "versions": versions,
        "chosen_automatically": ["ngrams"] if min_count else ["ngrams", "min_count"],
        "automatic": {"ngrams": drawn, "min_count": 1},
        "ngrams": drawn,
        "stream": stream.digest,
        "n_tokens": stream.n_tokens,
        "n_types": int(eligible.sum()),
        "n_characters": stream.n_characters,
    }
    has_vector = np.asarray(vectors.any(axis=1))
    return AuxiliaryVectors(vectors=vectors, has_vector=has_vector, kind=COUNTED, settings=told | described)


def _checked(stream: TokenStream, eligible: np.ndarray, min_count: int) -> PairCounts:
    """Return the counts of a stream that may give vectors; refuse one that cannot."""
    if stream.pairs is None:
        raise bad_input("the token stream", "counts of pairs", "none", "count them on the way", AuxiliaryError)
    most = int(stream.frequency[eligible].max(initial=0))
    if not most:
        got = f"{min_count}, and none of {stream.n_tokens:,} tokens does"
        expected, remedy = "tokens of text that occur so often", "lower it or give more text"
        raise bad_input(option("min_count"), expected, got, remedy, AuxiliaryError)
    if most < 2:
        got = f"{stream.n_tokens:,} tokens, each once"
        remedy = phrase("give more text or a smaller vocabulary, or ready vectors by {auxiliary}")
        raise bad_input("corpus", "a text in which tokens come again", got, remedy, AuxiliaryError)
    return stream.pairs


def counted_vectors(
    counts: PairCounts,
    eligible: np.ndarray,
    settings: CountSettings,
    *,
    threads: int = 1,
    progress: ProgressHook = no_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors that counts give.

    Parameters
    ----------
    counts : PairCounts
        Over a window at least as wide.
    eligible : ndarray of shape (n_tokens,), dtype bool
        Which tokens may have a vector and be neighbours; the others keep their place in a line and say nothing.
    settings : CountSettings
        How.
    threads : int, default=1
        Threads of the sparse products; the bytes do not depend on it.
    progress : ProgressHook
        Told the products done; raising from it ends the work.

    Returns
    -------
    vectors : ndarray of shape (n_tokens, dim), dtype float32
        Rows of tokens without a vector are zero, and so are columns beyond the rank of the counts.
    has_vector : ndarray of shape (n_tokens,), dtype bool
        Which have one: those with a neighbour that comes more often than by chance, where the factors reach it.

    Raises
    ------
    AuxiliaryError
        If no token has such a neighbour.
    """
    ids = np.flatnonzero(eligible & counts.seen)
    progress(STAGE, 0, 0, "mutual information")
    blocks = [positive_information(m, settings.context_exponent) for m in context_matrices(counts, ids, settings)]
    squares = sum(_squares(block) for block in blocks)
    if not np.any(squares):
        expected, got = "tokens that tell by their neighbours", "none that has one more often than by chance"
        remedy = phrase("give more text, or ready vectors by {auxiliary}")
        raise bad_input("corpus", expected, got, remedy, AuxiliaryError)
    u, s = truncated_svd(
        blocks,
        settings.dim,
        width=settings.width,
        n_iter=settings.n_iter,
        threads=threads,
        progress=progress,
    )
    reached = ((u * s) ** 2).sum(axis=1) > REACHED**2 * squares
    vectors = np.zeros((counts.n_tokens, settings.dim), dtype=np.float32)
    vectors[ids[reached], : len(s)] = (u * s**settings.singular_exponent)[reached]
    return vectors, np.asarray(vectors.any(axis=1))


def context_matrices(counts: PairCounts, ids: np.ndarray, settings: CountSettings) -> Iterator[Any]:
    """Yield matrices of counts of token and neighbour: one for each place, or one in all.

    Parameters
    ----------
    counts : PairCounts
        The counts.
    ids : ndarray of shape (m,)
        The tokens that count, ascending.
    settings : CountSettings
        The window, and whether places are kept apart.

    Yields
    ------
    scipy.sparse.csr_array of shape (m, m), dtype float64
        Rows are tokens, columns neighbours.
    """
    total = None
    for distance in range(1, settings.window + 1):
        after = counts.matrix(distance, ids)
        before = after.T.tocsr()
        if settings.apart:
            yield before
            yield after
        else:
            total = before + after if total is None else total + before + after
    if total is not None:
        yield total


def positive_information(counts: Any, exponent: float) -> Any:
    """Return the positive pointwise mutual information of rows and columns.

    Parameters
    ----------
    counts : scipy.sparse.csr_array of shape (m, n), dtype float64
        How often each came with each.
    exponent : float
        Counts of columns are raised to it.

    Returns
    -------
    scipy.sparse.csr_array of shape (m, n), dtype float32
        Entries above zero.
    """
    found = counts.copy()
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    smoothed = np.where(columns > 0, columns, 1.0) ** exponent * (columns > 0)
    row_of = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    ratio = found.data / (rows[row_of] * (smoothed / max(smoothed.sum(), 1e-300))[found.indices])
    found.data = np.maximum(np.log(ratio), 0.0).astype(np.float32)
    found.eliminate_zeros()
    return found


def _squares(block: Any) -> np.ndarray:
    """Return the sum of squares of each row."""
    row_of = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    return np.bincount(row_of, weights=block.data.astype(np.float64) ** 2, minlength=block.shape[0])
