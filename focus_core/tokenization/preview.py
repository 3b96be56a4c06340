"""How a tokenizer splits the first lines of a text: its subwords, and a few numbers about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from focus_core.tokenization.display import show_token
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import SpecialTokenType

SHOWN_LINES = 3
SHOWN_CHARACTERS = 120
"""Characters of a line that are shown as subwords."""


@dataclass(frozen=True, kw_only=True)
class Subword:
    """One token of a line.

    Parameters
    ----------
    text : str
        How it is shown; harmless plain text.
    unknown : bool
        Whether it stands for something the tokenizer does not know.
    """

    text: str
    unknown: bool


@dataclass(frozen=True, kw_only=True)
class TokenizerView:
    """A tokenizer on some lines.

    Parameters
    ----------
    name : str
        The tokenizer's name; plain text.
    n_vocabulary : int
        Its tokens.
    n_lines, n_words, n_characters : int
        Size of the lines; a word ends at white space.
    n_tokens, n_unknown : int
        Tokens of the lines, and how many of them are the unknown token.
    lines : tuple of tuple of Piece
        The subwords of the first lines.
    """

    name: str
    n_vocabulary: int
    n_lines: int
    n_words: int
    n_characters: int
    n_tokens: int
    n_unknown: int
    lines: tuple[tuple[Subword, ...], ...]

    @property
    def tokens_per_word(self) -> float:
        """Tokens that a word is split into, on average; 0 where there is no word."""
        return self.n_tokens / self.n_words if self.n_words else 0.0

    @property
    def characters_per_token(self) -> float:
        """Characters that a token stands for, on average; 0 where there is no token."""
        return self.n_characters / self.n_tokens if self.n_tokens else 0.0

    @property
    def unknown_share(self) -> float:
        """Share of tokens that are the unknown one, 0 to 1."""
        return self.n_unknown / self.n_tokens if self.n_tokens else 0.0


def view_tokenizer(vocabulary: Vocabulary, lines: Sequence[str], *, shown: int = SHOWN_LINES) -> TokenizerView:
    """Tokenize lines and count.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokenizer.
    lines : sequence of str
        Text, without special tokens around it.
    shown : int, default=3
        How many of the lines are kept as subwords.

    Returns
    -------
    TokenizerView
        Counts over all lines, and the subwords of the first ones.
    """
    backend = plain_backend(vocabulary.backend)
    rows = [e.ids for e in backend.encode_batch_fast(list(lines), add_special_tokens=False)]
    ids = np.fromiter(chain.from_iterable(rows), dtype=np.int64)
    unknown = vocabulary.special_token_types.get(SpecialTokenType.UNK, -1)
    first = [shorten(line) for line in lines[:shown]]
    return TokenizerView(
        name=vocabulary.name,
        n_vocabulary=vocabulary.n_present,
        n_lines=len(lines),
        n_words=sum(len(line.split()) for line in lines),
        n_characters=sum(map(len, lines)),
        n_tokens=ids.size,
        n_unknown=int((ids == unknown).sum()),
        lines=tuple(
            tuple(_subword(vocabulary, i, unknown) for i in backend.encode(line, add_special_tokens=False).ids)
            for line in first
        ),
    )


def shorten(line: str) -> str:
    """Return the beginning of a line, cut at white space where there is some.

    Examples
    --------
    >>> shorten("habari " * 30).count("habari"), shorten("habari ya leo")
    (17, 'habari ya leo')
    """
    if len(line) <= SHOWN_CHARACTERS:
        return line
    head = line[:SHOWN_CHARACTERS]
    return head[: head.rfind(" ") + 1].rstrip() or head


def _subword(vocabulary: Vocabulary, token_id: int, unknown: int) -> Subword:
    text = show_token(vocabulary.texts[token_id], word_start=bool(vocabulary.word_start[token_id]), limit=40)
    return Subword(text=text, unknown=token_id == unknown)
