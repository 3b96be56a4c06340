"""Parallel text: pairs of a line and its translation, read from a table, and which of them are held out.

A pair is kept aside by the hash of its target line, as a line of text is, so that what one kind of training keeps
aside the other keeps aside too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from focus_core.artifacts import digest_json
from focus_core.corpus.corpus import open_corpus
from focus_core.corpus.held_out import LEAST_LINES, held_out_percent, is_held_out
from focus_core.corpus.readers import format_of, read_lines, refuse
from focus_core.errors import CorpusError, bad_input, option, phrase

SUFFIX = ".tsv"
HEADER = "id"
"""What the first cell of a header line says where nobody names a column."""
N_LOOKED_AT = 20
"""Lines by whose third cells it is seen that a third column holds scores."""
NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
COLUMNS_REMEDY = phrase("name the two columns with {source_column} and {target_column}")
WRITE = "write a line, a tab and its translation on each line of a .tsv file"


@dataclass(frozen=True, kw_only=True, eq=False)
class ParallelText:
    """Pairs of lines.

    Parameters
    ----------
    name : str
        The file's name.
    digest : str
        SHA-256 over the file's content and the columns that were read.
    pairs : tuple of (str, str)
        Source line and target line without white space around them; each pair once, in the file's order.
    n_incomplete : int
        Lines of the file of which a side is empty; they are left out.
    """

    name: str
    digest: str
    pairs: tuple[tuple[str, str], ...]
    n_incomplete: int


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitPairs:
    """Pairs to train on and pairs to measure on.

    Parameters
    ----------
    kept : list of (str, str)
        Pairs to train on.
    aside : list of (str, str)
        Pairs that are kept aside.
    n_left_out : int
        Pairs that are neither, for one of their lines is a line of a pair kept aside.
    percent : int
        How many target lines in a hundred are kept aside.
    """

    kept: list[tuple[str, str]]
    aside: list[tuple[str, str]]
    n_left_out: int
    percent: int


def read_parallel(
    path: Path | str,
    *,
    source_column: str | None = None,
    target_column: str | None = None,
    encoding: str | None = None,
) -> ParallelText:
    """Read parallel text.

    Parameters
    ----------
    path : Path or str
        A ``.tsv`` file, plain or packed (``.gz``, ``.zst``). Two columns are a line and its translation; three are an
        identifier and these two, unless the third holds numbers. A first line whose first cell is ``id`` is a header.
    source_column, target_column : str, default=None
        The columns: names that stand in the file's first line, or numbers from 1 in a file without a header. Both or
        neither; ``None`` is right for two and three columns.
    encoding : str, default=None
        Encoding of the file; ``None`` is UTF-8.

    Returns
    -------
    ParallelText
        At least one pair.

    Raises
    ------
    CorpusError
        If the file is missing, of another format or no text, a line has too few columns, a third column that nobody
        named holds numbers in the first lines, or there is no pair.

    Notes
    -----
    Quotes mean nothing: the definition of the format knows none.
    """
    path = Path(path)
    if path.is_dir():
        raise refuse(path.name, f"a {SUFFIX} file of pairs", "a folder", "name the file in it")
    opened = open_corpus([path], encoding=encoding)
    if format_of(path)[0] != SUFFIX:
        raise refuse(path.name, f"a {SUFFIX} file of pairs", f"the suffix {path.suffix!r}", WRITE)
    pairs: dict[tuple[str, str], None] = {}
    n_incomplete = 0
    for one, other in _cells(path, encoding, source_column, target_column):
        if one and other:
            pairs[one, other] = None
        else:
            n_incomplete += 1
    if not pairs:
        raise refuse(path.name, "pairs of lines", "none", WRITE)
    digest = digest_json([opened.digest, source_column, target_column])
    return ParallelText(name=path.name, digest=digest, pairs=tuple(pairs), n_incomplete=n_incomplete)


def named_columns(source_column: str | None, target_column: str | None) -> dict[str, str]:
    """Return the columns that somebody named, by the names of their options.

    Examples
    --------
    >>> named_columns("en", "sw"), named_columns(None, None)
    ({'source_column': 'en', 'target_column': 'sw'}, {})
    """
    given = {"source_column": source_column, "target_column": target_column}
    return {name: column for name, column in given.items() if column is not None}


def refuse_columns(parallel: Path | None, source_column: str | None, target_column: str | None) -> None:
    """Refuse columns of a table that is not given.

    Parameters
    ----------
    parallel : Path or None
        The table.
    source_column, target_column : str or None
        Its columns.

    Raises
    ------
    CorpusError
        That names the option.
    """
    for name, given in named_columns(source_column, target_column).items() if parallel is None else ():
        expected, remedy = phrase("a table of pairs beside it, by {parallel}"), "give one, or leave it out"
        raise bad_input(option(name), expected, repr(given), remedy, CorpusError)


def _cells(
    path: Path, encoding: str | None, source_column: str | None, target_column: str | None
) -> Iterator[tuple[str, str]]:
    """Yield the two cells of every line that is not blank."""
    rows = (
        (number, [cell.strip() for cell in line.split("\t")])
        for number, line in enumerate(read_lines(path, encoding=encoding), 1)
        if line and not line.isspace()
    )
    first = next(rows, None)
    if first is None:
        return
    columns, is_header = _columns(path.name, first[1], source_column, target_column)
    if source_column is None and len(first[1]) == 3 and not is_header:
        looked_at = list(islice(rows, N_LOOKED_AT - 1))
        _refuse_scores(path.name, [cells for _, cells in looked_at] or [first[1]])
        first_rows = [first, *looked_at]
    else:
        first_rows = [] if is_header else [first]
    for number, cells in chain(first_rows, rows):
        yield _pair(path.name, number, cells, columns)


def _refuse_scores(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Refuse a third column of numbers; what stands in a first line may be a name, so it alone says nothing."""
    if all(len(cells) == 3 and NUMBER.fullmatch(cells[2]) for cells in rows):
        expected = "an identifier, a line and its translation in three columns"
        remedy = phrase("name the two columns of text: {source_column} 1 and {target_column} 2, say")
        raise refuse(name, expected, f"numbers such as {rows[0][2][:20]} in the third", remedy)


def _pair(name: str, number: int, cells: Sequence[str], columns: tuple[int, int]) -> tuple[str, str]:
    if len(cells) <= max(columns):
        expected = f"at least {max(columns) + 1} columns with a tab between"
        raise refuse(name, expected, f"{len(cells)} in line {number:,}", "repair that line")
    return cells[columns[0]], cells[columns[1]]


def _columns(
    name: str, first: Sequence[str], source_column: str | None, target_column: str | None
) -> tuple[tuple[int, int], bool]:
    """Return the places of the two columns, and whether the first line is a header."""
    if (source_column is None) != (target_column is None):
        given, lacks = ("source_column", "target_column")[:: 1 if target_column is None else -1]
        raise bad_input(option(lacks), phrase("a column beside {}", option(given)), "none", "name both", CorpusError)
    if source_column is not None and target_column is not None:
        return _named(name, first, source_column, target_column)
    if len(first) not in (2, 3):
        expected = "two columns, a line and its translation, or an identifier before them"
        remedy = WRITE if len(first) == 1 else COLUMNS_REMEDY
        raise refuse(name, expected, f"{len(first)} in the first line", remedy)
    return (len(first) - 2, len(first) - 1), first[0].lower() == HEADER


def _named(name: str, first: Sequence[str], *wanted: str) -> tuple[tuple[int, int], bool]:
    """Return the places of columns that were named, or numbered from 1."""
    if all(column.isdecimal() for column in wanted):
        places = [int(column) - 1 for column in wanted]
        if min(places) < 0 or max(places) >= len(first):
            got = f"{wanted[0]} and {wanted[1]}"
            raise refuse(name, f"numbers of columns from 1 to {len(first)}", got, COLUMNS_REMEDY)
        return (places[0], places[1]), False
    lacking = [column for column in wanted if column not in first]
    if lacking:
        got = ", ".join(repr(cell[:40]) for cell in first[:8])
        raise refuse(name, f"a column {lacking[0]!r} in the first line", got, COLUMNS_REMEDY)
    return (first.index(wanted[0]), first.index(wanted[1])), True


def split_pairs(text: ParallelText) -> SplitPairs:
    """Keep some pairs aside to measure on.

    Parameters
    ----------
    text : ParallelText
        The pairs.

    Returns
    -------
    SplitPairs
        By a hash of the target line; no line of a pair kept aside is on either side of one to train on.

    Raises
    ------
    CorpusError
        If there are fewer than a hundred different pairs, or none is kept aside.
    """
    n = len(text.pairs)
    if n < LEAST_LINES:
        raise _too_few(text.name, n)
    percent = held_out_percent(n)
    aside = [pair for pair in text.pairs if is_held_out(pair[1], percent)]
    hidden = {line for pair in aside for line in pair}
    kept = [pair for pair in text.pairs if pair[0] not in hidden and pair[1] not in hidden]
    if not aside or not kept:
        raise _too_few(text.name, n)
    return SplitPairs(kept=kept, aside=aside, n_left_out=n - len(aside) - len(kept), percent=percent)


def _too_few(name: str, n: int) -> CorpusError:
    expected = f"at least {LEAST_LINES} different pairs, of which some can be kept aside to measure on"
    return refuse(name, expected, f"{n:,}", "give more pairs, one a line")


def holds_read_line(pairs: Sequence[tuple[str, str]], read: np.ndarray) -> np.ndarray:
    """Return of each pair whether one of its lines was read.

    Parameters
    ----------
    pairs : sequence of (str, str)
        Pairs of lines.
    read : ndarray of shape (n_lines,), dtype uint64
        Hashes of lines, by `hash_lines`.

    Returns
    -------
    ndarray of shape (n_pairs,), dtype bool
        True where either line is among them.
    """
    one, other = (np.isin(hash_lines([pair[side] for pair in pairs]), read) for side in (0, 1))
    return np.asarray(one | other)


def hash_lines(lines: Sequence[str]) -> np.ndarray:
    """Return a hash of eight bytes of each line; white space around it does not count.

    Parameters
    ----------
    lines : sequence of str
        Text.

    Returns
    -------
    ndarray of shape (n_lines,), dtype uint64
        Equal for equal lines, in every process.
    """
    digests = (hashlib.blake2b(line.strip().encode("utf-8", "surrogatepass"), digest_size=8).digest() for line in lines)
    return np.fromiter((int.from_bytes(digest, "big") for digest in digests), np.uint64, len(lines))
