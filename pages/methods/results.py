"""What a table of a comparison says, as rows and words for the page; imports no streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from focus_core.experiments.render import standing_words
from focus_core.numerics.formats import count
from focus_core.runs.legend import Method, method_of
from focus_core.types import NEED_SUMMARIES

Table = Mapping[str, Any]
METHOD, KEEP, FEW_LINES, REGIME = "method", "keep", "few-lines", "regime"
"""Kinds of a recommendation."""


def measured(table: Table) -> list[Mapping[str, Any]]:
    """Return the entries of the methods that ran, the lowest after the probe first."""
    return [entry for entry in table["methods"] if entry["status"] == "measured"]


def missing(table: Table) -> list[Mapping[str, Any]]:
    """Return the entries of the methods that lack an input."""
    return [entry for entry in table["methods"] if entry["status"] != "measured"]


def look_of(entry: Mapping[str, Any]) -> Method:
    """Return how the method of an entry is drawn."""
    return method_of(str(entry["method"]))


def headline(table: Table) -> str:
    """Return the answer in a few words; plain text.

    A tie is called a tie, also where a method is named for being the cheapest of it.
    """
    found = table["recommendation"]
    if found["kind"] == KEEP:
        return "Keep your tokenizer"
    if found["kind"] == FEW_LINES:
        return "Too few lines to recommend a method"
    if found["kind"] != METHOD or not found["method"]:
        return "No method is recommended"
    tied = [method_of(name).label for name in found["tied"]]
    if len(tied) < 2:
        return f"Take {method_of(found['method']).label}"
    return f"A tie: {', '.join(tied[:-1])} and {tied[-1]} cannot be told apart"


def cheapest(table: Table) -> str:
    """Return what to take of a tie, in a sentence; empty where there is none."""
    found = table["recommendation"]
    if found["kind"] != METHOD or len(found["tied"]) < 2:
        return ""
    return f"Take {method_of(found['method']).label}, the cheapest of them."


def reference(table: Table) -> str:
    """Return what the methods are compared with: the one that the choosing lines found best, lowest here or not."""
    best = table["recommendation"]["best"]
    return method_of(str(best)).label if best else "the best"


def why_reference(table: Table) -> str:
    """Return why that one: nothing is added where all lines are shown, of which it is the lowest."""
    found = table["measured"]
    return ", the best on the lines set apart for choosing" if found["n_reporting"] < found["n_lines"] else ""


def interval(found: Mapping[str, float] | None) -> str | None:
    """Return an interval as it stands in a table."""
    return None if found is None else f"{found['low']:.3f} to {found['high']:.3f}"


def seeds(found: Mapping[str, float]) -> str:
    """Return the lowest and the highest value over seeds."""
    return f"{found['seed_low']:.3f} to {found['seed_high']:.3f}"


def table_columns(table: Table) -> dict[str, list[Any]]:
    """Return the measured methods as columns: bits with intervals, differences, counts, the options that differ."""
    entries, said = measured(table), standing_words(table)
    columns: dict[str, list[Any]] = {
        "method": [look_of(entry).label for entry in entries],
        "standing": [said[str(entry["method"])] for entry in entries],
        "after training": [entry["probe"]["value"] for entry in entries],
        "its 95 %": [interval(entry["probe"]) for entry in entries],
        f"minus {reference(table)}": [entry["probe_minus_best"]["value"] for entry in entries],
        "simultaneous 95 %": [interval(entry["probe_minus_best"]) for entry in entries],
        "at once": [entry["start"]["value"] for entry in entries],
        "its 95 % at once": [interval(entry["start"]) for entry in entries],
        "seeds, after training": [seeds(entry["probe"]) for entry in entries],
        "learning rate": [f"{entry['learning_rate']:g}" for entry in entries],
    }
    for name in ("copied", "combined", "fallback"):
        columns[name] = [entry["counts"].get(name) for entry in entries]
    if any(entry["spent_tokens"] for entry in entries):
        columns["trained by itself"] = [entry["spent_tokens"] for entry in entries]
    options = sorted({name for entry in entries for name in entry["options"]})
    for name in options:
        columns[f"option {name.replace('_', '-')}"] = [_value(entry["options"].get(name)) for entry in entries]
    return columns


def _value(value: Any) -> str:
    if value is None:
        return "auto"
    return "yes" if value is True else "no" if value is False else str(value)


def curve_rows(table: Table) -> dict[str, list[Any]]:
    """Return the curves of all methods as columns, a point a row."""
    points = [(look_of(entry).label, point) for entry in measured(table) for point in entry["curve"]]
    return {
        "method": [label for label, _ in points],
        "tokens": [point["tokens"] for _, point in points],
        "held-out loss, nats per token": [point["held_out_loss"] for _, point in points],
    }


def what_is_missing(names: Sequence[str]) -> str:
    """Return what some needs are and where to get them; plain text."""
    return "; ".join(NEED_SUMMARIES.get(name, name) for name in names)


def about_lines(table: Table) -> str:
    """Return what was measured on, in a sentence; plain text."""
    found = table["measured"]
    words = (
        f"Measured on {count(found['n_lines'])} lines that no input holds ({count(found['n_words'])} masked words, "
        f"{count(found['n_characters'])} characters over all seeds)"
    )
    if found["n_reporting"] < found["n_lines"]:
        choosing = found["n_lines"] - found["n_reporting"]
        words += f"; {count(choosing)} of them choose, the other {count(found['n_reporting'])} give the numbers"
    removed = [f"{count(n)} line{'s' * (n != 1)} that {name} holds" for name, n in found["removed"].items() if n]
    return words + (f"; removed: {', '.join(removed)}." if removed else ".")
