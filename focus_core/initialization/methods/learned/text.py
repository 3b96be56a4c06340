"""The text that a method trains on: rows of token ids, in an order that a seed gives, and which of them are hidden."""

from __future__ import annotations

import numpy as np

from focus_core.corpus.corpus import Corpus, iter_batches
from focus_core.errors import CorpusError, bad_input, option
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import SpecialTokenType

LENGTH = 64
"""Tokens of a row."""

HIDDEN, MASKED, REPLACED = 0.15, 0.8, 0.9
"""Share of the tokens that are predicted; below these two shares of them one is masked, or replaced (BERT's)."""


def opening_and_closing(vocabulary: Vocabulary) -> tuple[int | None, int | None]:
    """Return the special tokens that open a text and close a line: ``cls`` before ``bos``, ``sep`` before ``eos``."""
    types = vocabulary.special_token_types
    first = types.get(SpecialTokenType.CLS, types.get(SpecialTokenType.BOS))
    return first, types.get(SpecialTokenType.SEP, types.get(SpecialTokenType.EOS))


def training_rows(corpus: Corpus | None, vocabulary: Vocabulary, *, n_tokens: int, seed: int) -> np.ndarray:
    """Return rows of a text to train on.

    Parameters
    ----------
    corpus : Corpus or None
        The text; lines are joined, each closed by a special token where the vocabulary has one.
    vocabulary : Vocabulary
        Whose ids they are.
    n_tokens : int
        How many tokens to return, at least; a text that has fewer is passed over again.
    seed : int
        Of the order of rows in a pass.

    Returns
    -------
    ndarray of shape (n_rows, LENGTH), dtype int64
        Each opened by a special token where there is one; drawn from the whole text.

    Raises
    ------
    CorpusError
        If there is no text, or none in it.
    """
    if corpus is None:
        raise bad_input(option("corpus"), "a text to train on", "none", "give one", CorpusError)
    first, last = opening_and_closing(vocabulary)
    backend, parts = plain_backend(vocabulary.backend), [np.zeros(0, np.int64)]
    close = [] if last is None else [last]
    for batch in iter_batches(corpus):
        encoded = backend.encode_batch_fast(batch, add_special_tokens=False)
        parts.extend(np.array([*one.ids, *close], np.int64) for one in encoded)
    stream, width = np.concatenate(parts), LENGTH - (first is not None)
    if not len(stream):
        raise bad_input(option("corpus"), "a text to train on", "an empty one", "give another", CorpusError)
    stream = np.resize(stream, max(width, len(stream)))  # a text shorter than a row is repeated
    rows = stream[: len(stream) // width * width].reshape(-1, width)
    rows = rows[drawn_rows(len(rows), n_tokens=n_tokens, seed=seed)]
    return rows if first is None else np.insert(rows, 0, first, axis=1)


def drawn_rows(n_rows: int, *, n_tokens: int, seed: int) -> np.ndarray:
    """Return which rows of a text are trained on, in order: each once before any comes again.

    Parameters
    ----------
    n_rows : int
        Rows that there are, at least 1.
    n_tokens : int
        How many tokens they shall have, at least.
    seed : int
        Of the order of rows in a pass.

    Returns
    -------
    ndarray of shape (n,), dtype int64
        Numbers of rows.
    """
    wanted, generator = -(-n_tokens // LENGTH), np.random.default_rng(seed)
    passes = [generator.permutation(n_rows) for _ in range(-(-wanted // n_rows))]
    return np.concatenate(passes)[:wanted]


def hide_tokens(
    rows: np.ndarray, vocabulary: Vocabulary, mask_id: int, *, seed: int, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the tokens that a step predicts, and hide them (Devlin et al. 2019).

    Parameters
    ----------
    rows : ndarray of shape (n, length), dtype int64
        Token ids.
    vocabulary : Vocabulary
        Whose special tokens are never hidden.
    mask_id : int
        Id of the mask.
    seed, step : int
        Name the draw.

    Returns
    -------
    inputs : ndarray of shape (n, length), dtype int64
        Of the chosen tokens 80 % are the mask, 10 % a token drawn at random, 10 % themselves.
    chosen : ndarray of shape (n, length), dtype bool
        The chosen tokens.
    """
    generator = np.random.default_rng((seed, step))
    ordinary = vocabulary.present & (vocabulary.kinds != SPECIAL)
    chosen = (generator.random(rows.shape) < HIDDEN) & ordinary[rows]
    kind, noise = generator.random(rows.shape), generator.choice(np.flatnonzero(ordinary), rows.shape)
    inputs = np.where(chosen & (kind < MASKED), mask_id, rows)
    return np.where(chosen & (kind >= REPLACED), noise, inputs), chosen
