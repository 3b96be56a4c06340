"""A report as one page, and how it becomes a file.

Owns the order of its parts and what a browser may do with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.comparison.distributions import distributions
from focus_core.analysis.comparison.lists import HubOrder, hub_anchors, token_lists
from focus_core.analysis.report import sections as contents
from focus_core.analysis.report import trainings
from focus_core.analysis.report.markup import Markup, join, note, tag
from focus_core.analysis.report.style import POLICY, STYLE
from focus_core.artifacts import new_file
from focus_core.errors import RunFolderError
from focus_core.evaluation.stored import read_evaluation
from focus_core.export.atlas import ranked_projections
from focus_core.runs.additions import ProjectionFolder, TrainingFolder, list_trainings, open_projection, open_training
from focus_core.runs.again import init_command
from focus_core.runs.folder import RunFolder

CONTENTS = {
    "recipe": "Recipe",
    "origins": "Origins",
    "checks": "Checks",
    "hubs": "Hubs",
    "lists": "Tokens to look at",
    "distributions": "Distributions",
    "trainings": "Trainings",
    "evaluations": "Evaluations",
    "map": "Map",
    "tokens": "Tokens",
}


def html_report(run: RunFolder, *, evaluations: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return a run as one HTML page that needs nothing else: no script, no picture, no request.

    Parameters
    ----------
    run : RunFolder
        The run.
    evaluations : sequence of mapping, default=()
        Reports of `evaluate_runs` on states of it.

    Returns
    -------
    str
        The page; the same for equal runs, wherever they lie.

    Raises
    ------
    RunFolderError
        If the run's own files are damaged; trainings and projections that are, are left out.
    """
    results = run_checks(run)
    parts = [
        contents.recipe(run, init_command(run.manifest)),
        contents.origins(run),
        contents.checks(results),
        contents.hubs(hub_anchors(run, by=HubOrder.WEIGHT)),
        contents.lists(run, token_lists(run, results)),
        contents.spread(distributions([run])),
        trainings.trainings(_trainings(run)),
        trainings.evaluations(evaluations),
        trainings.maps(run, _projection(run)),
        contents.examples(run),
    ]
    return _page(run, [part for part in parts if part])


def _page(run: RunFolder, parts: Sequence[Markup]) -> str:
    source, target = (contents.name_of(run.manifest[side]["name"]) for side in ("source", "target"))
    title = f"{source} → {target}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title}, {run.manifest['config']['method']}"),
        tag("style", Markup(STYLE)),
    )
    known = [key for key in CONTENTS if any(f' id="{key}"' in part[:80] for part in parts)]
    links = (tag("a", CONTENTS[key], href=f"#{key}") for key in known)
    body = tag(
        "body",
        tag("h1", title),
        note(f"{run.manifest['config']['method']}; run ", tag("code", run.digest[:16])),
        tag("nav", *links, aria_label="Contents"),
        tag("main", contents.summary(run), join(parts)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _trainings(run: RunFolder) -> list[TrainingFolder]:
    """Return the finished trainings that can be read."""
    found = []
    for name in list_trainings(run):
        try:
            training = open_training(run, name)
            training.curve()
        except RunFolderError:
            continue
        found.append(training)
    return found


def _projection(run: RunFolder) -> ProjectionFolder | None:
    """Return the first projection that can be read; ``None`` where there is none."""
    for name in ranked_projections(run):
        try:
            projection = open_projection(run, name)
            projection.points()
        except RunFolderError:
            continue
        return projection
    return None


def write_report(run: RunFolder, path: str | Path, *, evaluations: Sequence[str | Path] = ()) -> Path:
    """Write the report of a run into a file.

    Parameters
    ----------
    run : RunFolder
        The run.
    path : str or Path
        The file to make.
    evaluations : sequence of str or Path, default=()
        What ``evaluate --json`` or ``evaluate --output`` wrote.

    Returns
    -------
    Path
        The file, whole or not there.

    Raises
    ------
    InvalidInputError
        If the file exists, or an evaluation is none.
    """
    target = Path(path)
    with new_file(target) as part:
        page = html_report(run, evaluations=[read_evaluation(file) for file in evaluations])
        part.write_bytes(page.encode("utf-8"))
    return target
