"""The lines that are measured: those of a corpus that are held out from training, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from focus_core.corpus.corpus import empty_corpus, iter_batches, open_corpus
from focus_core.corpus.held_out import SHARES, distinct_lines, held_out_percent, is_held_out
from focus_core.corpus.readers import refuse
from focus_core.errors import phrase


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredText:
    """Lines to measure on.

    Parameters
    ----------
    lines : tuple of str
        Different lines without white space around them, in the corpus's order.
    files : tuple of str
        Names of the corpus's files.
    digest : str
        Digest of the corpus.
    n_lines : int
        Different lines of the whole corpus.
    percent : int or None
        How many lines in a hundred are kept aside; ``None`` where all lines are measured.
    """

    lines: tuple[str, ...]
    files: tuple[str, ...]
    digest: str
    n_lines: int
    percent: int | None


def read_measured_text(
    corpus: str | Path | Sequence[str | Path],
    *,
    field: str = "text",
    encoding: str | None = None,
    all_lines: bool = False,
    most_percent: int = 100,
) -> MeasuredText:
    """Read the lines of a corpus to measure on, by the rule that a training keeps lines aside.

    Parameters
    ----------
    corpus : str, Path or sequence of them
        The files.
    field : str, default="text"
        Field or column that holds the text.
    encoding : str, default=None
        Encoding of the files; ``None`` is UTF-8.
    all_lines : bool, default=False
        Whether to measure on every line: right for a text that no training saw.
    most_percent : int, default=100
        The smallest share of lines that any training concerned kept aside of its own text. A smaller text keeps more
        aside, and of these a training on a larger text that holds the same lines has read some.

    Returns
    -------
    MeasuredText
        At least one line.

    Raises
    ------
    CorpusError
        If the corpus cannot be read, holds no text, or is too small to keep anything aside.
    """
    paths = [corpus] if isinstance(corpus, str | Path) else list(corpus)
    opened = open_corpus(paths, field=field, encoding=encoding)
    stripped = map(str.strip, chain.from_iterable(iter_batches(opened)))
    n_lines, kept = distinct_lines(stripped, None if all_lines else max(SHARES))
    if not n_lines:
        raise empty_corpus(opened.names)
    percent = None if all_lines else min(held_out_percent(n_lines), most_percent)
    lines = tuple(line for line in kept if percent is None or is_held_out(line, percent))
    if not lines:
        expected = f"lines among the {percent} % that are kept aside from training"
        remedy = phrase("give more text, or measure on all lines of a text that no training saw with {all_lines}")
        raise refuse("corpus", expected, f"none of {n_lines}", remedy)
    return MeasuredText(lines=lines, files=opened.names, digest=opened.digest, n_lines=n_lines, percent=percent)
