"""Which tokens drifted most in a training, and what one token's neighbours were and became: hand-derived numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from focus_core.analysis.provenance.change import changed_tokens, neighbour_change
from focus_core.errors import RunFolderError
from focus_core.numerics.drift import token_change
from focus_core.runs.folder import RunFolder, open_run
from tests.tiny_runs import add_training
from tests.toy_run import id_of, write_toy_run


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_run(tmp_path_factory.mktemp("change") / "toy").path


@pytest.fixture
def run(toy_folder: Path, tmp_path: Path) -> RunFolder:
    return open_run(shutil.copytree(toy_folder, tmp_path / "toy"))


def drifted(run: RunFolder) -> np.ndarray:
    """Return the run's rows, each with noise of its own."""
    rows = run.embeddings()
    return rows + np.random.default_rng(3).normal(size=rows.shape).astype(np.float32)


def columns(run: RunFolder, trained: np.ndarray, k: int = 10) -> dict[str, np.ndarray]:
    present = np.array([kind is not None for kind in run.column("tokens", "kind")])
    change = token_change(run.embeddings(), trained, present=present, k=k)
    return {"cosine": change.cosine, "norm_ratio": change.norm_ratio, "kept": change.kept}


def test_the_most_changed_token_comes_first_and_equal_ones_by_id(run):
    """Scores (1 - cosine)(1 - kept): 0.8 * 0.9 = 0.72 for id 9, 0.5 * 0.5 = 0.25 for ids 7 and 11, 0 for the rest."""
    n = run.tokens().num_rows
    table = {name: np.ones(n, dtype=np.float32) for name in ("cosine", "norm_ratio", "kept")}
    for target_id, cosine, kept in ((9, 0.2, 0.1), (7, 0.5, 0.5), (11, 0.5, 0.5)):
        table["cosine"][target_id], table["kept"][target_id] = cosine, kept
    table["kept"][3] = np.nan
    changed = changed_tokens(run, add_training(run, "one", changes=table))
    assert changed is not None
    assert changed.id[:4].tolist() == [9, 7, 11, 0]
    assert changed.score[:4] == pytest.approx([0.72, 0.25, 0.25, 0.0])
    assert changed.frequency[0] == run.column("tokens", "frequency")[9]
    assert len(changed.id) == n - 1
    assert 3 not in changed.id


def test_a_training_without_a_table_has_none(run):
    assert changed_tokens(run, add_training(run, "one")) is None


def test_the_table_of_another_vocabulary_is_refused(run):
    training = add_training(run, "one", changes=columns(run, drifted(run)))
    path = training.path / "tokens.parquet"
    pq.write_table(pq.read_table(path).slice(0, 20), path)
    with pytest.raises(RunFolderError, match="20 rows"):
        changed_tokens(run, training)


def test_neighbours_before_are_those_of_the_run_and_after_those_of_the_training(run):
    """A row that training made a copy of another's direction has that one as its nearest afterwards."""
    target, other = id_of(run, "▁mkulima"), id_of(run, "▁nadra")
    trained = run.embeddings().copy()
    trained[target] = 3 * trained[other]
    change = neighbour_change(run, add_training(run, "one", trained=trained), target)
    assert change.after[0].id == other
    assert change.after[0].after == pytest.approx(1.0, abs=1e-6)
    assert change.after[0].before < 1
    assert change.before[0].id != other
    assert len(change.before) == len(change.after) == 10
    assert len(change.kept) + len(change.lost) == 10
    assert {n.id for n in change.kept} == {n.id for n in change.before} & {n.id for n in change.after}


def test_an_untouched_matrix_keeps_every_neighbour(run):
    training = add_training(run, "one", trained=run.embeddings())
    change = neighbour_change(run, training, id_of(run, "▁maziwa"), k=5)
    assert len(change.kept) == 5
    assert change.lost == change.gained == ()


def test_it_agrees_with_the_measures_of_the_whole_matrix(run):
    trained = drifted(run)
    training = add_training(run, "one", trained=trained, changes=columns(run, trained))
    table = training.tokens()
    present = np.array([kind is not None for kind in run.column("tokens", "kind")])
    for target in [id_of(run, token) for token in ("▁mkulima", "▁maziwa", "▁the", "s")]:
        old, new = (ten_nearest(rows, target, present) for rows in (run.embeddings(), trained))
        change = neighbour_change(run, training, target)
        assert [n.id for n in change.kept] == [i for i in old if i in new]
        assert [n.id for n in change.lost] == [i for i in old if i not in new]
        assert [n.id for n in change.gained] == [i for i in new if i not in old]
        union = len(change.kept) + len(change.lost) + len(change.gained)
        assert table["kept"][target].as_py() == pytest.approx(len(change.kept) / union)


def ten_nearest(rows: np.ndarray, target: int, present: np.ndarray) -> list[int]:
    """Return the ids of the rows with the largest cosines, one pair at a time."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    others = [i for i in np.flatnonzero(present).tolist() if i != target]
    return sorted(others, key=lambda i: (-float(unit[i] @ unit[target]), i))[:10]


def test_a_zero_row_has_no_neighbours_and_is_nobodys(run):
    target, zero = id_of(run, "▁mkulima"), id_of(run, "▁farmer")
    trained = drifted(run)
    trained[zero] = 0
    training = add_training(run, "one", trained=trained)
    assert neighbour_change(run, training, zero).before == ()
    change = neighbour_change(run, training, target, k=200)
    assert zero not in {n.id for n in (*change.before, *change.after)}


def test_a_training_that_kept_no_matrix_is_refused(run):
    with pytest.raises(RunFolderError, match="kept its curve alone"):
        neighbour_change(run, add_training(run, "one"), 5)
