"""What the numbered checks say of a finished run, in a few words: for its card and its place in the tray.

Checks read a whole run, so a list of many asks for one of them at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from focus_core.analysis.checks.base import CheckResult
from focus_core.errors import FocusError
from focus_core.jobs.record import Job
from focus_core.tokenization.display import markdown_escape
from focus_ui.data import cache
from focus_ui.session import navigation

KNOWN = "run_verdicts"
"""Where the session keeps the verdicts, by the id of the job."""
WARNING, PROBLEM = "warning", "problem"
STATUS_COLORS = {"passed": "green", "warning": "yellow", "problem": "red", "not applicable": "gray"}
"""Of verdicts of checks, by the names of badges."""
SIGNS = {WARNING: ":material/warning:", PROBLEM: ":material/error:"}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the checks of a run say."""

    n_problems: int
    n_warnings: int
    worst: str = ""

    @property
    def words(self) -> str:
        """How it stands beside "done", such as ``with 1 problem, 2 warnings``; "" where every check passed."""
        counts = ((self.n_problems, PROBLEM), (self.n_warnings, WARNING))
        parts = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n]
        return f"with {', '.join(parts)}" if parts else ""

    @property
    def sign(self) -> str:
        """Its Material icon; "" where every check passed."""
        return SIGNS[PROBLEM if self.n_problems else WARNING] if self.words else ""


def summarise(results: Sequence[CheckResult]) -> Verdict:
    """Return the verdict of some checks."""
    found = {status: [result for result in results if result.status == status] for status in (PROBLEM, WARNING)}
    worst = next(iter(found[PROBLEM] + found[WARNING]), None)
    return Verdict(
        n_problems=len(found[PROBLEM]),
        n_warnings=len(found[WARNING]),
        worst="" if worst is None else f"{worst.code} {worst.headline}",
    )


def is_known(job: Job) -> bool:
    """Tell whether this session has looked at a run."""
    return job.id in st.session_state.get(KNOWN, {})


def verdict(job: Job, *, look: bool) -> Verdict | None:
    """Return what the checks say of a finished job's run."""
    known: dict[str, Verdict | None] = st.session_state.setdefault(KNOWN, {})
    if look and job.id not in known:
        try:
            known[job.id] = summarise(cache.checks(cache.load_run(job.run)))
        except FocusError:
            known[job.id] = None
    return known.get(job.id)


def draw(job: Job, found: Verdict) -> None:
    """Draw the worst of what was found in one line, and the way to all of it; nothing where every check passed."""
    if not found.words:
        return
    first = "The worst: " if found.n_problems + found.n_warnings > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(first + markdown_escape(found.worst), width="content")
        page = navigation.EXPORT
        navigation.link(page, page.title, run=job.id)
