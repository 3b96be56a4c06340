"""What parallel text must be before anything is aligned: enough pairs, and the sides where they belong."""

from __future__ import annotations

from collections.abc import Sequence

from focus_core.corpus.parallel import ParallelText
from focus_core.errors import CorpusError, bad_input
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import SpecialTokenType

LEAST_PAIRS = 20
"""Below, an aligner has next to nothing to tell words apart by."""
SAMPLE = 500
"""Pairs that are looked at to guess which side is which."""


def check_parallel(text: ParallelText) -> None:
    """Refuse parallel text that cannot be aligned.

    Parameters
    ----------
    text : ParallelText
        Pairs of a source line and its translation.

    Raises
    ------
    CorpusError
        If there are fewer than 20 different pairs.
    """
    if len(text.pairs) < LEAST_PAIRS:
        expected, got = f"at least {LEAST_PAIRS} different pairs, to align their words", f"{len(text.pairs):,}"
        raise bad_input(text.name, expected, got, "give more pairs, one a line", CorpusError)


def sides_look_swapped(text: ParallelText, source: Vocabulary, target: Vocabulary) -> tuple[int, int] | None:
    """Guess whether the sides were swapped: a tokenizer takes fewer tokens for its own language.

    Parameters
    ----------
    text : ParallelText
        Pairs of a source line and its translation.
    source, target : Vocabulary
        The tokenizers of the two sides.

    Returns
    -------
    (int, int) or None
        Tokens of the first pairs as they are given, and with the sides swapped, where these are fewer; else ``None``.
    """
    sides = [[pair[side] for pair in text.pairs[:SAMPLE]] for side in (0, 1)]
    straight = _count(source, sides[0]) + _count(target, sides[1])
    swapped = _count(source, sides[1]) + _count(target, sides[0])
    return (straight, swapped) if swapped < straight else None


def _count(vocabulary: Vocabulary, lines: Sequence[str]) -> int:
    """Return the tokens of some lines; an unknown one counts as often as it has characters."""
    unknown = vocabulary.special_token_types.get(SpecialTokenType.UNK)
    encoded = plain_backend(vocabulary.backend).encode_batch(list(lines), add_special_tokens=False)
    spans = ((i, end - start) for one in encoded for i, (start, end) in zip(one.ids, one.offsets, strict=True))
    return sum(max(1, length) if i == unknown else 1 for i, length in spans)
