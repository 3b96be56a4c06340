"""Projecting a run: the files, the same seed, what is kept and refused, and that a cancelled map leaves nothing."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.errors import InvalidInputError
from focus_core.projection.members import members_of
from focus_core.projection.pca import principal_components
from focus_core.projection.project import project_run
from focus_core.projection.umap import joint_umap
from focus_core.runs.additions import list_projections, open_projection
from focus_core.runs.folder import RunFolder
from tests.tiny_runs import add_training
from tests.toy_run import id_of, toy_result, write_toy_run


def trained_rows(run: RunFolder, seed: int = 1) -> np.ndarray:
    initial = run.embeddings()
    noise = np.random.default_rng(seed).normal(scale=0.2, size=initial.shape)
    return (initial + noise).astype(np.float32)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    made = write_toy_run(tmp_path / "toy")
    add_training(made, "first", trained=trained_rows(made))
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


def test_a_map_holds_every_member_at_the_same_ids(run: RunFolder) -> None:
    path = project_run(run, trained="first", method="pca")
    assert path == run.path / "projection" / "pca-first-seed0"
    assert list_projections(run) == ["pca-first-seed0"]
    points = open_projection(run, "pca-first-seed0").points()
    member, ids = points.column("member").to_pylist(), points.column("id").to_numpy()
    n = run.tokens().num_rows
    assert member == ["initialised"] * n + ["trained:first"] * n
    assert ids.tolist() == [*range(n), *range(n)]
    expected, _ = principal_components(np.concatenate([run.embeddings(), trained_rows(run)]))
    np.testing.assert_array_equal(np.column_stack([points.column("x"), points.column("y")]), expected)


def test_the_manifest_says_how_it_was_made(run: RunFolder) -> None:
    chosen = id_of(run, "▁nadra")
    project_run(run, trained=["first"], method="pca", sample=60, seed=5, keep=[chosen], name="mine")
    manifest = open_projection(run, "mine").manifest
    assert manifest["run_digest"] == run.digest
    assert [m["key"] for m in manifest["members"]] == ["initialised", "trained:first"]
    assert manifest["members"][0]["digest"] == run.digest
    assert (manifest["method"], manifest["seed"], manifest["k"]) == ("pca", 5, 15)
    assert (manifest["n_sampled"], manifest["n_total"]) == (60, run.tokens().num_rows)
    assert manifest["trustworthiness"] == pytest.approx(np.mean([m["trustworthiness"] for m in manifest["members"]]))
    assert 0.5 < manifest["trustworthiness"] < 1
    assert manifest["settings"]["kept"]["chosen"] == 1
    assert manifest["settings"]["n_trusted"] == 60
    assert sum(manifest["settings"]["explained_variance"]) < 1
    log = run.path / "projection" / "mine" / "log"
    assert {"events.jsonl", "timings.json"} <= {p.name for p in log.iterdir()}


def test_chosen_flagged_and_most_changed_tokens_are_in_the_sample(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = run.tokens().num_rows
    flagged = [3, 77]
    result = dataclasses.make_dataclass("Result", ["side", "tokens"])
    monkeypatch.setattr(
        "focus_core.projection.project.run_checks", lambda _: [result("target", flagged), result("source", [11])]
    )
    cosine = np.full(n, 0.9)
    cosine[40:90] = -0.5
    cosine[5] = np.nan
    table = {"cosine": cosine, "norm_ratio": np.ones(n), "kept": np.full(n, 0.5)}
    add_training(run, "second", trained=trained_rows(run, 2), changes=table)
    project_run(run, trained="second", method="pca", sample=56, keep=[0, 99], name="kept")
    ids = set(open_projection(run, "kept").points().column("id").to_pylist())
    assert {0, 99, *flagged, *range(40, 90)} <= ids
    assert len(ids) == 56
    kept = open_projection(run, "kept").manifest["settings"]["kept"]
    assert kept == {"chosen": 2, "flagged": 2, "most_changed": 50}


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_the_same_seed_gives_the_same_bytes(run: RunFolder, tmp_path: Path, method: str) -> None:
    one, same = (
        project_run(run, trained="first", method=method, sample=80, seed=3, name="map", output=tmp_path / folder)
        for folder in ("one", "same")
    )
    other = project_run(run, trained="first", method=method, sample=80, seed=4, name="map", output=tmp_path / "other")
    assert files(one) == files(same)
    assert files(one)["points.parquet"] != files(other)["points.parquet"]


def test_umap_reports_and_lays_twins_side_by_side(run: RunFolder) -> None:
    seen: list[tuple[str, float, float]] = []
    add_training(run, "nothing", trained=run.embeddings())
    path = project_run(
        run, trained="nothing", progress=lambda stage, done, total, note="": seen.append((stage, done, total))
    )
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages == ["nearest rows", "layout", "trustworthiness"]
    epochs = [done for stage, done, _ in seen if stage == "layout"]
    assert epochs[0] == 0
    assert epochs[-1] == 500
    assert epochs == sorted(epochs)
    events = [json.loads(line) for line in (path / "log" / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {event["stage"] for event in events} == set(stages)
    points = open_projection(run, path.name).points()
    x, y = (points.column(name).to_numpy().reshape(2, -1) for name in ("x", "y"))
    assert np.isfinite([x, y]).all()
    apart = np.hypot(x[0] - x[1], y[0] - y[1])
    assert np.median(apart) < 0.1 * max(np.ptp(x), np.ptp(y))


def stop_at(stage: str, after: float) -> Callable[..., None]:
    def hook(now: str, done: float, total: float, note: str = "") -> None:
        if now == stage and done >= after:
            raise InterruptedError(stage)

    return hook


@pytest.mark.parametrize(
    ("stage", "after"), [("nearest rows", 1), ("layout", 0), ("layout", 1), ("trustworthiness", 0)]
)
def test_a_cancelled_map_leaves_nothing(run: RunFolder, stage: str, after: float) -> None:
    before = sorted(p.name for p in run.path.iterdir())
    with pytest.raises(InterruptedError):
        project_run(run, trained="first", progress=stop_at(stage, after))
    assert sorted(p.name for p in run.path.iterdir()) == before


def test_a_cancelled_layout_gives_the_bars_lock_back() -> None:
    from tqdm import tqdm

    rows = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    with pytest.raises(InterruptedError):
        joint_umap(rows, n_epochs=5000, progress=stop_at("layout", 1))
    got: list[bool] = []

    def take_and_return() -> None:
        for lock in tqdm.get_lock().locks:
            got.append(lock.acquire(False))
            if got[-1]:
                lock.release()

    thread = threading.Thread(target=take_and_return)
    thread.start()
    thread.join()
    assert got
    assert all(got)


def test_a_failure_keeps_earlier_maps(run: RunFolder) -> None:
    project_run(run, method="pca", name="good")
    with pytest.raises(InterruptedError):
        project_run(run, method="pca", name="bad", progress=stop_at("trustworthiness", 0))
    assert list_projections(run) == ["good"]
    assert [p.name for p in (run.path / "projection").iterdir()] == ["good"]


def test_other_runs_of_the_same_vocabulary(run: RunFolder, tmp_path: Path) -> None:
    result = toy_result()
    rows = result.embeddings["input"].clone()
    rows[7:] += 1
    other = write_toy_run(tmp_path / "mean run", result=dataclasses.replace(result, embeddings={"input": rows}))
    path = project_run(run.path, trained="first", others=[other.path], method="pca")
    assert path.name == "pca-first-mean_run-seed0"
    projection = open_projection(run, path.name)
    assert [m["key"] for m in projection.manifest["members"]] == ["initialised", "trained:first", "other:mean run"]
    assert projection.manifest["members"][2]["digest"] == other.digest
    with pytest.raises(InvalidInputError, match="different ones, got other:mean run twice"):
        project_run(run, others=[other, other], method="pca")


def test_ids_without_a_token_and_rows_of_zeros_are_not_placed(tmp_path: Path) -> None:
    result = toy_result()
    rows = result.embeddings["input"].clone()
    rows[9] = 0
    run = write_toy_run(tmp_path / "gaps", result=dataclasses.replace(result, embeddings={"input": rows}))
    kinds = run.column("tokens", "kind").copy()
    kinds[12] = None
    gap = dataclasses.replace(run, _memory={"column tokens.kind": kinds})
    spoilt = trained_rows(run)
    spoilt[12] = np.nan  # no token, nobody cares
    add_training(run, "t", trained=spoilt)
    path = project_run(gap, trained="t", method="pca", keep=[9])
    projection = open_projection(run, path.name)
    assert not {9, 12} & set(projection.points().column("id").to_pylist())
    assert projection.manifest["settings"]["n_zero_rows"] == 1
    assert projection.manifest["settings"]["kept"]["chosen"] == 0
    assert projection.manifest["n_total"] == len(kinds) - 1
    assert projection.manifest["n_sampled"] == len(kinds) - 2
    with pytest.raises(InvalidInputError, match="tokens to keep: expected ids of target tokens, got 12"):
        project_run(gap, method="pca", keep=[12])


def test_a_matrix_that_is_not_finite_is_named(run: RunFolder) -> None:
    spoilt = trained_rows(run)
    spoilt[[4, 30], 2] = np.nan
    add_training(run, "diverged", trained=spoilt)
    with pytest.raises(
        InvalidInputError, match=r"embeddings of Trained: diverged: expected finite numbers.* 2 rows: 4, 30"
    ):
        project_run(run, trained="diverged", method="pca")
    assert list_projections(run) == []


def test_another_width_and_another_vocabulary_are_refused(run: RunFolder, tmp_path: Path) -> None:
    result = toy_result()
    wide = torch.cat([result.embeddings["input"]] * 2, dim=1)
    other = write_toy_run(tmp_path / "wide", result=dataclasses.replace(result, embeddings={"input": wide}))
    with pytest.raises(InvalidInputError, match="wide: expected embeddings of width 8, as of run toy, got width 16"):
        members_of(run, [], [other])
    manifest = {**other.manifest, "target": {**other.manifest["target"], "digest": "0" * 64, "name": "arabic"}}
    with pytest.raises(InvalidInputError, match=r"run wide: expected the target tokenizer toy-target.*got another"):
        members_of(run, [], [dataclasses.replace(other, manifest=manifest)])


def test_fewer_than_twenty_tokens_are_no_map(run: RunFolder) -> None:
    kinds = np.full(run.tokens().num_rows, None, dtype=object)
    kinds[:19] = "normal"
    small = dataclasses.replace(run, _memory={"column tokens.kind": kinds})
    with pytest.raises(InvalidInputError, match=r"tokens to project: expected at least 20 tokens.* got 19"):
        project_run(small, method="pca")


def test_a_layout_of_very_few_or_equal_rows() -> None:
    few = joint_umap(np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32), k=9, n_epochs=20)
    assert few.shape == (20, 2)
    assert np.isfinite(few).all()
    equal = joint_umap(np.ones((40, 6), np.float32), n_epochs=20)
    assert np.isfinite(equal).all()
    opposed = np.ones((40, 6), np.float32)
    opposed[7] = -1  # as far from all others as a cosine allows: umap would leave it out
    assert np.isfinite(joint_umap(opposed, n_epochs=20)).all()


def test_rows_of_zeros_cannot_be_laid_out() -> None:
    rows = np.ones((40, 6), np.float32)
    rows[[3, 9]] = 0
    with pytest.raises(InvalidInputError, match="rows to lay out: expected rows with a direction, got 2 rows of zeros"):
        joint_umap(rows)
    with pytest.raises(InvalidInputError, match="rows to lay out: expected at least 4 rows"):
        joint_umap(rows[:3])


def test_other_bad_input(run: RunFolder) -> None:
    with pytest.raises(InvalidInputError, match="method: expected umap or pca, got 'tsne'"):
        project_run(run, method="tsne")
    with pytest.raises(InvalidInputError, match="expected one of the finished ones: 'first', got 'second'"):
        project_run(run, trained="second")
    add_training(run, "curve-only")
    with pytest.raises(InvalidInputError, match="this training kept its curve alone"):
        project_run(run, trained="curve-only")
    project_run(run, method="pca")
    with pytest.raises(InvalidInputError, match="expected a new name"):
        project_run(run, method="pca")
    with pytest.raises(InvalidInputError, match="name of a projection"):
        project_run(run, method="pca", name="../up")
    with pytest.raises(InvalidInputError, match="seed"):
        project_run(run, method="pca", seed=-1, name="x")


def test_long_names_are_digested(run: RunFolder) -> None:
    for name in ("a" * 40, "b" * 40):
        add_training(run, name, trained=trained_rows(run))
    path = project_run(run, trained=["a" * 40, "b" * 40], method="pca", sample=50, keep=[3, 4])
    assert path.name.startswith("pca-")
    assert path.name.endswith("-seed0")
    assert len(path.name) <= 64
