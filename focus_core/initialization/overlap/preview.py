"""What each match option would change, before a run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from focus_core.initialization.overlap.matching import Overlap, match_vocabularies
from focus_core.initialization.overlap.statistics import shared_text
from focus_core.tokenization.display import show_token
from focus_core.tokenization.identity import NORMAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import MatchMode

LIMIT = 12
"""Tokens named for each pair of options."""


@dataclass(frozen=True, kw_only=True)
class ChangedToken:
    """A target token that has another source token under another option.

    Parameters
    ----------
    target_id : int
        The token.
    target : str
        How it is shown; harmless plain text, as are the others.
    before, after : str or None
        The source token copied under either option; ``None``: none, so the row is combined or falls back.
    """

    target_id: int
    target: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class MatchDifference:
    """What a change from one option to another does.

    Parameters
    ----------
    before, after : MatchMode
        The options.
    gained, lost : int
        Target tokens that become copied, and that no longer are.
    other : int
        Target tokens that are copied from another source token.
    tokens : tuple of ChangedToken
        A few of all these, those of the lowest ids first.
    """

    before: MatchMode
    after: MatchMode
    gained: int
    lost: int
    other: int
    tokens: tuple[ChangedToken, ...]


@dataclass(frozen=True, kw_only=True)
class MatchPreview:
    """The matches of two vocabularies under every option.

    Parameters
    ----------
    n_source, n_target : int
        Their tokens.
    shared, shared_text : dict of MatchMode to int
        Target tokens with a source token, and those of them that are text: at most so many are anchors.
    differences : tuple of MatchDifference
        One for every ordered pair of options.
    """

    n_source: int
    n_target: int
    shared: dict[MatchMode, int]
    shared_text: dict[MatchMode, int]
    differences: tuple[MatchDifference, ...]

    def against(self, chosen: MatchMode) -> tuple[MatchDifference, ...]:
        """Return what a change from the chosen option to each of the others does."""
        return tuple(found for found in self.differences if found.before is chosen)


def preview_matches(source: Vocabulary, target: Vocabulary, *, limit: int = LIMIT) -> MatchPreview:
    """Match two vocabularies under every option and compare.

    Parameters
    ----------
    source, target : Vocabulary
        The two vocabularies.
    limit : int, default=12
        Most tokens named for a pair of options.

    Returns
    -------
    MatchPreview
        Counts, and a few tokens by name.

    Notes
    -----
    Linear in the number of tokens of both sides.
    """
    overlaps = {mode: match_vocabularies(source, target, mode=mode) for mode in MatchMode}
    sources = {mode: _source_of(overlap, target.n) for mode, overlap in overlaps.items()}
    return MatchPreview(
        n_source=source.n_present,
        n_target=target.n_present,
        shared={mode: overlap.n_overlap for mode, overlap in overlaps.items()},
        shared_text={mode: shared_text(overlap, target) for mode, overlap in overlaps.items()},
        differences=tuple(
            _difference(source, target, (before, after), (sources[before], sources[after]), limit)
            for before, after in permutations(MatchMode, 2)
        ),
    )


def _source_of(overlap: Overlap, n_target: int) -> np.ndarray:
    """Return the source id of every target id, -1 where it has none."""
    found = np.full(n_target, -1, dtype=np.int64)
    found[overlap.target_ids] = overlap.source_ids
    return found


def _difference(
    source: Vocabulary,
    target: Vocabulary,
    modes: tuple[MatchMode, MatchMode],
    found: tuple[np.ndarray, np.ndarray],
    limit: int,
) -> MatchDifference:
    before, after = found
    gained, lost = (before < 0) & (after >= 0), (before >= 0) & (after < 0)
    other = (before >= 0) & (after >= 0) & (before != after)
    changed = np.flatnonzero(gained | lost | other)
    readable = changed[np.argsort(target.kinds[changed] != NORMAL, kind="stable")][:limit]
    return MatchDifference(
        before=modes[0],
        after=modes[1],
        gained=int(gained.sum()),
        lost=int(lost.sum()),
        other=int(other.sum()),
        tokens=tuple(
            ChangedToken(
                target_id=i,
                target=_show(target, i),
                before=_show(source, int(before[i])) if before[i] >= 0 else None,
                after=_show(source, int(after[i])) if after[i] >= 0 else None,
            )
            for i in readable.tolist()
        ),
    )


def _show(vocabulary: Vocabulary, token_id: int) -> str:
    return show_token(vocabulary.texts[token_id], word_start=bool(vocabulary.word_start[token_id]), limit=40)
