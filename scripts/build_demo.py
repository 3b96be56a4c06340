"""Build the bundled demo from real text: its source models, later its runs.

Usage: ``python scripts/build_demo.py source --data DIR [--minutes 90]``; call it again to go on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer
from demo_compare import METHODS
from demo_data import HELD_OUT_PERCENT, SOURCES, Source, read_lines
from demo_release import write_release
from demo_source import bfloat16_is_faster, build_model, build_optimizers, held_out_losses, load_checkpoint, train
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project itself need not be installed
app = typer.Typer(add_completion=False, no_args_is_help=True)
CHARACTERS_PER_LANGUAGE = 4_500_000
ONLY = "which methods; what is kept of the others stays as it is"
WHICH = "multilingual, or english: one that has read no other language"


def training_lines(data: Path, languages: Sequence[str]) -> Iterator[str]:
    """Yield training lines, as many characters of each language (where there are as many)."""
    for language in languages:
        left = CHARACTERS_PER_LANGUAGE
        lines = list(read_lines(data, language, held_out=False))
        for line in lines[:: max(1, sum(map(len, lines)) // left)]:
            left -= len(line)
            if left > 0:
                yield line


def train_source_tokenizer(data: Path, path: Path, made: Source) -> Tokenizer:
    """Train the Unigram tokenizer of a source, XLM-R's special ids around it, and save it."""
    from focus_core.tokenization.training import train_unigram

    tokenizer = train_unigram(training_lines(data, made.languages), vocab_size=made.vocab_size)
    tokenizer.save(str(path))
    return tokenizer


def made_of(which: str) -> Source:
    """Return the source model of a name."""
    if which not in SOURCES:
        raise typer.BadParameter(f"expected one of {', '.join(SOURCES)}, got {which!r}")
    return SOURCES[which]


@app.command()
def source(
    data: Path = typer.Option(..., help="folder with corpora/<language>/*.txt"),
    which: str = typer.Option("multilingual", help=WHICH),
    work: Path = typer.Option(Path("build/demo"), help="checkpoints, in a folder for each source"),
    minutes: float = typer.Option(90.0, help="stop this part after so many minutes"),
    tokens: int = typer.Option(15_500_000, help="tokens to train on in all"),
    decay: int = typer.Option(3_000_000, help="tokens over which the rate falls to zero at the end"),
) -> None:
    """Train (or go on training) a source model."""
    made, work = made_of(which), work / which
    work.mkdir(parents=True, exist_ok=True)
    path = work / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path)) if path.exists() else train_source_tokenizer(data, path, made)
    languages = made.languages
    model, progress = train(tokenizer, data, work, languages=languages, total=tokens, decay=decay, minutes=minutes)
    table = held_out_losses(model, tokenizer, data, languages=languages, bfloat16=bfloat16_is_faster())
    (work / "measured.json").write_text(json.dumps({"tokens": progress.tokens, "held_out": table}, indent=1))
    print(json.dumps(table, indent=1))


@app.command()
def release(
    data: Path = typer.Option(..., help="folder with corpora/<language>/*.txt"),
    which: str = typer.Option("multilingual", help=WHICH),
    work: Path = typer.Option(Path("build/demo"), help="checkpoints"),
) -> None:
    """Measure the last checkpoint on held-out lines and write it in half precision, with its model card."""
    made, work = made_of(which), work / which
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    model = build_model(tokenizer, 0)
    progress = load_checkpoint(work, model, build_optimizers(model))
    table = held_out_losses(model, tokenizer, data, languages=made.languages, bfloat16=False)
    write_release(
        model, work / "tokenizer.json", made, table=table, progress=progress, held_out_percent=HELD_OUT_PERCENT
    )
    print(json.dumps({"tokens": progress.tokens, "held_out": table}, indent=1))


@app.command()
def run(
    data: Path = typer.Option(..., help="folder with corpora/<language>/*.txt"),
    language: str = typer.Option("sw", help="which language"),
    vocab_size: int = typer.Option(8000, help="size of the target tokenizer"),
) -> None:
    """Initialise the source for one language and write assets/demo/runs/LANGUAGE-SIZE."""
    from demo_runs import initialise, write_demo_run

    result = initialise(data, language, vocab_size=vocab_size)
    write_demo_run(result, Path("assets/demo/runs") / f"{language}-{vocab_size // 1000}k")
    print(json.dumps(result.counts, indent=1), json.dumps(result.health, indent=1))


@app.command()
def compare(
    data: Path = typer.Option(..., help="folder with corpora/<language>/*.txt"),
    work: Path = typer.Option(Path("build/compare"), help="runs and trainings"),
    minutes: float = typer.Option(90.0, help="begin nothing new after so many minutes"),
    method: list[str] = typer.Option(METHODS, help=ONLY),
    workers: int = typer.Option(2, help="pieces at a time"),
) -> None:
    """Initialise with every method and train each three times; call it again to go on."""
    from demo_compare import compare as compare_all

    compare_all(data, work, minutes=minutes, methods=method, workers=workers)


@app.command()
def collect(
    work: Path = typer.Option(Path("build/compare"), help="runs and trainings"),
    language: list[str] = typer.Option(["sw", "ar"], help="which languages"),
    method: list[str] = typer.Option(METHODS, help=ONLY),
) -> None:
    """Put the trainings into the demo's runs, without backbones and without what only a machine needs."""
    from demo_collect import collect as collect_all

    collect_all(work, tuple(language), tuple(method))


@app.command()
def migrate() -> None:
    """Rewrite the demo's runs to the newest version; those that are of it already stay as they are."""
    from focus_core.runs.migrate import migrate_run

    for path in sorted(Path("assets/demo/runs").iterdir()):
        print(migrate_run(path))


@app.command()
def table(
    data: Path = typer.Option(..., help="folder with corpora/<language>/*.txt and dict/*.tsv"),
    work: Path = typer.Option(Path("build/compare"), help="runs and trainings"),
    language: list[str] = typer.Option(["sw", "ar"], help="which languages"),
    method: list[str] = typer.Option(METHODS, help=ONLY),
) -> None:
    """Measure every method before and after training, keep the results, and write the table of docs/benchmarks.md."""
    from demo_table import measure_all, write_table

    measure_all(data, work, tuple(language), tuple(method))
    write_table(Path("docs/benchmarks.md"))


if __name__ == "__main__":
    app()
