"""Making a map of a run: which members, which tokens, where it goes; no file of the run changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.change import changed_tokens
from focus_core.artifacts import digest_json
from focus_core.errors import bad_input
from focus_core.projection.layout import METHODS, lay_out
from focus_core.projection.members import members_of, placeable
from focus_core.projection.sampling import MIN_TOKENS, frequency_sample
from focus_core.projection.writer import write_map
from focus_core.runs.additions import new_addition, open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.log import growing_run
from focus_core.runs.tokens import frequency
from focus_core.types import ProgressHook, no_progress, tell_all

DEFAULT_ROWS = 20_000
"""Rows of all members together where no size of the sample is given: a layout of half a minute."""

MOST_CHANGED = 50
"""How many of the tokens that a training changed most are kept on its map."""

_MAX_NAME = 64


def project_run(
    run: RunFolder | Path | str,
    *,
    trained: str | Sequence[str] | None = None,
    others: Sequence[RunFolder | Path | str] = (),
    method: str = "umap",
    sample: int | None = None,
    seed: int = 0,
    keep: Sequence[int] = (),
    name: str | None = None,
    output: Path | None = None,
    progress: ProgressHook = no_progress,
) -> Path:
    """Place a run's rows, initialised and trained, in one layout, and write it.

    Parameters
    ----------
    run : RunFolder or Path or str
        The run, or its folder.
    trained : str or sequence of str, default=None
        Names of its trainings whose rows are placed beside the initialised ones; ``None``: none.
    others : sequence of RunFolder or Path or str, default=()
        Runs of the same target tokenizer and width, whose initialised rows are placed too.
    method : {"umap", "pca"}, default="umap"
        How.
    sample : int, default=None
        How many tokens; ``None``: as many as make 20,000 rows with all members, or all tokens.
    seed : int, default=0
        Of the sample and the layout.
    keep : sequence of int, default=()
        Target ids that are in the sample in any case, beside those that a check names and the fifty that each
        training changed most.
    name : str, default=None
        What the map is called; ``None`` makes a name of the options.
    output : Path, default=None
        Where to write; ``None``: ``projection/NAME`` in the run's folder.
    progress : ProgressHook, default=no_progress
        Told what the map's own log is told; raising from it ends the work and leaves nothing behind.

    Returns
    -------
    Path
        The new folder. The same inputs and options give the same bytes outside ``log/``, on one machine and for one
        number of threads.

    Raises
    ------
    InvalidInputError
        If a member is missing or does not fit, a row is not finite, an id to keep holds no token, there are fewer than
        twenty tokens, an option lies outside its range, or the map exists.
    """
    if method not in METHODS:
        raise bad_input("method", expected=" or ".join(METHODS), got=repr(method), remedy="choose one of these")
    names = [trained] if isinstance(trained, str) else list(trained or ())
    run, *compared = (place if isinstance(place, RunFolder) else open_run(place) for place in (run, *others))
    members = members_of(run, names, compared)
    name = name or map_name(method, [*names, *(other.path.name for other in compared)], sample, seed, keep)
    target = new_addition(run.path, "projection", name) if output is None else output
    wanted = {"chosen": _checked(run, keep), "flagged": _flagged(run), "most_changed": _most_changed(run, names)}
    ids = placeable(run, members)
    n = max(MIN_TOKENS, DEFAULT_ROWS // len(members)) if sample is None else sample
    together = np.concatenate(list(wanted.values()))
    chosen = frequency_sample(ids, frequency=frequency(run), n=n, keep=together, seed=seed)
    facts = {
        "kept": {reason: len(np.intersect1d(tokens, chosen)) for reason, tokens in wanted.items()},
        "n_zero_rows": int(run.present().sum()) - len(ids),
    }
    with growing_run(target, terminal=None) as (part, log):
        layout = lay_out(members, chosen, method=method, seed=seed, progress=tell_all(log, progress))
        write_map(part, run=run, name=name, members=members, ids=chosen, layout=layout, seed=seed, facts=facts)
    return target


def map_name(method: str, others: Sequence[str], sample: int | None, seed: int, keep: Sequence[int] = ()) -> str:
    """Return what a map is called unless somebody says otherwise; options that leave no room are digested.

    Parameters
    ----------
    method : {"umap", "pca"}
        How it is laid out.
    others : sequence of str
        Trainings, and names of other runs, that are placed beside the initialised rows.
    sample : int or None
        How many tokens, where that was given.
    seed : int
        Of the sample and the layout.
    keep : sequence of int, default=()
        Target ids that were asked for.

    Returns
    -------
    str
        A name of a projection.
    """
    parts = [re.sub(r"[^A-Za-z0-9._-]", "_", part) for part in others] or ["initialised"]
    size = "" if sample is None else f"-n{sample}"
    also = f"-keep{digest_json(sorted(map(int, keep)))[:6]}" if len(keep) else ""
    end = f"{size}{also}-seed{seed}"
    full = f"{method}-{'-'.join(parts)}{end}"
    return full if len(full) <= _MAX_NAME else f"{method}-{digest_json(parts)[:12]}{end}"


def _checked(run: RunFolder, keep: Sequence[int]) -> np.ndarray:
    """Return ids to keep, or raise where one of them holds no token."""
    there, ids = run.present(), np.asarray(keep, np.int64).reshape(-1)
    wrong = [int(i) for i in ids if not (0 <= i < len(there) and there[i])]
    if wrong:
        expected, got = "ids of target tokens", ", ".join(map(str, wrong[:3]))
        raise bad_input("tokens to keep", expected=expected, got=got, remedy="name tokens of this run")
    return ids


def _flagged(run: RunFolder) -> np.ndarray:
    """Return the target ids that a check of the run names."""
    return np.array([i for result in run_checks(run) if result.side == "target" for i in result.tokens], np.int64)


def _most_changed(run: RunFolder, trained: Sequence[str]) -> np.ndarray:
    """Return the ids that each training changed most; none of a training without that table."""
    found = [changed_tokens(run, open_training(run, name)) for name in trained]
    return np.concatenate([np.empty(0, np.int64), *(c.id[:MOST_CHANGED] for c in found if c is not None)])
