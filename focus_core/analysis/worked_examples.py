"""Tokens and a sentence of a run with which it can be explained: frequent words, and a line that both tokenizers read.

Owns what makes a sentence a good one. Refuses to draw.
"""

from __future__ import annotations

from focus_core.analysis.sentence import MAX_SENTENCE, encode_sentence, unknown_id
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import TABLES, showcase

N_WORKED = 8
N_LINES = 200
_LACKS_ALL: tuple[bool, ...] = (True,) * 4
"""Longer than what any line lacks, and so after the last of them."""


def worked_tokens(run: RunFolder) -> list[int]:
    """Return combined target tokens that a lesson can be told with."""
    return showcase(run)[:N_WORKED]


def first_sentence(run: RunFolder) -> str:
    """Return a sentence to begin with: a line that the run kept, else some of its words."""
    return run.remember("lesson sentence", lambda: " ".join(_first_sentence(run).split())[:MAX_SENTENCE])


def _first_sentence(run: RunFolder) -> str:
    lines = [] if run.examples() is None else run.column("examples", "line").tolist()[:N_LINES]
    best, best_lacks = "", _LACKS_ALL
    for line in dict.fromkeys(map(str, lines)):
        lacks = _lacks(run, line)
        if lacks < best_lacks:
            best, best_lacks = line, lacks
        if not any(lacks):
            break
    return best or " ".join(str(run.column("tokens", "text")[i]) for i in worked_tokens(run))


def _lacks(run: RunFolder, line: str) -> tuple[bool, ...]:
    """Return what a line lacks as a first sentence, the worst first: read as a whole, middle length, fewer tokens."""
    old, new = (encode_known(run, side, line[:MAX_SENTENCE]) for side in ("source", "target"))
    unread = unknown_id(run, "source") in old or unknown_id(run, "target") in new
    return unread, not 20 <= len(line) <= 90, len(old) <= len(new) + 1


def encode_known(run: RunFolder, side: str, text: str) -> list[int]:
    """Return the ids of a text in one of a run's own tokenizers, those without a row left out.

    Parameters
    ----------
    run : RunFolder
        A run that keeps its tokenizers.
    side : str
        ``"source"`` or ``"target"``.
    text : str
        What is read.

    Returns
    -------
    list of int
        Ids in the vocabulary of that side.
    """
    size = len(run.column(TABLES[side], "id"))
    return [i for i in encode_sentence(run, side, text).ids if i < size]
