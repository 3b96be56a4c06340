"""A training killed without warning goes on from its checkpoint and ends with the same weights, on one thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.export.test_run_model import corpus_of, small_run

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = """
import sys
from focus_core.training import loop
loop.CHECKPOINT_SECONDS = 0.2
from focus_core.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def start(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", COMMAND, *arguments]
    with log.open("ab") as file:
        return subprocess.Popen(command, env=environment, stdout=file, stderr=file)


def steps_done(part: Path) -> int:
    """Return how far a training says it is."""
    events = part / "log" / "events.jsonl"
    return events.read_text().count('"stage": "train"') if events.is_file() else 0


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_killed_and_resumed(tmp_path: Path, signal_number: int) -> None:
    run = small_run(tmp_path, "roberta")
    corpus = corpus_of(tmp_path, 400)
    small = ["--steps", "120", "--batch-tokens", "256", "--max-seq-length", "16", "--threads", "1"]
    small += ["--precision", "float32"]  # auto measures, and what it finds depends on the load
    options = ("--corpus", str(corpus), *small)
    log = tmp_path / "log.txt"
    whole = start(log, "adapt", str(run.path), "--name", "whole", *options)
    assert whole.wait(240) == 0, log.read_text()
    part = run.path / "training" / "parts.part"
    process = start(log, "adapt", str(run.path), "--name", "parts", *options)
    deadline = time.monotonic() + 120
    while not (part / "checkpoint.safetensors").is_file() or steps_done(part) < 3:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal_number)
    status = process.wait(60)
    assert status == (-signal.SIGKILL if signal_number == signal.SIGKILL else 130)
    assert part.is_dir()
    if signal_number == signal.SIGTERM:
        assert log.read_text().endswith("training parts: interrupted; go on with --resume\n")
    assert not part.with_suffix("").exists()
    resumed = start(log, "adapt", str(run.path), "--name", "parts", *options, "--resume")
    assert resumed.wait(240) == 0, log.read_text()
    for name in ("trained.safetensors", "body.safetensors", "curve.parquet"):
        one, two = (run.path / "training" / n / name for n in ("whole", "parts"))
        assert one.read_bytes() == two.read_bytes()
