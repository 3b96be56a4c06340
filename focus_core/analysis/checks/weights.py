"""Whether the weights say something: no token feeds everything, no row is a mean of everything."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from focus_core.analysis.checks.base import Check, CheckResult, Status, Threshold, compares_vectors, grade, judge_sides
from focus_core.analysis.checks.causes import (
    anchors_in_words,
    anchors_of,
    better_space,
    has_few_anchors,
    has_scarce_anchors,
    in_view_of_anchors,
)
from focus_core.errors import phrase, read_phrase
from focus_core.numerics.formats import rough_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import has_origin
from focus_core.runs.weights import read_weights
from focus_core.types import Origin


class Hubs(Check):
    """FOC003: a few source tokens feed a large part of the new ones."""

    code: ClassVar[str] = "FOC003"
    title: ClassVar[str] = "Hub tokens"
    sound: ClassVar[str] = "none"
    faulty: ClassVar[str] = "some carry much of the weight"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "share": Threshold(
            0.01, "one token that makes up a hundredth of all new embeddings pulls unrelated tokens together"
        ),
        "times_equal_share": Threshold(
            10.0, "with few anchors each one's equal share is large; ten times that share is no accident"
        ),
        "problem": Threshold(0.10, "a tenth of all weight on one token makes the new embeddings alike"),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Compare each source token's share of the weight of combined rows with an equal share."""
        return in_view_of_anchors(run, judge_sides(run, lambda side: self._judge(run, _weight_fed(run, side))))

    def _judge(self, run: RunFolder, fed: np.ndarray) -> CheckResult:
        total, n_anchors = float(fed.sum()), anchors_of(run)
        if total <= 0 or not n_anchors:
            return self.result(Status.NOT_APPLICABLE, "no embedding was combined from anchors")
        shares = fed / total
        least, most = max(self.limit("share"), self.limit("times_equal_share") / n_anchors), self.limit("problem")
        if has_scarce_anchors(run):  # an equal share of few is large, but no less a large part of each embedding
            least = min(least, most)
        hubs = np.flatnonzero(shares > least)
        hubs = hubs[np.argsort(-shares[hubs], kind="stable")]
        status = grade(float(shares.max()), warning=least, problem=max(least, most))
        named = "1 source token carries" if len(hubs) == 1 else f"{len(hubs)} source tokens carry"
        each = "" if len(hubs) == 1 else " each"
        summary = (
            f"{named} more than {rough_percent(least)} of the weight{each}; "
            f"the largest share is {rough_percent(float(shares.max()))}"
        )
        tip = phrase("open the hub: if it is a symbol or a special token, lower {temperature} or {}", better_space(run))
        return self.result(status, summary, tip=tip, tokens=hubs, side="source")


def _weight_fed(run: RunFolder, side: str) -> np.ndarray:
    """Return how much weight every source token has in the rows that are no copies, signed weights by size."""
    if side == "input":
        return run.column("source_tokens", "weight_fed").astype(np.float64)
    weights = read_weights(run, side)
    matrix = abs(weights.matrix[np.flatnonzero(run.column("tokens", "source_id") < 0)]).astype(np.float64)
    return np.asarray(matrix.sum(axis=0)).reshape(-1)


class DegenerateSupport(Check):
    """FOC004: rows have one contributor, or hundreds."""

    code: ClassVar[str] = "FOC004"
    title: ClassVar[str] = "Contributors of an embedding"
    sound: ClassVar[str] = "a sound number"
    faulty: ClassVar[str] = "a degenerate number"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "low": Threshold(3, "below three, embeddings are near copies of single tokens"),
        "high": Threshold(100, "a sound space gives 11 to 24 contributors, from 300 lines on"),
        "anchors": Threshold(0.5, "few anchors never reach that: a mixture of half of them or more is near their mean"),
        "few": Threshold(20, "a sound embedding may have so many contributors, however few anchors there are"),
        "problem": Threshold(300, "a collapsed space gave 470 of 1,541 anchors: each embedding is their mean"),
        "near_copies": Threshold(0.25, "a quarter of the embeddings on one contributor is no longer a mixture"),
    }
    near_copy: ClassVar[float] = 0.95

    def run(self, run: RunFolder) -> CheckResult:
        """Look at the median number of contributors of combined rows, and at rows with one heavy contributor."""
        return in_view_of_anchors(run, judge_sides(run, lambda side: self._judge(run, side)))

    def _judge(self, run: RunFolder, side: str) -> CheckResult:
        ids = np.flatnonzero(has_origin(run, Origin.COMBINED))
        if not compares_vectors(run):
            return self.result(Status.NOT_APPLICABLE, "no similarities were taken: support has no bound to keep")
        if not len(ids):
            return self.result(Status.NOT_APPLICABLE, "no embedding was combined from source embeddings")
        sizes, largest = (run.column("tokens", name)[ids] for name in ("n_contributors", "max_weight"))
        if side == "output":
            weights = read_weights(run, side)
            sizes, largest = weights.support[ids], weights.max_weight[ids]
        copies = largest >= self.near_copy
        median, share = float(np.median(sizes)), float(copies.mean())
        summary = f"median {median:g} contributors a combined embedding; {rough_percent(share)} of them are near copies"
        if median < self.limit("low") or share > self.limit("near_copies"):
            config = run.manifest["config"]
            softer = "raise {temperature}, or leave {top_k} out," if config.get("top_k") else "raise {temperature}"
            tip = phrase(f"{softer} for softer mixtures")
            return self.result(Status.WARNING, summary, tip=tip, tokens=ids[copies], outcome="too few")
        n_anchors = anchors_of(run)
        few = 0.0 if has_few_anchors(run) else self.limit("few")
        high = min(self.limit("high"), max(few, self.limit("anchors") * n_anchors))
        status = grade(median, warning=high, problem=self.limit("problem"))
        tip = phrase("{}, or lower {temperature}", better_space(run))
        if status is not Status.PASSED:
            summary = f"{summary}, most near the mean of the {n_anchors:,} anchors"
            space = CollapsedSpace().run(run)
            if space.fired:
                summary, tip = f"{summary}; the first cause: {space.summary} (FOC011)", phrase("{}", space.tip)
        tokens = ids[np.argsort(-sizes, kind="stable")]
        return self.result(status, summary, tip=tip, tokens=tokens, outcome="too many")


class CollapsedSpace(Check):
    """FOC011: the auxiliary vectors all point the same way."""

    code: ClassVar[str] = "FOC011"
    title: ClassVar[str] = "Auxiliary space"
    sound: ClassVar[str] = "tells tokens apart"
    faulty: ClassVar[str] = "collapsed"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "mean_cosine": Threshold(0.40, "counts give 0.02 to 0.3, fastText 0.1 to 0.2; above 0.4 nearness means little"),
        "problem": Threshold(
            0.80, "3 epochs of fastText on 2 MB gave 0.96, and every embedding became a mean of the anchors"
        ),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Read the run's own health report."""
        health = run.manifest.get("health") or {}
        cosine = health.get("mean_cosine")
        if cosine is None:
            return self.result(Status.NOT_APPLICABLE, "no similarities between new tokens and anchors were taken")
        if has_few_anchors(run):  # the mean direction of a handful of tokens is not that of the space
            return self.result(Status.NOT_APPLICABLE, f"{anchors_in_words(run)}: their mean cosine is {cosine:.2f}")
        status = grade(cosine, warning=self.limit("mean_cosine"), problem=self.limit("problem"))
        if health.get("collapsed"):
            status = Status.PROBLEM
        summary = f"mean cosine {cosine:.2f} between new tokens and anchors"
        remedy = read_phrase(health.get("remedy") or "")
        return self.result(status, summary, tip=remedy or better_space(run))
