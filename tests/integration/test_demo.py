"""The committed demo: its source model predicts, its run is whole, and neither carries text that is not ours."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from focus_core.artifacts import map_array, sha256_file
from focus_core.checks import run_checks
from focus_core.run_folder import open_run


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "demo"


def test_the_source_predicts_far_better_than_chance(demo: Path, root: Path) -> None:
    """Chance over 16,000 tokens costs 9.68 nats; sentences it has never seen must cost at least 3 less."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(demo / "source")
    model = AutoModelForMaskedLM.from_pretrained(demo / "source", dtype=torch.float32).eval()
    lines = (root / "assets" / "corpora" / "sw.txt").read_text(encoding="utf-8").splitlines()[:60]
    batch = tokenizer(lines, return_tensors="pt", padding=True)
    chance = torch.rand(batch["input_ids"].shape, generator=torch.Generator().manual_seed(0))
    chosen = (chance < 0.15) & (batch["input_ids"] > 3)
    inputs = torch.where(chosen, tokenizer.mask_token_id, batch["input_ids"])
    with torch.no_grad():
        logits = model(input_ids=inputs, attention_mask=batch["attention_mask"]).logits
    loss = torch.nn.functional.cross_entropy(logits[chosen], batch["input_ids"][chosen]).item()
    assert loss < math.log(model.config.vocab_size) - 3


def test_the_source_is_at_most_16_mb(demo: Path) -> None:
    assert (demo / "source" / "model.safetensors").stat().st_size <= 16_000_000


def test_the_run_belongs_to_the_source(demo: Path) -> None:
    run = open_run(demo / "runs" / "sw-8k")
    entry = next(e for e in run.manifest["inputs"] if e["role"] == "source_model")
    assert entry["sha256"] == sha256_file(demo / "source" / "model.safetensors")


def test_copied_rows_of_the_run_are_the_source_rows_bit_for_bit(demo: Path) -> None:
    run = open_run(demo / "runs" / "sw-8k")
    source, _ = map_array(demo / "source" / "model.safetensors", "roberta.embeddings.word_embeddings.weight")
    made, _ = map_array(demo / "runs" / "sw-8k" / "embeddings.safetensors", "input")
    copied = np.flatnonzero(np.array(run.column("tokens", "origin")) == "copied")
    sources = np.array(run.column("tokens", "source_id"))[copied].astype(np.int64)
    assert len(copied) > 3000
    assert made[copied].tobytes() == source[sources].tobytes()


def test_the_auxiliary_space_of_the_run_is_sound(demo: Path) -> None:
    run = open_run(demo / "runs" / "sw-8k")
    health = run.manifest["health"]
    assert not health["collapsed"]
    assert health["mean_cosine"] <= 0.4
    assert 3 <= health["median_support"] <= 100
    assert run.manifest["corpus"]["share_combined_of_new_occurrences"] >= 0.9
    assert not [c for c in run_checks(run) if c.status == "problem"]


def test_the_examples_are_our_own_sentences(demo: Path, root: Path) -> None:
    """The text that the run was made from must not be copied into the project."""
    examples = open_run(demo / "runs" / "sw-8k").examples()
    assert examples is not None
    own = (root / "assets" / "corpora" / "sw.txt").read_text(encoding="utf-8")
    lines = examples.column("line").to_pylist()
    assert lines
    assert all(line.strip("…") in own for line in lines)


def test_the_demo_names_no_path_and_no_time(demo: Path) -> None:
    run = demo / "runs" / "sw-8k"
    assert [p.name for p in (run / "log").iterdir()] == ["source.json"]
    assert json.loads((run / "log" / "source.json").read_text())["spec"] == "assets/demo/source"
