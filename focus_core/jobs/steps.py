"""The five steps of a run as a person sees them, and how long each took, from the log of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from focus_core.jobs.record import parse_event, progress_of

MAX_EVENTS = 16 << 20
"""Bytes of an event log that are read; a run of a day stays below."""


class Step(StrEnum):
    """A step of a run, in the order in which one builds on the other."""

    TOKENIZERS = "tokenizers"
    CORPUS = "corpus"
    VECTORS = "vectors"
    OVERLAP = "overlap"
    ROWS = "rows"


STEPS = tuple(Step)
STAGE_STEPS = {
    "read": Step.TOKENIZERS,
    "train tokenizer": Step.TOKENIZERS,
    "trim tokenizer": Step.TOKENIZERS,
    "tokenise": Step.CORPUS,
    "count": Step.CORPUS,
    "count both cuts": Step.CORPUS,
    "train vectors": Step.VECTORS,
    "factorise counts": Step.VECTORS,
    "match": Step.OVERLAP,
    "prove": Step.OVERLAP,
    "similarities": Step.ROWS,
    "align": Step.ROWS,
    "embed": Step.ROWS,
    "judge": Step.ROWS,
    "write": Step.ROWS,
}
"""The step of every stage, as progress names it."""


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """What the log says of one step.

    Parameters
    ----------
    step : Step
        The step.
    seconds : float, default=None
        Time spent in it so far; ``None`` where it has not begun, or was left out.
    current : bool, default=False
        Whether the last event belongs to it.
    fraction : float, default=None
        Share of its stage that is done, 0 to 1, where the log says so.
    note : str, default=""
        What the last event says of it.
    log : tuple of str, default=()
        The lines that the process wrote about it.
    """

    step: Step
    seconds: float | None = None
    current: bool = False
    fraction: float | None = None
    note: str = ""
    log: tuple[str, ...] = ()


def step_of(stage: str) -> Step:
    """Return the step of a stage of the pipeline; one that it does not know makes rows.

    Examples
    --------
    >>> step_of("train vectors"), step_of("similarities")
    (<Step.VECTORS: 'vectors'>, <Step.ROWS: 'rows'>)
    """
    return STAGE_STEPS.get(stage, Step.ROWS)


def read_steps(folder: Path, *, log: str = "", now: float | None = None) -> tuple[StepTime, ...]:
    """Read how long every step of a run took, or has taken so far.

    Parameters
    ----------
    folder : Path
        The run's own folder, finished or still growing.
    log : str, default=""
        What the process wrote to standard error, a line a stage.
    now : float, default=None
        The time, in seconds since the epoch, up to which the last step lasts; ``None`` where it has ended.

    Returns
    -------
    tuple of StepTime
        All five, in order.
    """
    changes, last = _stage_changes(folder / "log" / "events.jsonl")
    timings = _timings(folder / "log" / "timings.json")
    seconds = _sum_by_step(timings) if timings is not None else _spans(changes, last, now)
    current = step_of(str(last["stage"])) if last and timings is None else None
    words = _log_by_step(log)
    return tuple(
        StepTime(
            step=step,
            seconds=seconds.get(step),
            current=step is current,
            fraction=progress_of(last).fraction if step is current else None,
            note=str(last.get("note", "")) if step is current else "",
            log=words.get(step, ()),
        )
        for step in STEPS
    )


def _stage_changes(path: Path) -> tuple[list[tuple[float, str]], dict[str, Any]]:
    """Return when each stage began, and the last event; a line still being written is left out."""
    lines = _lines(path)
    changes: list[tuple[float, str]] = []
    head = None
    for line in lines:
        beginning = line.partition(', "done"')[0]  # only the first event of a stage is worth parsing
        if beginning != head and (event := _event(line)):
            head = beginning
            changes.append((event["time"], str(event["stage"])))
    return changes, next((event for event in map(_event, reversed(lines)) if event), {})


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_EVENTS).decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.split("\n") if line]


def _event(line: str) -> dict[str, Any]:
    """Return an event with a stage and a time; nothing where a line is none."""
    event = parse_event(line)
    return event if isinstance(event.get("time"), int | float) and "stage" in event else {}


def _timings(path: Path) -> Mapping[str, float] | None:
    """Return the seconds of every stage, ``None`` where a run has not ended or its log was left out."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _sum_by_step(timings: Mapping[str, float]) -> dict[Step, float]:
    sums: dict[Step, float] = {}
    for stage, seconds in timings.items():
        sums[step_of(stage)] = sums.get(step_of(stage), 0.0) + float(seconds)
    return sums


def _spans(changes: list[tuple[float, str]], last: Mapping[str, Any], now: float | None) -> dict[Step, float]:
    """Return the time between the changes of stage, summed by step."""
    sums: dict[Step, float] = {}
    ends = [time for time, _ in changes[1:]] + [now if now is not None else float(last.get("time", 0.0))]
    for (begin, stage), end in zip(changes, ends, strict=False):
        sums[step_of(stage)] = sums.get(step_of(stage), 0.0) + max(0.0, end - begin)
    return sums


def _log_by_step(log: str) -> dict[Step, tuple[str, ...]]:
    """Return the lines of each step: a line begins with its stage, and any other belongs to the step before it."""
    lines: dict[Step, list[str]] = {}
    stages = sorted(STAGE_STEPS, key=len, reverse=True)
    step = Step.TOKENIZERS
    for line in log.splitlines():
        stage = next((stage for stage in stages if line.startswith(stage)), None)
        step = step_of(stage) if stage else step
        lines.setdefault(step, []).append(line)
    return {step: tuple(found) for step, found in lines.items()}
