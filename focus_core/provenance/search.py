"""Finding tokens by what a person types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.run_folder import ID_QUERY, RunFolder

EXACT, SAME_LETTERS, PREFIX, SUBSTRING = range(4)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Index:
    """The two forms of every token, case-folded once; ``place`` is 0 for the most frequent token."""

    forms: tuple[list[str], list[str]]
    folded: tuple[list[str], list[str]]
    place: list[int]
    present: np.ndarray


def _index(run: RunFolder, table: str) -> _Index:
    return run.remember(f"search {table}", lambda: _build_index(run, table))


def _build_index(run: RunFolder, table: str) -> _Index:
    native, text = (run.column(table, name).tolist() for name in ("token", "text"))
    frequency = np.nan_to_num(run.column(table, "frequency").astype(np.float64))
    place = np.empty(len(native), dtype=np.int64)
    place[np.argsort(-frequency, kind="stable")] = np.arange(len(native))
    return _Index(
        forms=(native, text),
        folded=([t.casefold() for t in native], [t.casefold() for t in text]),
        place=place.tolist(),
        present=np.array([kind is not None for kind in run.column(table, "kind")]),
    )


def find_tokens(run: RunFolder, query: str, *, limit: int = 50) -> list[int]:
    """Return the target tokens that fit what was typed so far, best first.

    Parameters
    ----------
    run : RunFolder
        The run.
    query : str
        ``#ID``, or part of a token's native form or readable text, in any case.
    limit : int, default=50
        Most ids to return.

    Returns
    -------
    list of int
        Target ids: the id itself, then equal forms, equal but for case, forms that begin with it, forms that
        contain it; the more frequent first within each, then the lower id. Empty for an empty query.

    Notes
    -----
    One pass over two lists of case-folded strings, built on first use: a few milliseconds for 50,000 tokens.
    """
    return _find(_index(run, "tokens"), query, limit)


def find_source_tokens(run: RunFolder, query: str, *, limit: int = 50) -> list[int]:
    """Return the source tokens that fit what was typed so far, best first.

    Parameters
    ----------
    run : RunFolder
        The run.
    query : str
        As for `find_tokens`.
    limit : int, default=50
        Most ids to return.

    Returns
    -------
    list of int
        Source ids, ordered as by `find_tokens`.
    """
    return _find(_index(run, "source_tokens"), query, limit)


def _find(index: _Index, query: str, limit: int) -> list[int]:
    if not query:
        return []
    folded = query.casefold()
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
