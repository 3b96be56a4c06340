"""A report as one page, and how it becomes a file."""

from __future__ import annotations

import shlex
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
from focus_core.initialization.config import InitConfig
from focus_core.runs.additions import ProjectionFolder, TrainingFolder, list_trainings, open_projection, open_training
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import showcase
from focus_core.types import AuxiliaryKind, Preset

N_EXAMPLES = 10
OPTIONS = {
    "method": "--method",
    "match": "--match",
    "temperature": "--temperature",
    "top_k": "--top-k",
    "fallback": "--fallback",
    "covariance_scale": "--covariance-scale",
    "epochs": "--epochs",
    "dim": "--dim",
    "min_count": "--min-count",
    "seed": "--seed",
    "threads": "--threads",
    "memory_mib": "--memory",
}
"""Options of a run that the command line has."""
LEFT_OPEN = ("epochs", "min_count")
"""Those for which the size of the text decides where it is asked to; a preset may say otherwise."""


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


def init_command(manifest: Mapping[str, Any]) -> str:
    """Return the command line that makes a run, as far as its manifest tells."""
    by_role: dict[str, list[str]] = {}
    for entry in manifest["inputs"]:
        by_role.setdefault(str(entry["role"]), []).append(str(entry["name"]))
    words = ["python", "-m", "focus_core", "init", *_source(by_role)]
    words += ["--target-tokenizer", *by_role.get("target_tokenizer", [str(manifest["target"]["name"])])[:1]]
    for role, option in (("auxiliary", "--auxiliary"), ("corpus", "--corpus"), ("user_map", "--map")):
        for name in by_role.get(role, []):
            words += [option, name]
    kind = (manifest.get("auxiliary") or {}).get("kind")
    words += ["--auxiliary-kind", str(kind)] if "auxiliary" in by_role and kind != AuxiliaryKind.TOKEN else []
    config = manifest["config"]
    preset = Preset(config.get("preset", Preset.DEFAULT))
    usual = InitConfig.for_preset(preset).to_dict()
    words += ["--preset", str(preset)] if preset is not Preset.DEFAULT else []
    for name, option in OPTIONS.items():
        value = config.get(name, usual[name])
        if value != usual[name] and (value is not None or name in LEFT_OPEN):
            words += [option, "auto" if value is None else str(value)]
    words += ["--extend"] if config.get("extend") else []
    words += [] if config.get("examples", True) else ["--no-examples"]
    return " ".join(_quoted(word) for word in [*words, "--output", "RUN"])


def _quoted(word: str) -> str:
    """Return a word as bash reads it back; a character that does not show, or turns others round, is written out."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_escaped(c) if c in "\\'" or not c.isprintable() else c for c in word) + "'"


def _escaped(character: str) -> str:
    code = ord(character)
    if character in "\\'":
        return f"\\{character}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _source(by_role: Mapping[str, list[str]]) -> list[str]:
    if "source_model" in by_role:
        return ["--source", by_role["source_model"][0]]
    words = ["--source-tokenizer", *by_role.get("source_tokenizer", ["SOURCE_TOKENIZER"])[:1]]
    return [*words, "--source-embeddings", *by_role.get("source_embeddings", ["SOURCE.safetensors"])[:1]]


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
