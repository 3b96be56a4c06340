"""A report of retrieval as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from focus_core.evaluation.render import columns
from focus_core.evaluation.retrieval.report import WAYS
from focus_core.numerics.formats import plain_percent

HEADER = ("", "method", "to the translation", "95 %", "from it", "95 %", "both", "95 %")


def render_retrieval(report: Mapping[str, Any]) -> list[str]:
    """Return a report as lines of text.

    Parameters
    ----------
    report : mapping
        What `evaluate_retrieval` returned.

    Returns
    -------
    list of str
        The pairs measured on, a table of accuracies, then differences and groups.
    """
    lines = [_text(report), *columns([HEADER, *map(_row, (*report["targets"], *report["sources"]))])]
    lines += [f"{d['target']} minus {d['minus']}: {_points(d['both'])}" for d in report["differences"]]
    return lines + [_group(group) for group in report["groups"]]


def _text(report: Mapping[str, Any]) -> str:
    known = report["parallel"]
    removed = f", {known['n_removed']:,} removed because training read a line of them" if known["n_removed"] else ""
    random = f"a guess finds {plain_percent(report['random'])}"
    return f"{known['file']}: {known['n_measured']:,} of {known['n_pairs']:,} pairs{removed}; {random}"


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    cells = [entry["target"], entry.get("method") or "source model"]
    for way in WAYS:
        found = entry["accuracy"][way]
        cells += [f"{found['value']:.1%}", f"{found['low']:.1%} to {found['high']:.1%}"]
    return tuple(cells)


def _points(found: Mapping[str, float]) -> str:
    """Return a difference of shares in points."""
    value, low, high = (100 * found[name] for name in ("value", "low", "high"))
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def _group(group: Mapping[str, Any]) -> str:
    n, found, other = len(group["targets"]), group["both"], group["minus_first_group"]
    name = f"{group['method']}, {group['state']}, {n} run{'s' * (n > 1)}"
    minus = f"; minus the first: {_points(other)}" if other else ""
    return f"{name}: {found['value']:.1%} ({found['low']:.1%} to {found['high']:.1%}){minus}"
