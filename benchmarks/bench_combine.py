"""Combining new tokens over anchors, beside the reference implementation on the same vectors: time and peak memory.

Usage: ``python -m benchmarks.bench_combine [--runs 5] [--threads N] [--sizes NAME...] [--folder DIR]``, in an
environment with requirements-bench.txt. Rows of sizes that are not run stay as they were.

From auxiliary vectors and a source matrix to finished rows of 768 dimensions. Each side runs in processes of its
own, which load the same files, run once on a small part (imports, compilation), and are then measured: peak memory
above the inputs in one process, times in turn in others. Equality is asserted first: rows within 1e-5, and every
contributor of weight 1e-6 or more on one side has a positive weight on the other.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_sparsemax import DIMENSIONS, SIZES, WITH_TARGET, make_inputs
from benchmarks.common import facts, in_child, median, peak_mib, read_rows, write_result

ROW = 768
TARGET, MEMORY = 20.0, 1024
ONE_REFERENCE_RUN = {"50k × 30k"}  # minutes and more than 12 GB each


def make_files(size: str, folder: Path) -> None:
    """Write vectors and a source matrix with one row for every anchor and as many others."""
    new, anchors = make_inputs(size)
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((2 * len(anchors), ROW), dtype=np.float32)
    sources = np.sort(rng.choice(2 * len(anchors), len(anchors), replace=False)).astype(np.int32)
    for name, array in (("new", new), ("anchors", anchors), ("matrix", matrix), ("sources", sources)):
        np.save(folder / f"{name}.npy", array)


def load_files(folder: Path) -> dict[str, np.ndarray]:
    """Read what `make_files` wrote."""
    return {name: np.load(folder / f"{name}.npy") for name in ("new", "anchors", "matrix", "sources")}


def prepare_ours(given: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """Return the call that is measured: similarities, weights, ``W`` and ``W @ E``."""
    import torch

    from focus_core.initialization.weights import COMBINED, SparseRows, assemble
    from focus_core.numerics.similarity import similarity_weights

    n, matrix = len(given["new"]), torch.from_numpy(given["matrix"])

    def combine() -> np.ndarray:
        rows = similarity_weights(given["new"], given["anchors"])
        part = SparseRows(
            rows=np.arange(n, dtype=np.int32),
            indptr=rows.indptr,
            source_ids=given["sources"][rows.indices],
            weights=rows.weights,
            similarities=rows.similarities,
        )
        origins = np.full(n, COMBINED, np.uint8)
        weights = assemble([part], shape=(n, len(matrix)), origins=origins, rules=np.zeros(n, np.uint8))
        made: np.ndarray = weights.apply(matrix).numpy()
        return made

    return combine


def prepare_reference(given: dict[str, np.ndarray]) -> Callable[[], np.ndarray]:
    """Return the reference's own function over the objects it expects; building these is not measured."""
    import torch
    from deepfocus.focus import focus_additional_token_initialization
    from deepfocus.vocab_helper import NewToken, OverlappingToken, TokenClass

    matrix = torch.from_numpy(given["matrix"])

    def token(i: int) -> Any:
        name = f"{i}"
        return TokenClass(name, i, name, name, name, name, is_beginning_of_word=True)

    n = len(given["new"])
    overlapping = {
        f"o{i}": OverlappingToken(
            source=[], target=token(n + i), source_embedding=matrix[int(source)], auxiliary_embedding=vector
        )
        for i, (source, vector) in enumerate(zip(given["sources"], given["anchors"], strict=True))
    }
    new = {f"n{i}": NewToken(target=token(i), auxiliary_embedding=vector) for i, vector in enumerate(given["new"])}

    @torch.no_grad()
    def combine() -> np.ndarray:
        rows = torch.zeros((n, matrix.shape[1]))
        made: np.ndarray = focus_additional_token_initialization(overlapping, new, rows, device="cpu").numpy()
        return made

    return combine


SIDES = {"ours": prepare_ours, "reference": prepare_reference}


def child(side: str, folder: Path, *, runs: int, memory: bool) -> dict[str, Any]:
    """Measure one side in this process: peak memory of one call, or seconds of several."""
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")  # where memory ends, end this process
    given = load_files(folder)
    small = {name: array[:64] if name in {"new", "anchors", "sources"} else array for name, array in given.items()}
    SIDES[side](small)()
    call = SIDES[side](given)
    if memory:
        made: list[np.ndarray] = []
        start = time.perf_counter()
        peak = peak_mib(lambda: made.append(call()))
        seconds = [time.perf_counter() - start]
        np.save(folder / f"{side}.npy", made[0])
        return {"mib": peak, "result_mib": round(made[0].nbytes / 2**20, 1), "seconds": seconds}
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def check_equal(folder: Path) -> float:
    """Compare the rows of both sides; returns the largest difference."""
    ours, theirs = (np.load(folder / f"{side}.npy") for side in SIDES)
    difference = max(float(np.abs(ours[i : i + 4096] - theirs[i : i + 4096]).max()) for i in range(0, len(ours), 4096))
    if difference > 1e-5:
        raise SystemExit(f"rows differ by {difference:.2g}, allowed are 1e-5")
    return difference


def check_contributors(given: dict[str, np.ndarray], sample: int = 500) -> None:
    """Compare supports with the reference's way to weights: float64 similarities, entmax on the full row."""
    import torch
    from entmax import sparsemax
    from fastdist import fastdist

    from focus_core.numerics.similarity import similarity_weights

    rows = similarity_weights(given["new"][:sample], given["anchors"])
    ours = np.zeros((rows.n_rows, len(given["anchors"])))
    ours[np.repeat(np.arange(rows.n_rows), rows.support), rows.indices] = rows.weights
    cosines = fastdist.cosine_matrix_to_matrix(given["new"][:sample], given["anchors"])
    theirs = sparsemax(torch.from_numpy(cosines), dim=1).numpy()
    if not (ours[theirs >= 1e-6] > 0).all() or not (theirs[ours >= 1e-6] > 0).all():
        raise SystemExit("contributors of weight 1e-6 or more differ")


def reference_fits(size: str) -> bool:
    """Whether the reference's dense float64 similarities, normed copies and the inputs fit into free memory."""
    n_new, n_anchors = SIZES[size]
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return n_new * n_anchors * 8 + (n_new + 2 * n_anchors) * ROW * 4 + 2**30 < free


def compare(size: str, folder: Path, runs: int, threads: int) -> dict[str, Any]:
    """Measure both sides at one size."""
    make_files(size, folder)

    def measure(side: str, *extra: str) -> dict[str, Any]:
        name = "benchmarks.bench_combine"
        return in_child(name, "--child", side, "--folder", str(folder), *extra, threads=threads)

    sides = ["ours", *(["reference"] if reference_fits(size) else [])]
    memory = {side: measure(side, "--memory") for side in sides}
    difference = check_equal(folder) if len(sides) == 2 else None
    check_contributors(load_files(folder))
    once = [side for side in sides if side == "reference" and size in ONE_REFERENCE_RUN]
    seconds: dict[str, list[float]] = {side: memory[side]["seconds"] if side in once else [] for side in sides}
    for _ in range(runs):
        for side in (side for side in sides if side not in once):
            seconds[side] += measure(side, "--runs", "1")["seconds"]
    ours, theirs = median(seconds["ours"]), median(seconds["reference"]) if len(sides) == 2 else None
    return {
        "what": f"combining new tokens over anchors, d_aux {DIMENSIONS}, d {ROW}",
        "size": size,
        "reference": "deepfocus" if theirs else "deepfocus does not fit into the free memory",
        "seconds": ours,
        "reference_seconds": theirs,
        "reference_runs": len(seconds.get("reference", [])),
        "ratio": round(theirs / ours, 1) if theirs else None,
        "target": f"≥ {TARGET:.0f} × faster, ≤ {MEMORY} MiB" if size in WITH_TARGET else "",
        "mib": memory["ours"]["mib"],
        "reference_mib": memory["reference"]["mib"] if theirs else None,
        "result_mib": memory["ours"]["result_mib"],
        "largest_difference": difference,
        "all_seconds": seconds,
        "load": facts(threads)["load"],
    }


def describe(row: dict[str, Any]) -> str:
    """Write one row for people."""
    ours = "{size:>10}: ours {seconds:.3f} s, {mib:.0f} MiB; ".format(**row)
    if row["reference_seconds"] is None:
        return ours + row["reference"]
    theirs = "deepfocus {reference_seconds:.1f} s, {reference_mib:.0f} MiB; ratio {ratio:.1f}, "
    return ours + (theirs + "rows within {largest_difference:.1g}").format(**row)


def main() -> None:
    """Run every size, print a table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sizes", nargs="*", choices=[*SIZES], default=[*SIZES])
    parser.add_argument("--folder", type=Path, help="where the inputs lie (default: a temporary folder)")
    parser.add_argument("--child", choices=[*SIDES], help=argparse.SUPPRESS)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child, options.folder, runs=options.runs, memory=options.memory)))
        return
    before = facts(options.threads)
    print(f"load {before['load']}, {options.threads} threads")
    rows = [row for row in read_rows("combine") if row["size"] not in options.sizes]
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            rows.append(compare(size, Path(folder), options.runs, options.threads))
        print(describe(rows[-1]))
    rows.sort(key=lambda row: [*SIZES].index(row["size"]))
    before["command"] = "python -m benchmarks.bench_combine"  # some rows may be from a call for other sizes
    write_result("combine", before | {"load_after": facts(options.threads)["load"]}, rows)


if __name__ == "__main__":
    main()
