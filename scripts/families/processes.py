"""Every row in a process of its own with limits, forked from one that has imported the libraries."""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from focus_core.artifacts import atomic_write_bytes
from scripts.families.catalogue import Kind
from scripts.families.row import finished

SECONDS, GIB = 120, 48
"""Limits of a row: seconds of computing, three times as many by the clock; memory, every mapping of a file included."""


IMPORTED = (
    "focus_core.cli.main", "focus_core.api", "focus_core.evaluation.report", "focus_core.evaluation.stored",
    "focus_core.export.model_folder", "focus_core.export.run_model", "focus_core.initialization.extend",
    "focus_core.training.train", "focus_core.training.writer", "focus_core.runs.writer",
    "pandas", "pyarrow.parquet", "torch._dynamo",
    "torch.distributed.tensor", "transformers.generation", "transformers.modeling_utils",
    "transformers.models.bart.modeling_bart", "transformers.models.bert.modeling_bert",
    "transformers.models.clip.modeling_clip", "transformers.models.gpt2.modeling_gpt2",
    "transformers.models.llama.modeling_llama", "transformers.models.t5.modeling_t5",
)  # fmt: skip
"""What nearly every row imports: once here, then in none."""


Judge = Callable[[Kind, Path, Callable[[dict[str, Any]], None]], object]


def warm_up() -> None:
    """Import what every row needs, and keep torch to one thread; nothing is computed before the processes part."""
    import torch

    for name in IMPORTED:
        importlib.import_module(name)
    torch.set_num_threads(1)


def run_rows(kinds: Iterable[Kind], judge: Judge, *, jobs: int, seconds: int = SECONDS) -> Iterator[dict[str, Any]]:
    """Judge families in processes of their own and yield their rows as they are done.

    Parameters
    ----------
    kinds : iterable of Kind
        The families.
    judge : callable
        From a family, an empty folder and a function that keeps the row so far.
    jobs : int
        Processes at once.
    seconds : int, default=120
        The most that a row may take.

    Yields
    ------
    dict
        A row; one that was stopped says so.
    """
    waiting = list(reversed(list(kinds)))
    running: dict[int, tuple[Kind, Path, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            kind = waiting.pop()
            folder = Path(tempfile.mkdtemp(prefix="families-"))
            running[_start(kind, folder, judge, seconds)] = (kind, folder, time.monotonic())
        pid, status = os.wait()
        if pid in running:
            kind, folder, started = running.pop(pid)
            yield _result(kind, folder, status) | {"seconds": round(time.monotonic() - started, 1)}
            shutil.rmtree(folder, ignore_errors=True)


def _start(kind: Kind, folder: Path, judge: Judge, seconds: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(3 * seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_DATA, (GIB << 30, GIB << 30))
        os.environ["FOCUS_LAB_CACHE"] = str(folder / "cache")
        work = folder / "work"
        work.mkdir()
        judge(kind, work, lambda row: atomic_write_bytes(folder / "row.json", json.dumps(row).encode()))
    finally:
        os._exit(0)


def _result(kind: Kind, folder: Path, status: int) -> dict[str, Any]:
    """Return the row that a process kept; where it was stopped, the column that it was at is wrong."""
    path = folder / "row.json"
    stopped = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else ""
    reason = f"stopped by signal {stopped}" if stopped else "ended without a word"
    if path.is_file():
        return finished(json.loads(path.read_text(encoding="utf-8")), reason)
    name, mapping = next(iter(kind.candidates.items()))
    common = {"type": kind.model_type, "class": name, "mapping": mapping, "tokenizer": kind.tokenizer}
    return {**common, "built": False, "reason": reason}
