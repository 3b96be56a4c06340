"""Write the table of results into docs/benchmarks.md, and five of them into README.md, from committed files.

Usage: ``python scripts/write_benchmark_table.py [--document docs/benchmarks.md] [--readme README.md]
[--results benchmarks/results] [--check]``. Both stand between marker comments. ``--check`` writes nothing and fails
where a table is not the results'.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- {}:start -->", "<!-- {}:end -->"
COMPARISON = ROOT / "assets" / "demo" / "results" / "sw.json"
ORDER = ("overlap", "corpus", "auxiliary", "combine", "sparsemax", "whole_run", "projection", "map", "app")
"""Files of results in the order of the table; others follow."""

SHARED, SENTENCES, RETRIEVAL, PARITY = "normalization", "sentences", "retrieval", "wechsel"
"""Files of results that say how good and not how fast, each with a table of its own."""


def seconds(value: float | None) -> str:
    """Write a time with three digits: ms below a second."""
    if value is None:
        return "—"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def percent(share: float) -> str:
    """Write a share with one digit after the point."""
    return f"{share:.1%}".replace("%", " %")


def speed(row: dict[str, Any]) -> str:
    """Say how the two times compare, in the direction that reads best."""
    ours, theirs = row["seconds"], row["reference_seconds"]
    if theirs is None:
        return ""
    return f"{theirs / ours:.1f} × faster" if theirs >= ours else f"{ours / theirs:.2f} × its time"


def memory(row: dict[str, Any]) -> str:
    """Write peak memory above the inputs, ours and the reference's."""
    values = [row.get("mib"), row.get("reference_mib")]
    return " / ".join("—" if value is None else f"{value:,.0f} MiB" for value in values) if any(values) else ""


def describe(row: dict[str, Any]) -> tuple[str, str]:
    """Return what was measured, and its size."""
    if "what" in row:
        return row["what"], row["size"]
    return "overlap, from loaded tokenizers to matched pairs", f"{row['source']} → {row['target']}, {row['match']}"


def target_of(row: dict[str, Any]) -> str:
    """Return the target, where the row carries one of its own."""
    if "what" in row:
        return str(row.get("target", ""))
    return "≥ 10 × faster" if row["source"].startswith("xlm-roberta") else ""  # it was set for 250k tokens


def table_rows(rows: list[dict[str, Any]]) -> list[str]:
    """Turn one file's rows into lines of the table."""
    lines = []
    for row in rows:
        what, size = describe(row)
        reference = row.get("reference", "deepfocus")
        times = f"{seconds(row['seconds'])} | {reference}: {seconds(row['reference_seconds'])}"
        lines.append(f"| {what} | {size} | {times} | {speed(row)} | {target_of(row)} | {memory(row)} |")
    return lines


def footnote(name: str, environment: dict[str, Any]) -> str:
    """Say how one file's numbers came about."""
    versions = ", ".join(f"{key} {value}" for key, value in environment["versions"].items())
    threads = environment.get("threads", environment["cores"])
    load = environment["load"][0]
    return (
        f"- {name}: `{environment['command']}`, commit {environment['commit'] or 'none'}, {threads} threads, "
        f"load {load} at the start; {versions}."
    )


def build_table(results: Path) -> str:
    """Build the table and its footnotes from every file of results."""
    timed = [file for file in results.glob("*.json") if file.stem not in OWN_TABLES]
    files = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in timed}
    names = sorted(files, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    head = [
        "| what | size | ours | reference | ratio | target | peak above inputs (ours / reference) |",
        "|" + "---|" * 7,
    ]
    body = [line for name in names for line in table_rows(files[name]["rows"])]
    notes = [footnote(name, files[name]["environment"]) for name in names]
    return "\n".join([*head, *body, "", *notes])


def build_shared(file: dict[str, Any]) -> str:
    """Build the table of what tokenizers share with an uncased source, as they are written and in its form."""
    head = [
        "| tokenizer | tokens shared, `none` | `inherit` | their occurrences, `none` | `inherit` |",
        "|---|" + "---:|" * 4,
    ]
    body = [
        f"| {row['kind']}, {row['vocab_size']:,} | {percent(row['none_share'])} ({row['none_shared']:,}) "
        f"| **{percent(row['inherit_share'])}** ({row['inherit_shared']:,}) "
        f"| {percent(row['none_occurrences'])} | {percent(row['inherit_occurrences'])} |"
        for row in file["rows"]
    ]
    return "\n".join([*head, *body, "", footnote(SHARED, file["environment"])])


def build_sentences(file: dict[str, Any]) -> str:
    """Build the table of sentence encoders: how often paraphrases lie nearer than unrelated sentences."""
    head = [
        "| encoder | a paraphrase is nearer (95 % interval) | the nearest of all | copied | combined |",
        "|---|" + "---:|" * 4,
    ]
    return "\n".join([*head, *map(sentence_row, file["rows"]), "", footnote(SENTENCES, file["environment"])])


def sentence_row(row: dict[str, Any]) -> str:
    """Write one encoder's line."""
    share = f"{percent(row['share'])} ({percent(row['low'])} to {percent(row['high'])})"
    origins = " | ".join(f"{row[key]:,} of {row['tokens']:,}" if key in row else "—" for key in ("copied", "combined"))
    return f"| {row['encoder']} | {share} | {percent(row['nearest'])} | {origins} |"


TESTS = (("sw", "tatoeba", "Tatoeba en–sw"), ("sw", "tico", "TICO en–sw"), ("de", "tatoeba", "Tatoeba en–de"))
STATES = {"at once": "at once", "distilled": "distilled"}


def build_retrieval(file: dict[str, Any]) -> str:
    """Build the table of what each initialisation is worth to a sentence encoder, at once and after distillation."""
    rows = [row for row in file["rows"] if "value" in row]
    found = {(row["language"], row["test"], row.get("state", ""), row["method"]): row for row in rows}
    tests = [test for test in TESTS if any(key[:2] == test[:2] for key in found)]
    columns = [(*test[:2], state, f"{test[2]}, {words}") for test in tests for state, words in STATES.items()]
    head = ["| sentences found by their translation | " + " | ".join(c[3] for c in columns) + " |"]
    head.append("|---|" + "---:|" * len(columns))
    body = [
        f"| {label} | {' | '.join(retrieval_cell(found.get((*column[:3], method))) for column in columns)} |"
        for method, label in methods_of(found, columns)
    ]
    source = [retrieval_cell(found[*column[:2], "", "source"]) for column in columns]
    guess = [percent(1 / found[*column[:2], "", "source"]["pairs"]) for column in columns]
    body += [f"| *the source, unchanged* | {' | '.join(source)} |", f"| *a guess* | {' | '.join(guess)} |"]
    words = [retrieval_words(file, rows), beside_source(rows)]
    return "\n".join([*head, *body, "", *words, footnote(RETRIEVAL, file["environment"])])


def beside_source(rows: list[dict[str, Any]]) -> str:
    """Say of each test which methods are better than the unchanged source after distillation, by paired intervals."""
    from focus_core.runs.legend import method_of

    said = []
    for language, test, label in TESTS:
        found: dict[str, list[str]] = {"above it": [], "not to be told from it": [], "below it": []}
        for row in rows:
            if (row["language"], row["test"], row.get("state")) == (language, test, "distilled"):
                low, high = row["minus_source"]["low"], row["minus_source"]["high"]
                place = "above it" if low > 0 else "below it" if high < 0 else "not to be told from it"
                found[place].append(method_of(row["method"]).label)
        parts = [f"{place}: {', '.join(names)}" for place, names in found.items() if names]
        said += [f"{label}: {'; '.join(parts)}"] if parts else []
    return f"- After distillation, beside the unchanged source (paired): {'. '.join(said)}."


def methods_of(found: dict[tuple[str, ...], dict[str, Any]], columns: list[tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return the methods and their labels, the best after distillation first."""
    from focus_core.runs.legend import method_of

    last = columns[1]
    values = {method: row["value"] for (*key, method), row in found.items() if tuple(key) == last[:3]}
    return [(method, method_of(method).label) for method in sorted(values, key=lambda m: -values[m])]


def retrieval_cell(row: dict[str, Any] | None) -> str:
    """Write an accuracy with its interval; bold where it cannot be told from the best."""
    if row is None:
        return "—"
    text = f"{percent(row['value'])} ({100 * row['low']:.1f}–{100 * row['high']:.1f})"
    return f"**{text}**" if row.get("tied_with_best") else text


def retrieval_words(file: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Say on how many pairs and seeds it was measured, and what was trained."""
    settings = file["environment"]["settings"]
    pairs = {(row["language"], row["test"]): row["pairs"] for row in rows}
    known = [(pairs[test[:2]], test[2]) for test in TESTS if test[:2] in pairs]
    sizes = ", ".join(f"{n:,} pairs of {label}" for n, label in known)
    seeds = sorted({row["seeds"] for row in rows if "state" in row})
    many = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    many += " seed" if seeds == [1] else " seeds"
    removed = sum(counts["lines_removed"] + counts["verses_removed"] for counts in settings["inputs"].values())
    rate = f"learning rate {settings['rate']['rate']:g} of {len(settings['rate']['ends'])} tried on verses kept aside"
    return (
        f"- Measured on {sizes}; {many}. Distilled on {settings['tokens']:,} tokens of short Bible verses, the "
        f"embeddings alone, {rate}; {removed} lines of a text or of verses were test lines and removed."
    )


def build_parity(file: dict[str, Any]) -> str:
    """Build the table of how far our WECHSEL lies from its authors' package on equal inputs."""
    head = [
        "| rows | of them without a tie | pairs | source vectors | target vectors | new embeddings |",
        "|" + "---:|" * 6,
    ]
    body = [
        f"| {row['n_rows']:,} | {row['n_without_tie']:,} | {row['n_pairs']:,} | {row['source_vectors']:.1e} "
        f"| {row['target_vectors']:.1e} | {row['embeddings']:.1e} |"
        for row in file["rows"]
    ]
    return "\n".join([*head, *body, "", footnote(PARITY, file["environment"])])


OWN_TABLES = {SHARED: build_shared, SENTENCES: build_sentences, RETRIEVAL: build_retrieval, PARITY: build_parity}


def headline(name: str, file: dict[str, Any], place: int) -> str:
    """Return the line of README of one row: what, on what, how fast beside what, by which command."""
    row = file["rows"][place]
    what, size = describe(row)
    beside = f"{row.get('reference', 'deepfocus')}: {seconds(row['reference_seconds'])}, {speed(row)}"
    peak = f"; peak {memory(row)}" if memory(row) else ""
    result = f"{seconds(row['seconds'])} ({beside}{peak})" if row["reference_seconds"] else seconds(row["seconds"])
    return f"| {what}, {size} | {result} | `python -m benchmarks {name}` |"


def quality() -> str:
    """Return the line of README on what the initialisation is worth."""
    groups = json.loads(COMPARISON.read_text(encoding="utf-8"))["groups"]
    bits = {g["method"]: g["bits_per_character"]["value"] for g in groups if g["trained_tokens"] is None}
    said = f"FOCUS {bits['focus']:.2f}, overlap only {bits['overlap']:.2f}, random {bits['random']:.2f}"
    what = "held-out Swahili at once, bits per character (fewer are better), mean of three seeds"
    return f"| {what} | {said} | `python scripts/build_demo.py table` |"


def build_headlines(results: Path) -> str:
    """Build README's table: one row of each of four files, and the comparison of methods."""
    rows = {"overlap": 0, "combine": 2, "whole_run": 0, "app": 4}
    files = {name: json.loads((results / f"{name}.json").read_text(encoding="utf-8")) for name in rows}
    lines = [headline(name, file, rows[name]) for name, file in files.items()]
    file = results / f"{RETRIEVAL}.json"
    found = [retrieval_headline(json.loads(file.read_text(encoding="utf-8")))] if file.exists() else []
    return "\n".join(["| what | ours | measured by |", "|---|---|---|", quality(), *found, *lines])


def retrieval_headline(file: dict[str, Any]) -> str:
    """Return the line of README on a real sentence encoder under a Swahili vocabulary."""
    from focus_core.runs.legend import method_of

    rows = [row for row in file["rows"] if (row["language"], row["test"]) == ("sw", "tatoeba")]
    taught = {row["method"]: row["value"] for row in rows if row.get("state") == "distilled"}
    (source,) = (row["value"] for row in rows if row["method"] == "source")
    best = max(taught, key=lambda method: taught[method])
    names = [name for name in dict.fromkeys(("focus", best, "random")) if name in taught]
    said = ", ".join(f"{method_of(name).label} {percent(taught[name])}" for name in names)
    tokens = f"{file['environment']['settings']['tokens']:,} tokens of distillation"
    what = f"translations found by an English sentence encoder (all-MiniLM-L6-v2) in Swahili after {tokens}"
    return f"| {what} | {said}; the source unchanged {percent(source)} | `python -m benchmarks retrieval` |"


def insert(text: str, mark: str, table: str) -> str:
    """Put a table between its markers."""
    start, end = START.format(mark), END.format(mark)
    before, rest = text.split(start, 1)
    after = rest.split(end, 1)[1]
    return f"{before}{start}\n{table}\n{end}{after}"


def main() -> None:
    """Write the tables, or check that they are up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    tables = {"benchmarks": build_table(options.results)}
    for name, build in OWN_TABLES.items():
        if (file := options.results / f"{name}.json").exists():
            tables[name] = build(json.loads(file.read_text(encoding="utf-8")))
    written = {
        options.document: put(options.document, tables),
        options.readme: put(options.readme, {"headlines": build_headlines(options.results)}),
    }
    for path, text in written.items():
        if options.check and text != path.read_text(encoding="utf-8"):
            sys.exit(f"{path}: the table is not that of {options.results}")
        if not options.check:
            path.write_text(text, encoding="utf-8")


def put(path: Path, tables: dict[str, str]) -> str:
    """Return a document with tables put in their places."""
    text = path.read_text(encoding="utf-8")
    for mark, table in tables.items():
        if START.format(mark) not in text or END.format(mark) not in text:
            sys.exit(f"{path} has no markers {START.format(mark)} and {END.format(mark)}")
        text = insert(text, mark, table)
    return text


if __name__ == "__main__":
    main()
