"""The examples run, and the teaching version of FOCUS gives the library's numbers."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

ROOT = Path(__file__).resolve().parents[2]
FOCUS = ROOT / "examples" / "010_focus_in_100_lines.py"
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


@pytest.fixture(scope="module")
def focus() -> dict[str, Any]:
    return runpy.run_path(str(FOCUS))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_examples_run(path: Path) -> None:
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_it_is_a_hundred_lines() -> None:
    assert len(FOCUS.read_text(encoding="utf-8").splitlines()) <= 101


def test_sparsemax_by_hand(focus: dict[str, Any]) -> None:
    """z = (0.9, 0.5, -0.2): 1 + 2*0.5 = 2 > 1.4, 1 + 3*(-0.2) = 0.4 < 1.2, so k = 2, tau = (1.4 - 1) / 2 = 0.2."""
    np.testing.assert_allclose(focus["sparsemax"](np.array([0.9, 0.5, -0.2])), [0.7, 0.3, 0.0], atol=1e-12)


def test_the_lake_is_river_and_water(focus: dict[str, Any]) -> None:
    """Contributors of ▁lake, largest first: ▁river (3), ▁water (0), and a little ▁milk (1); weights sum to 1."""
    pairs = focus["match"](focus["SOURCE"], focus["TARGET"])
    weights, unknown = focus["focus_weights"](len(focus["SOURCE"]), pairs, focus["AUXILIARY"])
    lake = weights[focus["TARGET"].index("▁lake")]
    assert np.argsort(-lake)[: np.count_nonzero(lake)].tolist() == [3, 0, 1]
    assert lake.sum() == pytest.approx(1, abs=1e-6)
    assert [focus["TARGET"][t] for t in unknown] == ["▁zyx"]


def test_the_toy_gives_the_weights_of_the_library(focus: dict[str, Any]) -> None:
    from focus_core.numerics.similarity import similarity_weights

    pairs, auxiliary = focus["match"](focus["SOURCE"], focus["TARGET"]), focus["AUXILIARY"]
    weights, _ = focus["focus_weights"](len(focus["SOURCE"]), pairs, auxiliary)
    anchors = [t for t in pairs if auxiliary[t].any()]
    new = [t for t in range(len(auxiliary)) if t not in pairs and auxiliary[t].any()]
    rows = similarity_weights(auxiliary[new], auxiliary[anchors])
    ours = np.zeros((len(new), len(focus["SOURCE"])), dtype=np.float32)
    for i in range(len(new)):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        ours[i, [pairs[anchors[a]] for a in rows.indices[part]]] = rows.weights[part]
    np.testing.assert_allclose(ours, weights[new], atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(arrays(np.float64, (3, 17), elements=st.floats(-1, 1, width=32)))
def test_both_sparsemaxes_agree(scores: np.ndarray) -> None:
    from focus_core.numerics.sparsemax import sparsemax_rows

    teaching = runpy.run_path(str(FOCUS))["sparsemax"]
    rows = sparsemax_rows(scores)
    for i, row in enumerate(scores):
        ours = np.zeros(len(row))
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        ours[rows.indices[part]] = rows.weights[part]
        np.testing.assert_allclose(ours, teaching(row), atol=1e-6)
