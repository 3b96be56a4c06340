"""What a chapter of the lessons is, what its task asks, and whether an answer is right.

No answer is known by heart: every task is made from the numbers of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from focus_core.errors import InvalidInputError, bad_input
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import row_name

MAX_ANSWER = 200
ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
"""Marks that `show_token` puts around right-to-left text; nobody types them."""


class TaskKind(StrEnum):
    """How a task is answered."""

    CHOICE = "choice"
    NUMBER = "number"
    TOKEN = "token"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What is said to an answer."""

    accepted: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """A question on a run, and what is right."""

    kind: TaskKind
    question: str
    hint: str
    explanation: str
    options: tuple[str, ...] = ()
    answers: frozenset[str] = frozenset()
    number: float = 0.0
    tolerance: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One idea, told in a few sentences, and a task on it."""

    number: int
    title: str
    short: str
    words: str
    needs: str
    fits: Callable[[RunFolder], bool]
    task: Callable[[RunFolder], Task]


def check_answer(task: Task, given: object) -> Reply:
    """Judge an answer."""
    text = "" if given is None else str(given)[:MAX_ANSWER].strip()
    if not text:
        return Reply(accepted=False, text="Give an answer first.")
    if task.kind is TaskKind.NUMBER:
        return _check_number(task, text)
    accepted = text in task.answers or text.translate(ISOLATES) in {a.translate(ISOLATES) for a in task.answers}
    return Reply(accepted=accepted, text=task.explanation if accepted else task.hint)


def _check_number(task: Task, text: str) -> Reply:
    plain = text.removesuffix("%").replace("\u2212", "-")
    try:
        values = {float(plain.replace(",", mark)) for mark in (".", "") if plain.count(",") <= 1 or not mark}
    except ValueError:
        return Reply(accepted=False, text="This does not read as a number; write it like 12.5.")
    accepted = any(abs(value - task.number) <= task.tolerance for value in values)
    return Reply(accepted=accepted, text=task.explanation if accepted else task.hint)


def spellings(run: RunFolder, table: str, i: int) -> frozenset[str]:
    """Return every way to type a token."""
    forms = {str(run.column(table, name)[i]).strip() for name in ("token", "text")}
    return frozenset({f"#{i}", label(run, table, i)} | forms) - {""}


def label(run: RunFolder, table: str, i: int) -> str:
    """Return a token as one visible line."""
    row = (run.token_rows if table == "tokens" else run.source_rows)([i])[0]
    if row["kind"] is None:
        return "–"
    return row_name(row, limit=28)


def no_task(chapter: str, needs: str) -> InvalidInputError:
    """Return the error for a chapter that a run cannot be asked about."""
    return bad_input(f"chapter {chapter}", expected=needs, got="a run without", remedy="open the demo run")
