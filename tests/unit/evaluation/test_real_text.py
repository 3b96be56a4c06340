"""The measures on real text with the demo's own model: it has learned, and both tokenizers read the same words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from focus_core.corpus.held_out import is_held_out
from focus_core.evaluation.masked import score_masked
from focus_core.evaluation.report import evaluate_runs
from focus_core.export.run_model import load_model_folder
from focus_core.tokenization.vocabulary import load_vocabulary

N_LINES = 160


@pytest.fixture(scope="module")
def held_out(data_dir: Path) -> list[str]:
    """Return Swahili lines that the demo's source was not trained on: every other one scripture, every other news."""
    files = [data_dir / "corpora" / "sw" / name for name in ("bible_neno.txt", "voa_news.txt")]
    texts = [path.read_text(encoding="utf-8").split("\n") for path in files]
    kept = [[line.strip() for line in text if line.strip() and is_held_out(line, 2)] for text in texts]
    return [line for pair in zip(*kept, strict=False) for line in pair][:N_LINES]


def entropy_of_tokens(model_folder: Path, lines: list[str]) -> float:
    """Return the entropy of the tokens of some lines in nats: what a model without context could reach at best."""
    backend = load_vocabulary(model_folder).backend
    counts = Counter(i for line in lines for i in backend.encode(line, add_special_tokens=False).ids)
    shares = np.array(list(counts.values())) / counts.total()
    return float(-(shares * np.log(shares)).sum())


def test_the_demo_source_predicts_masked_words_from_their_context(root: Path, held_out: list[str]) -> None:
    """Whole words are hidden, which is harder than single tokens, and the entropy of few lines comes out too low."""
    folder = root / "assets" / "demo" / "source"
    scores = score_masked(load_model_folder(folder), held_out)
    assert scores.words.sum() > 300
    assert scores.nats_per_token < entropy_of_tokens(folder, held_out) - 0.75
    assert not scores.warnings


def test_the_english_source_predicts_masked_words_of_english(root: Path, data_dir: Path) -> None:
    folder = root / "assets" / "demo" / "english"
    text = (data_dir / "corpora" / "en" / "bible_web.txt").read_text(encoding="utf-8").split("\n")
    lines = [line.strip() for line in text if line.strip() and is_held_out(line, 2)][:N_LINES]
    scores = score_masked(load_model_folder(folder), lines)
    assert scores.words.sum() > 300
    assert scores.nats_per_token < entropy_of_tokens(folder, lines) - 0.75


def test_the_demo_run_is_measured_on_the_words_of_its_source(
    root: Path, data_dir: Path, held_out: list[str], tmp_path: Path
) -> None:
    text = tmp_path / "sw.txt"
    text.write_text("\n".join(held_out) + "\n", encoding="utf-8")
    report = evaluate_runs(
        [str(root / "assets" / "demo" / "runs" / "sw-8k")],
        corpus=text,
        dictionary=data_dir / "dict" / "wiktionary_en-sw.tsv",
        source=root / "assets" / "demo" / "source",
        all_lines=True,
        device="cpu",
    )
    (run,), (source,) = report["targets"], report["sources"]
    assert run["loss"]["n_words"] == source["loss"]["n_words"]
    assert run["loss"]["n_characters"] == source["loss"]["n_characters"]
    assert run["segmentation"]["tokens_per_word"] < source["segmentation"]["tokens_per_word"]
    assert run["loss"]["nats_per_token"] < np.log(8000) - 2  # chance over its own vocabulary
    assert run["alignment"]["n_pairs"] > 400
    assert run["alignment"]["mean_cosine"] > run["alignment"]["mean_cosine_shuffled"]
