"""Auxiliary vectors: one static vector per target token; trained by fastText over the token stream, and cached."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import cached_folder, digest_json
from focus_core.errors import AuxiliaryError, bad_input, option
from focus_core.initialization.auxiliary.fasttext_process import STAGE, Progress, read_answer, run_child
from focus_core.initialization.auxiliary.fasttext_worker import PAPER_SETTINGS
from focus_core.initialization.auxiliary.token_stream import TokenStream, token_names
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import KINDS, ProgressHook, SpecialTokenType, TokenKind, no_progress

EOS_NAME = "</s>"
"""The name fastText gives to the end of a line; no token has it (`escape_name`)."""
ANSWER = "answer.safetensors"
COUNTED, TRAINED = "counted", "trained"
OWN_KINDS = (COUNTED, TRAINED)
"""What vectors made from the run's own text are called, by how."""
PAPER_EPOCHS, PAPER_MIN_COUNT = 3, 10
BASE_UPDATES, UPDATES_PER_TYPE, MAX_EPOCHS = 1_000_000, 500, 1000
"""The rule of `choose_epochs`; an update is one token of the corpus read once."""
TEXT_WITH_VECTOR = 0.98
"""Share of the corpus that `choose_min_count` leaves to tokens with a vector."""
ONE_THREAD_UPDATES = 50_000_000
"""Tokens times epochs up to which one thread trains by default, so that equal runs give equal bytes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AuxiliaryVectors:
    """One static vector per target token.

    Parameters
    ----------
    vectors : ndarray of shape (n_target, d_aux), dtype float32
        The vectors; rows of tokens without one are zero.
    has_vector : ndarray of shape (n_target,), dtype bool
        Which tokens have one.
    kind : str
        Where they came from: ``counted`` or ``trained`` on the run's own text, or given by ``token`` or ``word``.
    settings : dict
        How they were made: numbers, names and digests, JSON-able.
    """

    vectors: np.ndarray
    has_vector: np.ndarray
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vectors.setflags(write=False)
        self.has_vector.setflags(write=False)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    @property
    def is_own(self) -> bool:
        """Whether they were made from the run's own text."""
        return self.kind in OWN_KINDS

    @property
    def n_vectors(self) -> int:
        """Number of tokens that have a vector."""
        return int(self.has_vector.sum())


def choose_epochs(n_tokens: int, n_types: int) -> int:
    """Return how often to read a corpus so that its vectors tell tokens apart.

    Parameters
    ----------
    n_tokens : int
        Tokens of the corpus.
    n_types : int
        Different tokens among them that get a vector.

    Returns
    -------
    int
        At least the paper's 3 and at most 1,000: as many as make a million updates and 500 more for every type.
        Vectors leave their common starting direction after that many, whatever the corpus (see the decision record).

    Examples
    --------
    >>> choose_epochs(1_122_990, 8000), choose_epochs(10_912, 2511), choose_epochs(10**9, 50_000)
    (5, 207, 3)
    """
    updates = BASE_UPDATES + UPDATES_PER_TYPE * n_types
    return max(PAPER_EPOCHS, min(MAX_EPOCHS, math.ceil(updates / max(1, n_tokens))))


def choose_min_count(frequency: np.ndarray) -> int:
    """Return how often a token has to occur to get a vector, so that nearly all of the text has one.

    Examples
    --------
    >>> choose_min_count(np.array([1000, 500, 12])), choose_min_count(np.array([9, 9, 3, 1, 1]))
    (10, 1)
    """
    whole = frequency.sum()
    enough = [m for m in range(1, PAPER_MIN_COUNT + 1) if frequency[frequency >= m].sum() >= TEXT_WITH_VECTOR * whole]
    return max(enough)


def train_auxiliary(
    stream: TokenStream,
    vocabulary: Vocabulary,
    *,
    dim: int = 100,
    epochs: int | None = None,
    min_count: int | None = None,
    threads: int | None = None,
    seed: int = 42,
    keep_eos: bool = False,
    cache: bool = True,
    progress: ProgressHook = no_progress,
) -> AuxiliaryVectors:
    """Train fastText CBOW vectors of the target tokens, in a child process.

    Parameters
    ----------
    stream : TokenStream
        The corpus, tokenised with ``vocabulary`` and written as names.
    vocabulary : Vocabulary
        The target vocabulary.
    dim : int, default=100
        Length of a vector.
    epochs, min_count : int, default=None
        Passes over the corpus, and occurrences that a token needs; ``None`` chooses by its size.
    threads : int, default=None
        Threads of fastText; ``None`` chooses. With more than one, two runs differ.
    seed : int, default=42
        Seed of fastText.
    keep_eos : bool, default=False
        Give the end-of-text token the vector that fastText trains for the end of a line, as the reference does.
    cache : bool, default=True
        Whether to take and leave the vectors in the cache.
    progress : ProgressHook
        Told the epochs done as stage ``train vectors``; raising from it ends the child.

    Returns
    -------
    AuxiliaryVectors
        Rows of special tokens and of tokens seen less often than ``min_count`` are zero.

    Raises
    ------
    AuxiliaryError
        If no token occurs often enough, or fastText fails.
    """
    if stream.path is None:
        raise bad_input("the token stream", "names in a file", "counts alone", "write them on the way", AuxiliaryError)
    least = min_count or choose_min_count(stream.frequency)
    n_types = int((stream.frequency >= least).sum())
    if not n_types:
        raise _too_rare(stream, least)
    passes = epochs or choose_epochs(stream.n_tokens, n_types)
    workers = threads or choose_threads(stream.n_tokens * passes)
    settings = PAPER_SETTINGS | {"dim": dim, "epoch": passes, "minCount": least, "seed": seed, "thread": workers}
    auto = [name for name, given in (("epochs", epochs), ("min_count", min_count), ("threads", threads)) if not given]
    with tempfile.TemporaryDirectory(prefix="focus-lab-") as scratch:
        folder = _trained(stream, stream.path, settings, Path(scratch), cache=cache, progress=progress)
        vectors, has_vector = _by_id(*read_answer(folder / ANSWER), vocabulary, keep_eos=keep_eos)
    progress(STAGE, settings["epoch"], settings["epoch"])
    return AuxiliaryVectors(
        vectors=vectors, has_vector=has_vector, kind=TRAINED, settings=_described(settings, stream, auto, n_types)
    )


def choose_threads(n_updates: int) -> int:
    """Return with how many threads to train: one while that is a matter of minutes, else one a core.

    Parameters
    ----------
    n_updates : int
        Tokens of the corpus times epochs.

    Returns
    -------
    int
        Threads. One thread makes equal runs give equal bytes; several do not.
    """
    return 1 if n_updates <= ONE_THREAD_UPDATES else os.cpu_count() or 1


def _too_rare(stream: TokenStream, min_count: int) -> AuxiliaryError:
    expected = "tokens that occur so often"
    got = f"{min_count}, and the most frequent of {stream.n_tokens:,} tokens {int(stream.frequency.max())} times"
    return bad_input(option("min_count"), expected, got, "lower it or give more text", AuxiliaryError)


def _trained(
    stream: TokenStream, path: Path, settings: dict[str, Any], scratch: Path, *, cache: bool, progress: ProgressHook
) -> Path:
    """Return a folder with the trained vectors, from the cache where they are in it."""

    def build(folder: Path) -> None:
        request = {"task": "train", "input": str(path.resolve()), "settings": settings}
        follow = Progress(progress, epochs=settings["epoch"], size=path.stat().st_size)
        run_child(request | {"output": str(folder / ANSWER)}, scratch, progress=follow)

    if cache:
        return cached_folder(digest_json(["fasttext", version("fasttext"), stream.digest, settings]), build)
    build(scratch)
    return scratch


def _by_id(
    names: list[str], rows: np.ndarray, vocabulary: Vocabulary, *, keep_eos: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors by id, and which ids have one; specials have none, but for ``</s>`` where it is kept."""
    ids = {name.decode(): i for i, name in enumerate(token_names(vocabulary)) if vocabulary.present[i]}
    special = KINDS.index(TokenKind.SPECIAL)
    vectors = np.zeros((vocabulary.n, rows.shape[1]), dtype=np.float32)
    for name, row in zip(names, rows, strict=True):
        i = ids.get(name, -1)
        if i >= 0 and vocabulary.kinds[i] != special:
            vectors[i] = row
    eos = vocabulary.ids_of_tokens.get(EOS_NAME, vocabulary.special_token_types.get(SpecialTokenType.EOS))
    if keep_eos and eos is not None and EOS_NAME in names:
        vectors[eos] = rows[names.index(EOS_NAME)]
    return vectors, np.asarray(vectors.any(axis=1))


def _described(settings: dict[str, Any], stream: TokenStream, auto: list[str], n_types: int) -> dict[str, Any]:
    """Return the settings for the manifest, and what the automatic rules say for this corpus."""
    rules = {"min_count": choose_min_count(stream.frequency), "epochs": choose_epochs(stream.n_tokens, n_types)}
    return {
        "method": "fastText CBOW over target tokens",
        "fasttext": version("fasttext"),
        "epochs": settings["epoch"],
        "dim": settings["dim"],
        "min_count": settings["minCount"],
        "threads": settings["thread"],
        "seed": settings["seed"],
        "chosen_automatically": auto,
        "automatic": rules,
        "stream": stream.digest,
        "n_tokens": stream.n_tokens,
        "n_types": n_types,
        "n_characters": stream.n_characters,
    } | {name: settings[name] for name in sorted(PAPER_SETTINGS)}
