"""Every method of the registry on one small model: its run is explained, checked and exported like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from focus_core.analysis.provenance.explain import explain_token
from focus_core.cli import main as cli
from focus_core.initialization.methods.registry import METHODS
from focus_core.runs.folder import RunFolder
from tests.every_method import write_every_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    return write_every_run(tmp_path_factory.mktemp("every"))


@pytest.mark.parametrize("name", METHODS)
def test_every_token_is_explained(runs: dict[str, RunFolder], name: str) -> None:
    run = runs[name]
    origins = run.column("tokens", "origin").astype(str)
    for token in np.flatnonzero(origins != ""):
        found = explain_token(run, int(token))
        assert found.origin == origins[token]
        if found.origin == "copied":
            assert len(found.contributors) == 1
        if found.origin == "combined" and not METHODS[name].signed:
            assert sum(part.weight for part in found.contributors) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_it_is_checked_and_exported(runs: dict[str, RunFolder], name: str, tmp_path: Path) -> None:
    run = runs[name]
    assert cli.run(["check", str(run.path)]) == 0
    assert cli.run(["export", str(run.path), str(tmp_path / "model")]) == 0
    weights = load_file(tmp_path / "model" / "model.safetensors")
    (rows,) = (array for key, array in weights.items() if key.endswith("word_embeddings.weight"))
    made = run.embeddings()
    np.testing.assert_array_equal(rows[: len(made)], made)
    assert METHODS[name].citation in (tmp_path / "model" / "README.md").read_text("utf-8")
