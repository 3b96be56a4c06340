"""The demo made again from what it kept, as the app does it: nothing is trained, and the rows are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from focus_core.api import run_to_folder
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import open_run

DEMO = Path(__file__).resolve().parents[2] / "assets" / "demo"


def test_the_demo_is_the_same_when_it_is_made_again_from_its_vectors(tmp_path):
    """Rows are 16-bit numbers; libraries of linear algebra differ in the last bit of a sum."""
    run = open_run(DEMO / "runs" / "sw-8k")
    request = InitRequest(
        source=str(DEMO / "source"),
        target_tokenizer=str(run.path / "target_tokenizer"),
        auxiliary=run.path / "auxiliary.safetensors",
    )
    again = run_to_folder(request, tmp_path / "again")
    assert again.manifest["counts"] == run.manifest["counts"]
    np.testing.assert_allclose(
        again.embeddings().astype(np.float32), run.embeddings().astype(np.float32), rtol=2e-3, atol=1e-5
    )
    assert again.manifest["auxiliary"]["kind"] == "token"
