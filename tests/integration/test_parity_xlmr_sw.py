"""The real case: XLM-R to a Swahili vocabulary of 50,000, against the reference on identical auxiliary vectors.

Needs the real data, and the reference (requirements-bench.txt). The comparison itself is the benchmark's, which runs
it before it times anything.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

pytest.importorskip("deepfocus", reason="the reference is not installed (requirements-bench.txt)")

from benchmarks import bench_whole_run as bench
from focus_core.models.hub import locate_tokenizer
from focus_core.tokenization.formats import load_backend
from focus_core.tokenization.vocabulary import vocabulary_from_backend


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_rows_and_contributors_are_the_references(data_dir: Path) -> None:
    """12,320 tokens overlap; their rows are copied bit for bit, combined rows agree within 1e-5, contributors agree."""
    names = (bench.SOURCE, bench.TARGET_TOKENIZER)
    source, target = (load_backend(locate_tokenizer(data_dir / "tokenizers" / name)) for name in names)
    matrix = torch.randn(source.get_vocab_size(), bench.ROW, generator=torch.Generator().manual_seed(2))
    model = bench.train_vectors(data_dir, target, bench.CASES["reference settings"], threads=2)
    tokens = vocabulary_from_backend(target, name="target").tokens
    auxiliary = bench.as_auxiliary(model, tokens)
    ours = bench.prepare_ours(source, target, matrix, auxiliary)()
    theirs = bench.run_reference(bench.wrap(source), bench.wrap(target), matrix, model)
    compared = bench.check_equal(ours, theirs, auxiliary)
    assert compared["copied"] == 12_320
    assert compared["combined"] > 1_000
    assert compared["largest_difference"] <= 1e-5
    assert compared["contributors_compared"] > 10_000
