"""Check and export: every file of a run is a click; a map is offered where there is one, tables are safe to open."""

from __future__ import annotations

import csv
import io
import shutil

import pyarrow.parquet as pq
import pytest

from focus_core.export.atlas import atlas_bytes, choose_projection
from focus_core.runs.folder import open_run
from focus_ui.charts.csv_export import csv_bytes
from focus_ui.data import cache
from pages.export import files as export_files
from pages.export.view import check_rows
from tests.pages.conftest import texts


def keys(at):
    return {button.key for button in at.get("download_button")}


def test_every_file_of_a_run_can_be_taken_away(open_app, trained_toy):
    at = open_app("export")
    assert {"_report", "_atlas", "_manifest", "_csv_tokens", "_csv_checks", "_csv_inputs", "_csv_options"} <= keys(at)
    for file in trained_toy.path.glob("*.parquet"):
        assert f"_file_{file.name}" in keys(at)
    assert "_file_projection/umap-focus-seed-1/points.parquet" in keys(at)
    said = texts(at)
    assert "focus_core report" in said
    assert "--x trained_focus_seed_1_x --y trained_focus_seed_1_y --neighbors trained_focus_seed_1_neighbors" in said
    assert str(trained_toy.path) not in said, "no path of this server"


def test_without_a_map_the_way_to_one_is_said(open_app):
    at = open_app("export")
    assert "_atlas" not in keys(at)
    assert "focus_core project" in texts(at)


def test_a_map_too_large_for_the_browser_is_left_to_the_command_line(open_app, trained_toy, monkeypatch):
    monkeypatch.setattr(export_files, "MAX_ATLAS", 10)
    at = open_app("export")
    assert "_atlas" not in keys(at)
    assert "focus_core atlas" in texts(at)
    assert "--projection umap-focus-seed-1" in texts(at)


def test_one_of_several_maps_is_chosen(open_app, trained_toy, tmp_path, monkeypatch):
    shutil.copytree(trained_toy.path, tmp_path / "demo" / "toy")
    projections = tmp_path / "demo" / "toy" / "projection"
    shutil.copytree(projections / "umap-focus-seed-1", projections / "pca-other")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("export")
    choice = at.selectbox(key=f"_atlas_{trained_toy.digest[:12]}")
    assert (choice.value, len(choice.options)) == ("umap-focus-seed-1", 2)
    choice.set_value("pca-other").run()
    assert not at.exception
    assert pq.read_table(io.BytesIO(atlas_bytes(trained_toy, choose_projection(open_run(trained_toy.path))))).num_rows


def test_a_damaged_map_is_an_error_with_a_remedy(open_app, trained_toy, tmp_path, monkeypatch):
    shutil.copytree(trained_toy.path, tmp_path / "demo" / "toy")
    (tmp_path / "demo" / "toy" / "projection" / "umap-focus-seed-1" / "manifest.json").write_text("{}")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("export")
    assert "schema version" in at.error[0].value
    assert "_report" in keys(at)


def test_checks_as_a_table_are_those_of_the_page_and_safe(toy):
    results = cache.checks(toy)
    rows = list(csv.DictReader(io.StringIO(csv_bytes(check_rows(results)).decode("utf-8-sig"))))
    assert [row["check"] for row in rows] == [result.code for result in results]
    assert [row["found"] for row in rows] == [result.summary for result in results]


@pytest.mark.parametrize(("name", "stem"), [("../../etc/x", "x"), ("=1+1", "1-1"), ("<b>", "b"), ("", "run")])
def test_files_are_called_after_the_target_harmlessly(toy, name, stem):
    from tests.toy_run import altered

    run = altered(toy, manifest={"target": {"name": name}})
    assert export_files.stem(run) == f"{stem}-{toy.digest[:8]}"
