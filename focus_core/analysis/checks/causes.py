"""The first cause: too few anchors to choose from, which other checks meet each in its own way.

With a handful of anchors every embedding mixes the same few, whatever the vectors, the temperature or the text are
like. A check that finds the consequence names this cause and not a remedy of its own; one that finds nothing has found
nothing that holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from focus_core.analysis.checks.base import CheckResult, Status, compares_vectors
from focus_core.errors import Phrase, phrase
from focus_core.initialization.auxiliary.vectors import COUNTED, TRAINED
from focus_core.initialization.health import FEW_ANCHORS
from focus_core.numerics.formats import rough_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import has_origin
from focus_core.tokenization.scripts import NEUTRAL_SCRIPTS
from focus_core.types import Origin, TokenKind

MORE_ANCHORS = phrase("get more anchors first, as FOC001 says")
MOST = 0.5
"""Share of a vocabulary's tokens of text from which their script is its script."""


def anchors_of(run: RunFolder) -> int:
    """Return the number of anchors."""
    return int(run.manifest["counts"]["n_anchors"])


def byte_anchors_of(run: RunFolder) -> int:
    """Return how many anchors are single bytes, which have no meaning that a mixture could take."""
    ids = np.flatnonzero(run.column("tokens", "kind").astype(str) == TokenKind.BYTE)
    if not len(ids):
        return 0
    copied = has_origin(run, Origin.COPIED)[ids]
    return int((copied & run.column("tokens", "has_auxiliary")[ids].astype(bool)).sum())


def _text_anchors(run: RunFolder) -> int:
    return max(0, anchors_of(run) - byte_anchors_of(run))


def has_few_anchors(run: RunFolder) -> bool:
    """Return whether there are too few anchors for a mixture to say anything, where the method mixes anchors."""
    return compares_vectors(run) and bool(run.manifest["counts"]["n_new"]) and _text_anchors(run) < FEW_ANCHORS


def has_scarce_anchors(run: RunFolder) -> bool:
    """Return whether FOC001 finds the anchors too few: these, or fewer than the auxiliary space has dimensions."""
    if not compares_vectors(run) or not run.manifest["counts"]["n_new"]:
        return False
    return has_few_anchors(run) or anchors_of(run) < int(run.manifest["auxiliary"]["dim"])


def anchors_in_words(run: RunFolder) -> str:
    """Return how many anchors there are to mix from, as a clause."""
    n, n_bytes = _text_anchors(run), byte_anchors_of(run)
    beside = f", beside {n_bytes:,} single bytes" if n_bytes else ""
    return f"there {'is only 1 anchor' if n == 1 else f'are only {n:,} anchors'} to mix from{beside} (FOC001)"


def in_view_of_anchors(run: RunFolder, found: CheckResult, *, holds: bool = False) -> CheckResult:
    """Return what a check found, with too few anchors named as the cause.

    Parameters
    ----------
    run : RunFolder
        The run.
    found : CheckResult
        What the check found by its own numbers.
    holds : bool, default=False
        Whether a pass says something even where the anchors are few.

    Returns
    -------
    CheckResult
        The same where there are anchors enough. Else a warning or a problem stays one and names the cause, and a pass
        that says nothing becomes not applicable.
    """
    if not has_scarce_anchors(run):
        return found
    why = anchors_in_words(run)
    if found.fired:
        tip = MORE_ANCHORS if has_few_anchors(run) or not found.tip else phrase("{}; then {}", MORE_ANCHORS, found.tip)
        return replace(found, summary=f"{found.summary}; the first cause: {why}", tip=tip)
    if found.status is Status.PASSED and has_few_anchors(run) and not holds:
        return replace(found, status=Status.NOT_APPLICABLE, summary=f"{why}: {found.summary}", outcome="")
    return found


@dataclass(frozen=True, kw_only=True)
class ForeignScript:
    """A script in which the target vocabulary is written, and which the source hardly has.

    Parameters
    ----------
    name : str
        The script.
    share : float
        Share of the target's tokens of text that are written in it.
    n_source : int
        Source tokens that are.
    """

    name: str
    share: float
    n_source: int

    @property
    def words(self) -> str:
        """What it means, as a clause."""
        has = {0: "no token", 1: "1 token"}.get(self.n_source, f"{self.n_source} tokens")
        share = rough_percent(self.share)
        return f"the source has {has} in {self.name}, the script of {share} of the target's tokens of text"


def better_space(run: RunFolder) -> Phrase:
    """Return what makes the auxiliary space of a run tell tokens apart better: its vectors were made here, or given."""
    kind = (run.manifest.get("auxiliary") or {}).get("kind")
    if kind == TRAINED:
        return phrase("train the vectors for more {epochs} or give more text")
    return phrase("give more text" if kind == COUNTED else "give vectors made from more text")


def foreign_script(run: RunFolder) -> ForeignScript | None:
    """Return the script of most of the target's tokens of text, where the source has hardly a token in it."""
    kinds, scripts = (run.column("tokens", name).astype(str) for name in ("kind", "script"))
    own = scripts[(kinds == TokenKind.NORMAL) & ~np.isin(scripts, list(NEUTRAL_SCRIPTS))]
    names, sizes = np.unique(own, return_counts=True)
    if not len(names):
        return None
    name, share = str(names[sizes.argmax()]), float(sizes.max() / sizes.sum())
    n_source = int((run.column("source_tokens", "script").astype(str) == name).sum())
    return (
        ForeignScript(name=name, share=share, n_source=n_source) if share >= MOST and n_source < FEW_ANCHORS else None
    )


def shared_text(run: RunFolder) -> int:
    """Return how many shared tokens are text, so that they can be anchors."""
    no_text = run.column("tokens", "kind").astype(str) != TokenKind.NORMAL
    return int(run.manifest["counts"]["n_overlap"] - (no_text & has_origin(run, Origin.COPIED)).sum())
