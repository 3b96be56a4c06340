"""Whether there is enough to build on: shared tokens, auxiliary vectors, embeddings that are more than a draw."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from focus_core.analysis.checks.base import (
    Check,
    CheckResult,
    Status,
    Threshold,
    compares_vectors,
    copies_text,
    counts_both_cuts,
    grade,
)
from focus_core.analysis.checks.causes import (
    anchors_of,
    byte_anchors_of,
    foreign_script,
    has_few_anchors,
    has_scarce_anchors,
    in_view_of_anchors,
    shared_text,
)
from focus_core.errors import Phrase, phrase
from focus_core.initialization.auxiliary.vectors import COUNTED, OWN_KINDS
from focus_core.initialization.health import FEW_ANCHORS, much_smaller
from focus_core.numerics.formats import ratio, rough_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import by_frequency, frequency, has_origin
from focus_core.types import MethodName, Origin, TokenKind


class TooLittleOverlap(Check):
    """FOC001: too few shared tokens to place new ones among."""

    code: ClassVar[str] = "FOC001"
    title: ClassVar[str] = "Shared tokens and anchors"
    sound: ClassVar[str] = "enough"
    faulty: ClassVar[str] = "not of its script"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "share": Threshold(
            0.10, "the paper's vocabularies share 17 % (Xhosa) to 38 % (German) with XLM-R; 10 % lies below them all"
        ),
        "anchors_per_dimension": Threshold(
            1.0, "fewer anchors than auxiliary dimensions cannot surround a token: most directions have none"
        ),
        "anchors": Threshold(
            FEW_ANCHORS, "a sound embedding mixes 13 of thousands: among fewer than twenty there is nothing to choose"
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
        scarce, foreign = has_scarce_anchors(run), foreign_script(run)
        few = share < self.limit("share") or foreign is not None
        if compares_vectors(run):
            n, n_bytes, dim = anchors_of(run), byte_anchors_of(run), run.manifest["auxiliary"]["dim"]
            summary += f", {n:,} of them {'is an anchor' if n == 1 else 'are anchors'} in {dim} dimensions"
            summary += f" ({n_bytes:,} of these single bytes)" if n_bytes else ""
            summary += ", too few to place a new token among" if scarce else ""
        summary += f": {foreign.words}" if foreign and (few or scarce) else ""
        status = Status.PROBLEM if scarce else Status.WARNING if few else Status.PASSED
        tips = _smaller_vocabulary(run) if scarce and foreign is None else []
        tips += _more_shared(run, in_script=foreign is None) if few or shared_text(run) < FEW_ANCHORS else []
        tips += _more_anchors(run) if scarce and foreign is None else []
        outcome = "too few anchors" if scarce else "few shared tokens" if share < self.limit("share") else ""
        return self.result(status, summary, tip=phrase("; ".join(["{}"] * len(tips)), *tips), outcome=outcome)


def _more_shared(run: RunFolder, *, in_script: bool) -> list[Phrase]:
    """Return what gives more shared tokens, or does without."""
    if in_script:
        return [phrase("try {match} fuzzy, translations by {map}, or a nearer source model")]
    found = [phrase("take a source model that knows the script, or name pairs (translations, say) by {map}")]
    return [*found, phrase("or take a method that needs no shared tokens: {method} multivariate-normal")]


def _smaller_vocabulary(run: RunFolder) -> list[Phrase]:
    """Return the size that the text supports, where many tokens are shared and the vocabulary is clearly larger."""
    n_target = int(run.manifest["counts"]["n_target"])
    size = much_smaller((run.manifest.get("health") or {}).get("supported_size"), n_target)
    if size is None or shared_text(run) < FEW_ANCHORS:
        return []
    return [phrase("choose a target vocabulary of about {} tokens, which this text supports", f"{size:,}")]


def _more_anchors(run: RunFolder) -> list[Phrase]:
    """Return what makes anchors of more shared tokens, as far as it can."""
    n, most = anchors_of(run) - byte_anchors_of(run), shared_text(run)
    if most <= n or most < FEW_ANCHORS:  # no text makes an anchor of what is not shared
        return [] if n < FEW_ANCHORS else [phrase("set {dim} below {}", n)]
    settings = run.manifest["auxiliary"].get("settings") or {}
    lower = " or lower {min_count}" if int(settings.get("min_count") or 0) > 1 else ""
    found = [phrase(f"give a larger corpus{lower}, so that more of the {{}} shared tokens become anchors", f"{most:,}")]
    return found + ([phrase("or set {dim} below {}", n)] if n >= FEW_ANCHORS else [])


class ManyFallbacks(Check):
    """FOC002: too much of the text falls on rows that were only drawn."""

    code: ClassVar[str] = "FOC002"
    title: ClassVar[str] = "Fallback embeddings"
    sound: ClassVar[str] = "few"
    faulty: ClassVar[str] = "many"
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
        tip = more_vectors(run)
        if not compares_vectors(run):
            tip = _without_vectors(str(run.manifest["config"]["method"]))
            if counts_both_cuts(run):
                tip = phrase("give more text, or choose a smaller target vocabulary")
            foreign = foreign_script(run)
            if foreign is not None and shared_text(run) < FEW_ANCHORS:  # FOCUS would have nothing to combine either
                summary = f"{summary}; the first cause: {foreign.words} (FOC001)"
                tip = phrase("{}; {}", *_more_shared(run, in_script=False))
        tokens = by_frequency(run, np.flatnonzero(fallback))
        found = self.result(status, summary, tip=tip, tokens=tokens, basis=basis)
        return found if found.fired else in_view_of_anchors(run, found)


def more_vectors(run: RunFolder) -> Phrase:
    """Return what gives more tokens an auxiliary vector: the vectors were made here, or given."""
    auxiliary = run.manifest.get("auxiliary") or {}
    if auxiliary.get("kind") not in OWN_KINDS:
        return phrase("give vectors that cover this vocabulary, or let them be made from a text")
    settings = auxiliary.get("settings") or {}
    lower = ", lower {min_count}" if int(settings.get("min_count") or 0) > 1 else ""
    return phrase(f"give more text{lower}, or choose a smaller target vocabulary")


class AuxiliaryCoverage(Check):
    """FOC005: too few tokens have an auxiliary vector."""

    code: ClassVar[str] = "FOC005"
    title: ClassVar[str] = "Auxiliary coverage"
    sound: ClassVar[str] = "enough"
    faulty: ClassVar[str] = "low"
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
        if not run.manifest["counts"]["n_new"]:
            return self.result(Status.NOT_APPLICABLE, "no target token is new: no embedding is combined from anchors")
        covered = run.column("tokens", "has_auxiliary").astype(bool)
        if run.manifest["auxiliary"]["kind"] == COUNTED:  # what never occurs may have one by its spelling alone
            covered &= np.nan_to_num(frequency(run)) > 0
        text = run.column("tokens", "kind").astype(str) != TokenKind.SPECIAL
        shared = has_origin(run, Origin.COPIED) & text
        new = has_origin(run, Origin.COMBINED, Origin.FALLBACK) & text
        shares = {"anchors": ratio(covered[shared].sum(), shared.sum()), "new": ratio(covered[new].sum(), new.sum())}
        if has_few_anchors(run):
            shares["anchors"] = None  # one of one, or two of three, says nothing of coverage
        low = [name for name, share in shares.items() if share is not None and share < self.limit(name)]
        summary = f"an auxiliary vector: {_count(covered, shared)} shared tokens, {_count(covered, new)} new tokens"
        lost = by_frequency(run, np.flatnonzero((shared | new) & ~covered))
        found = self.result(Status.WARNING if low else Status.PASSED, summary, tip=more_vectors(run), tokens=lost)
        return found if found.fired else in_view_of_anchors(run, found)


def _without_vectors(method: str) -> Phrase:
    """Return what to do about fallback embeddings of a method that compares no vectors."""
    if method in (MethodName.SUBWORD_MEAN, MethodName.ASYMMETRIC_MEAN):
        return phrase("the source tokenizer has no subwords for these tokens; {method} focus needs none")
    if method == MethodName.ALIGN:
        return phrase("the text does not hold these tokens; give more text, or {fallback} pieces for the rest")
    return phrase("what the method was given says nothing of these tokens; {method} focus needs none")


def _count(covered: np.ndarray, among: np.ndarray) -> str:
    return f"{int(covered[among].sum()):,} of {int(among.sum()):,}"
