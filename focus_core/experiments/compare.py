"""A comparison from its request to a finished folder; what was killed goes on where it was."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import IO, Any

from focus_core.errors import FocusError, InvalidInputError, RunFolderError, bad_input, phrase
from focus_core.experiments.children import Piece, Process, Start, fill_costs, is_done, own_cost, run_pieces
from focus_core.experiments.folder import read_measured
from focus_core.experiments.inputs import Inputs, read_inputs
from focus_core.experiments.layout import (
    CHECKPOINT,
    KIND,
    SCHEMA_VERSION,
    SOURCE,
    Layout,
    piece_name,
    read_json,
    write_json,
)
from focus_core.experiments.lines import GIVEN_PAIRS, split_corpus, write_pairs
from focus_core.experiments.render import render_table
from focus_core.experiments.request import ComparisonRequest
from focus_core.experiments.table import build_table
from focus_core.runs.log import growing_run, part_of, writer_lives
from focus_core.runs.writer import versions
from focus_core.types import ProgressHook, no_progress, stage_of, tell_all

ORPHANS_S = 10.0
"""How long to wait for what a killed comparison left running; it ends by itself as soon as it notices."""


def compare_methods(
    request: ComparisonRequest,
    output: str | Path,
    *,
    jobs: int = 1,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
    start: Start = Process,
) -> Path:
    """Run methods side by side and measure them on the same lines.

    Parameters
    ----------
    request : ComparisonRequest
        What is compared.
    output : str or Path
        The folder to make. Where it is being made already and nobody is at it, the same request goes on there; where
        it is done, nothing is left to do.
    jobs : int, default=1
        How many pieces, a method with a seed each, run at a time; each has the request's threads.
    terminal : file, default=None
        Where progress is printed; ``None`` prints none.
    progress : ProgressHook, default=no_progress
        Told the same; raising from it cancels.
    start : callable, default=Process
        Starts the child of a piece.

    Returns
    -------
    Path
        ``output``.

    Raises
    ------
    InvalidInputError
        If an input cannot be used, a named method lacks one, or ``output`` holds another comparison.
    FocusError
        If a piece failed.
    """
    output, began = Path(output), time.time()
    inputs = read_inputs(request)
    asked = inputs.identity()
    if output.is_dir():
        _refuse_other(output, Layout(root=output).manifest, asked)
        return output
    part = part_of(output)
    there = unfinished(output)
    if there:
        _refuse_other(output, part / CHECKPOINT, asked)
    with growing_run(output, checkpoint=CHECKPOINT, resume=there, terminal=terminal) as (root, log):
        layout, tell = Layout(root=root), tell_all(log, progress)
        if not there:
            _begin(layout, inputs, asked, tell)
            write_json(layout.costs, {"prepare": own_cost(since=began)})
        write_json(layout.request, request.with_whole_paths().to_dict())
        _run(layout, inputs, jobs, tell, start)
        with stage_of(tell, "write"):
            _finish(layout)
    return output


def unfinished(output: Path) -> bool:
    """Tell whether a comparison was interrupted and goes on with the same request."""
    return (part_of(output) / CHECKPOINT).is_file()


def _refuse_other(output: Path, path: Path, asked: dict[str, Any]) -> None:
    """Refuse a folder that holds something else than what is asked for; name the first option that differs."""
    try:
        before = read_json(path)["request"]
    except (OSError, ValueError, KeyError, TypeError) as reason:
        remedy = phrase("give another {output}, or remove that one")
        raise bad_input(str(output), "a new folder", "one that exists", remedy, RunFolderError) from reason
    for name, value in asked.items():
        if before.get(name) != value:
            expected = phrase("the same request as the comparison there, which differs in {}", name)
            remedy = phrase("give another {output}, or remove that one")
            raise bad_input(str(output), expected, "another one", remedy, RunFolderError)


def _begin(layout: Layout, inputs: Inputs, asked: dict[str, Any], tell: ProgressHook) -> None:
    """Divide the text and note the request; from here on the folder is worth keeping."""
    layout.text.mkdir(parents=True, exist_ok=True)
    tokens = inputs.request.probe_tokens
    split = split_corpus(inputs.corpus, inputs.target, inputs.texts, layout.text, probe_tokens=tokens, progress=tell)
    pairs = inputs.given_pairs
    given = {} if pairs is None else {"n_given_pairs": write_pairs(pairs, layout.text / GIVEN_PAIRS)}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "request": asked,
        "versions": versions(),
        "methods": list(inputs.methods),
        "missing": {name: [str(need) for need in needs] for name, needs in inputs.missing.items()},
        "text": {
            "files": list(inputs.corpus.names),
            "digest": inputs.corpus.digest,
            "n_lines": split.n_lines,
            "n_fit_lines": split.n_fit_lines,
            "n_measured_lines": split.n_measured_lines,
            "held_out_percent": split.percent,
            "removed": split.removed,
            **given,
        },
    }
    write_json(layout.manifest, manifest)
    write_json(layout.root / CHECKPOINT, {"request": asked})


def pieces_of(methods: tuple[str, ...], seeds: tuple[int, ...]) -> list[Piece]:
    """Return the pieces of a comparison: the source, then the first seed of every method, which chooses its rate.

    Examples
    --------
    >>> [piece.name for piece in pieces_of(("focus", "mean"), (1, 2))]
    ['source', 'focus-1', 'mean-1', 'focus-2', 'mean-2']
    """
    first = seeds[0]
    found = [Piece(name=SOURCE)]
    for seed in seeds:
        after = [SOURCE if seed == first else piece_name(method, first) for method in methods]
        found += [Piece(name=piece_name(m, seed), after=a) for m, a in zip(methods, after, strict=True)]
    return found


def _run(layout: Layout, inputs: Inputs, jobs: int, tell: ProgressHook, start: Start) -> None:
    """Run all pieces; where bad input ended the first of them, nothing is worth keeping."""
    request = inputs.request
    pieces = pieces_of(inputs.methods, request.seed_numbers)
    _await_orphans(layout, [piece.name for piece in pieces])
    try:
        run_pieces(pieces, layout, jobs=jobs, threads=request.threads, progress=tell, start=start)
    except InvalidInputError:
        if not any(is_done(layout, piece.name) for piece in pieces[1:]):
            (layout.root / CHECKPOINT).unlink(missing_ok=True)
        raise
    fill_costs(layout, pieces)


def _await_orphans(layout: Layout, pieces: list[str]) -> None:
    """Wait until no child of a killed comparison writes any more."""
    deadline = time.monotonic() + ORPHANS_S
    places = [layout.run(piece) for piece in pieces]
    places += [place / "training" / "probe" for place in places]
    while any(writer_lives(part_of(place)) for place in places):
        if time.monotonic() > deadline:
            raise FocusError(
                "comparison: expected a folder that nobody is writing, got a piece of it in progress",
                hint="wait until that process has ended",
            )
        time.sleep(0.2)


def _finish(layout: Layout) -> None:
    """Write the table and remove what only unfinished pieces need."""
    table = build_table(read_measured(layout))
    write_json(layout.table, table)
    (layout.root / "table.md").write_text(render_table(table), encoding="utf-8", newline="\n")
    shutil.rmtree(layout.root / "probes", ignore_errors=True)
