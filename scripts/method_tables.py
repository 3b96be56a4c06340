"""Compare the methods on both bundled sources and both bundled vocabularies, and write README's table from that.

Usage: ``python scripts/method_tables.py run --data DIR [--jobs 2]``, again to go on where it was stopped;
``write`` puts the committed results into README.md and docs/benchmarks.md, between marker comments.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the project itself need not be installed
COMPARISONS = ROOT / "assets" / "demo" / "comparisons"
"""What is kept of each comparison: its manifest and its table; the page Methods shows them as examples."""
KEPT = ("manifest.json", "table.json", "table.md")
START, END = "<!-- methods:start -->", "<!-- methods:end -->"
SOURCES = {"source": "six languages", "english": "English alone"}
"""Folder of a source in assets/demo: what it has read."""
LANGUAGES = {"sw": "Swahili", "ar": "Arabic"}
app = typer.Typer(add_completion=False, no_args_is_help=True)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A source and a language."""

    source: str
    language: str

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.source}-{self.language}"

    @property
    def label(self) -> str:
        """What a table calls it."""
        return f"{LANGUAGES[self.language]}, source of {SOURCES[self.source]}"


PAIRS = tuple(Pair(source=source, language=language) for source in SOURCES for language in LANGUAGES)


METHODS = "focus,overlap,script,subword-mean,mean,random,multivariate-normal"
"""What is compared: the method of the paper and what it is usually held against."""


def command(pair: Pair, data: Path, output: Path, *, methods: str, jobs: int, seeds: int, tokens: int) -> list[str]:
    """Return the command line that compares methods on a pair."""
    demo = ROOT / "assets" / "demo"
    arguments: list[str | Path] = [sys.executable, "-m", "focus_core", "compare"]
    arguments += ["--source", demo / pair.source]
    arguments += ["--target-tokenizer", demo / "runs" / f"{pair.language}-8k" / "target_tokenizer"]
    arguments += ["--corpus", data / "corpora" / pair.language, "--methods", methods]
    arguments += ["--dictionary", data / "dict" / f"wiktionary_en-{pair.language}.tsv"]
    arguments += ["--seeds", str(seeds), "--probe-tokens", str(tokens), "--jobs", str(jobs), "--output", output]
    return [str(argument) for argument in arguments]


@app.command()
def run(
    data: Path = typer.Option(..., help="folder with corpora/<language>/*.txt and dict/*.tsv"),
    work: Path = typer.Option(Path("build/methods"), help="where the comparisons are made"),
    methods: str = typer.Option(METHODS, help="names of methods, with commas; all: every one whose inputs there are"),
    jobs: int = typer.Option(2, help="children at a time"),
    seeds: int = typer.Option(3, help="seeds of every method"),
    tokens: int = typer.Option(60_000, help="target tokens of the probe"),
    only: str = typer.Option("", help="names of pairs, with commas; all of them where empty"),
) -> None:
    """Make the comparisons that are not made yet, keep their tables and write the documents."""
    for pair in PAIRS:
        if only and pair.name not in only.split(","):
            continue
        output = work / pair.name
        asked = command(pair, data, output, methods=methods, jobs=jobs, seeds=seeds, tokens=tokens)
        subprocess.run(asked, check=True, cwd=ROOT)
        keep(output, COMPARISONS / pair.name)
    write()


def keep(made: Path, folder: Path) -> None:
    """Copy what is kept of a comparison."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        (folder / name).write_bytes((made / name).read_bytes())


@app.command()
def write() -> None:
    """Write the table from the committed results."""
    results = load_results()
    for path, text in ((ROOT / "README.md", short_table(results)), (ROOT / "docs" / "benchmarks.md", tables(results))):
        path.write_text(between(path.read_text(encoding="utf-8"), text), encoding="utf-8", newline="\n")


def load_results() -> dict[str, dict[str, Any]]:
    """Return the kept tables by the name of their pair, in the order of `PAIRS`."""
    paths = {pair.name: COMPARISONS / pair.name / "table.json" for pair in PAIRS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def between(document: str, text: str) -> str:
    """Return a document with a text between its two marks."""
    before, rest = document.split(START, 1)
    return f"{before}{START}\n{text}\n{END}{rest.split(END, 1)[1]}"


def short_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of README: bits per character after the probe, what is tied with the best in bold."""
    labels = {pair.name: pair.label for pair in PAIRS}
    rows = [["bits per character after the probe", *(labels[name] for name in results)]]
    for method in ordered_methods(results):
        cells = [probe_cell(entry_of(found, method)) for found in results.values()]
        rows.append([method, *cells])
    rows.append(["*the source under its own tokenizer*", *(reference_cell(found) for found in results.values())])
    return markdown(rows)


def tables(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what docs/benchmarks.md shows: a table for each pair, and its answer in words."""
    return "\n\n".join(part for name, found in results.items() for part in section(name, found))


def section(name: str, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield heading, table and answer of one comparison."""
    pair = next(pair for pair in PAIRS if pair.name == name)
    yield f"### {pair.label}"
    rows = [["method", "at once", "after the probe", "minus the best", "seeds", "rate", "a translation among five"]]
    rows += [[entry["method"], *detail_cells(entry)] for entry in measured(found)]
    rows.append(["*the source under its own tokenizer*", reference_cell(found), "", "", "", "", ""])
    yield markdown(rows)
    yield str(found["recommendation"]["sentence"])


def detail_cells(entry: Mapping[str, Any]) -> list[str]:
    """Return the cells of one method in a comparison's own table."""
    start, probe, difference = entry["start"], entry["probe"], entry["probe_minus_best"]
    minus = (
        ""
        if difference is None
        else f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})"
    )
    return [
        f"{start['value']:.3f} ({start['low']:.3f}–{start['high']:.3f})",
        probe_cell(entry),
        minus,
        f"{probe['seed_low']:.3f}–{probe['seed_high']:.3f}",
        f"{entry['learning_rate']:g}",
        "" if entry["retrieval"] is None else retrieval_cell(entry["retrieval"]["start"]["new"]),
    ]


def retrieval_cell(found: Mapping[str, Any]) -> str:
    """Write for how many of the new tokens' source words a translation is among the five nearest candidates."""
    five = found["precision"]["5"]
    return "—" if five is None else f"{100 * five['value']:.1f} % of {found['n_words']:,}"


def ordered_methods(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the methods measured everywhere, the best on average first."""
    names = [{entry["method"] for entry in measured(found)} for found in results.values()]
    common = set.intersection(*names) if names else set()
    return sorted(common, key=lambda name: sum(entry_of(f, name)["probe"]["value"] for f in results.values()))


def measured(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the entries of the methods that were measured."""
    return [entry for entry in found["methods"] if entry["status"] == "measured"]


def entry_of(found: Mapping[str, Any], method: str) -> Mapping[str, Any]:
    """Return the entry of a method."""
    return next(entry for entry in measured(found) if entry["method"] == method)


def probe_cell(entry: Mapping[str, Any]) -> str:
    """Write what a method needs after the probe; in bold what cannot be told from the best."""
    probe = entry["probe"]
    text = f"{probe['value']:.2f} ({probe['low']:.2f}–{probe['high']:.2f})"
    return f"**{text}**" if entry["tied"] else text


def reference_cell(found: Mapping[str, Any]) -> str:
    """Write what the source needs under its own tokenizer."""
    bits = found["reference"]["bits_per_character"]
    return "—" if bits is None else f"{bits['value']:.2f} ({bits['low']:.2f}–{bits['high']:.2f})"


def markdown(rows: list[list[str]]) -> str:
    """Return rows as a Markdown table, numbers to the right."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" + "|---:" * (len(rows[0]) - 1) + "|", *body])


if __name__ == "__main__":
    app()
