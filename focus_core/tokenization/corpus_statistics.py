"""Statistics of a corpus from its beginning: what it says about the whole, and the vocabulary that it supports."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from focus_core.corpus.corpus import Corpus, empty_corpus, iter_batches
from focus_core.tokenization.training import suggest_vocab_size
from focus_core.types import Family

MAX_BYTES = 4 << 20
SAMPLE_LINES = 5
KEPT_LINES, KEPT_CHARACTERS, KEPT_LINE = 1000, 100_000, 400
"""Most of the lines read that are kept, their characters in all, and those of one of them."""
REPLACEMENT = "\ufffd"
LONG_WORD = 16
"""Characters after which a word is cut before words are told apart: scripts without spaces have none."""
SUBWORDS_PER_WORD, COVERAGE = 0.6, 0.9998
"""Subwords that a Unigram trainer finds for every different word, and the share of a text whose characters are some.

Over repetitive lines of three languages and samples of twenty lines to some hundred it finds more, 0.6 at the least.
"""
BYTES_AND_SPECIALS = 261
"""Tokens that every byte-level BPE has."""
SPECIALS, USUAL_SIGNS = 5, 60
"""Special tokens of a tokenizer, and the different characters of a text whose characters nobody counted."""
GROWTH, LONGEST = 0.7, 5.0
"""The rule of `characters_per_token`."""


@dataclass(frozen=True, kw_only=True)
class CorpusStatistics:
    """The beginning of a corpus, and what it says about the whole.

    Parameters
    ----------
    n_bytes : int
        Size of the files.
    n_lines, n_characters : int
        Counted, or scaled up from the part that was read.
    complete : bool
        Whether all of it was read, so that the numbers are counts.
    sample : tuple of str
        The first lines.
    lines : tuple of str, default=()
        The first lines again, as many as a preview needs, long ones cut.
    n_read : int, default=0
        Lines that were read.
    n_duplicates, n_replaced : int, default=0
        Lines among those read that had come before, and characters among them that stand for lost ones (U+FFFD).
    n_words, n_signs : int, default=0
        Different words (counted, or scaled up), long ones cut, and different characters without the rarest; 0 where
        nobody counted.
    """

    n_bytes: int
    n_lines: int
    n_characters: int
    complete: bool
    sample: tuple[str, ...]
    lines: tuple[str, ...] = field(default=(), repr=False)
    n_read: int = 0
    n_duplicates: int = 0
    n_replaced: int = 0
    n_words: int = 0
    n_signs: int = 0

    def count_tokens(self, vocab_size: int) -> int:
        """Return about how many tokens a tokenizer makes of the text.

        Parameters
        ----------
        vocab_size : int
            Its size.

        Returns
        -------
        int
            The characters of the text over `characters_per_token`.
        """
        return round(self.n_characters / characters_per_token(vocab_size, self.n_signs))


def characters_per_token(vocab_size: int, n_signs: int = 0) -> float:
    """Return about how many characters of a text a token stands for.

    Examples
    --------
    >>> [round(characters_per_token(size, 50), 2) for size in (55, 100, 900, 8000)]
    [1.0, 1.45, 3.02, 4.55]
    """
    ratio = max(1, vocab_size - SPECIALS) / (n_signs or USUAL_SIGNS)
    return min(LONGEST, 1.0 + GROWTH * math.log(max(1.0, ratio)))


def corpus_statistics(corpus: Corpus, *, max_bytes: int = MAX_BYTES) -> CorpusStatistics:
    """Read the beginning of a corpus and scale it up by bytes.

    Parameters
    ----------
    corpus : Corpus
        The corpus.
    max_bytes : int, default=4194304
        Bytes of the files to read.

    Returns
    -------
    CorpusStatistics
        Lines and characters, counted or scaled.

    Raises
    ------
    CorpusError
        If what was read is no text, or there is none.
    """
    n_read = n_used = n_lines = n_characters = n_replaced = 0
    kept, variety = _FirstLines(), _Variety()
    distinct: set[int] = set()
    complete = True

    def note(n_bytes: int) -> None:
        nonlocal n_read, n_used
        n_read, n_used = n_read + n_bytes, n_read  # files are read ahead: only the pieces before this one are used up

    for batch in iter_batches(corpus, lines_per_batch=200, on_read=note):
        n_lines += len(batch)
        n_characters += sum(map(len, batch))
        n_replaced += sum(line.count(REPLACEMENT) for line in batch)
        distinct.update(map(hash, batch))
        kept.add(batch)
        variety.add(batch)
        if n_used >= max_bytes:
            complete = False
            break
    if not n_lines:
        raise empty_corpus(corpus.names)
    n_bytes = sum(corpus.sizes)
    scale = 1.0 if complete else max(1.0, n_bytes / n_used)
    return CorpusStatistics(
        n_bytes=n_bytes,
        n_lines=round(n_lines * scale),
        n_characters=round(n_characters * scale),
        complete=complete,
        sample=tuple(kept.lines[:SAMPLE_LINES]),
        lines=tuple(kept.lines),
        n_read=n_lines,
        n_duplicates=n_lines - len(distinct),
        n_replaced=n_replaced,
        n_words=round(variety.n_words * math.sqrt(scale)),  # the words of a text grow about so
        n_signs=variety.n_signs,
    )


def first_lines(corpus: Corpus) -> list[str]:
    """Return the first lines of a text, as many as a preview needs, long ones cut."""
    kept = _FirstLines()
    for batch in iter_batches(corpus, lines_per_batch=200):
        kept.add(batch)
        if kept.is_full:
            break
    return kept.lines


class _FirstLines:
    """Keeps the first lines of a text, within bounds."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._room = KEPT_CHARACTERS

    @property
    def is_full(self) -> bool:
        """Whether there is no more room."""
        return self._room <= 0 or len(self.lines) >= KEPT_LINES

    def add(self, batch: list[str]) -> None:
        """Take as many lines as there is room for."""
        for line in batch:
            if self.is_full:
                return
            self.lines.append(line[:KEPT_LINE])
            self._room -= len(self.lines[-1])


class _Variety:
    """Counts the different words and characters of a text."""

    def __init__(self) -> None:
        self._words: set[int] = set()
        self._signs: Counter[str] = Counter()

    def add(self, batch: list[str]) -> None:
        """Take some lines."""
        for line in batch:
            words = line.split()
            self._signs.update("".join(words))
            for word in words:
                self._words.update(hash(word[at : at + LONG_WORD]) for at in range(0, len(word), LONG_WORD))

    @property
    def n_words(self) -> int:
        """Different words."""
        return len(self._words)

    @property
    def n_signs(self) -> int:
        """Different characters, without the rarest that make up a tiny share of the text."""
        left, n_signs = COVERAGE * self._signs.total(), 0
        for _, n in self._signs.most_common():
            if left <= 0:
                break
            left, n_signs = left - n, n_signs + 1
        return n_signs


def suggest_size(statistics: CorpusStatistics, family: Family = Family.UNIGRAM) -> int:
    """Return a size of vocabulary that a text supports.

    Parameters
    ----------
    statistics : CorpusStatistics
        The text.
    family : Family, default=Family.UNIGRAM
        The kind of tokenizer to train: every byte-level BPE has all bytes, and every WordPiece two forms of letters.

    Returns
    -------
    int
        That of `suggest_vocab_size`, but not more than the text has different characters and words to make subwords of.

    Examples
    --------
    >>> counts = {"n_bytes": 18_900, "n_lines": 320, "n_characters": 18_580, "n_words": 150, "n_signs": 9}
    >>> few = CorpusStatistics(**counts, complete=True, sample=())
    >>> suggest_size(few), suggest_size(few, Family.BYTE_LEVEL_BPE)
    (99, 285)
    """
    size = suggest_vocab_size(statistics.n_characters)
    if not statistics.n_words:
        return size
    return _for_family(min(size, _supported(statistics)), statistics, family)


def supported_size(statistics: CorpusStatistics, family: Family = Family.UNIGRAM) -> int:
    """Return a size that the words of a text are known to support; much larger ones are refused by the trainers.

    Parameters
    ----------
    statistics : CorpusStatistics
        The text.
    family : Family, default=Family.UNIGRAM
        The kind of tokenizer to train.

    Returns
    -------
    int
        What caps `suggest_size`, whatever the length of the text; 0 where nobody counted its words.

    Examples
    --------
    >>> counts = {"n_bytes": 18_900, "n_lines": 320, "n_characters": 18_580, "n_words": 150, "n_signs": 9}
    >>> few = CorpusStatistics(**counts, complete=True, sample=())
    >>> supported_size(few), suggest_size(few)
    (99, 99)
    """
    return _for_family(_supported(statistics), statistics, family) if statistics.n_words else 0


def _supported(statistics: CorpusStatistics) -> int:
    """Return the characters of a text and the subwords of its words, rounded down."""
    supported = statistics.n_signs + int(SUBWORDS_PER_WORD * statistics.n_words)
    return supported // 10 * 10 if supported >= 100 else supported


def _for_family(size: int, statistics: CorpusStatistics, family: Family) -> int:
    """Return a size that holds at least what every tokenizer of a kind holds."""
    if family is Family.BYTE_LEVEL_BPE:
        return max(size, BYTES_AND_SPECIALS + size // 4)
    if family is Family.WORDPIECE:
        return max(size, 2 * statistics.n_signs + size // 8)
    return max(size, statistics.n_signs + 6)
