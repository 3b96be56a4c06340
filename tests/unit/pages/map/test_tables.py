"""What the page Map shows: layouts read into one form, the bytes that the browser is sent, landmarks, selections."""

from __future__ import annotations

import json
import shutil
import struct

import numpy as np
import pandas as pd
import pytest

from focus_core.analysis.provenance.change import changed_tokens
from focus_core.errors import RunFolderError
from focus_core.projection.axes import Direction
from focus_core.runs.additions import open_training
from focus_core.runs.folder import open_run
from focus_ui.data import training_tables
from pages.map import tables as map_tables
from pages.map.axes import terms_of
from pages.map.component import FOLDER, PARTS, whole_numbers
from pages.map.payload import few_trails, landmark_levels, pack_points, payload_digest, readable
from tests.tiny_runs import add_projection, train_toy
from tests.toy_run import id_of, write_toy_run

MEMBERS = "initialised", "trained:focus-seed-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "toy"
    train_toy(write_toy_run(path))
    return path


@pytest.fixture
def run(folder, tmp_path):
    return open_run(shutil.copytree(folder, tmp_path / "toy"))


def test_a_stored_map_is_read_by_member(run):
    (projection,), _ = map_tables.readable_projections(run)
    layout = map_tables.stored_layout(run, projection)
    assert list(layout.points) == ["initialised", "trained:focus-seed-1"]
    rows = run.embeddings()[layout.ids, :2]
    assert np.array_equal(layout.points["initialised"], rows)
    assert layout.trust == 0.91


def test_maps_with_a_trained_member_come_first_and_umap_before_pca(run):
    plane = np.zeros((3, 2))
    add_projection(run, "a-initialised", {"initialised": plane}, np.arange(3))
    add_projection(run, "b-pca", {"initialised": plane, "trained:x": plane}, np.arange(3), method="pca")
    found, _ = map_tables.readable_projections(run)
    assert [p.name for p in found] == ["umap-focus-seed-1", "b-pca", "a-initialised"]


def test_a_map_with_other_ids_for_another_member_is_refused(run):
    import pyarrow.parquet as pq

    (projection,), _ = map_tables.readable_projections(run)
    path = projection.path / "points.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(RunFolderError, match="the same tokens"):
        map_tables.stored_layout(run, projection)


def test_both_states_are_laid_out_together_at_once(run):
    """One PCA of the stacked rows: its first axis explains at least as much as any other direction."""
    training = open_training(run, "focus-seed-1")
    layout = map_tables.quick_layout(run, training)
    assert list(layout.points) == ["initialised", "trained:focus-seed-1"]
    assert len(layout.ids) == 135
    assert layout.explained[0] >= layout.explained[1] > 0
    alone = map_tables.quick_layout(run, None)
    assert list(alone.points) == ["initialised"]


def mapped(run):
    (projection,), _ = map_tables.readable_projections(run)
    layout = map_tables.stored_layout(run, projection)
    changed = changed_tokens(run, open_training(run, "focus-seed-1"))
    return layout, map_tables.map_frame(run, layout, training_tables.change_table(run, changed))


def test_a_map_without_measures_has_no_numbers(run):
    layout, _ = mapped(run)
    frame = map_tables.map_frame(run, layout, None)
    assert frame["kept"].isna().all()
    assert frame["cosine"].isna().all()


def test_a_map_of_cosines_keeps_the_tokens_of_its_axes(run, monkeypatch):
    monkeypatch.setattr(map_tables, "AXES_ROWS", 30)
    a, b = id_of(run, "▁mkulima"), id_of(run, "▁nadra")
    axes = [Direction(plus=(a,)), Direction(plus=(b,))]
    layout = map_tables.cosine_layout(run, open_training(run, "focus-seed-1"), axes, ["to a", "to b"])
    assert len(layout.ids) == 30
    assert {a, b} <= set(layout.ids.tolist())
    assert layout.axes == ("to a", "to b")
    row = layout.ids.tolist().index(a)
    assert all(points[row, 0] == pytest.approx(1) for points in layout.points.values())


def unpack(data):
    (length,) = struct.unpack("<I", data[:4])
    header = json.loads(data[4 : 4 + length])
    start = -(-(4 + length) // 8) * 8
    return header, {
        name: np.frombuffer(data, dtype=f"<{kind}", count=header["n"], offset=start + at)
        for name, kind, at in header["arrays"]
    }


def test_points_are_packed_in_few_bytes_and_come_out_as_they_were(run):
    layout, frame = mapped(run)
    header, arrays = unpack(pack_points(layout, frame, *MEMBERS, "d"))
    assert header["shown"] == frame["shown"].tolist()
    assert arrays["id"].tolist() == layout.ids.tolist()
    assert arrays["frequency"].tolist() == frame["frequency"].tolist()
    x0, y0, x1, y1 = header["box"]
    for place, member in enumerate(MEMBERS):
        found = np.column_stack([arrays[f"x{place}"], arrays[f"y{place}"]]) / 65535 * [x1 - x0, y1 - y0] + [x0, y0]
        assert found == pytest.approx(layout.points[member], abs=(x1 - x0) / 1e5)
    assert all(at % 8 == 0 for _, _, at in header["arrays"])
    assert sum(array.dtype.itemsize for array in arrays.values()) == 22, "bytes a point beside its name"


def test_one_member_is_packed_once_and_what_was_not_measured_is_said(run):
    layout, _ = mapped(run)
    frame = map_tables.map_frame(run, layout, None)
    header, arrays = unpack(pack_points(layout, frame, "initialised", "initialised", "d"))
    assert header["members"] == ["initialised"]
    assert "x1" not in arrays
    assert set(arrays["kept"].tolist()) == set(arrays["cosine"].tolist()) == {65535}


def test_points_on_one_spot_are_packed_too(run):
    layout, frame = mapped(run)
    for plane in layout.points.values():
        plane[:] = 3.0
    _, arrays = unpack(pack_points(layout, frame, *MEMBERS, "d"))
    assert set(arrays["x0"].tolist()) == {0}


def test_the_name_of_points_changes_with_what_they_are(run):
    layout, _ = mapped(run)
    names = {payload_digest(layout, *pair, measured) for pair in (MEMBERS, MEMBERS[::-1]) for measured in "ab"}
    assert len(names) == 4


def words(places, shown, frequency):
    frame = pd.DataFrame({"id": range(len(shown)), "shown": shown, "frequency": frequency, "script": "Latin"})
    plane = np.array(places, dtype=np.float32)
    return landmark_levels(frame, [plane], [0.0, 0.0, 1.0, 1.0]).tolist()


def test_the_most_frequent_word_of_a_cell_is_its_landmark():
    """Two corners; in the left one the second word is more frequent, and they part in a finer grid."""
    levels = words([(0.01, 0.01), (0.05, 0.01), (0.9, 0.9)], ["▁moja", "▁mbili", "▁tatu"], [5, 9, 1])
    assert levels[1] == levels[2] == 0
    assert levels[0] == 3, "cells of 1/24: 0.01 and 0.05 lie in different ones, of 1/12 in one"


def test_what_is_no_word_is_no_landmark_however_frequent():
    assert words([(0.1, 0.1), (0.1, 0.1), (0.1, 0.1)], ["<U+202E>", "ab", "▁neno"], [99, 50, 1]) == [255, 255, 0]


@pytest.mark.parametrize(
    ("shown", "script", "word"),
    [
        ("▁shule", "Latin", True),
        ("\u2068▁أطفال\u2069", "Arabic", True),
        ("▁हिन्दी", "Devanagari", True),
        ("水", "Han", True),
        ("ab", "Latin", False),
        ("<b>bold</b>", "Latin", False),
        ("▁123", "Common", False),
        ("", "Latin", False),
    ],
)
def test_words_are_letters_with_their_marks(shown, script, word):
    assert readable(shown, script) is word


def test_trails_are_few_at_first():
    frame = pd.DataFrame({"kept": [0.0, 0.05, 0.1, 0.1, 0.5, np.nan]})
    assert few_trails(frame, n=4) == 0.49
    assert few_trails(frame, n=3) == 0.09
    assert few_trails(frame, n=0) == 0.0
    assert few_trails(pd.DataFrame({"kept": [np.nan]})) == 1.0


def test_a_selection_and_a_range_hold_together():
    frame = pd.DataFrame({"id": [1, 2, 3, 4], "frequency": [5, 9, 9, 1], "kept": [0.1, 0.2, 0.9, np.nan]})
    assert map_tables.listed(frame, (), None)["id"].tolist() == []
    assert map_tables.listed(frame, (4, 1, 3), None)["id"].tolist() == [3, 1, 4]
    assert map_tables.listed(frame, (), (0.0, 0.2))["id"].tolist() == [2, 1]
    assert map_tables.listed(frame, (1, 3, 4), (0.1, 0.2))["id"].tolist() == [1]


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("shule", [(1, "shule")]),
        ("  a - b + #3 ", [(1, "a"), (-1, "b"), (1, "#3")]),
        ("e-mail", [(1, "e-mail")]),
        ("a - ", [(1, "a -")]),
        ("", []),
        (" - ".join("abcdefgh"), [(1, "a"), *((-1, c) for c in "bcdef")]),
    ],
)
def test_a_formula_is_read_term_by_term(formula, terms):
    assert terms_of(formula) == terms


def test_only_ids_are_taken_from_a_browser():
    assert whole_numbers([1, True, 2.0, "3", None, -1, 9, 4], limit=99, below=9) == (1, 4)
    assert whole_numbers([1, 2, 3], limit=2, below=9) == (1, 2)
    assert whole_numbers({"0": 1}, limit=2, below=9) == ()


def test_the_canvas_writes_no_markup_and_fetches_nothing():
    """Text goes into textContent and fillText alone; the file that is saved escapes it."""
    source = "".join((FOLDER / f"{name}.js").read_text("utf-8") for name in (*PARTS, "points"))
    banned = (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "fetch(",
        "import ",
        "http://",
        "https://",
    )
    assert [word for word in banned if word in source.replace("http://www.w3.org/2000/svg", "")] == []
