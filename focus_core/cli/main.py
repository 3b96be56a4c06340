"""The command line: ``python -m focus_core VERB``.

Owns options, exit statuses and the two streams: results to standard output, progress to standard error. Every
verb is one call into the library. Exit status: 0 success, 2 bad input with one line, 1 anything else that stopped
the work, 130 interrupt.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from focus_core.artifacts import atomic_write_bytes, dump_json
from focus_core.cli import compare, training
from focus_core.cli.common import (
    PARALLEL_HELP,
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
from focus_core.errors import ERROR_VARIABLE, FocusError, bad_input, option, phrase, printable
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest, option_of, read_request
from focus_core.runs.folder import open_run
from focus_core.runs.targets import split_target
from focus_core.types import (
    METHOD_SUMMARIES,
    Aligner,
    Anchors,
    AuxiliaryKind,
    AuxiliarySpace,
    Factorization,
    Fallback,
    Interpolation,
    MatchMode,
    Normalization,
    Preset,
    SubwordVectors,
    VocabSize,
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class TokenizerKind(StrEnum):
    """What the target tokenizer is made by: kinds that are trained, and the source's own trimmed."""

    UNIGRAM = "unigram"
    BPE = "bpe"
    WORDPIECE = "wordpiece"
    TRIM = "trim"


METHOD_HELP = "initialisation method. " + "; ".join(f"{name}: {text}" for name, text in METHOD_SUMMARIES.items())
TRAIN_HELP = (
    "make the target tokenizer of the corpus: train one of this kind, or trim the source's own to the tokens it uses"
)
NORMALIZATION_HELP = (
    "what the trained tokenizer does to text: inherit the source's case, accents and Unicode form; none; nfc; nfkc. "
    "Without it inherit, or none with --preset paper"
)
SIZE_HELP = (
    "its size, special tokens included; or auto: unigram tokenizers of 3,000, 4,000, ... tokens, until a line of the "
    "text gets less than 5 nats likelier. With trim at most so many, or no bound"
)
SPACE_HELP = (
    "how auxiliary vectors are made from the corpus: counts of neighbours, factorised (of little text rare tokens are "
    "drawn to frequent ones spelt alike); or fasttext. "
    f"Without it {InitConfig.auxiliary_space}, or fasttext with --preset paper"
)
AUTOMATIC = ("epochs", "min_count")
"""Numbers for which ``auto`` may stand."""
UserMap = Annotated[Path | None, typer.Option("--map", help="your own pairs: target TAB source, one a line")]


@app.callback()
def main() -> None:
    """Initialise the embeddings of a new vocabulary with FOCUS, and explain them."""


@app.command()
def overlap(
    source_tokenizer: Annotated[str, typer.Option(help="folder, tokenizer file or Hub id")],
    target_tokenizer: Annotated[str, typer.Option(help="folder, tokenizer file or Hub id")],
    match: Annotated[MatchMode, typer.Option(help="which tokens count as the same")] = MatchMode.EXACT,
    user_map: UserMap = None,
    as_json: Json = False,
) -> None:
    """Count the tokens that two vocabularies share."""
    from focus_core.api import count_overlap

    counts = count_overlap(source_tokenizer, target_tokenizer, mode=match, user_map=user_map)
    if as_json:
        print_json(counts)
        return
    rules = ", ".join(f"{name} {count:,}" for name, count in counts["by_rule"].items() if count)
    say(f"source {counts['n_source']:,} tokens, target {counts['n_target']:,} tokens")
    say(f"shared {counts['n_overlap']:,} ({rules or 'none'}), new {counts['n_new']:,}")


@app.command()
def init(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="the run folder to make")],
    request: Annotated[Path | None, typer.Option(help="JSON file that holds all of the options below")] = None,
    source: Annotated[str | None, typer.Option(help="model folder or Hub id")] = None,
    source_tokenizer: Annotated[str | None, typer.Option(help="with --source-embeddings")] = None,
    source_embeddings: Annotated[Path | None, typer.Option(help=".safetensors or .npy")] = None,
    tensor: Annotated[str | None, typer.Option(help="name of the tensor in --source-embeddings")] = None,
    target_tokenizer: Annotated[str | None, typer.Option(help="folder, tokenizer file or Hub id")] = None,
    train_tokenizer: Annotated[TokenizerKind | None, typer.Option(help=TRAIN_HELP)] = None,
    vocab_size: Annotated[str | None, typer.Option(help=SIZE_HELP)] = None,
    min_frequency: Annotated[
        int | None, typer.Option(help="with trim, occurrences below which a token is dropped; 2 if not given")
    ] = None,
    normalization: Annotated[Normalization | None, typer.Option(help=NORMALIZATION_HELP)] = None,
    corpus: Annotated[list[Path] | None, typer.Option(help="file or folder; may be repeated")] = None,
    field: Field = InitRequest.field,
    encoding: Encoding = None,
    auxiliary: Annotated[Path | None, typer.Option(help="ready vectors: .bin, .vec or .safetensors")] = None,
    auxiliary_kind: Annotated[AuxiliaryKind, typer.Option(help="what ready vectors are keyed by")] = (
        InitRequest.auxiliary_kind
    ),
    dictionary: Annotated[Path | None, typer.Option(help="source word TAB target word, one pair a line")] = None,
    parallel: Annotated[Path | None, typer.Option(help=PARALLEL_HELP)] = None,
    source_column: SourceColumn = None,
    target_column: TargetColumn = None,
    source_vectors: Annotated[
        Path | None,
        typer.Option("--vectors", help="static vectors of the source language, .vec; or a text"),
    ] = None,
    donor: Annotated[str | None, typer.Option(help="a model that has the target tokenizer")] = None,
    method: Annotated[str, typer.Option(help=METHOD_HELP)] = InitConfig.method,
    preset: Annotated[Preset, typer.Option(help="options to start from")] = InitConfig.preset,
    match: Annotated[MatchMode | None, typer.Option(help="which tokens count as the same")] = None,
    user_map: UserMap = None,
    extend: Annotated[bool, typer.Option("--extend", help="keep the source's ids, append what is new")] = False,
    auxiliary_space: Annotated[AuxiliarySpace | None, typer.Option(help=SPACE_HELP)] = None,
    epochs: Annotated[str | None, typer.Option(help="fastText epochs, or auto; else the preset's")] = None,
    dim: Annotated[int | None, typer.Option(help="length of auxiliary vectors")] = None,
    min_count: Annotated[
        str | None, typer.Option(help="least occurrences of a token with a vector, or auto; else the preset's")
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="divides similarities before sparsemax")] = None,
    top_k: Annotated[int | None, typer.Option(help="most contributors a token may have")] = None,
    fallback: Annotated[Fallback | None, typer.Option(help="embeddings that are neither copied nor combined")] = None,
    copy_overlap: Annotated[bool, typer.Option(help="copy shared tokens, where the method can do without")] = (
        InitConfig.copy_overlap
    ),
    subword_vectors: Annotated[SubwordVectors, typer.Option(help="how WECHSEL makes vectors of tokens")] = (
        InitConfig.subword_vectors
    ),
    least_pairs: Annotated[int, typer.Option(help="least pairs of a dictionary that WECHSEL aligns two spaces by")] = (
        InitConfig.least_pairs
    ),
    aligner: Annotated[Aligner, typer.Option(help="what links the words of parallel text")] = InitConfig.aligner,
    min_links: Annotated[int | None, typer.Option(help="links that two words need, to count")] = None,
    interpolation: Annotated[Interpolation, typer.Option(help="how --method interpolation weighs neighbours")] = (
        InitConfig.interpolation
    ),
    train_tokens: Annotated[int | None, typer.Option(help="tokens that a method itself trains on")] = None,
    language_weight: Annotated[
        float | None, typer.Option(help="of the model's own loss beside what --method token-distillation distils")
    ] = None,
    anchors: Annotated[Anchors, typer.Option(help="the source tokens that --method joint-focus combines")] = (
        InitConfig.anchors
    ),
    covariance_scale: Annotated[float | None, typer.Option(help="of --fallback multivariate; 1 if not given")] = None,
    rank: Annotated[int | None, typer.Option(help="cut the source's embeddings to this rank")] = None,
    factorization: Annotated[Factorization, typer.Option(help="how --rank cuts them")] = InitConfig.factorization,
    seed: Annotated[int, typer.Option(help="seed of random embeddings and of fastText")] = InitConfig.seed,
    device: Device = InitConfig.device,
    threads: Annotated[int | None, typer.Option(help="threads for tokenising and fastText")] = None,
    memory_mib: Annotated[int, typer.Option("--memory", help="MiB for one block of similarities")] = (
        InitConfig.memory_mib
    ),
    examples: Annotated[bool, typer.Option(help="store up to three corpus lines a token")] = InitConfig.examples,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit with status 2 at a problem, before anything is trained where it can")
    ] = False,
) -> None:
    """Make a run: new embeddings for a target tokenizer, with the origin of every row."""
    values = dict(locals())
    typed = [
        name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    given = {name: values[name] for name in typed if name not in ("output", "request", "strict")}
    asked = _typed_request(given) if request is None else _stored_request(request, given)
    from focus_core.analysis.checks.registry import run_checks
    from focus_core.api import run_to_folder
    from focus_core.cli.findings import refuse_problems, say_findings
    from focus_core.runs.summary import summary_lines

    made = run_to_folder(asked, output, terminal=sys.stderr, strict=strict)
    for line in summary_lines(made.manifest):
        say(line)
    found = run_checks(made, fresh=True)
    say_findings(found)
    if strict:
        refuse_problems(found, output)


def _typed_request(given: dict[str, Any]) -> InitRequest:
    """Return the request of the options that somebody typed; the others have their defaults."""
    given = {name: _auto(name, value) if name in AUTOMATIC else value for name, value in given.items()}
    if "vocab_size" in given:
        given["vocab_size"] = _auto("vocab_size", given["vocab_size"]) or VocabSize.AUTO
    options = {name: given.pop(name) for name in InitConfig.__annotations__ if name in given}
    config = InitConfig.for_preset(**{"preset": InitConfig.preset} | options)
    return InitRequest(**given | {"corpus": tuple(given.get("corpus", ()))}, config=config)


def _stored_request(path: Path, given: Mapping[str, Any]) -> InitRequest:
    if given:
        rule, typed = phrase("no option beside it but {output}"), ", ".join(map(option_of, given))
        raise bad_input(option("request"), rule, typed, "write them into the file, or leave it out")
    return read_request(path)


@app.command()
def explain(
    run: Run,
    token: Annotated[str, typer.Argument(help="#ID, the native form or the readable text")],
    as_json: Json = False,
) -> None:
    """Say which source tokens made a target token, and with what weights."""
    from focus_core.analysis.provenance.explain import explain_token
    from focus_core.analysis.provenance.render import render_text
    from focus_core.analysis.provenance.search import named_tokens

    folder = open_run(run)
    explanations = [explain_token(folder, i) for i in named_tokens(folder, token)]
    if as_json:
        print_json([e.to_dict() for e in explanations])
        return
    say("\n\n".join(render_text(e) for e in explanations))


@app.command()
def check(run: Run, as_json: Json = False) -> None:
    """Run the numbered diagnostics on a run folder."""
    from focus_core.analysis.checks.registry import run_checks
    from focus_core.cli.findings import say_checks

    results = run_checks(open_run(run))
    if as_json:
        print_json([r.to_dict() for r in results])
        return
    say_checks(results)


@app.command()
def migrate(run: Run) -> None:
    """Rewrite a run folder of version 1 to version 2: the digests of its files are noted."""
    from focus_core.runs.migrate import migrate_run

    say(migrate_run(run))


@app.command()
def export(
    run: State,
    destination: Annotated[Path, typer.Argument(help="the model folder to make")],
    source: Source = None,
    factors: Annotated[
        bool, typer.Option("--factors", help="of a run with --rank: its two factors alone, into a .safetensors")
    ] = False,
) -> None:
    """Write a folder that transformers' ``from_pretrained`` loads, with a model card."""
    from focus_core.export.factors import export_factors
    from focus_core.export.run_model import export_state

    folder, trained = split_target(run)
    if factors:
        say(str(export_factors(open_run(folder), trained, destination)))
        return
    say(str(export_state(open_run(folder), trained, destination, source=source)))


def _auto(name: str, text: str) -> int | None:
    """Return a whole number, or ``None`` for ``auto``."""
    if text == "auto":
        return None
    if not text.isdecimal():
        raise bad_input(option(name), expected="auto or a whole number", got=repr(text), remedy="give one of them")
    return int(text)


app.command(cls=training.WithOldNames)(training.adapt)
app.command("attach", hidden=True)(training.import_)
app.command("import")(training.import_)
app.command()(compare.compare)
app.command("compare-piece", hidden=True)(compare.compare_piece)
for verb in (training.atlas, training.evaluate, training.pack, training.project, training.report):
    app.command()(verb)


PARSER_WORDS = "Value error, "
"""What the parser of choices puts before its message, in words of its own."""


def complain(text: str) -> None:
    """Print one line to standard error."""
    sys.stderr.write(printable(" ".join(text.split())) + "\n")


def interrupt_on_terminate() -> None:
    """Let a termination signal unwind like an interrupt, so that nothing half-written stays."""

    def raise_interrupt(signum: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, raise_interrupt)


def run(arguments: list[str] | None = None, *, command: Callable[..., Any] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : list of str, default=None
        The words after the program's name; ``None`` takes the process's own.
    command : callable, default=None
        The click command to run; ``None`` takes this module's.

    Returns
    -------
    int
        0, 1, 2 or 130.
    """
    program = command or typer.main.get_command(app)
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    interrupt_on_terminate()
    try:
        return int(program(args=arguments, prog_name=_called(), standalone_mode=False) or 0)
    except (typer.Abort, KeyboardInterrupt):
        complain("interrupted; nothing was left behind")
        return 130
    except TyperException as error:
        complain(f"{error.format_message().replace(PARSER_WORDS, '')} Try --help.")
        return 2
    except FocusError as error:
        complain(str(error))
        if job_file := os.environ.get(ERROR_VARIABLE):
            atomic_write_bytes(Path(job_file), dump_json(error.to_dict()).encode())
        return error.exit_status
    except OSError as error:
        complain(f"stopped: {error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        return 1
    except MemoryError:
        complain("stopped: out of memory; lower --memory, or take a smaller vocabulary")
        return 1


def _called() -> str:
    """Return how this command line was called, for its help."""
    return "focus-lab" if Path(sys.argv[0]).stem == "focus-lab" else "python -m focus_core"
