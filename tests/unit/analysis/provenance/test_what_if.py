"""A row under other settings: stored weights come back, other maps agree with entmax, the rest says why not."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.simplex import SimplexMap, cut_score, map_row
from focus_core.analysis.provenance.what_if import (
    WhatIfSettings,
    anchor_ids,
    nothing_to_recompute,
    stored_settings,
    what_if,
)
from focus_core.errors import InvalidInputError, RunFolderError
from focus_core.initialization.config import InitConfig
from focus_core.runs.folder import RunFolder, open_run
from tests.toy_run import ANCHORS, altered, id_of, source_id_of, toy_result, write_toy_run

DEMO = Path(__file__).resolve().parents[4] / "assets" / "demo" / "runs"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("what_if") / "toy")


def named(run: RunFolder, weights: dict[int, float]) -> dict[str, float]:
    """Return weights by the native form of the source token."""
    return {str(run.column("source_tokens", "token")[i]): weight for i, weight in weights.items()}


@pytest.mark.parametrize("kind", list(SimplexMap))
@pytest.mark.parametrize("temperature", [2.0, 1.0, 0.3, 0.05])
@pytest.mark.parametrize("top_k", [None, 1, 7, 5000])
def test_every_map_agrees_with_its_library(kind: SimplexMap, temperature: float, top_k: int | None) -> None:
    """entmax and torch in float64, on scores with equal ones among them; the cut lies below every weighted score."""
    import entmax

    scores = np.random.default_rng(3).normal(size=2000).round(2) / temperature
    theirs = {
        SimplexMap.SPARSEMAX: entmax.sparsemax,
        SimplexMap.ENTMAX15: entmax.entmax15,
        SimplexMap.SOFTMAX: torch.softmax,
    }[kind]
    order = np.argsort(-scores, kind="stable")[:top_k]
    expected = np.zeros(2000)
    expected[order] = theirs(torch.from_numpy(scores[order]), dim=0).numpy()
    weights = map_row(scores, kind, top_k=top_k)
    np.testing.assert_allclose(weights, expected, atol=1e-9)
    assert weights.sum() == pytest.approx(1.0)
    cut = cut_score(scores, weights, kind)
    if kind is SimplexMap.SOFTMAX:
        assert cut is None
    else:
        assert cut is not None
        assert (scores[weights > 0] > cut).all()
        taking_part = np.isin(np.arange(2000), order)
        assert (scores[taking_part & (weights == 0)] <= cut + 1e-9).all()


def test_the_run_s_own_settings_give_the_stored_weights(run: RunFolder) -> None:
    """For every combined token of the toy; ``▁mkulima`` by hand: 0.6 and 0.4, tau 0.2."""
    for target_id in np.flatnonzero(run.column("tokens", "origin") == "combined"):
        answer = what_if(run, int(target_id), stored_settings(run))
        assert answer.is_stored
        assert answer.contributors.keys() == answer.stored.keys()
        assert answer.contributors == pytest.approx(answer.stored, abs=1e-5)
        assert answer.shared == pytest.approx(1.0, abs=1e-5)
        assert answer.embedding_cosine == pytest.approx(1.0, abs=1e-5)
        assert answer.length_ratio == pytest.approx(1.0, abs=1e-5)
    explanation = explain_token(run, id_of(run, "▁mkulima"))
    answer = what_if(run, explanation.id, WhatIfSettings())
    assert named(run, answer.contributors) == pytest.approx({"▁farmer": 0.6, "▁market": 0.4})
    assert answer.threshold == pytest.approx(explanation.threshold)
    assert answer.effective_contributors == pytest.approx(explanation.effective_contributors, abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "weights", "threshold"),
    [
        (WhatIfSettings(temperature=0.5), {"▁farmer": 0.7, "▁market": 0.3}, 0.45),
        (WhatIfSettings(temperature=0.25), {"▁farmer": 0.9, "▁market": 0.1}, 0.575),
        (WhatIfSettings(temperature=0.1), {"▁farmer": 1.0}, 0.7),
        (WhatIfSettings(top_k=1), {"▁farmer": 1.0}, -0.2),
        (WhatIfSettings(top_k=1, map=SimplexMap.SOFTMAX), {"▁farmer": 1.0}, None),
        (
            WhatIfSettings(top_k=2, map=SimplexMap.SOFTMAX),
            {"▁farmer": 1 / (1 + np.exp(-0.2)), "▁market": 1 / (1 + np.exp(0.2))},
            None,
        ),
    ],
)
def test_other_settings_by_hand(
    run: RunFolder, settings: WhatIfSettings, weights: dict[str, float], threshold: float | None
) -> None:
    """``▁mkulima``: cosines 0.8 and 0.6. T = 0.5: scores 1.6 and 1.2, tau = 0.9, weights 0.7 and 0.3, cut 0.45."""
    answer = what_if(run, id_of(run, "▁mkulima"), settings)
    assert not answer.is_stored
    assert named(run, answer.contributors) == pytest.approx(weights)
    assert answer.threshold == (None if threshold is None else pytest.approx(threshold))
    assert answer.shared == pytest.approx(
        sum(min(weights.get(t, 0), w) for t, w in (("▁farmer", 0.6), ("▁market", 0.4)))
    )


def test_softmax_gives_every_anchor_a_weight(run: RunFolder) -> None:
    answer = what_if(run, id_of(run, "▁mkulima"), WhatIfSettings(map=SimplexMap.SOFTMAX))
    assert answer.n_contributors == answer.n_anchors == len(anchor_ids(run))
    assert answer.effective_contributors > 0.9 * answer.n_anchors
    assert answer.embedding_cosine is not None
    assert answer.embedding_cosine < 0.9999


def test_the_row_that_weights_give_is_that_of_its_sources(run: RunFolder) -> None:
    """At T = 0.1 the row of ``▁mkulima`` is that of ``▁farmer`` alone."""
    target_id, farmer = id_of(run, "▁mkulima"), id_of(run, "▁farmer")
    rows = run.rows("input", [target_id, farmer]).astype(np.float64)
    answer = what_if(run, target_id, WhatIfSettings(temperature=0.1))
    lengths = np.linalg.norm(rows, axis=1)
    assert answer.embedding_cosine == pytest.approx(rows[0] @ rows[1] / lengths.prod())
    assert answer.length_ratio == pytest.approx(lengths[1] / lengths[0])


def test_anchors_are_ranked_by_similarity(run: RunFolder) -> None:
    answer = what_if(run, id_of(run, "▁nyumba"), WhatIfSettings())
    assert (np.diff(answer.similarities) <= 0).all()
    tokens = run.column("tokens", "token")[answer.target_ids[:4]].tolist()
    assert set(tokens) == {"▁house", "▁child", "▁rain", "▁bread"}
    assert answer.weights[:5].tolist() == pytest.approx([0.25] * 4 + [0.0])
    assert answer.source_ids[:4].tolist() == [source_id_of(run, token) for token in tokens]
    copied = {id_of(run, token) for token in ANCHORS}
    assert copied <= set(anchor_ids(run).tolist())
    assert id_of(run, "▁mkulima") not in anchor_ids(run)


def test_anchors_that_copied_one_source_row_are_added_up(run: RunFolder) -> None:
    """``▁house`` and ``▁child`` made copies of one source token: their weights of 0.25 become one of 0.5."""
    house, child = id_of(run, "▁house"), id_of(run, "▁child")
    source_ids = run.column("tokens", "source_id").copy()
    source_ids[child] = source_ids[house]
    target_id = id_of(run, "▁nyumba")
    rows = run.contributor_range(target_id)
    targets, sources, weights = (
        np.array(run.column("contributions", name)) for name in ("target_id", "source_id", "weight")
    )
    merged = [i for i in range(rows.start, rows.stop) if sources[i] == source_id_of(run, "▁child")]
    weights[[i for i in range(rows.start, rows.stop) if sources[i] == source_ids[house]]] = 0.5
    columns = {"target_id": targets, "source_id": sources, "weight": weights}
    kept = {f"contributions.{name}": np.delete(values, merged) for name, values in columns.items()}
    answer = what_if(altered(run, columns={"tokens.source_id": source_ids, **kept}), target_id, WhatIfSettings())
    assert answer.contributors[int(source_ids[house])] == pytest.approx(0.5)
    assert answer.contributors == pytest.approx(answer.stored)


@pytest.mark.parametrize(("token", "reason"), [("▁farmer", "a copy"), ("▁nadra", "a fallback")])
def test_copies_and_fallbacks_have_nothing_to_recompute(run: RunFolder, token: str, reason: str) -> None:
    assert reason in nothing_to_recompute(run, id_of(run, token))
    with pytest.raises(RunFolderError, match=reason):
        what_if(run, id_of(run, token), WhatIfSettings())


def test_a_method_without_similarities_has_nothing_to_recompute(run: RunFolder) -> None:
    unknown = np.full_like(run.column("contributions", "similarity"), np.nan)
    other = altered(run, columns={"contributions.similarity": unknown}, manifest={"config": {"method": "subword-mean"}})
    assert "no similarity" in nothing_to_recompute(other, id_of(run, "▁mkulima"))


@pytest.mark.parametrize(
    ("method", "reason"),
    [("wechsel", "no threshold to move"), ("clp-plus", "is not kept"), ("unibridge", "is not kept")],
)
def test_weights_of_another_method_are_called_what_they_are(run: RunFolder, method: str, reason: str) -> None:
    """The run has a similarity beside every weight, as those of these methods have."""
    said = nothing_to_recompute(altered(run, manifest={"config": {"method": method}}), id_of(run, "▁mkulima"))
    assert reason in said
    assert method in said
    assert "no similarity" not in said


def test_a_run_without_vectors_has_nothing_to_recompute(run: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "toy")
    (tmp_path / "toy" / "auxiliary.safetensors").unlink()
    bare = open_run(tmp_path / "toy")
    assert "no auxiliary vectors" in nothing_to_recompute(bare, id_of(run, "▁mkulima"))
    assert len(anchor_ids(bare)) == 0


def test_weights_that_do_not_come_back_are_not_shown(run: RunFolder) -> None:
    """Stored at T = 1; a manifest that says 0.25 would give 0.9 and 0.1 instead."""
    other = altered(run, manifest={"config": {"temperature": 0.25}})
    assert "every anchor" in nothing_to_recompute(other, id_of(run, "▁mkulima"))
    assert nothing_to_recompute(other, id_of(run, "▁maziwa")) == "", "one contributor with weight 1 at both"


def test_the_settings_of_a_run_are_its_own() -> None:
    result = dataclasses.replace(toy_result(), config=InitConfig(temperature=0.5, top_k=3))
    assert stored_settings(write_toy_run(result=result)) == WhatIfSettings(temperature=0.5, top_k=3)


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"temperature": float("nan")}, {"top_k": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        WhatIfSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sw-8k", "ar-8k"])
def test_the_demo_comes_back_within_float32(name: str) -> None:
    """Two hundred tokens of a real run, trained vectors and thousands of anchors; what is left is rounding."""
    run = open_run(DEMO / name)
    combined = np.flatnonzero(run.column("tokens", "origin") == "combined")
    assert len(anchor_ids(run)) == run.manifest["counts"]["n_anchors"]
    for target_id in np.random.default_rng(1).choice(combined, 200, replace=False):
        answer = what_if(run, int(target_id), stored_settings(run))
        assert answer.contributors == pytest.approx(answer.stored, abs=2e-6)
        assert answer.embedding_cosine == pytest.approx(1.0, abs=1e-5), "the demo's embeddings are float16"
