"""From what was measured in a comparison to the table that is shown: plain JSON values, equal for equal input.

Values and differences are those of the lines that report. Numbers have six digits after the point, so that the last
bits of a sum, which depend on the machine, do not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from focus_core.evaluation.bootstrap import LEVEL, Interval
from focus_core.evaluation.comparable import MOST, unknown_share
from focus_core.experiments.folder import Measured
from focus_core.experiments.intervals import DRAWS, LineBits, differences_to, value_intervals
from focus_core.experiments.recommendation import (
    LEAST_LINES,
    NEAR,
    TIE_SET,
    Judgement,
    Regime,
    Standing,
    choosing_lines,
    judge,
    regime_of,
    source_is_better,
)
from focus_core.experiments.render import answer
from focus_core.experiments.summary import describe
from focus_core.initialization.methods.registry import METHODS
from focus_core.types import Cost

DIGITS = 6
FLATTERED = 0.01
"""Share of unknown tokens from which the source's own bits are not held against those of the methods."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Parts:
    """Which lines choose and which are shown, and what was said from them; no judgement where a part masks nothing."""

    n_choosing: int
    shown: np.ndarray
    best: int
    judgement: Judgement | None
    keep: bool


def build_table(measured: Measured) -> dict[str, Any]:
    """Return everything that is shown of a comparison.

    Parameters
    ----------
    measured : Measured
        Bits of every method, seed and line, and what was found out beside them.

    Returns
    -------
    dict
        ``source``, ``target``, ``corpus``, ``measured``, ``settings``, ``reference``, ``methods`` (measured ones by
        their value after the probe, then those that lack an input) and ``recommendation``.

    Raises
    ------
    InvalidInputError
        If a number is not finite, or no word is masked.
    """
    parts, table = _parts(measured), describe(measured)
    ran, missing = table["methods"][: len(measured.methods)], table["methods"][len(measured.methods) :]
    for place, (row, numbers) in enumerate(zip(ran, _intervals(measured, parts), strict=True)):
        row |= numbers | _standing(measured, parts, place)
    table["methods"] = [*sorted(ran, key=lambda row: row["probe"]["value"]), *missing]
    for row in table["methods"]:
        row["cost"] = str(METHODS[row["method"]].cost)
    table["measured"] |= {"n_choosing": parts.n_choosing, "n_reporting": int(parts.shown.sum())}
    table["settings"] |= {"draws": DRAWS, "level": LEVEL, "near": NEAR}
    table["reference"] |= _reference(measured, parts)
    table["recommendation"] = _recommendation(measured, parts, table["methods"])
    table["recommendation"] |= answer(table)
    return table


def _parts(measured: Measured) -> _Parts:
    """Part the lines and judge the methods by them."""
    choosing = choosing_lines(measured.lines)
    if not all(measured.characters[:, part].any() for part in (choosing, ~choosing)):
        shown = np.ones(len(choosing), bool)
        best = int(_probe(measured, shown).values.argmin())
        return _Parts(n_choosing=0, shown=shown, best=best, judgement=None, keep=False)
    chosen, reported = (_probe(measured, part) for part in (choosing, ~choosing))
    judgement = judge(chosen, reported, [list(Cost).index(METHODS[name].cost) for name in measured.methods])
    keep = False
    if unknown_share(measured.source_facts["predicted"]) <= FLATTERED:
        chosen, reported = (_probe(measured, part, source=True) for part in (choosing, ~choosing))
        keep = source_is_better(chosen, reported, judgement.best)
    n, best = int(choosing.sum()), judgement.best
    return _Parts(n_choosing=n, shown=~choosing, best=best, judgement=judgement, keep=keep)


def _probe(measured: Measured, lines: np.ndarray, *, source: bool = False) -> LineBits:
    """Return some lines of all methods after the probe, and of the source behind them."""
    bits = np.concatenate([measured.probe, measured.source[None]]) if source else measured.probe
    return LineBits(bits=bits, characters=measured.characters).at(lines)


def _intervals(measured: Measured, parts: _Parts) -> list[dict[str, Any]]:
    """Return values and differences of every method, at once and after the probe."""
    columns: dict[str, list[Any]] = {}
    for name, bits in (("start", measured.start), ("probe", measured.probe)):
        lines = LineBits(bits=bits, characters=measured.characters).at(parts.shown)
        seeds = [{"seed_low": _number(row.min()), "seed_high": _number(row.max())} for row in lines.seed_values]
        columns[name] = [_bounds(v) | s for v, s in zip(value_intervals(lines), seeds, strict=True)]
        columns[f"{name}_minus_best"] = [_bounds(found) for found in differences_to(lines, parts.best)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _number(value: float) -> float:
    return round(float(value), DIGITS) + 0.0


def _bounds(found: Interval) -> dict[str, float]:
    return {"value": _number(found.value), "low": _number(found.low), "high": _number(found.high)}


def _standing(measured: Measured, parts: _Parts, place: int) -> dict[str, Any]:
    """Return where a method stands; nothing is said of it where lines are few."""
    if parts.judgement is None or _is_few(measured):
        return {"tied": False, "standing": None}
    standing = parts.judgement.standings[place]
    return {"tied": standing in TIE_SET, "standing": str(standing)}


def _is_few(measured: Measured) -> bool:
    return len(measured.lines) < LEAST_LINES


def _reference(measured: Measured, parts: _Parts) -> dict[str, Any]:
    """Return what the source under its own tokenizer pays; nothing where most of the text is unknown to that."""
    unknown = unknown_share(measured.source_facts["predicted"])
    own = LineBits(bits=np.stack([measured.source, measured.unigram]), characters=measured.characters).at(parts.shown)
    known = unknown <= MOST
    regime = regime_of(measured.source, measured.unigram, measured.characters) if known else Regime.UNKNOWN
    pair = _probe(measured, parts.shown, source=True).of([parts.best, len(measured.methods)])
    return {
        "bits_per_character": _bounds(value_intervals(own)[0]) if known else None,
        "minus_best": _bounds(differences_to(pair, 0)[1]) if known else None,
        "unknown_share": _number(unknown),
        "character_unigram_bits": _number(own.values[1]),
        "regime": str(regime),
    }


def _recommendation(measured: Measured, parts: _Parts, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is recommended, in names and numbers."""
    found: dict[str, Any] = {"kind": "few-lines", "method": None, "otherwise": None}
    found |= {"best": measured.methods[parts.best], "tied": [], "worse": [], "open": []}
    if parts.judgement is None or _is_few(measured):
        return found
    named = measured.methods[parts.judgement.named]
    found |= {"kind": "keep", "otherwise": named} if parts.keep else {"kind": "method", "method": named}
    for row in rows:
        standing = row.get("standing")
        if row.get("tied"):
            found["tied"].append(row["method"])
        if standing in (Standing.OPEN, Standing.DOUBTFUL, Standing.WORSE):
            entry = {"method": row["method"], **row["probe_minus_best"]}
            found["worse" if standing == Standing.WORSE else "open"].append(entry)
    return found
