"""From normalised vectors to sparse weights, beside the bare matrix product; and the selection beside entmax.

Usage: ``python -m benchmarks.bench_sparsemax [--runs 5] [--threads N]``. Needs requirements.txt alone.

The product is the cheapest way to the similarities that we know: float32, blocks of the same size, into memory that
is there already. The rest of the time is what finding the support, the simplex map and CSR cost.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

import numpy as np
import torch
from entmax import sparsemax

from benchmarks.common import facts, in_child, median, peak_mib, take_turns, write_result
from focus_core.numerics.similarity import block_rows, normalise_rows, similarity_weights
from focus_core.numerics.sparsemax import RowWeights, sparsemax_rows

SIZES = {"toy": (500, 300), "8k × 2k": (8_000, 2_000), "31k × 19k": (31_000, 19_000), "50k × 30k": (50_000, 30_000)}
WITH_TARGET = {"31k × 19k", "50k × 30k"}
DIMENSIONS, CENTRES = 100, 2_000
TARGET, LIMIT = 1.5, 2.0


def make_vectors(seed: int, n: int) -> np.ndarray:
    """Make unit vectors around shared centres: their supports are those of a trained auxiliary space."""
    centres = np.random.default_rng(0).standard_normal((CENTRES, DIMENSIONS)).astype(np.float32)
    rng = np.random.default_rng(seed)
    rows = 0.7 * centres[rng.integers(CENTRES, size=n)] + rng.standard_normal((n, DIMENSIONS), dtype=np.float32)
    return normalise_rows(rows)


def make_inputs(size: str) -> tuple[np.ndarray, np.ndarray]:
    """Make the vectors of new tokens and of anchors."""
    n_new, n_anchors = SIZES[size]
    return make_vectors(1, n_new), make_vectors(2, n_anchors)


def bare_product(new: np.ndarray, anchors: np.ndarray) -> None:
    """All similarities, a block at a time, into one buffer."""
    rows = block_rows(len(anchors), memory_mib=512)
    left, right = torch.from_numpy(new), torch.from_numpy(anchors).T
    buffer = torch.empty((rows, len(anchors)))
    for start in range(0, len(new), rows):
        part = left[start : start + rows]
        torch.mm(part, right, out=buffer[: len(part)])


def check_equal(new: np.ndarray, anchors: np.ndarray, rows: RowWeights, sample: int = 300) -> float:
    """Compare some rows with entmax on their full rows in float64; returns the largest difference of a weight."""
    full = sparsemax(torch.from_numpy(new[:sample].astype(np.float64) @ anchors.T.astype(np.float64)), dim=1).numpy()
    ours = np.zeros_like(full)
    last = rows.indptr[len(full)]
    ours[np.repeat(np.arange(len(full)), rows.support[: len(full)]), rows.indices[:last]] = rows.weights[:last]
    if not (ours[full >= 1e-6] > 0).all() or not (full[ours >= 1e-6] > 0).all() or np.abs(ours - full).max() > 1e-5:
        raise SystemExit("not equal to entmax on the full rows")
    return float(np.abs(ours - full).max())


def compare_with_product(size: str, runs: int) -> dict[str, Any]:
    """Time one size, ours and the bare product in turn."""
    new, anchors = make_inputs(size)
    rows = similarity_weights(new, anchors)
    difference = check_equal(new, anchors, rows)
    calls = {"ours": lambda: similarity_weights(new, anchors), "product": lambda: bare_product(new, anchors)}
    seconds = take_turns(calls, runs=runs)
    ours, product = median(seconds["ours"]), median(seconds["product"])
    return {
        "what": "normalised vectors to CSR weights",
        "size": size,
        "reference": "bare matrix product",
        "seconds": ours,
        "reference_seconds": product,
        "ratio": round(ours / product, 3),
        "target": f"≤ {TARGET} ×, no worse than {LIMIT} ×" if size in WITH_TARGET else "",
        "median_support": float(np.median(rows.support)),
        "largest_difference": difference,
        "mib": in_child("benchmarks.bench_sparsemax", "--peak", size, threads=torch.get_num_threads())["mib"],
        "all_seconds": seconds,
    }


def compare_with_entmax(n: int, m: int, runs: int) -> dict[str, Any]:
    """Time the map from given scores to weights, ours and entmax's two ways, in turn."""
    scores = torch.from_numpy(make_vectors(1, n) @ make_vectors(2, m).T)
    chunks = scores.split(256)
    calls = {
        "ours": lambda: sparsemax_rows(scores),
        "full sort": lambda: [sparsemax(part, dim=1) for part in chunks],
        "k = 64": lambda: [sparsemax(part, dim=1, k=64) for part in chunks],
    }
    seconds = take_turns(calls, runs=runs)
    medians = {name: median(values) for name, values in seconds.items()}
    return {
        "what": "scores to weights",
        "size": f"{n:,} × {m:,}",
        "reference": "entmax.sparsemax, full sort (k = 64)",
        "seconds": medians["ours"],
        "reference_seconds": medians["full sort"],
        "reference_k64_seconds": medians["k = 64"],
        "ratio": round(medians["ours"] / medians["full sort"], 4),
        "all_seconds": seconds,
    }


def main() -> None:
    """Run every size, print a table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sizes", nargs="*", choices=[*SIZES], default=[*SIZES])
    parser.add_argument("--peak", choices=[*SIZES], help="print the peak memory of one size, in a fresh process")
    options = parser.parse_args()
    if options.peak:
        new, anchors = make_inputs(options.peak)
        similarity_weights(new[:200], anchors[:200])  # what importing and first use take is not the method's
        print(json.dumps({"mib": peak_mib(lambda: similarity_weights(new, anchors))}))
        return
    torch.set_num_threads(options.threads)
    before = facts(options.threads)
    print(f"load {before['load']}, {options.threads} threads")
    rows = []
    for size in options.sizes:
        rows.append(compare_with_product(size, options.runs))
        print(
            "{size:>10}: weights {seconds:.3f} s, product {reference_seconds:.3f} s, ratio {ratio:.2f}, "
            "median support {median_support:.0f}, peak {mib:.0f} MiB".format(**rows[-1])
        )
    for n, m in ((2_000, 8_000), (2_000, 21_000)):
        rows.append(compare_with_entmax(n, m, options.runs))
        print(f"{rows[-1]['size']:>15}: ours {rows[-1]['seconds']:.3f} s, entmax {rows[-1]['reference_seconds']:.3f} s")
    write_result("sparsemax", before | {"load_after": facts(options.threads)["load"]}, rows)


if __name__ == "__main__":
    main()
