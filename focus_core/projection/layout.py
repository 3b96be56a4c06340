"""From members and ids to coordinates and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from focus_core.projection.members import Member
from focus_core.projection.pca import principal_components
from focus_core.projection.trustworthiness import trustworthiness
from focus_core.projection.umap import MIN_DIST, K, joint_umap, n_epochs_of
from focus_core.types import ProgressHook, no_progress, stage_of

METHODS = ("umap", "pca")
MAX_QUERIES = 1000
"""Tokens of each member whose neighbours are looked at to tell how far a layout can be trusted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where the rows of all members lie.

    Parameters
    ----------
    method : str
        ``umap`` or ``pca``.
    points : ndarray of shape (n_members, n_ids, 2), dtype float32
        Coordinates.
    k : int
        Neighbours that umap was given, and that trustworthiness looks at.
    trust : ndarray of shape (n_members,), dtype float64
        Trustworthiness of each member's points, among the points of all members.
    n_queries : int
        From how many tokens it was measured.
    settings : dict of str to object
        What else decided on the layout, and what it found.
    """

    method: str
    points: np.ndarray
    k: int
    trust: np.ndarray
    n_queries: int
    settings: dict[str, Any] = field(default_factory=dict)


def lay_out(
    members: Sequence[Member], ids: np.ndarray, *, method: str = "umap", seed: int = 0,
    progress: ProgressHook = no_progress,
) -> Layout:  # fmt: skip
    """Lay out the rows of all members together.

    Parameters
    ----------
    members : sequence of Member
        Whose rows.
    ids : ndarray of int
        Which of them.
    method : {"umap", "pca"}, default="umap"
        How.
    seed : int, default=0
        Of everything random.
    progress : ProgressHook, default=no_progress
        Raising from it ends the work.

    Returns
    -------
    Layout
        Coordinates, and what to know of them.
    """
    rows = np.concatenate([member.read(ids) for member in members])
    k = min(K, (len(rows) - 1) // 2)
    if method == "pca":
        with stage_of(progress, "layout"):
            points, explained = principal_components(rows)
            settings: dict[str, Any] = {"explained_variance": [round(float(share), 6) for share in explained]}
    else:
        points = joint_umap(rows, k=k, seed=seed, progress=progress)
        settings = {"metric": "cosine", "init": "pca", "min_dist": MIN_DIST, "n_epochs": n_epochs_of(len(rows))}
    with stage_of(progress, "trustworthiness"):
        queries = np.sort(np.random.default_rng(seed).choice(len(ids), min(MAX_QUERIES, len(ids)), replace=False))
        of_all = (np.arange(len(members))[:, None] * len(ids) + queries).reshape(-1)
        trust = trustworthiness(rows, points, k=k, queries=of_all).reshape(len(members), -1).mean(axis=1)
    return Layout(
        method=method,
        points=points.reshape(len(members), len(ids), 2),
        k=k,
        trust=trust,
        n_queries=len(queries),
        settings=settings,
    )
