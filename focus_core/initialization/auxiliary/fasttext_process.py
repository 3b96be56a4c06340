"""Runs the fastText child: starts it, follows its progress, ends it when the work is cancelled."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from focus_core.artifacts import read_array
from focus_core.errors import AuxiliaryError, bad_input
from focus_core.types import ProgressHook, no_progress

STAGE = "train vectors"
_PLACE = re.compile(rb"@place (\d+)")
_PERCENT = re.compile(rb"Progress:\s*([\d.]+)%")
_COUNTED = b"Number of labels:"


class Progress:
    """Reads from the child's output how much of the training is done.

    Parameters
    ----------
    hook : ProgressHook
        Told the epochs done, of all.
    epochs : int
        How often the input is read.
    size : int
        Bytes of the input.
    """

    def __init__(self, hook: ProgressHook, *, epochs: int, size: int) -> None:
        self._hook = hook
        self._epochs = epochs
        self._size = max(1, size)
        self._passes = -1  # the first pass counts the words
        self._place = 0

    def read(self, line: bytes) -> None:
        """Take note of one line of output."""
        if _COUNTED in line:
            self._passes = self._place = 0
        elif (found := _PERCENT.search(line)) is not None:
            self._tell(float(found[1]) / 100 * self._epochs)
        elif (found := _PLACE.match(line)) is not None and self._passes < 0:
            self._hook(STAGE, 0, self._epochs, "counting")
        elif found is not None:
            place = int(found[1])
            self._passes += place < self._place
            self._place = place
            self._tell(self._passes + place / self._size)

    def _tell(self, epochs: float) -> None:
        done = min(float(self._epochs), epochs)
        self._hook(STAGE, done, self._epochs, f"epoch {min(self._epochs, int(done) + 1)} of {self._epochs}")


def run_child(request: dict[str, Any], folder: Path, *, progress: Progress | None = None) -> None:
    """Run one request in a child process and wait for it; raising from the hook of ``progress`` ends the child."""
    path = folder / "request.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    follow = progress or Progress(no_progress, epochs=1, size=1)
    last = b""
    child = _start(path)
    try:
        for line in _lines(child.stdout):
            follow.read(line)
            last = line if line.strip() else last
        status = child.wait()
    finally:
        _end(child)
    if status:
        raise _failed(request, status, last)


def _start(path: Path) -> subprocess.Popen[bytes]:
    """Start the child; it ends itself when its standard input is closed, so it never outlives this process."""
    package = str(Path(__file__).resolve().parents[3])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    # Threads of the linear algebra library would reserve address space that the limit counts.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "focus_core.initialization.auxiliary.fasttext_worker", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child if it still runs, and close what connects us."""
    if child.poll() is None:
        child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    child.wait()


def _lines(stream: IO[bytes] | None) -> Iterator[bytes]:
    """Yield lines as they come; fastText ends its progress lines with a carriage return."""
    if stream is None:
        return
    rest = b""
    while data := os.read(stream.fileno(), 65536):
        *lines, rest = re.split(rb"[\r\n]", rest + data)
        yield from lines
    yield rest


def _failed(request: dict[str, Any], status: int, last: bytes) -> AuxiliaryError:
    training = request["task"] == "train"
    reason = last.decode(errors="replace").strip()
    got = f"it ended with status {status}" + (f" ({reason[:160]})" if status > 0 and reason else "")
    expected = "training to finish" if training else "a sound fastText .bin"
    remedy = "see the memory left, or give ready vectors" if training else "save it again with fastText, or as .vec"
    return bad_input("fastText" if training else Path(request["input"]).name, expected, got, remedy, AuxiliaryError)


def read_answer(path: Path) -> tuple[list[str], Any]:
    """Return the names, one a row, and the vectors (n, d), memory-mapped, that a child wrote."""
    joined = bytes(read_array(path, "names")).decode()
    return joined.split("\n") if joined else [], read_array(path, "vectors")
