"""Ranked lists of tokens worth a look, and the source tokens that feed most of the new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.analysis.checks.causes import MORE_ANCHORS, anchors_in_words, has_few_anchors
from focus_core.analysis.token_list import MAX_LISTED, TokenList
from focus_core.errors import phrase
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import frequency, has_origin
from focus_core.types import Origin, TokenKind

FALLBACK = "fallback"
HALF = 0.5
"""From this largest weight on, one source token says more than all others together."""


class HubOrder(StrEnum):
    """By which measure hubs are ranked; a token can feed many rows with little weight each."""

    TOKENS = "tokens fed"
    WEIGHT = "weight"


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A source token that feeds combined rows: all of a run's, or those of a selection.

    Parameters
    ----------
    id : int
        Source id.
    text : str
        Its readable text.
    word_start : bool
        Whether it begins a word.
    weight : float
        The sum of its weights in these rows.
    share : float
        The same as a share of all weight in these rows.
    n_fed : int
        How many of these rows it is part of.
    """

    id: int
    text: str
    word_start: bool
    weight: float
    share: float
    n_fed: int


def token_lists(run: RunFolder, results: Sequence[CheckResult]) -> list[TokenList]:
    """Return the lists of tokens to look at: those that checks named, the worst verdict first, then the ranked ones.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    results : sequence of CheckResult
        Of `run_checks` on it.

    Returns
    -------
    list of TokenList
        None of them empty.
    """
    named = sorted((r for r in results if r.tokens), key=lambda r: (r.status != Status.PROBLEM, r.code))
    ranked = (_unplaced(run), _one_contributor(run), _diffuse(run), _lengths(run), _fed_by_no_text(run))
    return [_of_check(result) for result in named] + [_with_cause(run, found) for found in ranked if found.ids]


def _with_cause(run: RunFolder, found: TokenList) -> TokenList:
    """Return a list with the first cause as its remedy where mixtures are what they are for want of anchors."""
    if found.key == FALLBACK or not has_few_anchors(run):
        return found
    return replace(found, remedy=phrase("{}: {}", MORE_ANCHORS, anchors_in_words(run)))


def _of_check(result: CheckResult) -> TokenList:
    return TokenList(
        key=result.code,
        title=result.headline,
        meaning=result.summary,
        remedy=result.tip,
        ids=tuple(result.tokens),
        side=result.side,
        status=result.status,
    )


def _ranked(
    run: RunFolder, ids: np.ndarray, values: np.ndarray, *falling: np.ndarray, measure: str = "", **words: str
) -> TokenList:
    """Return a list of target ids by falling keys, then by frequency and id, with the value of each."""
    seen = np.nan_to_num(frequency(run)[ids])
    first = np.lexsort((ids, -seen, *(-key for key in falling)))[:MAX_LISTED]
    return TokenList(
        ids=tuple(ids[first].tolist()),
        values=tuple(values[first].astype(float).tolist()) if measure else (),
        measure=measure,
        n_more=len(ids) - len(first),
        **words,
    )


def _unplaced(run: RunFolder) -> TokenList:
    ids = np.flatnonzero(has_origin(run, Origin.FALLBACK))
    return _ranked(
        run, ids, ids, key=FALLBACK, title="Fallback embeddings, most frequent first",
        meaning="Nothing says where these embeddings should lie: they were drawn or averaged. Frequent ones cost most.",
        remedy=phrase("give more text, lower {min_count} where it is above 1, or choose another {fallback}"),
    )  # fmt: skip


def _one_contributor(run: RunFolder) -> TokenList:
    ids = np.flatnonzero(has_origin(run, Origin.COMBINED))
    largest = np.asarray(run.column("tokens", "max_weight"), dtype=np.float64)[ids]
    ids, largest = ids[largest >= HALF], largest[largest >= HALF]
    return _ranked(
        run, ids, largest, largest, key="one-contributor", title="One contributor decides",
        measure="largest weight",
        meaning="One source token has half the weight or more, so the embedding is nearly its copy: right for a "
        "translation or a spelling, wrong for an accident.",
        remedy=phrase(
            "open the token and see whether its contributor means the same; if many do not, raise {temperature}"
        ),
    )  # fmt: skip


def _diffuse(run: RunFolder) -> TokenList:
    ids = np.flatnonzero(has_origin(run, Origin.COMBINED))
    effective = np.asarray(run.column("tokens", "effective_contributors"), dtype=np.float64)[ids]
    known = np.isfinite(effective)
    ids, effective = ids[known], effective[known]
    return _ranked(
        run, ids, effective, effective, key="diffuse", title="Most diffuse mixtures",
        measure="effective contributors",
        meaning="The weight is spread over many source tokens, so the embedding is nearly a mean and says little.",
        remedy=phrase("make the auxiliary vectors from more text, or lower {temperature}"),
    )  # fmt: skip


def _lengths(run: RunFolder) -> TokenList:
    norms = np.asarray(run.column("tokens", "norm"), dtype=np.float64)
    copied = has_origin(run, Origin.COPIED)
    ids = np.flatnonzero(has_origin(run, Origin.COMBINED, Origin.FALLBACK))
    usual = float(np.median(norms[copied])) if copied.any() else 0.0
    ids = ids[norms[ids] > 0] if usual > 0 else ids[:0]
    ratio = norms[ids] / usual if len(ids) else np.empty(0)
    return _ranked(
        run, ids, ratio, np.abs(np.log(ratio)), key="length", title="Embeddings of unusual norm",
        measure="times the usual length",
        meaning="New embeddings whose norm is farthest, as a ratio, from that of the median copied one: long ones draw "
        "the output towards their tokens, short ones hide them.",
        remedy=phrase("see the contributors: short embeddings mix unlike ones; if many are short, lower {temperature}"),
    )  # fmt: skip


def _fed_by_no_text(run: RunFolder) -> TokenList:
    kinds = run.column("source_tokens", "kind").astype(str)
    target, source, weight = (run.column("contributions", name) for name in ("target_id", "source_id", "weight"))
    no_text = np.isin(kinds[source], [str(TokenKind.SPECIAL), str(TokenKind.BYTE)])
    total = np.bincount(target[no_text], weights=np.abs(weight[no_text]), minlength=len(run.present()))
    ids = np.flatnonzero(has_origin(run, Origin.COMBINED))
    ids = ids[total[ids] > 0]
    return _ranked(
        run, ids, total[ids], total[ids], key="no-text", title="Fed by control or byte tokens",
        measure="weight of these",
        meaning="Embeddings of control tokens and of single bytes stand for no meaning, and some weight is theirs.",
        remedy=phrase(
            "a small share does no harm; a large one: make the auxiliary vectors from more text or lower {temperature}"
        ),
    )  # fmt: skip


def hub_anchors(run: RunFolder, *, n: int = 15, by: HubOrder = HubOrder.TOKENS) -> list[Hub]:
    """Return the source tokens that feed most of the combined rows.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    n : int, default=15
        How many at most.
    by : HubOrder, default=HubOrder.TOKENS
        Whether the one that feeds most rows comes first, or the one with the largest weight.

    Returns
    -------
    list of Hub
        Largest first, equal ones by id; empty where nothing was combined.
    """
    weight = np.nan_to_num(np.asarray(run.column("source_tokens", "weight_fed"), dtype=np.float64))
    if weight.sum() <= 0:
        return []
    measure = weight if by is HubOrder.WEIGHT else np.asarray(run.column("source_tokens", "n_fed"), dtype=np.float64)
    order = np.argsort(-measure, kind="stable")[:n]
    order = order[measure[order] > 0]
    return feeding(run, np.arange(len(weight)), weight, run.column("source_tokens", "n_fed"), order)


def feeding(run: RunFolder, ids: np.ndarray, weight: np.ndarray, n_fed: np.ndarray, order: np.ndarray) -> list[Hub]:
    """Return some places of a list of source tokens that feed rows; shares are of the weight of the whole list."""
    whole = float(weight.sum())
    rows = zip(run.source_rows(ids[order].tolist()), order.tolist(), strict=True)
    return [
        Hub(
            id=row["id"],
            text=row["text"],
            word_start=row["word_start"],
            weight=float(weight[at]),
            share=float(weight[at]) / whole,
            n_fed=int(n_fed[at]),
        )
        for row, at in rows
    ]
