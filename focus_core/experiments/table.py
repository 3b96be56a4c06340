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
from focus_core.experiments.layout import KIND, SCHEMA_VERSION
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
from focus_core.initialization.methods.registry import METHODS
from focus_core.numerics.formats import ratio
from focus_core.types import Cost

DIGITS = 6
FLATTERED = 0.01
"""Share of unknown tokens from which the source's own bits are not held against those of the methods."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Parts:
    """Which lines choose and which are shown, and what was said from them; nothing where a part masks nothing."""

    choosing: np.ndarray | None
    shown: np.ndarray
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
    parts = _parts(measured)
    text = measured.manifest["text"]
    methods = [_method(measured, parts, place, **rows) for place, rows in enumerate(_intervals(measured, parts))]
    table: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "source": _tokenizer(measured.source_facts["source"]),
        "target": _tokenizer(measured.source_facts["target"]),
        "corpus": {name: text[name] for name in ("files", "digest", "n_lines", "n_fit_lines")},
        "measured": _measured(measured, parts),
        "settings": _settings(measured),
        "reference": _reference(measured, parts),
        "methods": [*sorted(methods, key=lambda row: row["probe"]["value"]), *_missing(measured)],
    }
    found = _recommendation(measured, parts, table["methods"])
    return table | {"recommendation": found | answer(table | {"recommendation": found})}


def _parts(measured: Measured) -> _Parts:
    """Part the lines and judge the methods by them."""
    choosing = choosing_lines(measured.lines)
    if not all(measured.characters[:, part].sum(axis=1).all() for part in (choosing, ~choosing)):
        return _Parts(choosing=None, shown=np.ones(len(choosing), bool), judgement=None, keep=False)
    chosen, reported = (_probe(measured, part) for part in (choosing, ~choosing))
    judgement = judge(chosen, reported, [list(Cost).index(METHODS[name].cost) for name in measured.methods])
    keep = False
    if unknown_share(measured.source_facts["predicted"]) <= FLATTERED:
        chosen, reported = (_probe(measured, part, source=True) for part in (choosing, ~choosing))
        keep = source_is_better(chosen, reported, judgement.best)
    return _Parts(choosing=choosing, shown=~choosing, judgement=judgement, keep=keep)


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
        differences: Sequence[Interval | None] = [None] * len(bits)
        if parts.judgement is not None:
            differences = differences_to(lines, parts.judgement.best)
        columns[f"{name}_minus_best"] = [None if d is None else _bounds(d) for d in differences]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _number(value: float) -> float:
    return round(float(value), DIGITS) + 0.0


def _bounds(found: Interval) -> dict[str, float]:
    return {"value": _number(found.value), "low": _number(found.low), "high": _number(found.high)}


def _method(measured: Measured, parts: _Parts, place: int, **rows: Any) -> dict[str, Any]:
    name = measured.methods[place]
    facts, method = measured.facts[name], METHODS[name]
    standing = None if parts.judgement is None or _is_few(measured) else parts.judgement.standings[place]
    return {
        "method": name,
        "status": "measured",
        "needs": [str(need) for need in method.needs],
        "missing": [],
        "cost": str(method.cost),
        "learning_rate": facts[0]["learning_rate"],
        "seeds": list(measured.seeds),
        "counts": {kind: facts[0]["counts"][kind] for kind in ("copied", "combined", "fallback")},
        "options": _options(measured, name),
        **rows,
        "tied": standing in TIE_SET,
        "standing": None if standing is None else str(standing),
        "curve": _mean([one["curve"] for one in facts]),
        "retrieval": _mean([one["retrieval"] for one in facts]),
        "spent_tokens": method.spent_tokens + max(one["tokens"] for one in facts),
        "notes": list(dict.fromkeys(note for one in facts for note in one["notes"])),
    }


def _options(measured: Measured, name: str) -> dict[str, Any]:
    """Return the options in which the methods' runs differ, beside method and seed."""
    configs = [measured.facts[method][0]["config"] for method in measured.methods]
    own = measured.facts[name][0]["config"]
    names = [option for option in own if option not in ("method", "seed")]
    return {option: own[option] for option in names if any(c[option] != own[option] for c in configs)}


def _mean(values: Sequence[Any]) -> Any:
    """Return the mean over seeds of plain values of one shape; what is no number is that of the first."""
    first = values[0]
    if isinstance(first, Mapping):
        return {name: _mean([value[name] for value in values]) for name in first}
    if isinstance(first, list):
        return [_mean(row) for row in zip(*values, strict=False)]  # a probe may end an evaluation earlier
    if isinstance(first, int | float) and all(isinstance(value, int | float) for value in values):
        mean = sum(values) / len(values)
        return round(mean) if isinstance(first, int) else _number(mean)
    return first


def _missing(measured: Measured) -> list[dict[str, Any]]:
    rows = []
    for name, missing in measured.manifest["missing"].items():
        method = METHODS[name]
        needs = [str(need) for need in method.needs]
        rows.append({"method": name, "status": "missing", "needs": needs, "missing": missing, "cost": str(method.cost)})
    return rows


def _is_few(measured: Measured) -> bool:
    return len(measured.lines) < LEAST_LINES


def _tokenizer(segmentation: Mapping[str, Any]) -> dict[str, Any]:
    return {name: segmentation[name] for name in ("name", "digest", "n")}


def _measured(measured: Measured, parts: _Parts) -> dict[str, Any]:
    n_choosing = 0 if parts.choosing is None else int(parts.choosing.sum())
    return {
        "n_lines": len(measured.lines),
        "n_choosing": n_choosing,
        "n_reporting": int(parts.shown.sum()),
        "n_words": int(measured.words.sum()),
        "n_characters": int(measured.characters.sum()),
        "removed": dict(measured.manifest["text"]["removed"]),
    }


def _settings(measured: Measured) -> dict[str, Any]:
    rates = {rate["learning_rate"] for facts in measured.facts.values() for rate in facts[0]["rates"]}
    return {
        "seeds": list(measured.seeds),
        "probe_tokens": measured.manifest["request"]["probe_tokens"],
        "learning_rates": sorted(rates),
        "draws": DRAWS,
        "level": LEVEL,
        "near": NEAR,
    }


def _reference(measured: Measured, parts: _Parts) -> dict[str, Any]:
    """Return what the source under its own tokenizer pays; nothing where most of the text is unknown to that."""
    facts = measured.source_facts
    unknown = unknown_share(facts["predicted"])
    own = LineBits(bits=np.stack([measured.source, measured.unigram]), characters=measured.characters).at(parts.shown)
    known = unknown <= MOST
    regime = regime_of(measured.source, measured.unigram, measured.characters) if known else Regime.UNKNOWN
    minus = None
    if known and parts.judgement is not None:
        pair = _probe(measured, parts.shown, source=True).of([parts.judgement.best, len(measured.methods)])
        minus = _bounds(differences_to(pair, 0)[1])
    return {
        "bits_per_character": _bounds(value_intervals(own)[0]) if known else None,
        "minus_best": minus,
        "unknown_share": _number(unknown),
        "tokens_per_word": _tokens_per_word(facts["source"]),
        "target_tokens_per_word": _tokens_per_word(facts["target"]),
        "character_unigram_bits": _number(own.values[1]),
        "regime": str(regime),
    }


def _tokens_per_word(segmentation: Mapping[str, Any]) -> float | None:
    share = ratio(segmentation["n_word_tokens"], segmentation["n_words"])
    return None if share is None else _number(share)


def _recommendation(measured: Measured, parts: _Parts, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is recommended, in names and numbers."""
    found: dict[str, Any] = {"kind": "few-lines", "method": None, "otherwise": None, "best": None}
    found |= {"tied": [], "worse": [], "open": []}
    if parts.judgement is None:
        return found
    found["best"] = measured.methods[parts.judgement.best]
    if _is_few(measured):
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
