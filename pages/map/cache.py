"""What the page Map keeps between page runs: layouts, the tokens on them, and the points for the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_ui.data import cache
from focus_ui.data.kept import kept
from pages.map import tables
from pages.map.payload import pack_points, payload_digest
from pages.map.tables import MapLayout

if TYPE_CHECKING:
    import pandas as pd


def _frame(run: RunFolder, layout: MapLayout, training: TrainingFolder | None) -> pd.DataFrame:
    return tables.map_frame(run, layout, cache.changes(run, training))


def _points(
    run: RunFolder, layout: MapLayout, training: TrainingFolder | None, left: str, right: str
) -> tuple[str, bytes]:
    """Return the points of a map for the browser after their name."""
    digest = payload_digest(layout, left, right, f"{run.digest} {'' if training is None else training.digest}")
    return digest, pack_points(layout, map_frame(run, layout, training), left, right, digest)


stored_layout = kept(tables.stored_layout, most=8)
quick_layout = kept(tables.quick_layout, most=8, spinner="Laying out the embeddings")
cosine_layout = kept(tables.cosine_layout, most=8, spinner="Computing cosines")
map_frame = kept(_frame, most=8)
map_points = kept(_points, most=8)
