"""Which lines of a text are held out: the same ones for training and for measuring, whoever asks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from focus_core.errors import CorpusError, bad_input

MANY_LINES = 2_000
LEAST_LINES = 100
SHARES = (2, 10)
WANTED_LINES = 500
"""Held-out lines that a comparison of methods wants, where a tenth of the text is as much: fewer tell little apart."""
SECOND_SLICE = max(SHARES)
"""Where a second slice begins, for a text whose held-out lines somebody has taken out already."""


def is_held_out(line: str, percent: int, *, first: int = 0) -> bool:
    """Tell whether a line is kept aside: by a hash of its text, so equal lines fall on one side.

    Parameters
    ----------
    line : str
        The line; white space around it does not count.
    percent : int
        How many lines in a hundred are kept aside.
    first : int, default=0
        Where these begin among the hundred: slices that do not overlap share no line.

    Returns
    -------
    bool
        The same in every process and whatever the other lines are.

    Examples
    --------
    >>> sum(is_held_out(f"line {i}", 10) for i in range(1000))
    104
    """
    digest = hashlib.blake2b(line.strip().encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return first <= int.from_bytes(digest, "big") % 100 < first + percent


def distinct_lines(lines: Iterable[str], percent: int | None) -> tuple[int, list[str]]:
    """Return how many different lines there are, and those of them that are held out, each once and in their order.

    Parameters
    ----------
    lines : iterable of str
        Lines without white space around them; of each that is not kept only a digest is remembered.
    percent : int or None
        How many lines in a hundred are kept; ``None`` keeps all.

    Returns
    -------
    n_lines : int
        Different lines.
    kept : list of str
        Those that are held out.

    Examples
    --------
    >>> distinct_lines(["soko", "bahari", "soko"], None)
    (2, ['soko', 'bahari'])
    """
    seen: set[bytes] = set()
    kept: list[str] = []
    for line in lines:
        digest = hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        if digest not in seen:
            seen.add(digest)
            if percent is None or is_held_out(line, percent):
                kept.append(line)
    return len(seen), kept


def held_out_percent(n_lines: int) -> int:
    """Return how many lines in a hundred are kept aside of a text.

    Parameters
    ----------
    n_lines : int
        Lines of the text.

    Returns
    -------
    int
        2 from 2,000 lines on, 10 below.

    Raises
    ------
    CorpusError
        If the text has fewer than 100 lines.
    """
    if n_lines < LEAST_LINES:
        raise too_small(n_lines)
    return SHARES[0] if n_lines >= MANY_LINES else SHARES[1]


def measured_percent(n_lines: int) -> int:
    """Return how many lines in a hundred a comparison of methods measures on.

    Parameters
    ----------
    n_lines : int
        Lines of the text.

    Returns
    -------
    int
        What a training keeps aside, or as much more as makes `WANTED_LINES` lines, at most 10.

    Raises
    ------
    CorpusError
        If the text has fewer than 100 lines.

    Examples
    --------
    >>> measured_percent(400), measured_percent(5_000), measured_percent(12_000), measured_percent(38_000)
    (10, 10, 5, 2)
    """
    return max(held_out_percent(n_lines), min(max(SHARES), -(-100 * WANTED_LINES // n_lines)))


def too_small(n_lines: int) -> CorpusError:
    """Return the error of a text too small to keep anything aside.

    Parameters
    ----------
    n_lines : int
        Lines of the text.

    Returns
    -------
    CorpusError
        Ready to raise.
    """
    expected = f"at least {LEAST_LINES} different lines, of which some can be kept aside to measure on"
    return bad_input("corpus", expected, f"{n_lines}", "give more text, one sentence a line", CorpusError)
