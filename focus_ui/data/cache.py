"""What at least two pages keep of a run between page runs; what a page alone keeps lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from focus_core.analysis.checks.base import CheckResult
from focus_core.analysis.provenance.change import changed_tokens, neighbour_change
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.search import find_tokens
from focus_core.analysis.token_list import TokenList
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder, open_run
from focus_ui.data.kept import kept
from focus_ui.data.run_cards import RunCard, read_card, training_names
from focus_ui.data.training_tables import change_table

if TYPE_CHECKING:
    import pandas as pd

MAX_QUERY = 200


load_run = kept(open_run, most=8)
"""Open a run, or return the one opened before, where the folder still holds the same manifest."""


def run_card(path: Path) -> RunCard:
    """Return what a list of runs says of a run; see `read_card`."""
    # Kept apart from `load_run`: a list of many runs would push the current one out of its few places.
    return _run_card(path, training_names(path))


def _card(path: Path, trainings: tuple[str, ...]) -> RunCard:
    del trainings
    return read_card(path)


_run_card = kept(_card, most=512)


def _checks(run: RunFolder) -> list[CheckResult]:
    from focus_core.analysis.checks.registry import run_checks

    return list(run_checks(run))


def _changes(run: RunFolder, training: TrainingFolder | None) -> pd.DataFrame | None:
    changed = None if training is None else changed_tokens(run, training)
    return None if changed is None else change_table(run, changed)


def problem_lists(run: RunFolder) -> list[TokenList]:
    """Return the lists of tokens to look at, made once a run; see `token_lists`."""
    from focus_core.analysis.comparison.lists import token_lists

    return run.remember("app compare lists", lambda: token_lists(run, checks(run)))


explain = kept(explain_token, most=512)
checks = kept(_checks, most=16)
neighbours = kept(neighbour_change, most=512)
changes = kept(_changes, most=16)
"""The tokens by their drift in a training, most changed first; ``None`` where it recorded none, or there is none."""


def search(run: RunFolder, query: str, *, side: str = "target", limit: int) -> list[int]:
    """Return the tokens of a vocabulary that fit what was typed so far, best first."""
    return find_tokens(run, query[:MAX_QUERY], side=side, limit=limit)
