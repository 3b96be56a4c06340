"""Evaluations that are kept: each a folder with its report, found again by the run whose states it measured.

Digests name a state for good, not paths.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from focus_core.artifacts import dump_json
from focus_core.errors import bad_input
from focus_core.evaluation.comparable import comparable, why_not_comparable
from focus_core.evaluation.report import evaluate_runs
from focus_core.evaluation.targets import open_target
from focus_core.runs.log import growing_run
from focus_core.types import ProgressHook, no_progress, tell_all

FILE = "evaluation.json"


def evaluate_to_folder(
    targets: Sequence[str],
    output: str | Path,
    *,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
    **options: Any,
) -> Path:
    """Evaluate runs and trainings and keep the report in a new folder.

    Parameters
    ----------
    targets : sequence of str
        ``RUN``, or ``RUN:NAME`` for one of its trainings.
    output : str or Path
        The folder to make; it holds ``evaluation.json``: the report of `evaluate_runs`, and ``states``, the digests
        of run and training of each target.
    terminal : file, default=None
        Where progress is printed; ``None`` prints none.
    progress : ProgressHook, default=no_progress
        Told the same; raising from it cancels.
    **options : Any
        Of `evaluate_runs`.

    Returns
    -------
    Path
        ``output``. Nothing is left where it was not finished.

    Raises
    ------
    InvalidInputError
        If ``output`` exists, or as `evaluate_runs`.
    """
    output = Path(output)
    opened = [open_target(str(target)) for target in targets]
    with growing_run(output, terminal=terminal) as (part, log):
        report = evaluate_runs(targets, progress=tell_all(log, progress), **options)
        states = [{"run": t.run.digest, "training": None if t.training is None else t.training.digest} for t in opened]
        text = dump_json(report | {"states": states}) + "\n"
        (part / FILE).write_text(text, encoding="utf-8", newline="\n")
    return output


def read_evaluation(path: str | Path) -> dict[str, Any]:
    """Return a stored evaluation.

    Parameters
    ----------
    path : str or Path
        A file that ``evaluate --json`` printed, or the folder that ``evaluate --output`` made.

    Returns
    -------
    dict
        The report; ``states`` is empty where it was not stored.

    Raises
    ------
    InvalidInputError
        If the file is not there or holds something else.
    """
    file = Path(path)
    file = file / FILE if file.is_dir() else file
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        found = None
    report: dict[str, Any] = found if isinstance(found, dict) else {}
    if not _is_report(report):
        raise bad_input(file.name, "an evaluation", "none", "give what `evaluate --output` or `evaluate --json` wrote")
    kept: dict[str, Any] = {"states": []} | report
    for entry in (*kept["targets"], *kept["sources"]):
        if entry.get("loss"):  # one of an earlier version has numbers whatever it predicted
            entry["loss"] = comparable(entry["loss"])
    without = {entry["target"] for entry in kept["targets"] if why_not_comparable(entry.get("loss"))}
    kept["differences"] = [d for d in kept["differences"] if not without & {d["target"], d.get("minus")}]
    return kept


def _is_report(report: dict[str, Any]) -> bool:
    """Whether a parsed file has the parts that every reader of a report relies on."""
    corpus, states = report.get("corpus"), report.get("states", [])
    if report.get("kind") != "evaluation" or not isinstance(corpus, dict) or not isinstance(corpus.get("files"), list):
        return False
    entries = [report.get(name) for name in ("targets", "sources", "differences")]
    if not all(_are_entries(found) for found in entries) or not _are_dicts(states):
        return False
    measured = all(isinstance(corpus.get(name), int) for name in ("n_lines", "n_measured_lines"))
    return measured and len(states) in (0, len(report["targets"]))


def _are_dicts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(entry, dict) for entry in found)


def _are_entries(found: Any) -> bool:
    """Whether a list holds named states or differences, each with its interval of bits or without one."""
    return _are_dicts(found) and all(isinstance(e.get("target"), str) and _is_measured(e) for e in found)


def _is_measured(entry: dict[str, Any]) -> bool:
    loss = entry.get("loss") or {}
    intervals = [entry.get("bits_per_character"), loss.get("bits_per_character") if isinstance(loss, dict) else loss]
    return all(interval is None or _is_interval(interval) for interval in intervals)


def _is_interval(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(found.get(n), int | float) for n in ("value", "low", "high"))


def concerns(report: dict[str, Any], run_digest: str) -> bool:
    """Tell whether an evaluation measured a state of a run.

    Parameters
    ----------
    report : dict
        From `read_evaluation`.
    run_digest : str
        The run's.

    Returns
    -------
    bool
        ``False`` too where the report names no states.
    """
    return any(state.get("run") == run_digest for state in report["states"])


def state_name(entry: dict[str, Any], *, source: bool = False) -> str:
    """Return what a measured state is called, without the path by which it was asked for; plain text.

    Parameters
    ----------
    entry : dict
        Of the report's ``targets`` or ``sources``.
    source : bool, default=False
        Whether it is a source.

    Returns
    -------
    str
        The training's name, ``initialised`` with the method, or ``source model`` with the model's name.

    Examples
    --------
    >>> state_name({"training": None, "method": "focus"}), state_name({"training": "first"})
    ('initialised (focus)', 'first')
    """
    if source:
        return f"source model ({entry.get('target')})"
    training = entry.get("training")
    return str(training) if training else f"initialised ({entry.get('method')})"
