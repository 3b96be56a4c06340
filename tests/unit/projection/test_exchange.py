"""Exchanged rows among drift: the original space and one joint layout find them, two separate layouts do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts.exchange_test import OWN_START, compare, exchange, layouts_of, procrustes
from tests.tiny_runs import add_training
from tests.toy_run import write_toy_run


def clustered(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows around a dozen centres, and the same rows after some drift."""
    random = np.random.default_rng(1)
    centres = random.normal(size=(12, d))[random.integers(0, 12, n)]
    before = centres + 0.4 * random.normal(size=(n, d))
    return before.astype(np.float32), (before + 0.2 * random.normal(size=(n, d))).astype(np.float32)


def test_exchanged_rows_change_places_among_themselves() -> None:
    _, trained = clustered(200, 8)
    rows, exchanged = exchange(trained, 0.1, 3)
    assert exchanged.sum() == 20
    np.testing.assert_array_equal(rows[~exchanged], trained[~exchanged])
    assert (rows[exchanged] != trained[exchanged]).any(axis=1).all()
    assert sorted(map(bytes, rows)) == sorted(map(bytes, trained))
    assert exchange(trained, 0.1, 4)[1].tolist() != exchanged.tolist()


def test_procrustes_undoes_rotation_reflection_scale_and_shift() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2))
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])
    np.testing.assert_allclose(procrustes(3 * points @ turn + 7, points), points, atol=1e-9)


def test_one_layout_finds_them_and_two_do_not() -> None:
    before, trained = clustered(500, 24)
    after, exchanged = exchange(trained, 0.1, 0)
    found = compare(before, after, exchanged, layouts_of("umap", 0))
    assert found["original space: (1 − cosine) × (1 − neighbour overlap)"] >= 0.99
    assert found["distance in one joint UMAP"] >= 0.99
    separate = f"distance between two separate layouts, UMAP from {OWN_START}"
    assert found[separate] < 0.95
    assert found[f"{separate}, after Procrustes"] < 0.95


def test_the_script_prints_its_table(tmp_path: Path) -> None:
    run = write_toy_run(tmp_path / "toy")
    drift = np.random.default_rng(1).normal(scale=0.01, size=run.embeddings().shape)
    add_training(run, "t", trained=(run.embeddings() + drift).astype(np.float32))
    command = [sys.executable, "scripts/exchange_test.py", str(run.path), "t", "--method", "pca"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"14 of {run.tokens().num_rows} tokens exchanged" in done.stdout
    rows = dict(line.strip("| ").rsplit(" | ", 1) for line in done.stdout.splitlines() if line.startswith("| "))
    assert float(rows["distance in one joint PCA"]) == pytest.approx(0.99, abs=0.02)
    assert not [name for name in rows if "UMAP" in name]
