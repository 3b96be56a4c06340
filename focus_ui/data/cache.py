"""Every cache of the app, in one place; those of texts and tokenizers lie in `input_cache` and are offered here.

Owns what is kept between page runs. Keys are content digests: Streamlit hashes only a sample of large arrays and
would return stale results for them, so no array, table or run is ever hashed; heavy arguments begin with "_".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from focus_core.analysis.provenance.change import ChangedNeighbours, changed_tokens, neighbour_change
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.explanation import Explanation, Fed, fed_by
from focus_core.analysis.provenance.search import find_source_tokens, find_tokens
from focus_core.artifacts import sha256_file
from focus_core.runs.additions import ProjectionFolder, TrainingFolder
from focus_core.runs.folder import RunFolder, open_run
from focus_ui.data import run_cards as gallery_cards
from focus_ui.data.run_cards import RunCard
from focus_ui.data.training_tables import change_table
from pages.map import tables as map_tables
from pages.map.payload import pack_points, payload_digest
from pages.map.tables import MapLayout

if TYPE_CHECKING:
    import pandas as pd

    from focus_core.analysis.checks.base import CheckResult
    from focus_core.projection.axes import Direction


def load_run(path: Path) -> RunFolder:
    """Open a run, or return the one opened before, where the folder still holds the same manifest."""
    manifest = path / "manifest.json"
    digest = sha256_file(manifest) if manifest.is_file() else ""
    return _load_run(str(path), digest)


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_run(path: str, digest: str) -> RunFolder:
    """Open a run; the digest is part of the key, so that a replaced folder is read again."""
    del digest
    return open_run(path)


def run_card(path: Path) -> RunCard:
    """Return what a list of runs says of a run; see `gallery_cards.read_card`.

    Kept apart from `load_run`: a list of many runs would push the current one out of its few places.
    """
    manifest = path / "manifest.json"
    digest = sha256_file(manifest) if manifest.is_file() else ""
    return _run_card(str(path), digest, gallery_cards.training_names(path))


@st.cache_resource(max_entries=512, show_spinner=False)
def _run_card(path: str, digest: str, trainings: tuple[str, ...]) -> RunCard:
    del digest, trainings
    return gallery_cards.read_card(Path(path))


def explain(run: RunFolder, target_id: int) -> Explanation:
    """Explain a target token of a run; see `explain_token`."""
    return _explain(run.digest, str(run.path), target_id, run)


@st.cache_resource(max_entries=512, show_spinner=False)
def _explain(digest: str, path: str, target_id: int, _run: RunFolder) -> Explanation:
    del digest, path
    return explain_token(_run, target_id)


def fed_tokens(run: RunFolder, source_id: int) -> list[Fed]:
    """Return the target tokens that a source token feeds; see `fed_by`."""
    return _fed(run.digest, str(run.path), source_id, run)


@st.cache_resource(max_entries=128, show_spinner=False)
def _fed(digest: str, path: str, source_id: int, _run: RunFolder) -> list[Fed]:
    del digest, path
    return fed_by(_run, source_id)


def checks(run: RunFolder) -> list[CheckResult]:
    """Return the results of every check of a run; see `run_checks`."""
    return _checks(run.digest, str(run.path), run)


@st.cache_resource(max_entries=16, show_spinner=False)
def _checks(digest: str, path: str, _run: RunFolder) -> list[CheckResult]:
    del digest, path
    from focus_core.analysis.checks.registry import run_checks

    return list(run_checks(_run))


def neighbours(run: RunFolder, training: TrainingFolder, target_id: int) -> ChangedNeighbours:
    """Return a token's neighbours before and after training; see `neighbour_change`."""
    return _neighbours(run.digest, training.digest, str(training.path), target_id, run, training)


@st.cache_resource(max_entries=512, show_spinner=False)
def _neighbours(
    digest: str, training_digest: str, path: str, target_id: int, _run: RunFolder, _training: TrainingFolder
) -> ChangedNeighbours:
    del digest, training_digest, path
    return neighbour_change(_run, _training, target_id)


def changes(run: RunFolder, training: TrainingFolder) -> pd.DataFrame | None:
    """Return the tokens that a training moved, most changed first; ``None`` where it recorded none."""
    return _changes(run.digest, training.digest, str(training.path), run, training)


@st.cache_resource(max_entries=16, show_spinner=False)
def _changes(
    digest: str, training_digest: str, path: str, _run: RunFolder, _training: TrainingFolder
) -> pd.DataFrame | None:
    del digest, training_digest, path
    changed = changed_tokens(_run, _training)
    return None if changed is None else change_table(_run, changed)


def stored_layout(run: RunFolder, projection: ProjectionFolder) -> MapLayout:
    """Return a stored map; see `map_tables.stored_layout`."""
    return _stored_layout(run.digest, projection.digest, str(projection.path), run, projection)


@st.cache_resource(max_entries=8, show_spinner=False)
def _stored_layout(
    digest: str, projection_digest: str, path: str, _run: RunFolder, _projection: ProjectionFolder
) -> MapLayout:
    del digest, projection_digest, path
    return map_tables.stored_layout(_run, _projection)


def quick_layout(run: RunFolder, training: TrainingFolder | None) -> MapLayout:
    """Return a map by principal components, laid out the first time it is asked for; see `map_tables.quick_layout`."""
    named = ("", "") if training is None else (training.digest, str(training.path))
    return _quick_layout(run.digest, str(run.path), *named, run, training)


@st.cache_resource(max_entries=8, show_spinner="Laying out the rows")
def _quick_layout(
    digest: str, path: str, training_digest: str, training_path: str, _run: RunFolder, _training: TrainingFolder | None
) -> MapLayout:
    del digest, path, training_digest, training_path
    return map_tables.quick_layout(_run, _training)


def map_frame(run: RunFolder, layout: MapLayout, training: TrainingFolder | None) -> pd.DataFrame:
    """Return what is known of the tokens on a map; see `map_tables.map_frame`."""
    named = ("", "") if training is None else (training.digest, str(training.path))
    return _map_frame(run.digest, layout.digest, *named, run, layout, training)


@st.cache_resource(max_entries=8, show_spinner=False)
def _map_frame(
    digest: str,
    layout_digest: str,
    training_digest: str,
    path: str,
    _run: RunFolder,
    _layout: MapLayout,
    _training: TrainingFolder | None,
) -> pd.DataFrame:
    del digest, layout_digest, training_digest, path
    return map_tables.map_frame(_run, _layout, None if _training is None else changes(_run, _training))


def cosine_layout(
    run: RunFolder, training: TrainingFolder | None, directions: Sequence[Direction], titles: Sequence[str]
) -> MapLayout:
    """Return a map of cosines to two directions; see `map_tables.cosine_layout`."""
    named = ("", "") if training is None else (training.digest, str(training.path))
    axes = tuple((direction.plus, direction.minus) for direction in directions)
    return _cosine_layout(run.digest, str(run.path), *named, axes, run, training, directions, titles)


@st.cache_resource(max_entries=8, show_spinner="Computing cosines")
def _cosine_layout(
    digest: str,
    path: str,
    training_digest: str,
    training_path: str,
    axes: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...],
    _run: RunFolder,
    _training: TrainingFolder | None,
    _directions: Sequence[Direction],
    _titles: Sequence[str],
) -> MapLayout:
    del digest, path, training_digest, training_path, axes
    return map_tables.cosine_layout(_run, _training, _directions, _titles)


def map_points(
    run: RunFolder, layout: MapLayout, training: TrainingFolder | None, left: str, right: str
) -> tuple[str, bytes]:
    """Return the points of a map for the browser and their name; see `map_payload.pack_points`."""
    measured = f"{run.digest} {'' if training is None else training.digest}"
    digest = payload_digest(layout, left, right, measured)
    path = "" if training is None else str(training.path)
    return digest, _map_points(digest, path, run, layout, training, left, right)


@st.cache_resource(max_entries=8, show_spinner=False)
def _map_points(
    digest: str,
    path: str,
    _run: RunFolder,
    _layout: MapLayout,
    _training: TrainingFolder | None,
    _left: str,
    _right: str,
) -> bytes:
    del path
    return pack_points(_layout, map_frame(_run, _layout, _training), _left, _right, digest)


def search(run: RunFolder, query: str, *, limit: int) -> list[int]:
    """Return the target tokens that fit a query; the run keeps its own index."""
    return find_tokens(run, query[:200], limit=limit)


def search_source(run: RunFolder, query: str, *, limit: int) -> list[int]:
    """Return the source tokens that fit a query; the run keeps its own index."""
    return find_source_tokens(run, query[:200], limit=limit)
