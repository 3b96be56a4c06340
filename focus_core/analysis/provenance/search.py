"""Finding tokens by what a person types, right or nearly right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.errors import RunFolderError, bad_input
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import ID_QUERY
from focus_core.runs.tokens import TABLES, frequency, row_name

MAX_COMPARED = 64
"""Longest spelling that is compared with others; longer ones are cut."""

EXACT, SAME_LETTERS, PREFIX, SUBSTRING = range(4)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Index:
    """The two forms of every token, case-folded once; ``place`` is 0 for the most frequent token."""

    forms: tuple[list[str], list[str]]
    folded: tuple[list[str], list[str]]
    place: list[int]
    present: np.ndarray


def _index(run: RunFolder, side: str) -> _Index:
    return run.remember(f"search {side}", lambda: _build_index(run, side))


def _build_index(run: RunFolder, side: str) -> _Index:
    native, text = (run.column(TABLES[side], name).tolist() for name in ("token", "text"))
    seen = np.nan_to_num(frequency(run, side))
    place = np.empty(len(native), dtype=np.int64)
    place[np.argsort(-seen, kind="stable")] = np.arange(len(native))
    return _Index(
        forms=(native, text),
        folded=([t.casefold() for t in native], [t.casefold() for t in text]),
        place=place.tolist(),
        present=np.array([kind is not None for kind in run.column(TABLES[side], "kind")]),
    )


def find_tokens(run: RunFolder, query: str, *, side: str = "target", limit: int = 50) -> list[int]:
    """Return the tokens that fit what was typed so far, best first.

    Parameters
    ----------
    run : RunFolder
        The run.
    query : str
        ``#ID``, or part of a token's native form or readable text, in any case.
    side : {"target", "source"}, default="target"
        Of which vocabulary.
    limit : int, default=50
        Most ids to return.

    Returns
    -------
    list of int
        Ids: the id itself, then equal forms, equal but for case, forms that begin with it, forms that
        contain it; the more frequent first within each, then the lower id. Empty for an empty query.

    Notes
    -----
    One pass over two lists of case-folded strings, built on first use: a few milliseconds for 50,000 tokens.
    """
    if not query:
        return []
    index, folded = _index(run, side), query.casefold()
    natives, texts = index.folded
    hits = [i for i, (a, b) in enumerate(zip(natives, texts, strict=True)) if folded in a or folded in b]
    ranked = sorted((_tier(index, i, query, folded), index.place[i], i) for i in hits)
    named = _named_id(index, query)
    return [*named, *(i for _, _, i in ranked[: limit + 1] if i not in named)][:limit]


def _tier(index: _Index, i: int, query: str, folded: str) -> int:
    """Return how well a hit fits: the better of its two forms."""
    if query in (index.forms[0][i], index.forms[1][i]):
        return EXACT
    native, text = index.folded[0][i], index.folded[1][i]
    if folded in (native, text):
        return SAME_LETTERS
    return PREFIX if native.startswith(folded) or text.startswith(folded) else SUBSTRING


def _named_id(index: _Index, query: str) -> list[int]:
    """Return the id that ``#ID`` names, where there is one."""
    match = ID_QUERY.fullmatch(query.strip())
    number = int(match[1]) if match else len(index.present)
    return [number] if number < len(index.present) and index.present[number] else []


def near_spellings(run: RunFolder, query: str, *, limit: int = 5) -> list[int]:
    """Return the target tokens that are spelt most like what was typed, for a name that no token has.

    Parameters
    ----------
    run : RunFolder
        The run.
    query : str
        A misspelt native form or readable text, in any case.
    limit : int, default=5
        Most ids to return.

    Returns
    -------
    list of int
        Target ids: tokens that `find_tokens` finds, where the query is part of one; else those with the fewest letters
        to change, at most a third of the query's, the more frequent first among equals. Empty where nothing is near.
    """
    wanted = query.strip()[:MAX_COMPARED]
    within = find_tokens(run, wanted, limit=limit)
    if within or not wanted:
        return within
    index, folded = _index(run, "target"), _without_marks(wanted).casefold()
    bound, letters = max(1, len(folded) // 3), set(folded)
    low, high = len(folded) - bound, len(folded) + bound
    steps = {
        i: edit_distance(folded, text, bound=bound)
        for i, text in enumerate(index.folded[1])
        if low <= len(text) <= high and len(letters.difference(text)) <= bound and index.present[i]
    }
    return sorted((i for i in steps if steps[i] <= bound), key=lambda i: (steps[i], index.place[i], i))[:limit]


def _without_marks(name: str) -> str:
    """Return a typed name without the marks by which tokenizers write that a word begins or goes on."""
    for mark in ("▁", "Ġ", "##"):
        if name.startswith(mark) and name != mark:
            return name.removeprefix(mark)
    return name


def edit_distance(one: str, other: str, *, bound: int) -> int:
    """Return how many letters to insert, delete, replace or swap with their neighbour turn one text into another.

    Examples
    --------
    >>> edit_distance("mkulmia", "mkulima", bound=2), edit_distance("abc", "xyz", bound=1)
    (1, 2)
    """
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            steps = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                steps = min(steps, before[j - 2] + 1)
            row.append(steps)
        if min(row) > bound and min(last) > bound:
            return bound + 1
        before, last = last, row
    return min(last[-1], bound + 1)


def named_tokens(run: RunFolder, query: str) -> list[int]:
    """Return every target token that a name means, or refuse it with the nearest spellings.

    Parameters
    ----------
    run : RunFolder
        The run.
    query : str
        ``#ID``, the native form or the readable text, in this very spelling.

    Returns
    -------
    list of int
        As `RunFolder.find`.

    Raises
    ------
    RunFolderError
        If no token has that name; the remedy names tokens that are spelt like it.
    """
    try:
        return run.find(query)
    except RunFolderError:
        near = near_spellings(run, query)
        if not near:
            raise
        names = ", ".join(f"{row_name(row, limit=32)} (#{row['id']})" for row in run.token_rows(near))
        raise bad_input(
            "TOKEN", expected="a token of the target vocabulary", got=ascii(query), error=RunFolderError,
            remedy=f"did you mean {names}? Else give #ID, the native form or the readable text",
        ) from None  # fmt: skip
