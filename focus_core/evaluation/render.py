"""A report of measures as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from focus_core.evaluation.comparable import why_not_comparable
from focus_core.numerics.formats import decimal, plain_percent

HEADER = (
    "",
    "method",
    "bits per character",
    "95 %",
    "nats per token",
    "tokens per word",
    "continued",
    "chars per token",
)


def render_evaluation(report: Mapping[str, Any]) -> list[str]:
    """Return a report as lines of text.

    Parameters
    ----------
    report : mapping
        What `evaluate_runs` returned.

    Returns
    -------
    list of str
        The text measured on, a table of losses, then what each training changed, alignment, differences and notes.
    """
    rows = [*report["targets"], *report["sources"]]
    lines = [_text(report), *columns([HEADER, *map(_row, rows)])]
    for entry in report["targets"]:
        lines += _change(entry) + _alignment(entry)
    for difference in report["differences"]:
        value = _interval(difference["bits_per_character"], sign=True)
        lines.append(f"{difference['target']} minus {difference['minus']}: {value} bits per character")
    lines += map(_group, report["groups"])
    return lines + [f"note: {entry['target']}: {note}" for entry in rows for note in entry["notes"]]


def _text(report: Mapping[str, Any]) -> str:
    corpus = report["corpus"]
    losses = [e["loss"] for e in (*report["targets"], *report["sources"]) if e["loss"]]
    how = "all of them" if corpus["percent"] is None else f"the {corpus['percent']} % kept aside from training"
    words = f", {losses[0]['n_words']:,} words of {losses[0]['n_characters']:,} characters predicted" if losses else ""
    files = ", ".join(corpus["files"])
    return f"{files}: {corpus['n_measured_lines']:,} of {corpus['n_lines']:,} different lines ({how}){words}"


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    loss, segmentation = entry["loss"], entry["segmentation"]
    bits, why = loss["bits_per_character"] if loss else None, why_not_comparable(loss)
    return (
        entry["target"],
        entry.get("method") or "source model",
        why.partition(":")[0] or decimal(bits["value"] if bits else None, 3),
        f"{bits['low']:.3f} to {bits['high']:.3f}" if bits else "-",
        decimal(loss["nats_per_token"] if loss else None, 3),
        decimal(segmentation["tokens_per_word"], 2),
        plain_percent(segmentation["continued_words"]),
        decimal(segmentation["characters_per_token"], 2),
    )


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows with columns of one width, the first two to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _change(entry: Mapping[str, Any]) -> list[str]:
    change = entry["change"]
    if change is None:
        return []
    parts = [f"drift foreseen {decimal(change['foreseen'], 3)}"]
    for name in ("all", "copied", "combined", "fallback"):
        group = change.get(name)
        if group and group["n"]:
            parts.append(
                f"{name} {group['n']:,} embeddings: cosine {decimal(group['cosine'], 3)}, "
                f"norm ratio {decimal(group['norm_ratio'], 2)}, neighbour overlap {plain_percent(group['kept'])}"
            )
    return [f"{entry['target']}: {'; '.join(parts)}"]


def _alignment(entry: Mapping[str, Any]) -> list[str]:
    found = entry["alignment"]
    if found is None:
        return []
    if not found["n_pairs"] and not found["identical"]["n_pairs"]:
        return [f"{entry['target']}: of {found['n_listed']:,} pairs of the dictionary none is one token on both sides"]
    retrieval = ", ".join(
        f"{name} {' / '.join(plain_percent(share) for share in shares.values())}"
        for name, shares in (("by cosine", found["retrieval"]["cosine"]), ("by CSLS", found["retrieval"]["csls"]))
    )
    same = found["identical"]
    return [
        f"{entry['target']}: {found['n_pairs']:,} of {found['n_listed']:,} dictionary pairs "
        f"({found['n_words']:,} words, {found['n_candidates']:,} candidates): alignment "
        f"{plain_percent(found['alignment'])}, shuffled {plain_percent(found['alignment_shuffled'])}; a translation "
        f"among the first 1 / 5 / 10: {retrieval}; {same['n_pairs']:,} pairs of one form apart: "
        f"{plain_percent(same['alignment'])}"
    ]


def _group(group: Mapping[str, Any]) -> str:
    n = len(group["targets"])
    name = f"{group['method']}, {group['state']}, {n} run{'s' * (n > 1)}"
    other = group["minus_first_group"]
    minus = f"; minus the first: {_interval(other, sign=True)}" if other else ""
    return f"{name}: {_interval(group['bits_per_character'])} bits per character{minus}"


def _interval(found: Mapping[str, float], *, sign: bool = False) -> str:
    form = "+.3f" if sign else ".3f"
    return f"{found['value']:{form}} ({found['low']:{form}} to {found['high']:{form}})"
