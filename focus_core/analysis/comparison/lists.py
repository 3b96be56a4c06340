"""Ranked lists of tokens worth a look, and the source tokens that feed most of the new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.analysis.comparison.runs import frequencies
from focus_core.errors import phrase
from focus_core.runs.folder import RunFolder
from focus_core.types import Origin, TokenKind

MAX_LISTED = 50
HALF = 0.5
"""From this largest weight on, one source token says more than all others together."""


@dataclass(frozen=True, kw_only=True)
class TokenList:
    """Tokens to look at, ranked, with what they have in common and what can be done.

    Parameters
    ----------
    key : str
        Names the list; the code of the check, where one named its tokens.
    title : str
        A few words.
    meaning : str
        Why these tokens stand here.
    remedy : str
        What to do about them.
    status : Status or None
        The verdict of the check; ``None`` where the list ranks tokens without judging.
    side : str
        Which vocabulary the ids belong to: ``target`` or ``source``.
    measure : str
        What ``values`` hold; "" where the list has no number of its own.
    n_total : int
        How many tokens fit; more than are listed, where there are more than 50.
    ids : tuple of int
        At most 50 tokens, the first to look at first.
    values : tuple of float
        What they are ranked by; empty without a measure.
    frequency : tuple of float
        Occurrences in the run's corpus; NaN where it had none.
    """

    key: str
    title: str
    meaning: str
    remedy: str
    status: Status | None
    side: str
    measure: str
    n_total: int
    ids: tuple[int, ...]
    values: tuple[float, ...]
    frequency: tuple[float, ...]


class HubOrder(StrEnum):
    """By which measure hubs are ranked; a token can feed many rows with little weight each."""

    TOKENS = "tokens fed"
    WEIGHT = "weight"


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A source token that feeds combined rows.

    Parameters
    ----------
    id : int
        Source id.
    text : str
        Its readable text.
    word_start : bool
        Whether it begins a word.
    weight : float
        The sum of its weights in all combined rows.
    share : float
        The same as a share of all weight in combined rows.
    n_fed : int
        How many combined rows it is part of.
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
    return [_of_check(run, result) for result in named] + [found for found in ranked if found.ids]


def _of_check(run: RunFolder, result: CheckResult) -> TokenList:
    table = "source_tokens" if result.side == "source" else "tokens"
    seen = np.asarray(run.column(table, "frequency"), dtype=np.float64)
    return TokenList(
        key=result.code,
        title=result.title,
        meaning=result.summary,
        remedy=result.tip,
        status=result.status,
        side=result.side,
        measure="",
        n_total=len(result.tokens),
        ids=tuple(result.tokens),
        values=(),
        frequency=tuple(seen[result.tokens].tolist()),
    )


def _ranked(
    run: RunFolder,
    ids: np.ndarray,
    values: np.ndarray,
    *,
    key: str,
    title: str,
    meaning: str,
    remedy: str,
    measure: str,
) -> TokenList:
    """Return a list of target ids that stand in their order already, with the value of each."""
    kept = ids[:MAX_LISTED]
    seen = frequencies(run)[kept]
    return TokenList(
        key=key,
        title=title,
        meaning=meaning,
        remedy=remedy,
        status=None,
        side="target",
        measure=measure,
        n_total=len(ids),
        ids=tuple(kept.tolist()),
        values=tuple(values[:MAX_LISTED].astype(float).tolist()) if measure else (),
        frequency=tuple(seen.tolist()),
    )


def _of_origin(run: RunFolder, *origins: Origin) -> np.ndarray:
    """Return the target ids of these origins."""
    return np.flatnonzero(np.isin(run.column("tokens", "origin").astype(str), [str(o) for o in origins]))


def _falling(ids: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Return the order that sorts ids by falling keys, the first one foremost, then by id."""
    return np.lexsort((ids, *(-key for key in reversed(keys))))


def _unplaced(run: RunFolder) -> TokenList:
    ids = _of_origin(run, Origin.FALLBACK)
    order = _falling(ids, np.nan_to_num(frequencies(run)[ids]))
    return _ranked(
        run, ids[order], ids, key="fallback", title="Fallback rows, most frequent first", measure="",
        meaning="Nothing says where these rows should lie: they were drawn or averaged. A frequent one costs most.",
        remedy=phrase("give more text, lower {min_count}, or choose another {fallback}"),
    )  # fmt: skip


def _one_contributor(run: RunFolder) -> TokenList:
    ids = _of_origin(run, Origin.COMBINED)
    largest = np.asarray(run.column("tokens", "max_weight"), dtype=np.float64)[ids]
    ids, largest = ids[largest >= HALF], largest[largest >= HALF]
    order = _falling(ids, largest, np.nan_to_num(frequencies(run)[ids]))
    return _ranked(
        run, ids[order], largest[order], key="one-contributor", title="One contributor decides",
        measure="largest weight",
        meaning="One source token has half the weight or more, so the row is nearly its copy: right for a "
        "translation or a spelling, wrong for an accident.",
        remedy=phrase(
            "open the token and see whether its contributor means the same; if many do not, raise {temperature}"
        ),
    )  # fmt: skip


def _diffuse(run: RunFolder) -> TokenList:
    ids = _of_origin(run, Origin.COMBINED)
    effective = np.asarray(run.column("tokens", "effective_contributors"), dtype=np.float64)[ids]
    known = np.isfinite(effective)
    ids, effective = ids[known], effective[known]
    order = _falling(ids, effective, np.nan_to_num(frequencies(run)[ids]))
    return _ranked(
        run, ids[order], effective[order], key="diffuse", title="Most diffuse mixtures",
        measure="effective contributors",
        meaning="The weight is spread over many source tokens, so the row comes close to a plain mean and says little.",
        remedy=phrase("train the auxiliary vectors longer, give more text, or lower {temperature}"),
    )  # fmt: skip


def _lengths(run: RunFolder) -> TokenList:
    norms = np.asarray(run.column("tokens", "norm"), dtype=np.float64)
    copied, ids = _of_origin(run, Origin.COPIED), _of_origin(run, Origin.COMBINED, Origin.FALLBACK)
    usual = float(np.median(norms[copied])) if len(copied) else 0.0
    ids = ids[norms[ids] > 0] if usual > 0 else ids[:0]
    ratio = norms[ids] / usual if len(ids) else np.empty(0)
    order = _falling(ids, np.abs(np.log(ratio)), np.nan_to_num(frequencies(run)[ids]))
    return _ranked(
        run, ids[order], ratio[order], key="length", title="Rows of unusual length", measure="times the usual length",
        meaning="New rows whose length is farthest, as a ratio, from that of the median copied row: long rows draw "
        "the output towards their tokens, short ones hide them.",
        remedy=phrase("see the contributors: short rows mix unlike rows; if many are short, lower {temperature}"),
    )  # fmt: skip


def _fed_by_no_text(run: RunFolder) -> TokenList:
    kinds = run.column("source_tokens", "kind").astype(str)
    target, source, weight = (run.column("contributions", name) for name in ("target_id", "source_id", "weight"))
    no_text = np.isin(kinds[source], [str(TokenKind.SPECIAL), str(TokenKind.BYTE)])
    total = np.bincount(target[no_text], weights=weight[no_text], minlength=len(frequencies(run)))
    ids = _of_origin(run, Origin.COMBINED)
    ids = ids[total[ids] > 0]
    order = _falling(ids, total[ids], np.nan_to_num(frequencies(run)[ids]))
    return _ranked(
        run, ids[order], total[ids][order], key="no-text", title="Fed by control or byte tokens",
        measure="weight of these",
        meaning="Rows of control tokens and of single bytes stand for no meaning, and some of the weight is theirs.",
        remedy=phrase(
            "a small share does no harm; a large one: train the auxiliary vectors longer or lower {temperature}"
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
    whole = float(weight.sum())
    if whole <= 0:
        return []
    measure = weight if by is HubOrder.WEIGHT else np.asarray(run.column("source_tokens", "n_fed"), dtype=np.float64)
    order = np.argsort(-measure, kind="stable")[:n]
    ids = [int(i) for i in order if measure[i] > 0]
    return [
        Hub(
            id=row["id"],
            text=row["text"],
            word_start=row["word_start"],
            weight=float(weight[row["id"]]),
            share=float(weight[row["id"]]) / whole,
            n_fed=row["n_fed"],
        )
        for row in run.source_rows(ids)
    ]
