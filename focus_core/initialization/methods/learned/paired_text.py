"""One text as two tokenizers cut it: rows of the target's tokens, the source's tokens of the same characters.

Owns where tokens of both sides end at one character, which is what the states of two models are compared at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tokenizers import Encoding

from focus_core.corpus.corpus import Corpus, iter_batches
from focus_core.errors import CorpusError, bad_input, option
from focus_core.initialization.methods.learned.text import LENGTH, drawn_rows, opening_and_closing
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import Vocabulary

_CLOSING = 2
"""Places that a line has beyond its characters: one for the token that closes it, one that nothing ends at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """A text as one tokenizer cuts it, its lines one after the other.

    Parameters
    ----------
    ids : ndarray of shape (n,), dtype int64
        Token ids; a line is closed by a special token where the vocabulary has one.
    ends : ndarray of shape (n,), dtype int64
        The character that each token ends before, counted through the whole text; never falling.
    whole : ndarray of shape (n,), dtype bool
        Whether the next token begins no earlier than there. Not so of all but the last byte of a character, nor of a
        mark that stands for no character.
    """

    ids: np.ndarray
    ends: np.ndarray
    whole: np.ndarray

    def repeated(self, times: int, n_characters: int) -> Cut:
        """Return the cut of the text so many times over."""
        shifts = np.repeat(np.arange(times) * n_characters, len(self.ends))
        return Cut(
            ids=np.tile(self.ids, times), ends=np.tile(self.ends, times) + shifts, whole=np.tile(self.whole, times)
        )


def line_ends(encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """Return where the tokens of a line end, and whether nothing of what they end with comes again.

    Parameters
    ----------
    encoding : tokenizers.Encoding
        With offsets.

    Returns
    -------
    ends : ndarray of shape (n,), dtype int64
        Never falling.
    whole : ndarray of shape (n,), dtype bool
        As `Cut` has it.
    """
    spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
    ends = np.maximum.accumulate(spans[:, 1]) if len(spans) else spans[:, 1]
    return ends, np.append(spans[1:, 0] >= ends[:-1], np.ones(min(1, len(spans)), bool))


def cut_text(corpus: Corpus, vocabulary: Vocabulary) -> tuple[Cut, int]:
    """Cut a whole text.

    Parameters
    ----------
    corpus : Corpus
        The text.
    vocabulary : Vocabulary
        Whose tokenizer cuts it.

    Returns
    -------
    cut : Cut
        Its tokens.
    n_characters : int
        Its characters, those counted that close lines.
    """
    backend, closing = plain_backend(vocabulary.backend), opening_and_closing(vocabulary)[1]
    parts, at = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))], 0
    for lines in iter_batches(corpus):
        for line, encoding in zip(lines, backend.encode_batch(list(lines), add_special_tokens=False), strict=True):
            ends, whole = line_ends(encoding)
            ids = np.array(encoding.ids, np.int64)
            if closing is not None:
                ids, ends, whole = np.append(ids, closing), np.append(ends, len(line) + 1), np.append(whole, True)
            parts.append((ids, ends + at, whole))
            at += len(line) + _CLOSING
    ids, ends, whole = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Cut(ids=ids, ends=ends, whole=whole), at


class PairedText:
    """Rows of a text, in the tokens of both vocabularies.

    Parameters
    ----------
    corpus : Corpus or None
        The text.
    source, target : Vocabulary
        Which cut it.
    longest : int, default=None
        Most tokens that the source reads; what a row has beyond them is left out.

    Raises
    ------
    CorpusError
        If there is no text, or none in it.
    """

    def __init__(
        self, corpus: Corpus | None, source: Vocabulary, target: Vocabulary, *, longest: int | None = None
    ) -> None:
        if corpus is None:
            raise bad_input(option("corpus"), "a text to train on", "none", "give one", CorpusError)
        (self.source, size), (self.target, _) = cut_text(corpus, source), cut_text(corpus, target)
        if not len(self.target.ids):
            raise bad_input(option("corpus"), "a text to train on", "an empty one", "give another", CorpusError)
        self.opens, self.source_opens = opening_and_closing(target)[0], opening_and_closing(source)[0]
        self.longest, self.width = longest, LENGTH - (self.opens is not None)
        times = -(-self.width // len(self.target.ids))  # a text shorter than a row is repeated
        if times > 1:
            self.source, self.target = self.source.repeated(times, size), self.target.repeated(times, size)

    def drawn(self, *, n_tokens: int, seed: int) -> np.ndarray:
        """Return the numbers of the rows to train on, in order, as `drawn_rows` has them."""
        return drawn_rows(len(self.target.ids) // self.width, n_tokens=n_tokens, seed=seed)

    def target_rows(self, numbers: np.ndarray) -> np.ndarray:
        """Return rows in the target's ids, shape (n, LENGTH), dtype int64."""
        rows: np.ndarray = self.target.ids[numbers[:, None] * self.width + np.arange(self.width)]
        return rows if self.opens is None else np.insert(rows, 0, self.opens, axis=1)

    def source_row(self, number: int) -> np.ndarray:
        """Return a row in the source's ids, shape (n,), dtype int64: the tokens that end within its characters."""
        ids = self.source.ids[self._source_places(number)]
        return ids if self.source_opens is None else np.insert(ids, 0, self.source_opens)

    def _source_places(self, number: int) -> slice:
        first = number * self.width
        edges = self.target.ends[first - 1] if first else -1, self.target.ends[first + self.width - 1]
        start, stop = np.searchsorted(self.source.ends, edges, side="right").tolist()
        most = stop if self.longest is None else start + self.longest - (self.source_opens is not None)
        return slice(start, min(stop, most))

    def matches(self, number: int, is_new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of a row at which tokens of both sides end, from its first new token on.

        Parameters
        ----------
        number : int
            Which row.
        is_new : ndarray of shape (n_target,), dtype bool
            Which target tokens are new.

        Returns
        -------
        target, source : ndarray of shape (n,), dtype int64
            Places in `target_rows` and `source_row`, pairwise, ascending. None in a row without a new token.
        """
        places, others = slice(number * self.width, (number + 1) * self.width), self._source_places(number)
        later = np.logical_or.accumulate(is_new[self.target.ids[places]])
        mine = np.flatnonzero(self.target.whole[places] & later)
        theirs = np.flatnonzero(self.source.whole[others])
        _, at, there = np.intersect1d(
            self.target.ends[places][mine], self.source.ends[others][theirs], return_indices=True
        )
        return mine[at] + (self.opens is not None), theirs[there] + (self.source_opens is not None)

    def batches(self, numbers: np.ndarray, size: int) -> Iterator[np.ndarray]:
        """Yield the numbers of so many rows at a time."""
        yield from (numbers[start : start + size] for start in range(0, len(numbers), size))
