"""What every benchmark shares: medians, peak memory, and the facts that a number needs beside it.

Times are medians, ratios are ratios of medians of one run; the calls of a comparison take turns, so that a slow
spell of the machine meets both. Peak memory is what the process held at most above what it held before the call.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
PACKAGES = (
    "focus-lab",
    "numpy",
    "scipy",
    "torch",
    "entmax",
    "tokenizers",
    "umap-learn",
    "transformers",
    "sentence-transformers",
    "fasttext",
    "deepfocus",
    "numba",
)


def take_turns(calls: Mapping[str, Callable[[], Any]], *, runs: int, warm_up: bool = True) -> dict[str, list[float]]:
    """Time several calls in turn.

    Parameters
    ----------
    calls : mapping of str to callable
        What to time.
    runs : int
        Times each is called after the warm-up.
    warm_up : bool, default=True
        Whether each is called once before, untimed.

    Returns
    -------
    dict of str to list of float
        Seconds of every run, by name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(-warm_up, runs):
        for name, call in calls.items():
            gc.collect()
            start = time.perf_counter()
            call()
            if run >= 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def median(values: Iterable[float]) -> float:
    """Median, rounded to the digits that a wall clock deserves."""
    return float(f"{statistics.median(values):.4g}")


def peak_mib(call: Callable[[], Any]) -> float:
    """Run a call and return the most memory the process held above what it held before, in MiB (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts again from here
    before = _status("VmRSS")
    call()
    return round((_status("VmHWM") - before) / 1024, 1)


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def facts(threads: int) -> dict[str, Any]:
    """Return command, commit, versions, processor, threads and load."""
    git = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "command": shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]]),
        "commit": git.stdout.strip(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def in_child(module: str, *arguments: str, threads: int) -> dict[str, Any]:
    """Run a benchmark's own child mode in a fresh process and return the JSON it printed last.

    Parameters
    ----------
    module : str
        ``benchmarks.bench_...``.
    *arguments : str
        Its arguments.
    threads : int
        Threads of every numeric library in it.

    Returns
    -------
    dict
        What the child printed.
    """
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"TQDM_DISABLE": "1"}
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def write_result(name: str, environment: Mapping[str, Any], rows: list[dict[str, Any]], folder: Path = RESULTS) -> None:
    """Write one benchmark's rows with their facts to ``folder/name.json``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"environment": dict(environment), "rows": rows}, indent=1, ensure_ascii=False) + "\n"
    part = folder / f"{name}.json.part"
    part.write_text(text, encoding="utf-8")
    part.replace(folder / f"{name}.json")


def read_rows(name: str, folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Read the rows of an earlier result; none where there is none."""
    file = folder / f"{name}.json"
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    return rows
