"""Whether a run's files are still those that were written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from focus_core.analysis.checks.base import Check, CheckResult, Status, Threshold
from focus_core.runs.additions import additions_of
from focus_core.runs.digests import Changes, changes_of
from focus_core.runs.folder import RunFolder

MAX_NAMED = 5


class ChangedFiles(Check):
    """FOC012: a file of the run, or of a training or projection in it, is not what its manifest says."""

    code: ClassVar[str] = "FOC012"
    title: ClassVar[str] = "Files of the run"
    sound: ClassVar[str] = "unchanged"
    faulty: ClassVar[str] = "changed"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "files": Threshold(0, "one changed bit may be any row, weight or token: nothing else can tell"),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Take the SHA-256 of every file and compare it with the manifests."""
        found = {"": changes_of(run.path)}
        found |= {f"{path.parent.name}/{path.name}/": changes_of(path) for path in additions_of(run)}
        bare = [folder.rstrip("/") or "the run" for folder, changes in found.items() if changes is None]
        without = [f"no digests: {_listed(bare)} of version 1; `migrate` adds them"] if bare else []
        if len(bare) == len(found):
            return self.result(Status.NOT_APPLICABLE, "no digests: the run is of version 1; `migrate` adds them")
        differing = {kind: _differing(found, kind) for kind in ("changed", "missing", "added")}
        said = [f"{kind}: {_listed(files)}" for kind, files in differing.items() if files]
        status = Status.PASSED
        if sum(map(len, differing.values())) > self.limit("files"):
            status = Status.PROBLEM if differing["changed"] else Status.WARNING
        tip = "take the folder from a copy that was not changed, or make it again"
        return self.result(status, "; ".join([*(said or ["every file is as it was made"]), *without]), tip=tip)


def _differing(found: Mapping[str, Changes | None], kind: str) -> list[str]:
    """Return the files that differ in one way, by their names in the run's folder."""
    return [f"{folder}{name}" for folder, changes in found.items() if changes for name in getattr(changes, kind)]


def _listed(names: list[str]) -> str:
    """Return some names, the first few of many."""
    more = [f"and {len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else []
    return ", ".join([*names[:MAX_NAMED], *more])
