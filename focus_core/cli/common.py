"""What the verbs share: options and arguments of one meaning, and results on standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from focus_core.artifacts import dump_json
from focus_core.errors import printable

Run = Annotated[Path, typer.Argument(help="run folder")]
State = Annotated[str, typer.Argument(metavar="RUN[:NAME]", help="run folder, or one of its trainings")]
Field = Annotated[str, typer.Option(help="field or column that holds the text")]
Encoding = Annotated[str | None, typer.Option(help="encoding of text that is not UTF-8")]
PARALLEL_HELP = "sentence TAB translation, one pair a line; of three columns the first is an identifier"
Source = Annotated[str | None, typer.Option(help="where the source model is now, if it has moved")]
SourceColumn = Annotated[
    str | None, typer.Option(help="source column of --parallel: a name in the first line, or a number")
]
TargetColumn = Annotated[str | None, typer.Option(help="its target column likewise")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


def say(text: str) -> None:
    """Print one result line to standard output; lone surrogates are shown escaped."""
    sys.stdout.write(f"{printable(text)}\n")


def print_json(value: Any) -> None:
    """Print a JSON value to standard output."""
    say(dump_json(value))
