"""Whether there is enough to build on: shared tokens, auxiliary vectors, embeddings that are more than a draw."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from focus_core.analysis.checks.base import Check, CheckResult, Status, Threshold, compares_vectors, copies_text, grade
from focus_core.errors import phrase
from focus_core.numerics.formats import ratio, rough_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import by_frequency, frequency, has_origin
from focus_core.types import Origin, TokenKind


class TooLittleOverlap(Check):
    """FOC001: too few shared tokens to place new ones among."""

    code: ClassVar[str] = "FOC001"
    title: ClassVar[str] = "Too few shared tokens or anchors"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "share": Threshold(
            0.10, "the paper's vocabularies share 17 % (Xhosa) to 38 % (German) with XLM-R; 10 % lies below them all"
        ),
        "anchors_per_dimension": Threshold(
            1.0, "fewer anchors than auxiliary dimensions cannot surround a token: most directions have none"
        ),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Compare the number of shared tokens with the vocabulary, and of anchors with the auxiliary space."""
        counts = run.manifest["counts"]
        if not counts["n_new"]:
            return self.result(Status.NOT_APPLICABLE, "every target token is shared: there is nothing to combine")
        share = counts["n_overlap"] / counts["n_target"]
        summary = f"{counts['n_overlap']:,} of {counts['n_target']:,} target tokens are shared ({rough_percent(share)})"
        if not copies_text(run):
            return self.result(Status.NOT_APPLICABLE, f"{summary}; the method does not copy them")
        tips = [phrase("try {match} fuzzy, translations by {map}, or a nearer source model")] * (
            share < self.limit("share")
        )
        status = Status.WARNING if tips else Status.PASSED
        if compares_vectors(run):
            dim = run.manifest["auxiliary"]["dim"]
            summary += f", {counts['n_anchors']:,} of them are anchors in {dim} dimensions"
            if counts["n_anchors"] < self.limit("anchors_per_dimension") * dim:
                status = Status.PROBLEM
                summary += ", too few to place a new token among"
                more = "give a larger corpus, so that more shared tokens become anchors, or set {dim} below {}"
                tips.append(phrase(more, dim))
        return self.result(status, summary, tip=phrase("; ".join(["{}"] * len(tips)), *tips))


class ManyFallbacks(Check):
    """FOC002: too much of the text falls on rows that were only drawn."""

    code: ClassVar[str] = "FOC002"
    title: ClassVar[str] = "Many fallback embeddings"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "share": Threshold(
            0.10, "a sound run combines at least nine of ten occurrences of new tokens, on 2 MB of text too"
        ),
        "problem": Threshold(0.50, "beyond this most new tokens that training meets carry no information"),
        "tokens": Threshold(
            0.90, "a corpus that holds hardly any of the new tokens cannot weigh them: nine of ten drawn is too many"
        ),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Weigh fallback rows against all new tokens, by occurrences where there was a corpus."""
        fallback = has_origin(run, Origin.FALLBACK)
        new = fallback | has_origin(run, Origin.COMBINED)
        if not new.any():
            return self.result(Status.NOT_APPLICABLE, "no target token is new")
        if not compares_vectors(run) and not has_origin(run, Origin.COMBINED).any():
            return self.result(Status.NOT_APPLICABLE, "the method combines no embeddings: every new one is a fallback")
        seen = frequency(run)
        if not np.nan_to_num(seen[new]).any():
            why = "this run counted no tokens" if np.isnan(seen).all() else "its corpus holds none of them"
            weight, basis, of_what = np.ones(len(new)), "entries", f"new tokens ({why}: judged by entries)"
        else:
            weight, basis, of_what = seen, "occurrences", "the corpus occurrences of new tokens (judged by occurrences)"
        share = float(weight[fallback].sum() / weight[new].sum())
        summary = (
            f"{int(fallback.sum()):,} of {int(new.sum()):,} new tokens have fallback embeddings: "
            f"{rough_percent(share)} of {of_what}"
        )
        status = grade(share, warning=self.limit("share"), problem=self.limit("problem"))
        of_tokens = float(fallback.sum() / new.sum())
        if status is Status.PASSED and of_tokens > self.limit("tokens"):
            status = Status.WARNING
            summary += f", but {rough_percent(of_tokens)} of new tokens: the corpus hardly holds them"
        tip = phrase("give more text, lower {min_count}, or choose a smaller target vocabulary")
        if not compares_vectors(run):
            tip = phrase("the source tokenizer has no subwords for these tokens; {method} focus needs none")
        return self.result(status, summary, tip=tip, tokens=by_frequency(run, np.flatnonzero(fallback)), basis=basis)


class AuxiliaryCoverage(Check):
    """FOC005: too few tokens have an auxiliary vector."""

    code: ClassVar[str] = "FOC005"
    title: ClassVar[str] = "Low auxiliary coverage"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "anchors": Threshold(
            0.50, "a shared token without a vector is copied but helps no other; below half, most help is lost"
        ),
        "new": Threshold(
            0.50, "below half, the vocabulary is too large for the corpus: most new tokens cannot be placed"
        ),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Count which shared and which new text tokens have a vector."""
        if run.auxiliary() is None:
            return self.result(Status.NOT_APPLICABLE, "the run has no auxiliary vectors")
        covered = run.column("tokens", "has_auxiliary").astype(bool)
        text = run.column("tokens", "kind").astype(str) != TokenKind.SPECIAL
        shared = has_origin(run, Origin.COPIED) & text
        new = has_origin(run, Origin.COMBINED, Origin.FALLBACK) & text
        shares = {"anchors": ratio(covered[shared].sum(), shared.sum()), "new": ratio(covered[new].sum(), new.sum())}
        low = [name for name, share in shares.items() if share is not None and share < self.limit(name)]
        summary = f"an auxiliary vector: {_count(covered, shared)} shared tokens, {_count(covered, new)} new tokens"
        tip = phrase("give more text, lower {min_count}, or choose a smaller target vocabulary")
        lost = by_frequency(run, np.flatnonzero((shared | new) & ~covered))
        return self.result(Status.WARNING if low else Status.PASSED, summary, tip=tip, tokens=lost)


def _count(covered: np.ndarray, among: np.ndarray) -> str:
    return f"{int(covered[among].sum()):,} of {int(among.sum()):,}"
