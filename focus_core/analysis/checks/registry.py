"""The registry of checks: each reads a run folder, never raises on a sound one, and has a section in docs/checks.md."""

from __future__ import annotations

from focus_core.analysis.checks.base import Check, CheckResult, Status
from focus_core.analysis.checks.coverage import AuxiliaryCoverage, ManyFallbacks, TooLittleOverlap
from focus_core.analysis.checks.files import ChangedFiles
from focus_core.analysis.checks.matching import AmbiguousMatches, SpecialsUnmatched
from focus_core.analysis.checks.rank import CutRank
from focus_core.analysis.checks.rows import DuplicateEmbeddings, HeadNotInitialised, NormShift
from focus_core.analysis.checks.weights import CollapsedSpace, DegenerateSupport, Hubs
from focus_core.runs.folder import RunFolder

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
        DuplicateEmbeddings(),
        CollapsedSpace(),
        ChangedFiles(),
        CutRank(),
    )
}
"""Every check by its code, in the order of the codes."""


def run_checks(run: RunFolder, *, fresh: bool = False) -> list[CheckResult]:
    """Run every check on a run.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    fresh : bool, default=False
        Whether its files were written just now, so that they need not be compared with their digests (FOC012).

    Returns
    -------
    list of CheckResult
        One per check, in the order of their codes. Where files have changed, no other check reads them.
    """
    others = [check for check in CHECKS.values() if check.code != "FOC012"]
    if fresh:
        return [check.run(run) for check in others]
    files = CHECKS["FOC012"].run(run)
    unread = "not looked at: files have changed (FOC012)" if files.status is Status.PROBLEM else ""
    not_read = [check.result(Status.NOT_APPLICABLE, unread) for check in others] if unread else []
    found = [*(not_read or [check.run(run) for check in others]), files]
    return sorted(found, key=lambda result: result.code)
