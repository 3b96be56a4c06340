"""The file for Embedding Atlas, read back: its columns, its neighbours, its tokens, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from focus_core.cli import main as cli
from focus_core.errors import InvalidInputError, RunFolderError
from focus_core.export.atlas import atlas_bytes, atlas_table, choose_projection, member_columns, write_atlas
from focus_core.runs.additions import open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.tokenization.display import show_token
from tests.tiny_runs import add_projection, add_training, train_toy
from tests.toy_run import write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("atlas") / "toy"
    train_toy(write_toy_run(folder))
    return open_run(folder)


def test_the_file_read_back_holds_every_token_of_the_map(run: RunFolder, tmp_path: Path) -> None:
    projection = choose_projection(run)
    table = pq.read_table(write_atlas(run, tmp_path / "map.parquet"))
    ids = np.unique(projection.points().column("id").to_numpy())
    assert sorted(table.column("id").to_pylist()) == ids.tolist()
    trained = next(m["key"] for m in projection.manifest["members"] if m["key"].startswith("trained:"))
    wanted = {"token", "id", "raw", "origin", "script", "frequency", "cosine", "kept"}
    wanted |= {*member_columns("initialised"), *member_columns(trained)}
    assert wanted <= set(table.column_names)
    assert json.loads(table.schema.metadata[b"focus_lab"])["run"] == run.digest


def test_coordinates_and_measures_belong_to_their_token(run: RunFolder) -> None:
    projection = choose_projection(run)
    points = projection.points().to_pylist()
    at = {(p["member"], p["id"]): (p["x"], p["y"]) for p in points}
    trained = next(m["key"] for m in projection.manifest["members"] if m["key"].startswith("trained:"))
    x, y, _ = member_columns(trained)
    changes = open_training(run, trained.removeprefix("trained:")).tokens().to_pylist()
    kept = {row["id"]: row["kept"] for row in changes}
    for row in atlas_table(run, projection).to_pylist():
        text, starts = (run.column("tokens", name)[row["id"]] for name in ("text", "word_start"))
        assert row["token"] == show_token(text, word_start=bool(starts))
        assert (row["projection_x"], row["projection_y"]) == pytest.approx(at["initialised", row["id"]])
        assert (row[x], row[y]) == pytest.approx(at[trained, row["id"]])
        assert row["kept"] == pytest.approx(kept[row["id"]], nan_ok=True)


def test_neighbours_are_exact_in_the_original_space_and_named_by_row(run: RunFolder) -> None:
    rows = atlas_table(run, choose_projection(run)).to_pylist()
    matrix = run.embeddings()[[row["id"] for row in rows]].astype(np.float64)
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    for place, row in enumerate(rows):
        best = np.sort(cosines[place])[::-1][:10]
        near = row["neighbors"]
        assert place not in near["ids"]
        assert 1 - np.array(near["distances"]) == pytest.approx(best, abs=1e-5)
        assert cosines[place][near["ids"]] == pytest.approx(best, abs=1e-5)


def test_trainings_of_like_names_have_columns_of_their_own(tmp_path: Path) -> None:
    """Hyphen, point and underscore all become one letter of a column, and a viewer may ignore its case."""
    run = write_toy_run(tmp_path / "toy")
    rows, ids = run.embeddings(), np.flatnonzero(run.present())
    names = ("a-b", "a_b", "A.b")
    for name in names:
        add_training(run, name, trained=rows)
    planes = {f"trained:{name}": rows[:, :2] + place for place, name in enumerate(names, start=1)}
    add_projection(run, "pca-one", {"initialised": rows[:, :2], **planes}, ids)
    table = atlas_table(run, choose_projection(run))
    drawn = {name.casefold(): table.column(name).to_numpy() for name in table.column_names if name.endswith("_x")}
    assert list(drawn) == ["projection_x", "trained_a_b_x", "trained_a_b_2_x", "trained_a_b_3_x"]
    for place, x in enumerate(drawn.values()):
        assert x == pytest.approx(rows[ids, 0] + place, abs=1e-5)


def test_equal_runs_make_equal_files(run: RunFolder) -> None:
    one, two = (atlas_bytes(run, choose_projection(run)) for _ in range(2))
    assert one == two
    assert pq.read_table(io.BytesIO(one)).num_rows


def test_a_run_without_a_map_is_refused_with_the_way_out(tmp_path: Path) -> None:
    run = write_toy_run(tmp_path / "toy")
    with pytest.raises(RunFolderError, match="expected a projection, got none") as caught:
        write_atlas(run, tmp_path / "map.parquet")
    assert "project" in caught.value.hint
    assert not (tmp_path / "map.parquet").exists()


def test_a_file_that_exists_is_left_alone(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "map.parquet").write_text("mine")
    with pytest.raises(InvalidInputError, match="a new file"):
        write_atlas(run, tmp_path / "map.parquet")
    assert (tmp_path / "map.parquet").read_text() == "mine"


def test_the_command_line_writes_it_and_refuses_in_one_line(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "map.parquet"
    assert cli.run(["atlas", str(run.path), str(file), "--projection", "umap-focus-seed-1"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert file.read_bytes() == atlas_bytes(run, choose_projection(run))
    assert cli.run(["atlas", str(run.path), str(tmp_path / "other.parquet"), "--projection", "../x"]) == 2
    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert "umap-focus-seed-1" in complaint
    assert not (tmp_path / "other.parquet").exists()
