"""UniBridge's search for a size of vocabulary: the first one at which a text hardly gets likelier (ACL 2024).

Unigram tokenizers of 3,000, 4,000, … tokens are trained on the text. ``ALP(V)`` is the mean over its lines of the sum
of ``log p(token)``, where ``p`` is the share of the text's tokens that this one is. The search ends at the first size
whose ALP differs by less than 5 nats from that of the size before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from focus_core.corpus.corpus import Corpus, iter_batches
from focus_core.errors import CorpusError
from focus_core.tokenization.encoding import LineEncoder, make_encoder
from focus_core.tokenization.text_form import TextForm
from focus_core.tokenization.training import train_tokenizer
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import Family, ProgressHook, no_progress

FIRST, STEP, LAST = 3_000, 1_000, 60_000
"""The sizes that are tried."""
NATS = 5.0
"""Difference of two sizes' average log probability of a line below which the larger is taken."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundSize:
    """What a search found.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokenizer of the size that was found.
    tried : tuple of (int, float)
        Sizes in their order, and their average log probability of a line in nats.
    reason : str
        Why the search ended: ``difference``, ``text`` (it supports no more) or ``largest``.
    """

    vocabulary: Vocabulary
    tried: tuple[tuple[int, float], ...]
    reason: str

    @property
    def size(self) -> int:
        """The size, special tokens included."""
        return self.tried[-1][0]

    def to_dict(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        return {
            "found": self.size,
            "reason": self.reason,
            "nats": NATS,
            "tried": [{"vocab_size": size, "average_log_probability": alp} for size, alp in self.tried],
        }


def search_size(
    corpus: Corpus,
    *,
    form: TextForm | None = None,
    progress: ProgressHook = no_progress,
) -> FoundSize:
    """Train Unigram tokenizers of growing size until the text hardly gets likelier.

    Parameters
    ----------
    corpus : Corpus
        The text.
    form : TextForm, default=None
        What the tokenizers do to case, accents and Unicode form; ``None``: nothing beyond SentencePiece's own.
    progress : ProgressHook, default=no_progress
        Told what each training tells; raising from it ends the search.

    Returns
    -------
    FoundSize
        Its tokenizer is the one that the size found gives when it is asked for.

    Raises
    ------
    CorpusError
        If the text does not support the smallest size; the message names the largest that it does.
    """

    def train(size: int) -> tuple[Vocabulary, float]:
        made = train_tokenizer(corpus, family=Family.UNIGRAM, vocab_size=size, form=form, progress=progress)
        return made, average_log_probability(corpus, made)

    return first_flat(train)


def first_flat(train: Callable[[int], tuple[Vocabulary, float]]) -> FoundSize:
    """Return the first size whose average log probability differs little from that of the size before.

    Parameters
    ----------
    train : callable
        From a size to its tokenizer and its average log probability; raises `CorpusError` where the text supports none.

    Returns
    -------
    FoundSize
        Where the text supports no more, or sizes end, the largest that there was.

    Raises
    ------
    CorpusError
        If the text does not support the smallest size.
    """
    vocabulary, alp = train(FIRST)
    tried = [(FIRST, alp)]
    for size in range(FIRST + STEP, LAST + 1, STEP):
        try:
            vocabulary, alp = train(size)
        except CorpusError as refused:
            if refused.largest is None:  # not a matter of size
                raise
            return FoundSize(vocabulary=vocabulary, tried=tuple(tried), reason="text")
        tried.append((size, alp))
        if abs(alp - tried[-2][1]) < NATS:
            return FoundSize(vocabulary=vocabulary, tried=tuple(tried), reason="difference")
    return FoundSize(vocabulary=vocabulary, tried=tuple(tried), reason="largest")


def average_log_probability(corpus: Corpus, vocabulary: Vocabulary) -> float:
    """Return the mean over lines of the sum of the log probabilities of their tokens.

    Parameters
    ----------
    corpus : Corpus
        The text; blank lines are left out.
    vocabulary : Vocabulary
        The tokenizer.

    Returns
    -------
    float
        ``Σ_t n(t) log(n(t) / Σ n)`` over the number of lines, in nats: `n` counts tokens, the unknown one with them.
    """
    counts, n_lines = np.zeros(vocabulary.n, np.int64), 0
    encoder: LineEncoder | None = None
    for batch in iter_batches(corpus):
        encoder = encoder or make_encoder(vocabulary.backend, None, batch[:512])
        counts += np.bincount(encoder.encode(batch).ids, minlength=vocabulary.n)
        n_lines += len(batch)
    return log_probability(counts) / max(1, n_lines)


def log_probability(counts: np.ndarray) -> float:
    """Return ``Σ n log(n / Σ n)`` over tokens that come at all, in nats.

    Examples
    --------
    >>> round(log_probability(np.array([2, 0, 1, 1])), 4)  # 2 log ½ + 2 log ¼
    -4.1589
    """
    seen = counts[counts > 0].astype(np.float64)
    return float((seen * np.log(seen / seen.sum())).sum())
