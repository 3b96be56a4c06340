"""Write the table of results into README.md from benchmarks/results/*.json.

Usage: ``python scripts/write_benchmark_table.py [--readme README.md] [--results benchmarks/results] [--check]``.
The table stands between two marker comments. ``--check`` writes nothing and fails where the table is not the
results'.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"
ORDER = ("overlap", "corpus", "combine", "sparsemax", "whole_run", "projection", "map", "app")
"""Files of results in the order of the table; others follow."""


def seconds(value: float | None) -> str:
    """Write a time with three digits: ms below a second."""
    if value is None:
        return "—"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


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
    files = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in results.glob("*.json")}
    names = sorted(files, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    head = [
        "| what | size | ours | reference | ratio | target | peak above inputs (ours / reference) |",
        "|" + "---|" * 7,
    ]
    body = [line for name in names for line in table_rows(files[name]["rows"])]
    notes = [footnote(name, files[name]["environment"]) for name in names]
    return "\n".join([*head, *body, "", *notes])


def insert(text: str, table: str) -> str:
    """Put the table between the markers."""
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{START}\n{table}\n{END}{after}"


def main() -> None:
    """Write the table, or check that it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = options.readme.read_text(encoding="utf-8")
    if START not in text or END not in text:
        sys.exit(f"{options.readme} has no markers {START} and {END}")
    written = insert(text, build_table(options.results))
    if options.check:
        sys.exit(0 if written == text else f"{options.readme}: the table is not that of {options.results}")
    options.readme.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
