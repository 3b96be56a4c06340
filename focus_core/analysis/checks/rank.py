"""Whether embeddings are what the source's are, or were cut to a rank on the way."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from focus_core.analysis.checks.base import Check, CheckResult, Status, Threshold, grade
from focus_core.errors import phrase
from focus_core.numerics.formats import plain_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import has_origin
from focus_core.types import Origin


class CutRank(Check):
    """FOC013: embeddings were cut to a rank, so that a copied one is near to its source and no longer equal."""

    code: ClassVar[str] = "FOC013"
    title: ClassVar[str] = "Rank of the embeddings"
    sound: ClassVar[str] = "enough of the source is kept"
    faulty: ClassVar[str] = "much of the source is lost"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "error": Threshold(
            0.5, "rank 100 of 256 loses 47 % of the demo source's length and little of what it predicts"
        ),
        "problem": Threshold(0.75, "beyond, less than half of the squares is left: embeddings are something else"),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Read what the cut lost, and count the copied tokens that it changed."""
        note = (run.manifest.get("notes") or {}).get("low_rank")
        if note is None:
            return self.result(Status.NOT_APPLICABLE, "no rank was asked for: copied embeddings equal the source")
        if run.cut_rank is None:
            return self.result(Status.PASSED, f"rank {note['rank']} is the width: copied embeddings equal the source")
        copied = has_origin(run, Origin.COPIED)
        error = max(note["error"].values())
        summary = (
            f"rank {run.cut_rank} of {note['width']} loses {plain_percent(error)} of the source's length; "
            f"{int(copied.sum()):,} copied embeddings are near to the source and not equal"
        )
        status = grade(error, warning=self.limit("error"), problem=self.limit("problem"))
        return self.result(status, summary, tip=phrase("raise {rank}, or leave it out"), tokens=np.flatnonzero(copied))
