"""What the numbered checks found of a run, as lines of a result; and the exit of a run that shall have no problem."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.cli.common import say
from focus_core.errors import bad_input, phrase


def say_checks(results: Sequence[CheckResult]) -> None:
    """Print results of checks, each with what to do."""
    for result in results:
        say(f"{result.code} {result.status:<14} {result.headline}; {result.summary}")
        if result.tip:
            say(f"       {result.tip}")


def say_findings(results: Sequence[CheckResult]) -> None:
    """Print what fired, problems first, below how much it is; one line where nothing did."""
    problems, warnings = (_of(results, status) for status in (Status.PROBLEM, Status.WARNING))
    if not problems and not warnings:
        n = len(_of(results, Status.PASSED))
        say(f"checks: no problem found ({n} passed, {len(results) - n} not applicable)")
        return
    counts = [f"{len(found)} {word}{'s' * (len(found) > 1)}" for found, word in
              ((problems, "problem"), (warnings, "warning")) if found]  # fmt: skip
    say(f"checks: {', '.join(counts)}")
    say_checks([*problems, *warnings])


def refuse_problems(results: Sequence[CheckResult], output: Path) -> None:
    """Raise where a finished run has a problem; the run stays."""
    problems = _of(results, Status.PROBLEM)
    if not problems:
        return
    named = ", ".join(f"{result.code} {result.headline}" for result in problems)
    expected, remedy = phrase("no problem with {strict}"), "do what they say; the run is finished and stays there"
    raise bad_input(f"run {output}", expected, named, remedy)


def _of(results: Sequence[CheckResult], status: Status) -> list[CheckResult]:
    return [result for result in results if result.status is status]
