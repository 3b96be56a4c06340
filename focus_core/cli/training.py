"""The verbs that follow an initialisation: adapt, atlas, import, evaluate, pack, project, report.

Every verb is one call into the library. `focus_core.cli.main` puts them beside the others.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from focus_core.cli.common import (
    Device,
    Encoding,
    Field,
    Json,
    Run,
    Source,
    SourceColumn,
    State,
    TargetColumn,
    print_json,
    say,
)
from focus_core.errors import bad_input, flag, option, phrase
from focus_core.runs.folder import open_run
from focus_core.runs.log import terminal_progress
from focus_core.runs.targets import split_target
from focus_core.training.options import OLD_NAMES, Objective, Precision, Schedule, TrainConfig, Trained

Name = Annotated[str, typer.Option(help="what to call it")]
Texts = Annotated[list[Path] | None, typer.Option("--corpus", help="file or folder of text; may be repeated")]
Parallel = Annotated[
    Path | None, typer.Option(help=".tsv of a line and its translation, to distill from; of three columns the last two")
]
OF_PAIRS = ("parallel", "source_column", "target_column")
OF_TEXT = ("corpus", "dictionary", "all_lines")
DEFAULT = TrainConfig(steps=1)


class WithOldNames(TyperCommand):
    """Takes an option by its old name too; the help does not show it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words with every old name replaced."""
        flags = {flag(old): flag(new) for old, new in OLD_NAMES.items()}
        words = (word.partition("=") for word in args)
        return super().parse_args(ctx, [flags.get(name, name) + sign + value for name, sign, value in words])


def adapt(
    run: Run,
    name: Name,
    corpus: Texts = None,
    parallel: Parallel = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    tokens: Annotated[int | None, typer.Option(help="tokens to see")] = None,
    steps: Annotated[int | None, typer.Option(help="optimizer steps to take, instead of --tokens")] = None,
    objective: Annotated[Objective | None, typer.Option(help="as the model's head, unless given")] = None,
    train: Annotated[Trained, typer.Option(help="which parameters change")] = DEFAULT.train,
    first_share: Annotated[float, typer.Option(help="part of embeddings-first")] = DEFAULT.first_share,
    learning_rate: Annotated[float, typer.Option(help="at its highest")] = DEFAULT.learning_rate,
    schedule: Annotated[Schedule, typer.Option(help="after the warmup")] = DEFAULT.schedule,
    warmup_ratio: Annotated[float, typer.Option(help="part of all steps, to warm up")] = DEFAULT.warmup_ratio,
    weight_decay: Annotated[float, typer.Option(help="of the backbone's matrices")] = DEFAULT.weight_decay,
    max_grad_norm: Annotated[float, typer.Option(help="norm to clip gradients to")] = DEFAULT.max_grad_norm,
    batch_tokens: Annotated[int, typer.Option(help="tokens of one step")] = DEFAULT.batch_tokens,
    max_seq_length: Annotated[int, typer.Option(help="tokens of one sequence")] = DEFAULT.max_seq_length,
    mlm_probability: Annotated[float, typer.Option(help="part of tokens to predict")] = DEFAULT.mlm_probability,
    evaluations: Annotated[int, typer.Option(help="points of the held-out curve")] = DEFAULT.evaluations,
    snapshots: Annotated[int, typer.Option(help="states of the input embeddings to keep")] = DEFAULT.snapshots,
    stop_below: Annotated[float | None, typer.Option(help="held-out loss at which to stop, in nats")] = None,
    precision: Annotated[Precision, typer.Option(help="arithmetic of the products")] = DEFAULT.precision,
    seed: Annotated[int, typer.Option(help="seed of order, masks and dropout")] = DEFAULT.seed,
    device: Device = DEFAULT.device,
    threads: Annotated[int | None, typer.Option(help="threads on the CPU")] = None,
    field: Field = "text",
    encoding: Encoding = None,
    source: Source = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with an interrupted training")] = False,
    output: Annotated[Path | None, typer.Option(help="train in a copy of the run, made here")] = None,
) -> None:
    """Train the model of a run on text in its new vocabulary."""
    given = dict(locals())
    config = TrainConfig(**{f.name: given[f.name] for f in dataclasses.fields(TrainConfig) if f.name in given})
    texts: dict[str, Any] = {"corpus": corpus or (), "field": field, "encoding": encoding, "source": source}
    texts |= {"parallel": parallel, "source_column": source_column, "target_column": target_column}
    if output is None:
        say(str(_adapt_in_place(run, name, resume=resume, config=config, **texts)))
    elif resume:
        raise bad_input(option("resume"), "a training in the run itself", option("output"), "leave one out")
    else:
        from focus_core.training.copy import adapt_copy

        say(str(adapt_copy(run, output, name=name, config=config, terminal=sys.stderr, **texts)))


def _adapt_in_place(run: Path, name: str, **options: Any) -> Path:
    """Train in the run's own folder; say how to go on where it was interrupted."""
    from focus_core.errors import CancelledError
    from focus_core.training.train import adapt_run, unfinished

    opened = open_run(run)
    try:
        return adapt_run(opened, name=name, terminal=sys.stderr, **options)
    except KeyboardInterrupt:
        if unfinished(opened, name):
            raise CancelledError(f"training {name}: interrupted", hint=phrase("go on with {resume}")) from None
        raise


def atlas(
    run: Run,
    output: Annotated[Path, typer.Argument(metavar="FILE.parquet", help="the file to make")],
    projection: Annotated[str | None, typer.Option(help="a projection of the run; a UMAP unless given")] = None,
) -> None:
    """Write a map of a run for Embedding Atlas: tokens, coordinates, exact neighbours."""
    from focus_core.export.atlas import write_atlas

    progress = terminal_progress(sys.stderr)
    say(str(write_atlas(open_run(run), output, projection=projection, progress=progress)))


def import_(
    run: Run,
    path: Annotated[Path, typer.Argument(help="checkpoint folder or .safetensors file")],
    name: Name,
    tensor: Annotated[str | None, typer.Option(help="name of the input embeddings in the file")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="keep the checkpoint's backbone too")] = False,
) -> None:
    """Import a checkpoint: put embeddings that were trained elsewhere beside the initialised ones."""
    from focus_core.training.import_checkpoint import import_checkpoint

    progress = terminal_progress(sys.stderr)
    say(str(import_checkpoint(open_run(run), path, name=name, tensor=tensor, whole=whole, progress=progress)))


def evaluate(
    targets: Annotated[list[str], typer.Argument(metavar="RUN[:NAME]...", help="runs, or trainings of runs")],
    corpus: Texts = None,
    parallel: Annotated[
        Path | None,
        typer.Option(
            help=".tsv of a line and its translation, of three columns the last two: how often one finds the other"
        ),
    ] = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    dictionary: Annotated[Path | None, typer.Option(help="source word TAB target word, one pair a line")] = None,
    field: Field = "text",
    encoding: Encoding = None,
    source: Source = None,
    all_lines: Annotated[bool, typer.Option("--all-lines", help="also on lines trained on")] = False,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="seed of the bootstrap")] = 0,
    as_json: Json = False,
    output: Annotated[Path | None, typer.Option(help="keep the report in a folder, made here")] = None,
) -> None:
    """Measure initialised and trained states on text that was kept aside, or sentence encoders on pairs."""
    options = {name: value for name, value in locals().items() if name not in ("targets", "as_json", "output")}
    if parallel is not None:
        _evaluate_pairs(targets, options, as_json=as_json, output=output)
        return
    if not corpus:
        remedy = phrase("name a text with {corpus}, or pairs with {parallel}")
        raise bad_input(option("corpus"), phrase("a text, or pairs of lines for {parallel}"), "none", remedy)
    options = {name: value for name, value in options.items() if name not in OF_PAIRS}
    from focus_core.evaluation.render import render_evaluation
    from focus_core.evaluation.report import evaluate_runs
    from focus_core.evaluation.stored import evaluate_to_folder

    if output is not None:
        say(str(evaluate_to_folder(targets, output, terminal=sys.stderr, **options)))
        return
    report = evaluate_runs(targets, progress=terminal_progress(sys.stderr), **options)
    _say_report(report, render_evaluation, as_json=as_json)


def _evaluate_pairs(targets: list[str], options: dict[str, Any], *, as_json: bool, output: Path | None) -> None:
    """Measure retrieval; refuse options that are about text alone."""
    for name in OF_TEXT:
        if options.pop(name):
            raise bad_input(option(name), phrase("{corpus}"), phrase("{parallel}"), phrase("leave one of the two out"))
    options.pop("field")
    from focus_core.evaluation.retrieval.render import render_retrieval
    from focus_core.evaluation.retrieval.report import evaluate_retrieval, retrieval_to_folder

    if output is not None:
        say(str(retrieval_to_folder(targets, output, terminal=sys.stderr, **options)))
        return
    report = evaluate_retrieval(targets, progress=terminal_progress(sys.stderr), **options)
    _say_report(report, render_retrieval, as_json=as_json)


def _say_report(report: dict[str, Any], render: Callable[[dict[str, Any]], list[str]], *, as_json: bool) -> None:
    """Print a report, as JSON or as lines to read."""
    if as_json:
        print_json(report)
        return
    for line in render(report):
        say(line)


def pack(
    run: State,
    output: Annotated[Path, typer.Option(help="the folder to make; it gets model.zip")],
    source: Source = None,
) -> None:
    """Write the model folder that `export` makes as one zip file."""
    from focus_core.export.archive import zip_model

    folder, trained = split_target(run)
    say(str(zip_model(open_run(folder), output, trained=trained, source=source, terminal=sys.stderr)))


def project(
    run: Run,
    trained: Annotated[list[str] | None, typer.Option(help="a training of the run; may be repeated")] = None,
    other: Annotated[list[Path] | None, typer.Option(help="another run of the same vocabulary")] = None,
    method: Annotated[str, typer.Option(help="pca or umap")] = "umap",
    sample: Annotated[int | None, typer.Option(help="how many tokens; 20,000 embeddings in all unless given")] = None,
    seed: Annotated[int, typer.Option(help="seed of sample and layout")] = 0,
    keep: Annotated[list[int] | None, typer.Option(help="a token id that the sample must hold")] = None,
    name: Annotated[str | None, typer.Option(help="what to call it")] = None,
) -> None:
    """Lay initialised and trained embeddings out on one map."""
    from focus_core.projection.project import project_run

    path = project_run(
        run,
        trained=trained or None,
        others=tuple(other or ()),
        method=method,
        sample=sample,
        seed=seed,
        keep=tuple(keep or ()),
        name=name,
        progress=terminal_progress(sys.stderr),
    )
    say(str(path))


def report(
    run: Run,
    output: Annotated[Path, typer.Argument(metavar="FILE.html", help="the file to make")],
    evaluation: Annotated[list[Path] | None, typer.Option(help="what `evaluate --json` wrote; repeatable")] = None,
) -> None:
    """Write a run as one HTML file that needs no network and runs no script."""
    from focus_core.analysis.report.page import write_report

    say(str(write_report(open_run(run), output, evaluations=evaluation or ())))
