"""Which tokens a map shows: a sample that is even over frequency and keeps the tokens one asks about."""

from __future__ import annotations

import numpy as np

from focus_core.errors import bad_input
from focus_core.validation import check_range

MIN_TOKENS = 20
"""Fewest tokens that make a map."""


def frequency_sample(
    candidates: np.ndarray, *, frequency: np.ndarray, n: int, keep: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Draw tokens evenly over the ranks of frequency, some of them being set.

    Parameters
    ----------
    candidates : ndarray of shape (n_candidates,), dtype int
        The ids to draw from, each once.
    frequency : ndarray of shape (n_target,), dtype float64
        Occurrences by id; NaN throughout draws evenly over the ids.
    n : int
        How many, the kept ones among them; all where there are no more.
    keep : ndarray of int
        Ids that are in the sample in any case; those that are no candidates are passed over.
    seed : int, default=0
        Of the draw.

    Returns
    -------
    ndarray of shape (n_sampled,), dtype int64
        Ascending ids: ``n``, or more where more are to be kept.

    Raises
    ------
    InvalidInputError
        If fewer than twenty are asked for, or there are fewer candidates.

    Notes
    -----
    The candidates, most frequent first, are cut into as many runs of equal length as tokens are drawn, and one token
    is drawn from each: every token is as likely as any other, and each part of the ranks has its share.
    """
    check_range("sample", n, low=MIN_TOKENS)
    check_range("seed", seed, low=0)
    if len(candidates) < MIN_TOKENS:
        expected, got = f"at least {MIN_TOKENS} tokens whose embeddings are not zero", f"{len(candidates)}"
        raise bad_input("tokens to project", expected=expected, got=got, remedy="project a larger vocabulary")
    ids = np.sort(np.asarray(candidates, np.int64))
    if n >= len(ids):
        return ids
    is_kept = np.isin(ids, keep)
    kept, rest = ids[is_kept], ids[~is_kept]
    rest = rest[np.argsort(-frequency[rest], kind="stable")]
    drawn = rest[_one_of_each_run(len(rest), max(0, n - len(kept)), seed)]
    return np.sort(np.concatenate([kept, drawn]))


def _one_of_each_run(length: int, n_runs: int, seed: int) -> np.ndarray:
    """Return one random position of each of ``n_runs`` runs of almost equal length."""
    bounds = np.arange(n_runs + 1) * length // max(n_runs, 1)
    chance = np.random.default_rng(seed).random(n_runs)
    return np.asarray(bounds[:-1] + (chance * np.diff(bounds)).astype(np.int64))
