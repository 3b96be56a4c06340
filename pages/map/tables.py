"""What a map shows: where the embeddings of every member lie, and what is known of each token on it.

Measures come from the original space, coordinates from a joint layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from focus_core.errors import FocusError, RunFolderError, bad_input
from focus_core.numerics.formats import count
from focus_core.projection.axes import Direction
from focus_core.runs.additions import ProjectionFolder, TrainingFolder, list_projections, open_projection, readable
from focus_core.runs.folder import RunFolder
from focus_ui.data.tables import token_table

if TYPE_CHECKING:
    import pandas as pd

    from focus_core.projection.members import Member

INITIALISED = "initialised"
TRAINED_PREFIX = "trained:"
QUICK = "PCA, laid out at once"
AXES = "Cosine to two tokens: no projection"
QUICK_ROWS = 20_000
AXES_ROWS = 50_000
QUICK_SEED = 0
BRUSH_MARGIN = 0.003
"""What a range of neighbours kept may be off by: the canvas shows hundredths, and uses the same margin."""

COSINES = "cosines"
METHOD_WORDS = {"umap": "UMAP", "pca": "PCA", COSINES: "Cosines"}

KEPT_NAME, KEPT_TITLE = "neighbour overlap (Jaccard@10)", "Neighbour overlap (Jaccard@10)"
KEPT_MEANING = (
    "of all tokens among a token's ten nearest before or after training, the share that is there both times; "
    "0: all exchanged, 1: all kept"
)
"""How the app calls the measure wherever it is shown, and what it is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MapLayout:
    """One joint layout."""

    digest: str
    method: str
    seed: int
    n_total: int
    members: dict[str, str]
    ids: np.ndarray
    points: dict[str, np.ndarray]
    trust: float | None = None
    explained: tuple[float, ...] = ()
    axes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """The layout that the page shows, and the training whose measures colour it."""

    layout: MapLayout
    left: str
    right: str
    training: TrainingFolder | None = None


def readable_projections(run: RunFolder) -> tuple[list[ProjectionFolder], list[FocusError]]:
    """Open every finished projection of a run."""
    found, errors = readable(list_projections(run), partial(open_projection, run))
    return sorted(found, key=lambda p: (not _has_trained(p), p.manifest.get("method") != "umap", p.name)), errors


def _has_trained(projection: ProjectionFolder) -> bool:
    return any(member["key"].startswith(TRAINED_PREFIX) for member in projection.manifest["members"])


def projection_label(projection: ProjectionFolder) -> str:
    """Return how a stored map is listed, plain text."""
    manifest = projection.manifest
    method = METHOD_WORDS.get(str(manifest.get("method")), "layout")
    return f"{method}, {count(manifest.get('n_sampled') or 0)} tokens · {projection.name}"


def stored_layout(run: RunFolder, projection: ProjectionFolder) -> MapLayout:
    """Read a stored map."""
    table = projection.points()
    members = np.asarray(table.column("member").cast("string").to_numpy(zero_copy_only=False), dtype=object)
    ids = np.asarray(table.column("id").to_numpy(), dtype=np.int64)
    plane = np.column_stack([np.asarray(table.column(n).to_numpy(), dtype=np.float32) for n in ("x", "y")])
    titles = {m["key"]: str(m.get("title") or m["key"]) for m in projection.manifest["members"]}
    points = {key: plane[members == key] for key in titles}
    own = [ids[members == key] for key in titles]
    known = run.present()
    sound = bool(own) and len(own[0]) > 0 and all(np.array_equal(own[0], other) for other in own)
    if not sound or own[0].min() < 0 or own[0].max() >= len(known) or not known[own[0]].all():
        raise _unsound(projection, "the same tokens of this run for every member", "others")
    if not np.isfinite(plane).all():
        raise _unsound(projection, "finite coordinates", "NaN or infinity")
    manifest = projection.manifest
    explained = (manifest.get("settings") or {}).get("explained_variance") or ()
    return MapLayout(
        digest=projection.digest,
        method=str(manifest.get("method")),
        seed=int(manifest.get("seed") or 0),
        n_total=int(manifest.get("n_total") or known.sum()),
        trust=manifest.get("trustworthiness"),
        members=titles,
        ids=own[0],
        points=points,
        explained=tuple(float(share) for share in explained),
    )


def _unsound(projection: ProjectionFolder, expected: str, got: str) -> FocusError:
    return bad_input(f"projection {projection.name}", expected, got, "project again", RunFolderError)


def quick_layout(run: RunFolder, training: TrainingFolder | None) -> MapLayout:
    """Lay the rows of a run, and those of a training, out by their principal components: seconds, no waiting."""
    from focus_core.projection.layout import lay_out

    members, ids = _sample(run, training, QUICK_ROWS // (2 if training else 1), [])
    layout = lay_out(members, ids, method="pca", seed=QUICK_SEED)
    found = _at_once(run, training, members, ids, layout.points, ["pca"])
    return replace(found, trust=float(layout.trust.mean()), explained=tuple(layout.settings["explained_variance"]))


def cosine_layout(
    run: RunFolder, training: TrainingFolder | None, directions: Sequence[Direction], titles: Sequence[str]
) -> MapLayout:
    """Place the rows of a run and of a training at their cosines to two directions: exact, nothing projected."""
    from focus_core.projection.axes import cosine_axes

    named = [i for direction in directions for i in (*direction.plus, *direction.minus)]
    members, ids = _sample(run, training, AXES_ROWS, named)
    points = cosine_axes(members, ids, directions)
    parts = [f"{direction.plus} {direction.minus}" for direction in directions]
    return replace(_at_once(run, training, members, ids, points, [COSINES, *parts]), axes=tuple(titles))


def _sample(
    run: RunFolder, training: TrainingFolder | None, n_rows: int, named: Sequence[int]
) -> tuple[list[Member], np.ndarray]:
    """Return a run's matrix and a training's, and tokens that both can place, the named ones among them."""
    from focus_core.projection.members import members_of, placeable
    from focus_core.projection.sampling import frequency_sample
    from focus_core.runs.tokens import frequency

    members = members_of(run, [training.name] if training else [], [])
    keep, pool = np.array(named, dtype=np.int64), placeable(run, members)
    return members, frequency_sample(pool, frequency=frequency(run), n=n_rows, keep=keep, seed=QUICK_SEED)


def _at_once(
    run: RunFolder,
    training: TrainingFolder | None,
    members: Sequence[Member],
    ids: np.ndarray,
    points: Sequence[np.ndarray] | np.ndarray,
    how: Sequence[str],
) -> MapLayout:
    """Return a layout that is stored nowhere; how it was made is its method, and what else it depends on."""
    return MapLayout(
        digest=" ".join([how[0], run.digest, training.digest if training else "", *how[1:]]),
        method=how[0],
        seed=QUICK_SEED,
        n_total=int(run.present().sum()),
        members={member.key: member.title for member in members},
        ids=ids,
        points={member.key: points[i] for i, member in enumerate(members)},
    )


def map_frame(run: RunFolder, layout: MapLayout, changes: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per token on a map: what it is, and how it changed."""
    names = ["shown", "token", "category", "frequency", "script"]
    frame = token_table(run).set_index("id").loc[layout.ids, names].reset_index()
    for name in ("kept", "cosine"):
        measured = None if changes is None else changes.set_index("id")[name]
        frame[name] = np.nan if measured is None else measured.reindex(layout.ids).to_numpy()
    return frame


def listed(frame: pd.DataFrame, ids: Sequence[int], brush: tuple[float, float] | None) -> pd.DataFrame:
    """Return the tokens on a map that are selected, or in a range of neighbours kept, or both; most frequent first."""
    keep = np.full(len(frame), bool(ids) or brush is not None)
    if ids:
        keep &= np.isin(frame["id"].to_numpy(), np.asarray(ids, dtype=np.int64))
    if brush is not None:
        kept = frame["kept"].to_numpy()
        keep &= (kept >= brush[0] - BRUSH_MARGIN) & (kept <= brush[1] + BRUSH_MARGIN)
    return frame[keep].sort_values(["frequency", "id"], ascending=[False, True])


def on_map(layout: MapLayout, ids: Sequence[int]) -> list[int]:
    """Return those of some ids that the map shows, in their order."""
    there = set(layout.ids.tolist())
    return [target_id for target_id in ids if target_id in there]
