"""The same inputs give the rows that the reference implementation gives (deepfocus 1.0.1), recorded and live.

`record_deepfocus_goldens.py` recorded the file; it needs requirements-bench.txt, this test does not.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models

from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.fallback import initialise_embeddings
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK, WeightMatrix
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import Preset

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "data" / "golden" / "deepfocus.npz"


@pytest.fixture(scope="module")
def case() -> dict[str, Any]:
    with np.load(GOLDEN) as stored:
        return dict(stored)


@pytest.fixture
def recorder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recorder", HERE / "record_deepfocus_goldens.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vocabulary(tokens: np.ndarray) -> Vocabulary:
    backend = Tokenizer(models.Unigram([(str(token), -1.0) for token in tokens], unk_id=3))
    backend.decoder = decoders.Metaspace()
    return vocabulary_from_backend(backend, name="unigram")


def run_ours(case: dict[str, Any]) -> tuple[WeightMatrix, np.ndarray]:
    source, target = vocabulary(case["source_tokens"]), vocabulary(case["target_tokens"])
    auxiliary = AuxiliaryVectors(vectors=case["vectors"], has_vector=case["vectors"].any(1), kind="token", settings={})
    config = InitConfig.for_preset(Preset.PAPER, device="cpu")
    overlap = match_vocabularies(source, target, mode=config.match)
    given = MethodInput(source=source, target=target, overlap=overlap, auxiliary=auxiliary, config=config)
    weights = METHODS["focus"](given).weights
    matrix = torch.from_numpy(case["matrix"])
    made = initialise_embeddings(weights, matrix, source=source, target=target, config=config)
    return weights, made.rows.numpy()


def test_the_case_holds_all_three_origins(case: dict[str, Any]) -> None:
    """Shared: 200 words and 4 specials; about one in eight of the 300 new words has no vector."""
    weights, _ = run_ours(case)
    copied, combined, fallback = (int((weights.origins == code).sum()) for code in (COPIED, COMBINED, FALLBACK))
    assert copied == 204
    assert fallback == int((~case["vectors"].any(1)).sum() - (~case["vectors"].any(1))[weights.origins == COPIED].sum())
    assert combined == 300 - fallback
    assert 20 < fallback < 60
    assert 3 < np.median(weights.support[weights.origins == COMBINED]) < 100


def test_copied_rows_are_the_references_bit_for_bit(case: dict[str, Any]) -> None:
    weights, rows = run_ours(case)
    copied = weights.origins == COPIED
    assert rows[copied].tobytes() == case["expected"][copied].tobytes()


def test_combined_rows_are_the_references_within_1e_5(case: dict[str, Any]) -> None:
    weights, rows = run_ours(case)
    combined = weights.origins == COMBINED
    np.testing.assert_allclose(rows[combined], case["expected"][combined], atol=1e-5, rtol=0)


def test_random_rows_are_the_only_ones_that_differ(case: dict[str, Any]) -> None:
    """The reference draws them one after the other from one stream; ours belong to their tokens."""
    weights, rows = run_ours(case)
    differ = (np.abs(rows - case["expected"]) > 1e-5).any(axis=1)
    assert (differ == (weights.origins == FALLBACK)).all()


def test_live_the_reference_still_gives_what_was_recorded(case: dict[str, Any], recorder: ModuleType) -> None:
    pytest.importorskip("deepfocus", reason="the reference is not installed (requirements-bench.txt)")
    fresh = recorder.make_case()
    assert all((fresh[name] == case[name]).all() for name in fresh)
    np.testing.assert_allclose(recorder.run_reference(case), case["expected"], atol=1e-6)
