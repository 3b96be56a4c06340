"""What a comparison found, in words and as Markdown: ties are called ties, and what was not tested is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from focus_core.experiments.recommendation import LEAST_LINES, Regime, Standing
from focus_core.numerics.formats import count, cut_percent, decimal, listed, with_bounds
from focus_core.types import COST_SUMMARIES, NEED_SUMMARIES

Table = Mapping[str, Any]
NOT_TESTED = ("longer training", "training more than the embeddings", "larger models", "other texts")
STANDINGS = {
    Standing.TIED: "tied",
    Standing.DOUBTFUL: "tied, but worse on the lines shown",
    Standing.OPEN: "open",
    Standing.WORSE: "worse",
    None: "-",
}
"""What a table calls each standing."""
AHEAD = "ahead"
"""What it calls the one method that nothing is tied with."""


def standing_words(table: Table) -> dict[str, str]:
    """Return what is said of every measured method: one alone in the tie set is no tie."""
    words = {row["method"]: STANDINGS[row["standing"]] for row in _measured(table)}
    tied = [name for name, word in words.items() if word == STANDINGS[Standing.TIED]]
    return words | ({tied[0]: AHEAD} if len(tied) == 1 else {})


def answer(table: Table) -> dict[str, Any]:
    """Return what a comparison says to someone who has to choose.

    Parameters
    ----------
    table : mapping
        What `focus_core.experiments.table.build_table` returns; of ``recommendation`` it needs names and numbers.

    Returns
    -------
    dict
        ``sentence``, ``reasons`` and ``not_tested``.
    """
    found, untested = table["recommendation"], _not_tested(table)
    if found["kind"] == "few-lines":
        lines = count(table["measured"]["n_lines"])
        sentence = (
            f"This text has {lines} lines to measure on. The table shows what was measured; with fewer than "
            f"{LEAST_LINES}, or too few words on them, nothing is recommended."
        )
    else:
        n_lines, tokens = (count(n) for n in (table["measured"]["n_lines"], table["settings"]["probe_tokens"]))
        says = _keep(table) if found["kind"] == "keep" else _choice(table)
        sentence = f"On this text ({n_lines} lines), after {tokens} tokens: {says} Not tested: {', '.join(untested)}."
    return {"sentence": sentence, "reasons": list(_reasons(table)), "not_tested": untested}


def _choice(table: Table) -> str:
    """Say what is tied, worse and open, and which to take."""
    named = table["recommendation"]["method"] or table["recommendation"]["otherwise"]
    tied = _tied(table)
    if len(_measured(table)) == 1:
        return f"only {named} was measured."
    take = f"Take {named}, the cheapest of these." if len(tied) > 1 else f"Take {named}."
    return f"{'; '.join(_clauses(table))}. {take}"


def _clauses(table: Table) -> Iterator[str]:
    found, tied = table["recommendation"], _tied(table)
    yield f"{listed(tied)} cannot be told apart" if len(tied) > 1 else f"{tied[0]} is ahead"
    if found["worse"]:
        first, *rest = found["worse"]
        than = f" than {found['best']}" if len(tied) > 1 else ""
        parts = [f"{first['method']} is worse{than} by {_bounds(first)} bits per character"]
        yield ", ".join(parts + [f"{one['method']} by {_bounds(one)}" for one in rest])
    for one in found["open"]:
        yield f"whether {one['method']} is worse is open: {_bounds(one)}"


def _keep(table: Table) -> str:
    """Say that the source's own tokenizer is better, what speaks against it, and what to take all the same."""
    found, reference = table["recommendation"], table["reference"]
    less = {"value": -reference["minus_best"]["value"]}
    less |= {"low": -reference["minus_best"]["high"], "high": -reference["minus_best"]["low"]}
    best = f"{found['best']}, the best of them" if len(_measured(table)) > 1 else found["best"]
    own, new = reference["tokens_per_word"], reference["target_tokens_per_word"]
    length = f"its sequences are no longer: {_per_word(own)} tokens a word, {_per_word(new)} under the new tokenizer"
    if own is not None and new is not None and own > new:
        length = (
            f"what speaks against it is the length of sequences, {_per_word(own)} tokens a word where the new "
            f"tokenizer takes {_per_word(new)}"
        )
    return (
        f"the source under its own tokenizer is better than every method that was measured, by {_bounds(less)} bits "
        f"per character than {best}. Keep your tokenizer; {length}. If you change it all the same: {_choice(table)}"
    )


def _tied(table: Table) -> list[str]:
    return [row["method"] for row in _measured(table) if row["standing"] == Standing.TIED]


def _measured(table: Table) -> list[Table]:
    return [row for row in table["methods"] if row["status"] == "measured"]


def _missing(table: Table) -> list[Table]:
    return [row for row in table["methods"] if row["status"] == "missing"]


def _bounds(found: Table, *, digits: int = 2) -> str:
    return with_bounds(found["value"], found["low"], found["high"], digits=digits)


def _per_word(tokens: float | None) -> str:
    return decimal(tokens, 2)


def _not_tested(table: Table) -> list[str]:
    found = list(NOT_TESTED)
    if len(table["settings"]["seeds"]) == 1:
        found.append("other seeds")
    return found + [f"{row['method']}, which lacks an input" for row in _missing(table)]


def _reasons(table: Table) -> Iterator[str]:
    yield _regime(table["reference"])
    found = table["recommendation"]
    if len(_tied(table)) > 1:
        yield _cheapest(table)
    if table["reference"]["minus_best"] is not None:
        yield (
            f"The source under its own tokenizer minus {found['best']}, in bits per character: "
            f"{_bounds(table['reference']['minus_best'])}; below 0 the source is better."
        )
    own, new = table["reference"]["tokens_per_word"], table["reference"]["target_tokens_per_word"]
    yield f"A word of this text takes {_per_word(own)} tokens of the source, {_per_word(new)} of the new tokenizer."
    if found["kind"] != "few-lines":
        yield (
            f"{count(table['measured']['n_choosing'])} lines choose, the other "
            f"{count(table['measured']['n_reporting'])} give the differences; what lies within "
            f"{table['settings']['near']:g} bits per character of the best counts as tied."
        )
    for row in _measured(table):
        if row["standing"] in (Standing.OPEN, Standing.DOUBTFUL):
            half = "that choose" if row["standing"] == Standing.OPEN else "that give the differences"
            yield f"{row['method']} is worse on the lines {half}, and not on the others."
    for row in _missing(table):
        lacks = listed(f"{need} ({NEED_SUMMARIES[need]})" for need in row["missing"])
        yield f"{row['method']} was not run. It lacks {lacks}."


def _regime(reference: Table) -> str:
    if reference["regime"] == Regime.UNKNOWN:
        share = cut_percent(reference["unknown_share"])
        return (
            f"Whether the source has read this language cannot be measured: its tokenizer does not know {share} of it."
        )
    own, characters = _bounds(reference["bits_per_character"]), decimal(reference["character_unigram_bits"], 2)
    verb = "has read" if reference["regime"] == Regime.KNOWS else "does not seem to have read"
    return (
        f"The source {verb} this language: under its own tokenizer it pays {own} bits per character, the frequencies "
        f"of single characters alone {characters}."
    )


def _cheapest(table: Table) -> str:
    """Say why one of the tied methods is the cheapest."""
    named = table["recommendation"]["method"] or table["recommendation"]["otherwise"]
    costs = {row["method"]: row["cost"] for row in _measured(table)}
    alike = [name for name in _tied(table) if name != named and costs[name] == costs[named]]
    text = f"{named} is the cheapest of those that cannot be told apart: {COST_SUMMARIES[costs[named]]}"
    return f"{text}; so does {listed(alike)}, with more bits on the lines that choose." if alike else f"{text}."


def unmeasured_answer(examples: Sequence[Table]) -> dict[str, Any]:
    """Return what can be said where nothing was measured: the rule, and what was found where it was.

    Parameters
    ----------
    examples : sequence of mapping
        Tables of comparisons, such as one with a source that has read its language and one with a source that has not.

    Returns
    -------
    dict
        As ``recommendation`` in a table, of the kind ``regime``.
    """
    sentence = (
        "Nothing was measured on this text. Which method is best depends on whether the source has read the language: "
        "compare the methods on your own text, which tells."
    )
    return {
        "kind": "regime",
        "method": None,
        "otherwise": None,
        "best": None,
        "tied": [],
        "worse": [],
        "open": [],
        "sentence": sentence,
        "reasons": [_example(table) for table in examples],
        "not_tested": ["this text", "this source"],
    }


def _example(table: Table) -> str:
    regime = {
        Regime.KNOWS: "Where the source has read the language",
        Regime.DOES_NOT_KNOW: "Where the source has not read the language",
        Regime.UNKNOWN: "Where it cannot be measured whether the source has read the language",
    }[Regime(table["reference"]["regime"])]
    names = f"{table['source']['name']} → {table['target']['name']}, {', '.join(table['corpus']['files'])}"
    return f"{regime} ({names}): {table['recommendation']['sentence']}"


def render_table(table: Table) -> str:
    """Return a comparison as Markdown.

    Parameters
    ----------
    table : mapping
        What `focus_core.experiments.table.build_table` returns.

    Returns
    -------
    str
        Answer, table, reasons and notes; it ends with a line break.
    """
    found, notes = table["recommendation"], dict.fromkeys(_notes(table))
    parts = [
        f"# {table['source']['name']} → {table['target']['name']}",
        found["sentence"],
        "\n".join(_rows(table)),
        _caption(table),
        "\n".join(f"* {line}" for line in (*found["reasons"], *notes)),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(table: Table) -> Iterator[str]:
    minus, tokens = f"minus `{table['recommendation']['best']}`", count(table["settings"]["probe_tokens"])
    names = (
        "method",
        "at once",
        minus,
        f"after {tokens} tokens",
        minus,
        "seeds",
        "standing",
        "learning rate",
        "copied / combined / drawn",
    )
    yield _row(names)
    yield _row(["---", *["---:"] * 5, "---", "---:", "---:"])
    said = standing_words(table)
    for row in _measured(table):
        yield _row(_cells(row, said[row["method"]]))
    for row in _missing(table):
        yield _row([row["method"], *["-"] * 5, f"lacks {listed(row['missing'])}", "-", "-"])
    own, reference = table["reference"]["bits_per_character"], table["reference"]
    if own is not None:
        difference = _bounds(reference["minus_best"], digits=3)
        yield _row(["source, own tokenizer", "-", "-", _bounds(own, digits=3), difference, *["-"] * 4])
    characters = decimal(reference["character_unigram_bits"], 3)
    yield _row(["frequencies of characters", "-", "-", characters, *["-"] * 5])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Table, standing: str) -> list[str]:
    probe, counts = row["probe"], row["counts"]
    minus = [_bounds(row[name], digits=3) for name in ("start_minus_best", "probe_minus_best")]
    return [
        row["method"],
        _bounds(row["start"], digits=3),
        minus[0],
        _bounds(probe, digits=3),
        minus[1],
        f"{decimal(probe['seed_low'], 3)} to {decimal(probe['seed_high'], 3)}",
        standing,
        f"{row['learning_rate']:g}",
        " / ".join(count(counts[kind]) for kind in ("copied", "combined", "fallback")),
    ]


def _caption(table: Table) -> str:
    measured, settings = table["measured"], table["settings"]
    removed = ", ".join(f"{count(n)} for {name}" for name, n in measured["removed"].items() if n)
    without = f" Held-out lines that an input holds were left out: {removed}." if removed else ""
    n_seeds = len(settings["seeds"])
    seeds = (
        f" and count what {n_seeds} seeds add; the column of seeds shows the lowest and the highest after the probe"
        if n_seeds > 1
        else "; what another seed would give is in none of them"
    )
    return (
        f"Bits per character on {count(measured['n_reporting'])} of {count(measured['n_lines'])} held-out lines; in "
        f"brackets intervals at the level {settings['level']:g} from {count(settings['draws'])} draws of lines. Those "
        f"of differences hold together for all methods{seeds}.{without}"
    )


def _notes(table: Table) -> Iterator[str]:
    """Say in which options the methods differ, and what each was noted for."""
    rows = _measured(table)
    for name in sorted({name for row in rows for name in row["options"]}):
        groups: dict[str, list[str]] = {}
        for row in rows:
            groups.setdefault(str(row["options"][name]), []).append(row["method"])
        parts = [f"{value} ({', '.join(methods)})" for value, methods in groups.items()]
        yield f"The methods ran with different {name}: {listed(parts)}."
    for row in rows:
        yield from row["notes"]
