"""What a check is, what it returns, and the columns that checks share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from focus_core.initialization.methods.registry import METHODS
from focus_core.runs.folder import RunFolder

MAX_TOKENS = 50


class Status(StrEnum):
    """What a check found, from good to bad; a check that has nothing to look at is not applicable."""

    PASSED = "passed"
    WARNING = "warning"
    PROBLEM = "problem"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Threshold:
    """A number that decides, with the reason for it.

    Parameters
    ----------
    value : float
        The bound.
    reason : str
        Why this number.
    """

    value: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found.

    Parameters
    ----------
    code, title : str
        The check's.
    status : Status
        The verdict.
    outcome : str, default=""
        What was found of the title's matter, in a word or two; empty where there was nothing to look at.
    summary : str
        One sentence with the numbers.
    tip : str, default=""
        What to do; empty where nothing need be done.
    tokens : list of int, default=[]
        At most 50 ids of tokens to look at, worst first.
    side : str, default="target"
        Which vocabulary the ids belong to: ``target`` or ``source``.
    basis : str, default=""
        What weighed the tokens, ``occurrences`` or ``entries``; empty where every run is judged in one way.
    """

    code: str
    title: str
    status: Status
    summary: str
    tip: str = ""
    tokens: list[int] = field(default_factory=list)
    side: str = "target"
    basis: str = ""
    outcome: str = ""

    @property
    def headline(self) -> str:
        """Title and outcome, such as ``Shared tokens and anchors: enough``."""
        return f"{self.title}: {self.outcome}" if self.outcome else self.title

    @property
    def fired(self) -> bool:
        """Whether it is a warning or a problem."""
        return self.status in {Status.WARNING, Status.PROBLEM}

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        names = ("code", "title", "outcome", "summary", "tip", "tokens", "side", "basis")
        return {"status": str(self.status)} | {name: getattr(self, name) for name in names}


class Check(ABC):
    """One diagnostic.

    Attributes
    ----------
    code : str
        ``FOC`` and three digits; never reused.
    title : str
        What it looks at.
    sound, faulty : str
        What it says of that where it passes, and where it fires.
    thresholds : dict of str to Threshold
        The numbers that decide.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    sound: ClassVar[str]
    faulty: ClassVar[str]
    thresholds: ClassVar[dict[str, Threshold]]

    @abstractmethod
    def run(self, run: RunFolder) -> CheckResult:
        """Return the verdict on a finished run."""

    def limit(self, name: str) -> float:
        """Return the value of one threshold."""
        return self.thresholds[name].value

    def result(
        self,
        status: Status,
        summary: str,
        *,
        tip: str = "",
        tokens: Iterable[int] = (),
        side: str = "target",
        basis: str = "",
        outcome: str = "",
    ) -> CheckResult:
        """Return a result of this check; tip and tokens, at most 50, worst first, stay only where something fired.

        ``outcome`` is what it says in place of `faulty`.
        """
        fired = status in {Status.WARNING, Status.PROBLEM}
        listed = [int(i) for _, i in zip(range(MAX_TOKENS), tokens, strict=False)] if fired else []
        return CheckResult(
            code=self.code,
            title=self.title,
            status=status,
            summary=summary,
            tip=tip if fired else "",
            tokens=listed,
            side=side,
            basis=basis,
            outcome=(outcome or self.faulty) if fired else self.sound if status is Status.PASSED else "",
        )


def judge_sides(run: RunFolder, judge: Callable[[str], CheckResult]) -> CheckResult:
    """Return the verdict on the weights, or the worse one where the output side has its own, with both summaries."""
    if not run.sides_differ:
        return judge("input")
    found = {side: judge(side) for side in ("input", "output")}
    order = [Status.PROBLEM, Status.WARNING, Status.PASSED, Status.NOT_APPLICABLE]
    worst = min(found.values(), key=lambda result: order.index(result.status))
    return replace(worst, summary="; ".join(f"{side} side: {result.summary}" for side, result in found.items()))


def compares_vectors(run: RunFolder) -> bool:
    """Return whether the run's method compared auxiliary vectors."""
    return run.manifest.get("auxiliary") is not None


def counts_both_cuts(run: RunFolder) -> bool:
    """Return whether the run's method counted the text as both tokenizers cut it."""
    method = METHODS.get(str(run.manifest["config"]["method"]))
    return method is not None and method.joint


def copies_text(run: RunFolder) -> bool:
    """Return whether shared tokens of text keep their source rows under the run's method."""
    method = METHODS.get(str(run.manifest["config"]["method"]))
    return method is None or (method.copies_text and run.manifest["config"].get("copy_overlap", True))


def grade(value: float, *, warning: float, problem: float) -> Status:
    """Return the status of a number of which more is worse."""
    if value > problem:
        return Status.PROBLEM
    return Status.WARNING if value > warning else Status.PASSED
