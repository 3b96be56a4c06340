"""What a text costs without a model: each character by how often it occurs, whatever stands around it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from focus_core.corpus.word_masking import masked_words


def count_characters(lines: Iterable[str]) -> Counter[str]:
    """Return how often each character occurs in some lines."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    return counts


def unigram_bits(counts: Counter[str], lines: Sequence[str], *, seed: int | None) -> np.ndarray:
    """Return what each line costs under the characters' own frequencies.

    Parameters
    ----------
    counts : Counter of str
        From the text that methods may read.
    lines : sequence of str
        Lines to measure.
    seed : int or None
        The words that this seed masks count, and no spaces; ``None``: every character of the line.

    Returns
    -------
    ndarray of shape (n_lines,), dtype float64
        ``-sum log2 p`` with one added to every count, and one for all characters that were never seen.
    """
    seen = {c: n for c, n in counts.items() if seed is None or not c.isspace()}
    total = sum(seen.values()) + len(seen) + 1
    bits = {c: math.log2(total / (n + 1)) for c, n in seen.items()}
    unseen = math.log2(total)
    found = np.zeros(len(lines))
    for number, line in enumerate(lines):
        spans = [(0, len(line))] if seed is None else masked_words(line, seed=seed)
        found[number] = sum(bits.get(c, unseen) for begin, end in spans for c in line[begin:end])
    return found
