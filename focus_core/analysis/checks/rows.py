"""Whether the embeddings look like those of the model: norm, distinctness, and a head that was filled."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import numpy as np

from focus_core.analysis.checks.base import (
    Check,
    CheckResult,
    Status,
    Threshold,
    compares_vectors,
    counts_both_cuts,
    grade,
)
from focus_core.analysis.checks.causes import in_view_of_anchors
from focus_core.errors import Phrase, phrase
from focus_core.numerics.formats import rough_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import has_origin
from focus_core.runs.weights import source_norm
from focus_core.types import Fallback, MethodName, Origin, TokenKind

BLOCK = 8192
FEW_COPIED = 20
"""Copied embeddings of text below which their median is that of a few chance tokens, such as full stop and comma."""


class NormShift(Check):
    """FOC006: new rows are much shorter or longer than copied ones."""

    code: ClassVar[str] = "FOC006"
    title: ClassVar[str] = "Norm of new embeddings"
    sound: ClassVar[str] = "as usual"
    faulty: ClassVar[str] = "shifted"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "ratio": Threshold(
            2.0, "mixtures are shorter by nature (0.7 in a sound run on real text); half skews the head"
        ),
        "problem": Threshold(4.0, "embeddings of a quarter or four times the norm are outside what the model saw"),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Compare the median length of new rows with that of copied text rows."""
        norms = run.column("tokens", "norm").astype(np.float64)
        text = run.column("tokens", "kind").astype(str) != TokenKind.SPECIAL
        copied = has_origin(run, Origin.COPIED) & text
        new = np.flatnonzero(has_origin(run, Origin.COMBINED, Origin.FALLBACK))
        usual, of_whom = _usual_norm(run, norms[copied])
        if usual <= 0 or not len(new):
            return self.result(Status.NOT_APPLICABLE, "there are not both copied and new embeddings to compare")
        factors = _factor(norms[new] / usual)
        ratio = float(np.median(norms[new])) / usual
        status = grade(float(_factor(np.array([ratio]))[0]), warning=self.limit("ratio"), problem=self.limit("problem"))
        outliers = int((factors > self.limit("problem")).sum())
        summary = (
            f"the median new embedding has {ratio:.2f} times the norm of {of_whom}; "
            f"{outliers:,} embeddings differ by more than {self.limit('problem'):g} times"
        )
        tip = phrase("the fallback draws from the source's embeddings: see the source, or choose another {fallback}")
        if has_origin(run, Origin.COMBINED).any():
            tip = phrase(
                "short embeddings mix unlike ones: make the vectors from more text or lower {temperature}; "
                "long: see the source"
            )
        if not compares_vectors(run):
            tip = phrase(
                "short embeddings are means of unlike ones: choose another {method} or {fallback}; long: see the source"
            )
        tokens = new[np.argsort(-factors, kind="stable")]
        return in_view_of_anchors(run, self.result(status, summary, tip=tip, tokens=tokens), holds=True)


def _usual_norm(run: RunFolder, copied: np.ndarray) -> tuple[float, str]:
    """Return the norm that the model knows, and whose it is: the copied tokens', or the source's where few are."""
    if not len(copied):
        return 0.0, "nothing"
    if len(copied) >= FEW_COPIED:
        return float(np.median(copied)), "the median copied embedding"
    return source_norm(run), "a usual source embedding (too few of text are copied to compare with)"


def _factor(ratios: np.ndarray) -> np.ndarray:
    """Return how many times longer or shorter; a zero row counts as infinitely shorter."""
    with np.errstate(divide="ignore"):
        factors: np.ndarray = np.exp(np.abs(np.log(ratios)))
    return factors


class HeadNotInitialised(Check):
    """FOC009: the output matrix is a matrix of its own and was not filled."""

    code: ClassVar[str] = "FOC009"
    title: ClassVar[str] = "Output embeddings"
    sound: ClassVar[str] = "initialised"
    faulty: ClassVar[str] = "not initialised"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "rows": Threshold(0, "a zero or broken output embedding gives its token the same logit in every context"),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Look for an output matrix and for rows in it that are zero or not finite."""
        if run.manifest["matrices"]["tied"]:
            return self.result(Status.NOT_APPLICABLE, "the output embeddings are the input embeddings")
        tip = phrase("give {source} a model folder that holds the output embeddings, and run it again")
        if "output" not in run.matrix_names():
            return self.result(
                Status.PROBLEM, "the model has output embeddings of its own, and the run has none", tip=tip
            )
        broken = np.flatnonzero(_broken_rows(run, "output") & run.present())
        status = Status.PROBLEM if len(broken) > self.limit("rows") else Status.PASSED
        summary = f"{len(broken):,} of {int(run.present().sum()):,} output embeddings are zero or not finite"
        return self.result(status, summary, tip=tip, tokens=broken)


def _broken_rows(run: RunFolder, name: str) -> np.ndarray:
    """Return which rows are zero or hold NaN or infinity, shape (n_target,), bool."""
    n_rows = len(run.column("tokens", "id"))
    blocks = (run.rows(name, slice(start, start + BLOCK)) for start in range(0, n_rows, BLOCK))
    return np.concatenate([~np.isfinite(b).all(axis=1) | ~b.any(axis=1) for b in blocks])


class DuplicateEmbeddings(Check):
    """FOC010: tokens share one row, so the model cannot tell them apart."""

    code: ClassVar[str] = "FOC010"
    title: ClassVar[str] = "Duplicate embeddings"
    sound: ClassVar[str] = "few"
    faulty: ClassVar[str] = "many"
    thresholds: ClassVar[dict[str, Threshold]] = {
        "new": Threshold(0.01, "new embeddings are mixtures or draws; more than one in a hundred alike is no chance"),
        "copied": Threshold(0.05, "fuzzy matching makes some: 'The' and 'the' from one embedding; more is too loose"),
        "problem": Threshold(0.50, "beyond half the new embeddings, the new vocabulary says less than it seems to"),
    }

    def run(self, run: RunFolder) -> CheckResult:
        """Compare all rows of the input matrix bit for bit."""
        copied = has_origin(run, Origin.COPIED)
        new = has_origin(run, Origin.COMBINED, Origin.FALLBACK)
        if not new.any() and not copied.any():
            return self.result(Status.NOT_APPLICABLE, "the target vocabulary has no tokens")
        twin = _has_twin(run, np.flatnonzero(copied | new))
        shares = {
            name: float(twin[rows].mean()) if rows.any() else 0.0 for name, rows in (("new", new), ("copied", copied))
        }
        status = grade(shares["new"], warning=self.limit("new"), problem=self.limit("problem"))
        if status is Status.PASSED and shares["copied"] > self.limit("copied"):
            status = Status.WARNING
        summary = (
            f"{int((twin & new).sum()):,} of {int(new.sum()):,} new embeddings and {int((twin & copied).sum()):,} of "
            f"{int(copied.sum()):,} copied embeddings ({rough_percent(shares['copied'])}) equal another embedding"
        )
        tip = phrase("use {match} exact, or accept it for variants in case")
        if shares["new"] > self.limit("new"):
            tip = _distinct(run)
        worst = np.concatenate([np.flatnonzero(twin & new), np.flatnonzero(twin & copied)])
        found = self.result(status, summary, tip=tip, tokens=worst)
        return in_view_of_anchors(run, found, holds=True) if shares["new"] > self.limit("new") else found


def _distinct(run: RunFolder) -> Phrase:
    """Return what tells new tokens apart that have one embedding, by what made it."""
    config = run.manifest["config"]
    if config["method"] == MethodName.MEAN or config.get("fallback") == Fallback.MEAN:
        return phrase("choose another {method} or {fallback} than mean, which gives every new token one embedding")
    if compares_vectors(run):
        return phrase("each is a copy of one contributor: see FOC004")
    if counts_both_cuts(run):
        return phrase("give more text: what comes a few times lies beside one source token, whose embedding it gets")
    told = f"that {config['method']} cannot tell apart"
    alike = "of the same source subwords" if config["method"] == MethodName.SUBWORD_MEAN else told
    return phrase(f"tokens {alike} get one embedding: {{method}} focus tells them apart by their use")


def _has_twin(run: RunFolder, ids: np.ndarray) -> np.ndarray:
    """Return which of these rows equal another of them, shape (n_target,), bool."""
    digests = np.empty(len(ids), dtype=np.uint64)
    for start in range(0, len(ids), BLOCK):
        block = run.rows("input", ids[start : start + BLOCK])
        for i, row in enumerate(block):
            digests[start + i] = int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little")
    _, groups, sizes = np.unique(digests, return_inverse=True, return_counts=True)
    twin = np.zeros(len(run.column("tokens", "id")), dtype=bool)
    twin[ids] = sizes[groups] > 1
    return twin
