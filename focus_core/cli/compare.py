"""The verb that runs initialisation methods side by side, and the one by which it runs a piece of itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from focus_core.cli.common import PARALLEL_HELP, Device, Encoding, Field, SourceColumn, TargetColumn, say
from focus_core.errors import CancelledError, bad_input, option
from focus_core.experiments.request import ComparisonRequest, methods_of
from focus_core.types import AuxiliarySpace, MatchMode

DEFAULT = ComparisonRequest(source="", target_tokenizer="", corpus=(Path(),))


def compare(
    source: Annotated[str, typer.Option(help="model folder or Hub id")],
    target_tokenizer: Annotated[str, typer.Option(help="folder, tokenizer file or Hub id")],
    corpus: Annotated[list[Path], typer.Option(help="file or folder of text; may be repeated")],
    output: Annotated[Path, typer.Option(help="the folder to make; the same request goes on where it was killed")],
    methods: Annotated[str, typer.Option(help="names with commas between, or all")] = "all",
    dictionary: Annotated[Path | None, typer.Option(help="source word TAB target word, one pair a line")] = None,
    parallel: Annotated[Path | None, typer.Option(help=PARALLEL_HELP)] = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    vectors: Annotated[Path | None, typer.Option(help="static vectors of the source language, .vec; or a text")] = None,
    donor: Annotated[str | None, typer.Option(help="a model that has the target tokenizer")] = None,
    seeds: Annotated[int, typer.Option(help="how many times each method is run")] = DEFAULT.seeds,
    probe_tokens: Annotated[int, typer.Option(help="tokens to train on before the second measure")] = (
        DEFAULT.probe_tokens
    ),
    match: Annotated[MatchMode, typer.Option(help="which tokens count as the same")] = DEFAULT.match,
    auxiliary_space: Annotated[AuxiliarySpace, typer.Option(help="how vectors are made from the text")] = (
        DEFAULT.auxiliary_space
    ),
    field: Field = DEFAULT.field,
    encoding: Encoding = None,
    device: Device = DEFAULT.device,
    threads: Annotated[int, typer.Option(help="threads of each run; 1 gives equal bytes")] = DEFAULT.threads,
    jobs: Annotated[int, typer.Option(help="runs at a time")] = 1,
) -> None:
    """Compare initialisation methods on your own text: at once, and after a short training."""
    given = {name: value for name, value in locals().items() if name not in ("output", "jobs", "corpus", "methods")}
    if jobs < 1:
        raise bad_input(option("jobs"), "at least 1", str(jobs), "choose a value in that range")
    request = ComparisonRequest(corpus=tuple(corpus), methods=methods_of(methods), **given)
    from focus_core.experiments.compare import compare_methods, unfinished
    from focus_core.experiments.folder import open_comparison

    try:
        made = open_comparison(compare_methods(request, output, jobs=jobs, terminal=sys.stderr))
    except KeyboardInterrupt:
        if unfinished(output):
            raise CancelledError("comparison: interrupted", hint="the same command goes on") from None
        raise
    say(made.markdown())


def compare_piece(
    folder: Annotated[Path, typer.Argument(help="a comparison that is being made")],
    piece: Annotated[str, typer.Argument(help="source, or METHOD-SEED")],
) -> None:
    """Make one piece of a comparison."""
    from focus_core.experiments.children import end_with_parent, piece_progress
    from focus_core.experiments.layout import SOURCE, Layout
    from focus_core.experiments.piece import run_piece, run_source

    end_with_parent()
    tell = piece_progress(Layout(root=folder), piece)
    if piece == SOURCE:
        run_source(folder, progress=tell)
        return
    method, _, seed = piece.rpartition("-")
    run_piece(folder, method, int(seed), progress=tell)
