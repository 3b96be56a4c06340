"""Two tokenizations of the same characters, laid above each other: which tokens cover what, and where both may break.

Everything follows from a text and two lists of offsets: spans without gaps, whole user-perceived characters, columns
that both share, links between tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from tokenizers import Regex, pre_tokenizers

Span = tuple[int, int]
_GRAPHEMES = pre_tokenizers.Split(Regex(r"\X"), "isolated")


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole characters of the text, and the subwords that one tokenization makes of them."""

    start: int
    end: int
    subwords: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A block and its columns.

    Parameters
    ----------
    block : Block
        The block.
    first, last : int
        Its first column within its stretch, and the one behind its last.
    """

    block: Block
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The shortest part of a text at whose ends both tokenizations have a border.

    Parameters
    ----------
    start, end : int
        Characters of the text.
    n_columns : int
        Graphemes, and places of subwords that stand for none.
    upper, lower : tuple of Placed
        The blocks of either tokenization, in order.
    """

    start: int
    end: int
    n_columns: int
    upper: tuple[Placed, ...]
    lower: tuple[Placed, ...]


def graphemes(text: str) -> list[int]:
    """Return where user-perceived characters begin, and the length of the text.

    Examples
    --------
    >>> graphemes("ne\u0301e")
    [0, 1, 3, 4]
    """
    return [0, *accumulate(len(part) for part, _ in _GRAPHEMES.pre_tokenize_str(text))]


def tile(text: str, offsets: Sequence[Span], bare: Sequence[bool]) -> list[Span]:
    """Return spans that give the white space before a subword to it, so that no two tokenizers differ in that.

    Examples
    --------
    >>> tile("a b", [(0, 1), (2, 3)], [False, False])
    [(0, 1), (1, 3)]
    >>> tile("ab", [(0, 1), (0, 2)], [True, False])
    [(0, 0), (0, 2)]
    """
    spans: list[Span] = []
    covered = 0
    for (begin, end), mark in zip(offsets, bare, strict=True):
        start, stop = (begin, begin) if mark and not text[begin:end].isspace() else (begin, end)
        while start > covered and text[start - 1].isspace():
            start -= 1
        if spans:
            start = max(start, spans[-1][0])
        stop = max(stop, start)
        spans.append((start, stop))
        covered = max(covered, stop)
    return spans


def blocks(text: str, spans: Sequence[Span], borders: Sequence[int]) -> list[Block]:
    """Group subwords that share a grapheme, and add what no subword covers."""
    allowed = set(borders)
    found: list[Block] = []
    start = end = 0
    members: list[int] = []
    for i, (begin, stop) in enumerate(spans):
        if members and (begin < end or begin not in allowed):
            members.append(i)
            end = _whole(max(end, stop), borders)
            continue
        if members:
            found.append(Block(start=start, end=end, subwords=tuple(members)))
        reached = end
        start = begin if begin in allowed else max(b for b in borders if b <= begin)
        if start > reached:
            found.append(Block(start=reached, end=start, subwords=()))
        end, members = _whole(stop, borders), [i]
    if members:
        found.append(Block(start=start, end=end, subwords=tuple(members)))
    if end < len(text):
        found.append(Block(start=end, end=len(text), subwords=()))
    return found


def _whole(position: int, borders: Sequence[int]) -> int:
    """Return the first border that is not before a position."""
    return next(border for border in borders if border >= position)


def links(own: Sequence[Span], other: Sequence[Span]) -> list[tuple[int, ...]]:
    """Return, for every subword of one tokenization, the subwords of the other that cover the same characters.

    Examples
    --------
    >>> links([(0, 2), (2, 3)], [(0, 1), (1, 3)])
    [(0, 1), (1,)]
    """
    empty = [{start for start, end in tokenization if start == end} for tokenization in (own, other)]
    return [tuple(j for j, theirs in enumerate(other) if _meet(mine, theirs, *empty)) for mine in own]


def _meet(mine: Span, theirs: Span, own_empty: set[int], other_empty: set[int]) -> bool:
    """Whether two subwords share a character, or the place where one of them has none."""
    is_empty = (mine[0] == mine[1], theirs[0] == theirs[1])
    if all(is_empty):
        return mine[0] == theirs[0]
    if is_empty[0]:
        return theirs[0] <= mine[0] < theirs[1] and mine[0] not in other_empty
    if is_empty[1]:
        return mine[0] <= theirs[0] < mine[1] and theirs[0] not in own_empty
    return mine[0] < theirs[1] and theirs[0] < mine[1]


def stretches(upper: Sequence[Block], lower: Sequence[Block], borders: Sequence[int]) -> list[Stretch]:
    """Lay two tokenizations above each other."""
    places = _columns(upper, lower, borders)
    placed = [_place(tokenization, places) for tokenization in (upper, lower)]
    total = max((p.last for tokenization in placed for p in tokenization), default=0)
    common = sorted({p.first for p in placed[0]} & {p.first for p in placed[1]} | ({0} if total else set()))
    result = []
    for left, right in pairwise([*common, total]):
        inside = [tuple(_shift(p, left) for p in tokenization if left <= p.first < right) for tokenization in placed]
        covered = [p.block for p in (*inside[0], *inside[1])]
        result.append(
            Stretch(
                start=min(block.start for block in covered),
                end=max(block.end for block in covered),
                n_columns=right - left,
                upper=inside[0],
                lower=inside[1],
            )
        )
    return result


def _columns(upper: Sequence[Block], lower: Sequence[Block], borders: Sequence[int]) -> dict[int, int]:
    """Return the first column of every border: subwords without a character have columns of their own before it."""
    extra = dict.fromkeys(borders, 0)
    for tokenization in (upper, lower):
        own = dict.fromkeys(borders, 0)
        for block in tokenization:
            if block.start == block.end:
                own[block.start] += 1
        extra = {border: max(extra[border], own[border]) for border in borders}
    columns, column = {}, 0
    for border in borders:
        columns[border] = column
        column += extra[border] + 1
    return columns


def _place(tokenization: Sequence[Block], columns: dict[int, int]) -> list[Placed]:
    """Give every block of a tokenization its columns in the whole text."""
    placed: list[Placed] = []
    for block in tokenization:
        first = columns[block.start]
        if placed and placed[-1].last > first and placed[-1].block.start == placed[-1].block.end == block.start:
            first = placed[-1].last
        empty = block.start == block.end
        placed.append(Placed(block=block, first=first, last=first + 1 if empty else columns[block.end]))
    return placed


def _shift(placed: Placed, by: int) -> Placed:
    return Placed(block=placed.block, first=placed.first - by, last=placed.last - by)
