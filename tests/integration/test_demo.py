"""The committed demo: its source model predicts, its run is whole, and neither carries text that is not ours."""

from __future__ import annotations

import json
import math
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from focus_core.analysis.checks.registry import run_checks
from focus_core.artifacts import map_array, sha256_file
from focus_core.numerics.drift import token_change
from focus_core.runs.additions import list_projections, list_trainings, open_projection, open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.tokenization.vocabulary import load_vocabulary

LANGUAGES = ("sw", "ar")
METHODS = ("focus", "script", "subword-mean", "overlap", "multivariate-normal", "mean", "random")
MOST_BYTES = 75_000_000
MOST_COMPARED_BYTES = 1_000_000


@pytest.fixture(scope="module")
def demo(root: Path) -> Path:
    return root / "assets" / "demo"


@pytest.fixture(scope="module", params=LANGUAGES)
def run(request: pytest.FixtureRequest, demo: Path) -> RunFolder:
    return open_run(demo / "runs" / f"{request.param}-8k")


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


@pytest.mark.parametrize(("name", "size"), [("source", 16_000), ("english", 8_000)])
def test_a_source_is_at_most_16_mb_and_has_its_vocabulary(demo: Path, name: str, size: int) -> None:
    folder = demo / name
    assert (folder / "model.safetensors").stat().st_size <= 16_000_000
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"] == size
    assert load_vocabulary(folder).n == size


@pytest.mark.parametrize("name", ["source", "english"])
def test_the_card_of_a_source_tells_at_least_one_nat_below_the_entropy_of_its_tokens(demo: Path, name: str) -> None:
    card = (demo / name / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [a-z]{2} \| ([\d.]+) \| ([\d.]+) \| (-[\d.]+) \|$", card, re.MULTILINE)
    assert rows
    for loss, entropy, difference in rows:
        assert float(loss) - float(entropy) == pytest.approx(float(difference), abs=0.011)
        assert float(difference) <= -1


def test_the_run_belongs_to_the_source(run: RunFolder, demo: Path) -> None:
    entry = next(e for e in run.manifest["inputs"] if e["role"] == "source_model")
    assert entry["sha256"] == sha256_file(demo / "source" / "model.safetensors")


def test_copied_rows_of_the_run_are_the_source_rows_bit_for_bit(run: RunFolder, demo: Path) -> None:
    source, _ = map_array(demo / "source" / "model.safetensors", "roberta.embeddings.word_embeddings.weight")
    made, _ = map_array(run.path / "embeddings.safetensors", "input")
    copied = np.flatnonzero(np.array(run.column("tokens", "origin")) == "copied")
    sources = np.array(run.column("tokens", "source_id"))[copied].astype(np.int64)
    assert len(copied) > 1500
    assert made[copied].tobytes() == source[sources].tobytes()


def test_the_auxiliary_space_of_the_run_is_sound(run: RunFolder) -> None:
    health = run.manifest["health"]
    assert not health["collapsed"]
    assert health["mean_cosine"] <= 0.4
    assert 3 <= health["median_support"] <= 100
    assert run.manifest["corpus"]["share_combined_of_new_occurrences"] >= 0.9
    assert not [c for c in run_checks(run) if c.status == "problem"]


def test_the_examples_are_our_own_sentences(run: RunFolder, root: Path) -> None:
    """The text that the run was made from must not be copied into the project."""
    examples = run.examples()
    assert examples is not None
    own = (root / "assets" / "corpora" / f"{run.path.name[:2]}.txt").read_text(encoding="utf-8")
    lines = examples.column("line").to_pylist()
    assert lines
    assert all(line.strip("…") in own for line in lines)


def test_the_demo_names_no_path_and_no_time(run: RunFolder) -> None:
    assert [p.name for p in (run.path / "log").iterdir()] == ["source.json"]
    assert json.loads((run.path / "log" / "source.json").read_text())["spec"] == "assets/demo/source"
    assert not list(run.path.glob("*/*/log"))


# --- initialised against trained --------------------------------------------------------------------------------


def test_every_method_was_trained_three_times_on_as_many_tokens(run: RunFolder) -> None:
    trainings = [open_training(run, name) for name in list_trainings(run)]
    made = sorted((t.manifest["initialisation"]["method"], t.manifest["initialisation"]["seed"]) for t in trainings)
    assert made == sorted((method, seed) for method in METHODS for seed in (42, 43, 44))
    assert len({t.manifest["result"]["tokens"] for t in trainings}) == 1
    assert len({t.manifest["corpus"]["digest"] for t in trainings}) == 1


def test_the_trained_matrix_belongs_to_the_run(run: RunFolder) -> None:
    training = open_training(run, "adapted")
    assert training.manifest["run_digest"] == run.digest
    assert training.matrix_names() == run.matrix_names()
    trained = training.embeddings()
    assert trained.shape == run.embeddings().shape
    assert np.isfinite(trained).all()
    table = training.tokens()
    assert table is not None
    again = token_change(run.embeddings(), trained, present=np.ones(len(trained), bool), k=10)
    np.testing.assert_allclose(again.cosine, table["cosine"].to_numpy(), atol=2e-3)  # stored in half precision
    assert training.manifest["movement"]["foreseen"] > 0.2


def test_focus_starts_where_random_rows_have_not_come_after_the_whole_training(run: RunFolder) -> None:
    losses = {}
    for method in ("focus", "random"):
        name = "adapted" if method == "focus" else f"{method}-42"
        result = open_training(run, name).manifest["result"]
        losses[method] = (result["held_out_loss_start"], result["held_out_loss_end"])
    assert losses["focus"][0] < losses["random"][1] < losses["random"][0]
    assert losses["focus"][1] < losses["focus"][0]


def test_what_is_kept_of_the_other_methods_is_small(run: RunFolder) -> None:
    others = [name for name in list_trainings(run) if name != "adapted"]
    sizes = {m: sum(size_of(run.path / "training" / n) for n in others if n.startswith(m)) for m in METHODS}
    assert max(sizes.values()) < MOST_COMPARED_BYTES
    assert not any(open_training(run, name).matrix_names() for name in others)
    assert not list(run.path.rglob("body.safetensors"))
    assert not list(run.path.rglob("snapshots"))


def test_one_map_of_both_states_is_ready(run: RunFolder) -> None:
    projections = [open_projection(run, name) for name in list_projections(run)]
    assert {p.manifest["method"] for p in projections} == {"pca", "umap"}
    for projection in projections:
        assert [m["key"] for m in projection.manifest["members"]] == ["initialised", "trained:adapted"]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_all_committed_files_together_stay_small(root: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    assert sum((root / name).stat().st_size for name in names if (root / name).is_file()) < MOST_BYTES
