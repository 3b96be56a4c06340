"""Static vectors of words: read from a ``.vec``, or counted in a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from focus_core.artifacts import sha256_file
from focus_core.corpus.corpus import Corpus, iter_batches, open_corpus
from focus_core.corpus.fertility import word_spans
from focus_core.errors import AuxiliaryError, bad_input
from focus_core.initialization.auxiliary.counted import CountSettings, counted_vectors
from focus_core.initialization.auxiliary.counting import PairCounter
from focus_core.initialization.auxiliary.loading import read_vec
from focus_core.types import ProgressHook, no_progress

LEAST_COUNT = 2
"""Words that a text has less often are not counted: they have nothing to say of themselves."""
MOST_WORDS = 200_000
"""Words that a text gives vectors of, the most frequent ones."""
WINDOW = 5
"""How many places apart words are neighbours. Which word means which in another language is told by its topic: a wide
window that does not ask for the place tells it better than the narrow one of tokens that stand in for one another."""
_BLOCK = 8192


@dataclass(frozen=True, kw_only=True, eq=False)
class WordVectors:
    """Static vectors of words.

    Parameters
    ----------
    name : str
        What they were read from or counted in.
    digest : str
        Its SHA-256.
    words : tuple of str
        Each once, the most frequent first.
    vectors : ndarray of shape (n_words, dim), dtype float32
        Their vectors, finite.
    n_bytes : int, default=0
        The size of what they came from.
    frequency : ndarray of shape (n_words,), dtype float64
        How often each comes; without it 1 / rank (Zipf's law).
    """

    name: str
    digest: str
    words: tuple[str, ...]
    vectors: np.ndarray
    n_bytes: int = 0
    frequency: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not len(self.frequency):
            object.__setattr__(self, "frequency", 1.0 / np.arange(1, len(self.words) + 1))
        self.vectors.setflags(write=False)
        self.frequency.setflags(write=False)

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of every word."""
        return {word: i for i, word in enumerate(self.words)}


def read_word_vectors(path: Path, *, dim: int = 100, progress: ProgressHook = no_progress) -> WordVectors:
    """Read static vectors of words, or count them in a text.

    Parameters
    ----------
    path : Path
        A ``.vec``, the most frequent word first; or a text, or a folder of texts.
    dim : int, default=100
        Length of vectors that are counted.
    progress : ProgressHook, default=no_progress
        Told the steps of counting.

    Returns
    -------
    WordVectors
        Of a word that stands in the file twice, the first.

    Raises
    ------
    AuxiliaryError
        If there is nothing, the file is damaged, or holds no vector.
    CorpusError
        If it is neither a ``.vec`` nor a text.
    """
    if not path.exists():
        raise bad_input(path.name or str(path), "a file of vectors", "nothing there", "check the path", AuxiliaryError)
    if path.suffix.lower() != ".vec":
        return count_words(open_corpus([path]), dim=dim, progress=progress)
    words: dict[str, None] = {}
    blocks: list[np.ndarray] = []
    block: list[np.ndarray] = []
    for word, row in read_vec(path):
        if word not in words:
            words[word] = None
            block.append(row)
        if len(block) == _BLOCK:
            blocks.append(np.stack(block))
            block = []
    blocks += [np.stack(block)] if block else []
    if not words:
        raise bad_input(path.name, "vectors of words", "none", "give a file with vectors", AuxiliaryError)
    return WordVectors(
        name=path.name,
        digest=sha256_file(path),
        n_bytes=path.stat().st_size,
        words=tuple(words),
        vectors=np.concatenate(blocks),
    )


def count_words(corpus: Corpus, *, dim: int = 100, progress: ProgressHook = no_progress) -> WordVectors:
    """Make vectors of a text's words from the counts of their neighbours within ``WINDOW`` places, whatever the place.

    Parameters
    ----------
    corpus : Corpus
        The text.
    dim : int, default=100
        Length of a vector.
    progress : ProgressHook, default=no_progress
        Told the steps.

    Returns
    -------
    WordVectors
        Of words that come twice and have a neighbour that comes more often than by chance; case is kept.

    Raises
    ------
    AuxiliaryError
        If no word comes twice, or none tells by its neighbours.
    """
    counts: Counter[str] = Counter()
    for line in _lines(corpus):
        counts.update(line)
    words = [word for word, n in sorted(counts.items(), key=lambda e: (-e[1], e[0])) if n >= LEAST_COUNT][:MOST_WORDS]
    if not words:
        expected, got = "words that come again", "none"
        raise bad_input("corpus", expected, got, "give more running text", AuxiliaryError)
    ids = {word: i for i, word in enumerate(words)}
    counter = PairCounter(len(words) + 1, WINDOW)  # the last id stands for every rare word: it keeps its place
    for batch in _in_batches(corpus):
        flat = np.array([ids.get(word, len(words)) for line in batch for word in line], np.int32)
        counter.add(flat, np.repeat(np.arange(len(batch), dtype=np.int32), [len(line) for line in batch]))
    eligible = np.ones(len(words) + 1, bool)
    eligible[-1] = False
    settings = CountSettings(dim=dim, window=WINDOW, apart=False)
    vectors, has = counted_vectors(counter.finish(), eligible, settings, progress=progress)
    kept = np.flatnonzero(has)
    return WordVectors(
        name=", ".join(corpus.names),
        digest=corpus.digest,
        n_bytes=corpus.n_bytes,
        words=tuple(words[i] for i in kept),
        vectors=vectors[kept],
        frequency=np.array([counts[words[i]] for i in kept], np.float64),
    )


def _in_batches(corpus: Corpus) -> Iterator[list[list[str]]]:
    for batch in iter_batches(corpus):
        yield [words_of(line) for line in batch]


def _lines(corpus: Corpus) -> Iterator[list[str]]:
    return chain.from_iterable(_in_batches(corpus))


def words_of(line: str) -> list[str]:
    """Return the words of a line, less the punctuation around them.

    Examples
    --------
    >>> words_of("Soko, la samaki!")
    ['Soko', 'la', 'samaki']
    """
    return [line[start:stop] for start, stop in word_spans(line)]
