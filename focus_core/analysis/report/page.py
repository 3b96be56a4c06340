"""A report as one page, and how it becomes a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.comparison.distributions import distributions
from focus_core.analysis.comparison.lists import HubOrder, hub_anchors, token_lists
from focus_core.analysis.report import sections, trainings
from focus_core.analysis.report.markup import render
from focus_core.analysis.report.style import POLICY, STYLE
from focus_core.artifacts import staged
from focus_core.errors import RunFolderError
from focus_core.evaluation.stored import read_evaluation
from focus_core.export.atlas import ranked_projections
from focus_core.runs.additions import (
    ProjectionFolder,
    TrainingFolder,
    list_trainings,
    open_projection,
    open_training,
    readable,
)
from focus_core.runs.again import init_command
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import showcase

N_EXAMPLES = 10


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
    parts = {
        "recipe": sections.recipe(run, init_command(run.manifest)),
        "origins": sections.origins(run),
        "checks": results,
        "hubs": sections.hubs(hub_anchors(run, by=HubOrder.WEIGHT)),
        "lists": [sections.token_list(run, found) for found in token_lists(run, results)],
        "distributions": [sections.distribution(panel) for panel in distributions([run])],
        "trainings": trainings.trainings(_trainings(run)),
        "evaluations": [trainings.evaluation(report) for report in evaluations] or None,
        "map": trainings.projected_map(run, _projection(run)),
        "tokens": [sections.example(run, i) for i in showcase(run)[:N_EXAMPLES]],
    }
    return render(
        "page.html",
        manifest=run.manifest,
        digest=run.digest,
        policy=POLICY,
        style=STYLE,
        facts=sections.facts(run.manifest),
        parts={key: part for key, part in parts.items() if part is not None},
    )


def _trainings(run: RunFolder) -> list[TrainingFolder]:
    """Return the finished trainings that can be read, their curves too."""

    def opened(name: str) -> TrainingFolder:
        training = open_training(run, name)
        training.curve()
        return training

    return readable(list_trainings(run), opened)[0]


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
    with staged(target) as part:
        page = html_report(run, evaluations=[read_evaluation(file) for file in evaluations])
        part.write_bytes(page.encode("utf-8"))
    return target
