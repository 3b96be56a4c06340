"""The text: lines to learn from in several sizes, and lines kept aside that neither source nor target has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from scripts.demo_data import read_lines

WHOLE = 0.0
"""The size that stands for all of a language's training text."""


def chosen_lines(lines: Sequence[str], size: float) -> list[str]:
    """Return lines of a text, drawn by a hash of each, until they hold as many megabytes as asked for.

    Parameters
    ----------
    lines : sequence of str
        The text.
    size : float
        Millions of bytes of UTF-8; `WHOLE` is all of it.

    Returns
    -------
    list of str
        In the order of the text; a smaller size is a part of a larger one.
    """
    if size == WHOLE:
        return list(lines)
    left, kept = size * 1e6, []
    for number in sorted(range(len(lines)), key=lambda i: (_hash(lines[i]), i)):
        left -= len(lines[number].encode()) + 1
        if left < 0:
            break
        kept.append(number)
    return [lines[number] for number in sorted(kept)]


def _hash(line: str) -> bytes:
    return hashlib.blake2b(b"size\0" + line.encode(), digest_size=8).digest()


def write_text(data: Path, language: str, size: float, path: Path) -> None:
    """Write the training text of a language in one size; lines kept aside are never in it."""
    lines = chosen_lines(list(read_lines(data, language, held_out=False)), size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def measured_lines(data: Path, language: str) -> list[str]:
    """Return the different lines of a language that are kept aside, in the order of the text."""
    return list(dict.fromkeys(read_lines(data, language, held_out=True)))
