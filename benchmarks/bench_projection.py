"""A joint map of 10,000 initialised and 10,000 trained rows of 768 numbers, in a process that has done nothing else.

Usage: ``python -m benchmarks.bench_projection [--tokens 10000] [--width 768] [--runs 5] [--threads N]
[--reference-runs 1]``.

The rows lie around 200 centres in 64 dimensions, with noise in all; the trained ones are the initialised ones with
drift. Each run is a fresh process that makes them from one seed. PCA is timed once its libraries are imported; UMAP
from before the import of torch and umap to the coordinates, exact neighbours and compilation included. One more run
begins without numba's cache on disk, as the first map on a machine does. The references are scikit-learn's PCA and
umap-learn with its own neighbours and start, seeded, on the same rows.

All runs of one method must give the same coordinates, bit for bit, and the two PCAs the same plane, before anything is
printed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import facts, in_child, median, write_result

MODULE = "benchmarks.bench_projection"
N_CENTRES, N_INNER, SEED = 200, 64, 7
TARGETS = {"pca": 1.0, "umap": 30.0}


def make_rows(n_tokens: int, width: int) -> np.ndarray:
    """Return initialised rows and, below them, trained ones, shape (2 * n_tokens, width), float32."""
    random = np.random.default_rng(SEED)
    inner = random.normal(size=(N_INNER, width)) / np.sqrt(N_INNER)
    centres = random.normal(size=(N_CENTRES, N_INNER))[random.integers(0, N_CENTRES, n_tokens)]
    own = 0.8 * random.normal(size=(n_tokens, N_INNER))
    initialised = (centres + own) @ inner + 0.3 * random.normal(size=(n_tokens, width))
    trained = initialised + 0.3 * random.normal(size=(n_tokens, width))
    return np.concatenate([initialised, trained]).astype(np.float32)


def ours_pca(rows: np.ndarray) -> np.ndarray:
    """Our PCA."""
    from focus_core.projection.pca import principal_components

    return principal_components(rows)[0]


def ours_umap(rows: np.ndarray) -> np.ndarray:
    """Our joint UMAP."""
    from focus_core.projection.umap import joint_umap

    return joint_umap(rows, seed=SEED)


def reference_pca(rows: np.ndarray) -> np.ndarray:
    """PCA of scikit-learn, exact."""
    from sklearn.decomposition import PCA

    return np.asarray(PCA(n_components=2, svd_solver="covariance_eigh").fit_transform(rows))


def reference_umap(rows: np.ndarray) -> np.ndarray:
    """UMAP as umap-learn does it by itself: approximate neighbours, spectral start."""
    warnings.simplefilter("ignore")
    import umap

    return np.asarray(umap.UMAP(metric="cosine", random_state=SEED, n_jobs=1).fit_transform(rows))


CALLS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pca": ours_pca, "umap": ours_umap, "reference_pca": reference_pca, "reference_umap": reference_umap,
}  # fmt: skip


def child(name: str, n_tokens: int, width: int) -> dict[str, Any]:
    """Time one call in this process; return seconds, the digest of the points, the sizes of their axes."""
    rows = make_rows(n_tokens, width)
    if name.endswith("pca"):
        CALLS[name](rows[:50])  # imports
    start, worked = time.perf_counter(), time.process_time()
    points = CALLS[name](rows)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    digest = hashlib.sha256(np.ascontiguousarray(points, np.float32).tobytes()).hexdigest()
    axes = np.linalg.norm(points, axis=0).tolist()
    return {"seconds": seconds, "cpu_seconds": worked, "digest": digest, "axes": axes}


def repeat(name: str, runs: int, arguments: list[str], threads: int) -> list[dict[str, Any]]:
    """Run one call in several fresh processes; stop if they do not agree."""
    found = [in_child(MODULE, "--child", name, *arguments, threads=threads) for _ in range(runs)]
    if len({run["digest"] for run in found}) > 1:
        raise SystemExit(f"{name}: the same rows and seed gave other coordinates")
    return found


def first_on_a_machine(arguments: list[str], threads: int, expected: str) -> float:
    """Return the seconds of a UMAP that finds nothing compiled on disk."""
    before = os.environ.get("NUMBA_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = folder
        try:
            found = in_child(MODULE, "--child", "umap", *arguments, threads=threads)
        finally:
            os.environ.pop("NUMBA_CACHE_DIR")
            if before is not None:
                os.environ["NUMBA_CACHE_DIR"] = before
    if found["digest"] != expected:
        raise SystemExit("umap: without its cache numba gave other coordinates")
    return float(found["seconds"])


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Check and time both methods and their references."""
    arguments, threads = ["--tokens", str(options.tokens), "--width", str(options.width)], options.threads
    ours = {name: repeat(name, options.runs, arguments, threads) for name in TARGETS}
    theirs = {name: repeat(f"reference_{name}", options.reference_runs, arguments, threads) for name in TARGETS}
    if theirs["pca"] and not np.allclose(ours["pca"][0]["axes"], theirs["pca"][0]["axes"], rtol=1e-4):
        raise SystemExit("pca: another plane than scikit-learn's")
    first = first_on_a_machine(arguments, threads, ours["umap"][0]["digest"])
    return [
        {
            "what": f"joint map, {name.upper()}, {'once imported' if name == 'pca' else 'cold process'}",
            "size": f"{options.tokens:,} + {options.tokens:,} × {options.width}",
            "reference": {"pca": "scikit-learn", "umap": "umap-learn alone"}[name],
            "seconds": median(run["seconds"] for run in ours[name]),
            "reference_seconds": median(run["seconds"] for run in theirs[name]) if theirs[name] else None,
            "target": f"≤ {TARGETS[name]:.0f} s",
            "same_coordinates": len(ours[name]),
            "cpu_seconds": median(run["cpu_seconds"] for run in ours[name]),
            "all_seconds": [run["seconds"] for run in ours[name]],
            **({"first_on_a_machine_seconds": first} if name == "umap" else {}),
        }
        for name in TARGETS
    ]


def main() -> None:
    """Measure, print a line a method, write the result; or be one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--reference-runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--child", choices=[*CALLS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child, options.tokens, options.width)))
        return
    before = facts(options.threads)
    print(f"load {before['load']}, {options.threads} threads", flush=True)
    rows = measure(options)
    for row in rows:
        print(
            "{what}, {size}: {seconds} s ({reference}: {reference_seconds} s), {same_coordinates} equal".format(**row)
        )
    print(f"the first UMAP on a machine: {rows[1]['first_on_a_machine_seconds']:.1f} s")
    write_result("projection", before | {"niceness": os.nice(0), "load_after": facts(options.threads)["load"]}, rows)


if __name__ == "__main__":
    main()
