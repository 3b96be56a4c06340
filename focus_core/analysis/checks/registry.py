"""The registry of checks: each reads a run folder, never raises on a sound one, and has a section in docs/checks.md."""

from __future__ import annotations

from focus_core.analysis.checks.base import Check, CheckResult, Status, Threshold
from focus_core.analysis.checks.coverage import AuxiliaryCoverage, ManyFallbacks, TooLittleOverlap
from focus_core.analysis.checks.matching import AmbiguousMatches, SpecialsUnmatched
from focus_core.analysis.checks.rows import DuplicateRows, HeadNotInitialised, NormShift
from focus_core.analysis.checks.weights import CollapsedSpace, DegenerateSupport, Hubs
from focus_core.runs.folder import RunFolder

__all__ = ["CHECKS", "Check", "CheckResult", "Status", "Threshold", "run_checks"]

CHECKS: dict[str, Check] = {
    check.code: check
    for check in (
        TooLittleOverlap(),
        ManyFallbacks(),
        Hubs(),
        DegenerateSupport(),
        AuxiliaryCoverage(),
        NormShift(),
        AmbiguousMatches(),
        SpecialsUnmatched(),
        HeadNotInitialised(),
        DuplicateRows(),
        CollapsedSpace(),
    )
}
"""Every check by its code, in the order of the codes."""


def run_checks(run: RunFolder) -> list[CheckResult]:
    """Run every check on a run.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    list of CheckResult
        One per check, in the order of their codes.
    """
    return [check.run(run) for check in CHECKS.values()]
