"""The aligner behind one seam: lines of numbered words of both sides come in, how often two words are linked goes out.

A child process aligns (`aligner_worker`), on one thread: it may take minutes and cannot be interrupted from within, and
with more threads two runs differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import cached_folder, digest_json, read_array, sha256_bytes, write_arrays
from focus_core.errors import bad_input, option
from focus_core.initialization.methods.parallel.words import WordLines
from focus_core.types import Aligner, ProgressHook, no_progress

STAGE = "align"
ANSWER, INPUT, DONE = "links.safetensors", "lines.safetensors", "done"
"""What the child writes, what it reads, and where it notes how far it is."""
POLL = 0.25
"""Seconds between two looks at how far it is, and at whether the work was cancelled."""
WORKER = "focus_core.initialization.methods.parallel.aligner_worker"


@dataclass(frozen=True, kw_only=True, eq=False)
class Links:
    """How often words are linked.

    Parameters
    ----------
    source, target : ndarray of shape (n_links,), dtype int64
        Numbers of words of both sides, ascending by target and then source.
    counts : ndarray of shape (n_links,), dtype int64
        In how many places the two are linked.
    """

    source: np.ndarray
    target: np.ndarray
    counts: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.source, self.target, self.counts):
            array.setflags(write=False)

    def at_least(self, count: int) -> Links:
        """Return the links that occur so often."""
        kept = self.counts >= count
        return Links(source=self.source[kept], target=self.target[kept], counts=self.counts[kept])


def count_links(
    source: WordLines,
    target: WordLines,
    *,
    aligner: Aligner = Aligner.IBM1,
    n_iter: int = 7,
    progress: ProgressHook = no_progress,
) -> Links:
    """Align the words of every line with those of its translation, and count.

    Parameters
    ----------
    source, target : WordLines
        The two sides, line by line.
    aligner : Aligner, default="ibm1"
        The model of alignment.
    n_iter : int, default=7
        Iterations of expectation maximisation in each direction.
    progress : ProgressHook, default=no_progress
        Told the stage ``align``; raising from it ends the child.

    Returns
    -------
    Links
        Of both directions, symmetrised by grow-diag-final-and (Koehn, Och & Marcu 2003). Equal input gives equal
        counts: what was aligned once is taken from the cache.

    Raises
    ------
    InvalidInputError
        If the sides have another number of lines, or the child fails.
    """
    if source.n_lines != target.n_lines:
        got = f"{source.n_lines:,} and {target.n_lines:,}"
        raise bad_input(option("parallel"), "as many lines on either side", got, "give a line with its translation")
    arrays = {
        "source": source.words,
        "source_ends": source.ends,
        "target": target.words,
        "target_ends": target.ends,
    }
    settings = {"aligner": str(aligner), "n_iter": n_iter}

    def build(folder: Path) -> None:
        write_arrays(folder / INPUT, arrays)
        _align(folder, settings, progress)
        (folder / INPUT).unlink()

    digests = [sha256_bytes(np.ascontiguousarray(array).tobytes()) for array in arrays.values()]
    folder = cached_folder(digest_json(["links", version("sil-thot"), settings, digests]), build)
    progress(STAGE, 1, 1)
    return Links(**{name: np.array(read_array(folder / ANSWER, name)) for name in ("source", "target", "counts")})


def _align(folder: Path, settings: dict[str, Any], progress: ProgressHook) -> None:
    """Run the child in a folder that holds its input, to its end; end it when the hook raises."""
    request, told = folder / "request.json", folder / "told"
    request.write_text(json.dumps(settings), encoding="utf-8")
    with told.open("wb") as stream:
        status = _wait(_start(folder, stream), folder / DONE, progress)
    last = [line for line in told.read_text("utf-8", "replace").splitlines() if line.strip()][-1:]
    for path in (request, told, folder / DONE):
        path.unlink(missing_ok=True)
    if status or not (folder / ANSWER).is_file():
        got = f"it ended with status {status}" + (f" ({last[0].strip()[:160]})" if status > 0 and last else "")
        raise bad_input("aligner", "alignment to finish", got, "see the memory left, or give fewer pairs")


def _start(folder: Path, stream: Any) -> subprocess.Popen[bytes]:
    """Start the child; it ends itself when its standard input is closed, so it never outlives this process."""
    package = str(Path(__file__).resolve().parents[4])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return subprocess.Popen(
        [sys.executable, "-m", WORKER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=stream,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
    )


def _wait(child: subprocess.Popen[bytes], done: Path, progress: ProgressHook) -> int:
    """Tell how far the child is until it ends; return its status."""
    try:
        while True:
            try:
                return child.wait(POLL)
            except subprocess.TimeoutExpired:
                progress(STAGE, _share(done), 1)
    finally:
        if child.poll() is None:
            child.kill()
        if child.stdin is not None:
            child.stdin.close()
        child.wait()


def _share(done: Path) -> float:
    """Return which share of its work the child says is done."""
    try:
        return min(1.0, float(done.read_text(encoding="ascii")))
    except (OSError, ValueError):  # not written yet, or half of it
        return 0.0
