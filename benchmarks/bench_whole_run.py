"""A whole initialisation from ready auxiliary vectors, XLM-R to a Swahili vocabulary of 50,000, beside the reference.

Usage: ``python -m benchmarks.bench_whole_run --data DIR [--runs 5] [--threads N] [--cases NAME...]``, in an
environment with requirements-bench.txt. DIR (default: the environment variable FOCUS_LAB_DATA) holds ``tokenizers/``
and ``corpora/sw/``.

Both sides start from loaded tokenizers, one seeded random source matrix of 768 dimensions and one fastText model,
trained on the corpora with the reference's fastText settings; they end with the target matrix. Equality is asserted
first: copied rows bit for bit, combined rows within 1e-5, and every contributor of weight 1e-6 or more on one side
has a positive weight on the other. Only the random rows differ, and they are the same rows on both sides.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from benchmarks.bench_overlap import wrap
from benchmarks.common import facts, median, take_turns, write_result
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.pipeline import run_focus
from focus_core.initialization.result import FocusResult
from focus_core.initialization.weights import COMBINED, COPIED
from focus_core.models.hub import locate_tokenizer
from focus_core.models.source import SourceModel
from focus_core.tokenization.formats import load_backend
from focus_core.tokenization.vocabulary import vocabulary_from_backend
from focus_core.types import Preset

SOURCE, TARGET_TOKENIZER, ROW = "xlm-roberta-base-rebuilt", "focus-sw-xlmr-unigram-50k", 768
CASES = {
    "reference settings": {"epoch": 3, "minCount": 10},
    "all tokens, 20 epochs": {"epoch": 20, "minCount": 1},
}
TARGET = 10.0


def train_vectors(data: Path, target: Tokenizer, settings: dict[str, int], threads: int) -> Any:
    """Train fastText as the reference does: tokens joined by spaces, one line a line of text, CBOW."""
    import fasttext

    files = sorted((data / "corpora" / "sw").glob("*.txt"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as stream:
        for encoded in target.encode_batch(lines, add_special_tokens=False):
            stream.write(" ".join(encoded.tokens) + "\n")
        stream.flush()
        return fasttext.train_unsupervised(
            stream.name, dim=100, neg=10, model="cbow", thread=threads, verbose=0, **settings
        )


def as_auxiliary(model: Any, tokens: tuple[str, ...]) -> AuxiliaryVectors:
    """Take the same vectors out of the model: those of its own words that are not zero."""
    words = set(model.words)
    vectors = np.zeros((len(tokens), model.get_dimension()), np.float32)
    for i, token in enumerate(tokens):
        if token in words:
            vectors[i] = model.get_word_vector(token)
    return AuxiliaryVectors(vectors=vectors, has_vector=vectors.any(axis=1), kind="token")


def run_reference(source: Any, target: Any, matrix: torch.Tensor, model: Any) -> torch.Tensor:
    """Run the reference, its loading of fastText replaced by the model that is loaded already."""
    from deepfocus import focus as reference

    original = reference.load_target_token_embedding
    reference.load_target_token_embedding = lambda **_: model
    try:
        made: torch.Tensor = reference.FOCUS(
            target_tokenizer=target,
            source_tokenizer=source,
            source_embeddings=matrix,
            fasttext_model_path="loaded",
            verbosity="silent",
        )
    finally:
        reference.load_target_token_embedding = original
    return made


def check_equal(result: FocusResult, rows: torch.Tensor, auxiliary: AuxiliaryVectors) -> dict[str, Any]:
    """Assert the three equalities; return what was compared."""
    ours, theirs, origins = result.embeddings["input"].numpy(), rows.numpy(), result.weights.origins
    copied, combined = np.flatnonzero(origins == COPIED), np.flatnonzero(origins == COMBINED)
    if ours[copied].tobytes() != theirs[copied].tobytes():
        raise SystemExit("copied rows are not bit-equal")
    difference = float(np.abs(ours[combined] - theirs[combined]).max())
    if difference > 1e-5:
        raise SystemExit(f"combined rows differ by {difference:.2g}, allowed are 1e-5")
    return {
        "copied": len(copied),
        "combined": len(combined),
        "random": int(len(origins) - len(copied) - len(combined)),
        "largest_difference": difference,
        "contributors_compared": check_contributors(result, auxiliary, combined),
        "median_support": float(np.median(result.weights.support[combined])),
    }


def check_contributors(result: FocusResult, auxiliary: AuxiliaryVectors, combined: np.ndarray) -> int:
    """Compare every row's contributors with the reference's way: float64 cosines, entmax on the full row."""
    from entmax import sparsemax
    from fastdist import fastdist

    overlap, compared = result.overlap, 0
    anchors = np.flatnonzero(auxiliary.has_vector[overlap.target_ids])
    sources, vectors = overlap.source_ids[anchors], auxiliary.vectors[overlap.target_ids[anchors]]
    for start in range(0, len(combined), 1024):
        rows = combined[start : start + 1024]
        theirs = sparsemax(torch.from_numpy(fastdist.cosine_matrix_to_matrix(auxiliary.vectors[rows], vectors)), dim=1)
        ours = result.weights.matrix[rows].toarray()[:, sources]
        full = theirs.numpy()
        if not (ours[full >= 1e-6] > 0).all() or not (full[ours >= 1e-6] > 0).all():
            raise SystemExit("contributors of weight 1e-6 or more differ")
        compared += int((full > 0).sum())
    return compared


def prepare_ours(
    source: Tokenizer, target: Tokenizer, matrix: torch.Tensor, auxiliary: AuxiliaryVectors
) -> Callable[[], FocusResult]:
    """Return the whole run on objects, reading of both vocabularies and statistics included."""
    model = SourceModel(name="random", input=matrix, digest="", n_bytes=0, spec="")
    config = InitConfig.for_preset(Preset.PAPER, device="cpu")

    def run() -> FocusResult:
        return run_focus(
            source=vocabulary_from_backend(source, name="source"),
            target=vocabulary_from_backend(target, name="target"),
            model=model,
            auxiliary=auxiliary,
            config=config,
        )

    return run


def measure(data: Path, case: str, runs: int, threads: int) -> dict[str, Any]:
    """Check and time one case."""
    source, target = (load_backend(locate_tokenizer(data / "tokenizers" / name)) for name in (SOURCE, TARGET_TOKENIZER))
    vocabulary = vocabulary_from_backend(target, name="target")
    matrix = torch.randn(source.get_vocab_size(), ROW, generator=torch.Generator().manual_seed(2))
    model = train_vectors(data, target, CASES[case], threads)
    auxiliary = as_auxiliary(model, vocabulary.tokens)
    run, wrapped = prepare_ours(source, target, matrix, auxiliary), (wrap(source), wrap(target))
    compared = check_equal(run(), run_reference(*wrapped, matrix, model), auxiliary)
    calls = {"ours": run, "reference": lambda: run_reference(*wrapped, matrix, model)}
    seconds = take_turns(calls, runs=runs, warm_up=False)
    ours, theirs = median(seconds["ours"]), median(seconds["reference"])
    return {
        "what": "a whole run from ready auxiliary vectors",
        "size": f"250k → 50k, {case}",
        "reference": "deepfocus",
        "seconds": ours,
        "reference_seconds": theirs,
        "ratio": round(theirs / ours, 1),
        "target": f"≥ {TARGET:.0f} × faster",
        **compared,
        "all_seconds": seconds,
    }


def main() -> None:
    """Run every case, print a table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cases", nargs="*", choices=[*CASES], default=[*CASES])
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data or set FOCUS_LAB_DATA")
    torch.set_num_threads(options.threads)
    before = facts(options.threads)
    print(f"load {before['load']}, {options.threads} threads")
    rows = []
    for case in options.cases:
        rows.append(measure(Path(options.data), case, options.runs, options.threads))
        print(
            "{size}: {copied} copied rows bit-equal, {combined} combined within {largest_difference:.1g}, "
            "{contributors_compared} contributors equal; ours {seconds:.2f} s, deepfocus {reference_seconds:.1f} s, "
            "ratio {ratio:.1f}".format(**rows[-1])
        )
    write_result("whole_run", before | {"load_after": facts(options.threads)["load"]}, rows)


if __name__ == "__main__":
    main()
