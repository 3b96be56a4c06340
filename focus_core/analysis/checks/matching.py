"""Whether tokens were matched for a reason: no coin tosses, and no special token left without an embedding."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from focus_core.analysis.checks.base import Check, CheckResult, Status, Threshold, copies_text
from focus_core.errors import phrase
from focus_core.numerics.formats import rough_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import by_frequency, has_origin
from focus_core.types import Origin, SpecialTokenType, TokenKind


class AmbiguousMatches(Check):
    """FOC007: several source tokens fit equally well, and the lowest id decided."""

    code: ClassVar[str] = "FOC007"
    title: ClassVar[str] = "Ties between matches"
    sound: ClassVar[str] = "few"
    faulty: ClassVar[str] = "many"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "share": Threshold(0.01, "a few ties are harmless; above a hundredth a rule is too loose"),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Count the matched tokens whose two best candidates agree in rule, string and case."""
        n_overlap = run.manifest["counts"]["n_overlap"]
        if not n_overlap:
            return self.result(Status.NOT_APPLICABLE, "no token was matched")
        if not copies_text(run):
            return self.result(Status.NOT_APPLICABLE, "the method does not copy matched tokens of text")
        several, tied = _ambiguous(run)
        share = len(tied) / n_overlap
        summary = (
            f"{len(several):,} of {n_overlap:,} matched tokens have several candidates; "
            f"in {len(tied):,} cases the lowest id decided"
        )
        status = Status.WARNING if share > self.limit("share") else Status.PASSED
        tip = phrase(
            "look at the candidates on the Token page and settle them in a file for {map}, or use {match} exact"
        )
        return self.result(status, f"{summary} ({rough_percent(share)})", tip=tip, tokens=by_frequency(run, tied))


def _ambiguous(run: RunFolder) -> tuple[np.ndarray, np.ndarray]:
    """Return the target ids with several candidates, and those whose first two tie in all but their id."""
    targets, ranks = run.column("candidates", "target_id"), run.column("candidates", "rank")
    seconds = np.flatnonzero(ranks == 1)
    fits = _fits(run)
    tied = [row for row in seconds.tolist() if fits[row] == fits[row - 1]]
    return targets[seconds], targets[tied]


def _fits(run: RunFolder) -> list[tuple[str, bool, bool]]:
    """Return per candidate what outranks its id: the rule, the same string, the same case."""
    columns = (run.column("candidates", name).tolist() for name in ("target_id", "source_id", "rule"))
    target, source = (
        {name: run.column(table, name) for name in ("token", "text")} for table in ("tokens", "source_tokens")
    )
    return [
        (rule, target["token"][t] == source["token"][s], target["text"][t] == source["text"][s])
        for t, s, rule in zip(*columns, strict=True)
    ]


class SpecialsUnmatched(Check):
    """FOC008: a special token of the target did not get a source row."""

    code: ClassVar[str] = "FOC008"
    title: ClassVar[str] = "Special tokens"
    sound: ClassVar[str] = "all matched"
    faulty: ClassVar[str] = "some without a source embedding"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "roles": Threshold(
            0, "every sequence holds these tokens: one wrong embedding harms every prediction (padding is masked)"
        ),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Look for special tokens whose row was not copied."""
        special = run.column("tokens", "kind").astype(str) == TokenKind.SPECIAL
        if not special.any():
            return self.result(Status.NOT_APPLICABLE, "the target vocabulary has no special tokens")
        lost = np.flatnonzero(special & ~has_origin(run, Origin.COPIED))
        ids = set(lost.tolist())
        roles = sorted(
            role for role, i in run.manifest["target"]["roles"].items() if i in ids and role != SpecialTokenType.PAD
        )
        status = Status.PASSED if not len(lost) else Status.PROBLEM if roles else Status.WARNING
        summary = f"{len(lost)} of {int(special.sum())} special tokens have no source embedding"
        if roles:
            summary += f", among them {', '.join(roles)}"
        tip = phrase("name their source tokens in a file of lines target TAB source for {map}")
        return self.result(status, summary, tip=tip, tokens=lost)
