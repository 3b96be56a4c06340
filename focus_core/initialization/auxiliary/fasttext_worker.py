"""fastText in a process of its own: ``python -m focus_core.initialization.auxiliary.fasttext_worker REQUEST.json``.

Owns every call of fastText. Runs apart because a hostile ``.bin`` may crash or exhaust a process, because training
cannot be interrupted from within, and because its matrix of n-grams (0.8 GB at 100 dimensions) is then surely freed.

A request is a JSON object with ``task`` (``train``, ``tokens`` or ``words``), ``output`` (the file to write) and what
the task needs; see the functions. The answer is a safetensors file: ``vectors`` (n, d) and ``names``, their names
as bytes joined by line ends. While it trains on one thread, lines ``@place OFFSET`` on standard output say where
fastText stands in its input, which it reads once for the words and once an epoch.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import write_arrays

FAILED = 3
"""Exit status when fastText itself refused; the reason is the last line of standard error."""
POLL = 0.25
"""Seconds between two reports of progress."""
PAPER_SETTINGS: dict[str, Any] = {
    "lr": 0.05,
    "ws": 5,
    "neg": 10,
    "minn": 3,
    "maxn": 6,
    "bucket": 2_000_000,
    "t": 1e-4,
    "lrUpdateRate": 100,
    "wordNgrams": 1,
}
"""The settings of the paper's code: fastText's defaults but for ten negative samples."""


def main(arguments: Sequence[str]) -> int:
    """Answer one request."""
    request = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _limit(memory_bytes=request.get("memory_bytes"), cpu_seconds=request.get("cpu_seconds"))
    try:
        TASKS[request["task"]](request)
    except (ValueError, RuntimeError, MemoryError, OSError) as reason:
        sys.stderr.write(f"\n{type(reason).__name__}: {' '.join(str(reason).split())}\n")
        return FAILED
    return 0


def _die_with_parent() -> None:
    """End this process when the other end of standard input is closed, which a killed parent does too."""
    while os.read(0, 4096):
        continue
    os._exit(1)


def _limit(*, memory_bytes: int | None, cpu_seconds: int | None) -> None:
    """Let the system refuse more memory and time than a sound file needs (where it can)."""
    if sys.platform != "linux":
        return
    import resource

    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


def train(request: dict[str, Any]) -> None:
    """Train CBOW vectors over a token stream."""
    from fasttext import FastText

    binding = FastText.fasttext
    arguments = binding.args()
    settings = request["settings"]
    fixed = {"model": FastText.model_name.cbow, "loss": FastText.loss_name.ns, "input": request["input"]}
    quiet = {"verbose": 2, "output": "", "saveOutput": False}
    for name, value in (settings | fixed | quiet).items():
        setattr(arguments, name, value)
    model = binding.fasttext()
    if settings["thread"] == 1:  # with more threads fastText itself prints its progress
        threading.Thread(target=_report_place, args=(request["input"],), daemon=True).start()
    binding.train(model, arguments)
    names = model.getVocab("strict")[0]
    _write(request["output"], names, _vectors(binding, model, names))


def tokens(request: dict[str, Any]) -> None:
    """Look tokens up in a ``.bin``: those that are words of the model and have a vector."""
    binding, model = _load(request["input"])
    known = set(model.getVocab("replace")[0])
    names = [name for name in _names(request["names"]) if name in known]
    _write(request["output"], names, _vectors(binding, model, names))


def words(request: dict[str, Any]) -> None:
    """Compose a vector for each text from a ``.bin`` of words and their n-grams."""
    binding, model = _load(request["input"])
    names = _names(request["names"])
    _write(request["output"], names, _vectors(binding, model, names))


TASKS = {"train": train, "tokens": tokens, "words": words}


def _load(path: str) -> tuple[Any, Any]:
    from fasttext import FastText

    model = FastText.fasttext.fasttext()
    model.loadModel(path)
    return FastText.fasttext, model


def _names(path: str) -> list[str]:
    text = Path(path).read_bytes().decode()
    return text.split("\n") if text else []


def _vectors(binding: Any, model: Any, names: Sequence[str]) -> np.ndarray:
    """Return each name's vector: the mean of its own and its n-grams' rows."""
    n_columns = model.getArgs().dim
    buffer = binding.Vector(n_columns)
    vectors = np.zeros((len(names), n_columns), dtype=np.float32)
    for row, name in zip(vectors, names, strict=True):
        model.getWordVector(buffer, name)
        row[:] = buffer
    return vectors


def _write(output: str, names: Sequence[str], vectors: np.ndarray) -> None:
    joined = np.frombuffer("\n".join(names).encode(), dtype=np.uint8)
    write_arrays(Path(output), {"vectors": vectors, "names": joined})


def _report_place(path: str) -> None:
    """Report the place in the input: on one thread fastText itself reports nothing, but the system knows."""
    while True:
        time.sleep(POLL)
        for place in _offsets(path):
            sys.stdout.write(f"@place {place}\n")
            sys.stdout.flush()


def _offsets(path: str) -> Iterator[int]:
    """Yield the place of every open descriptor of a file (Linux; elsewhere nothing)."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return
    for link in folder.iterdir():
        try:
            if link.readlink() == Path(path):
                text = Path(f"/proc/self/fdinfo/{link.name}").read_text(encoding="ascii")
                yield int(text.split()[1])
        except OSError:  # the descriptor of this very listing is gone by now
            continue


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
