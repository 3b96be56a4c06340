"""A question to a stranger's files, answered by a process of its own that may neither hang nor take all memory.

A hostile tokenizer or matrix may exhaust whoever reads it; a child that is limited harms nobody. It runs a module of
ours, reads one request from standard input and writes one answer, both JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from focus_core.artifacts import dump_json
from focus_core.errors import FocusError, InvalidInputError

SECONDS = 60
"""Processor time, and nearly the whole time, that a child gets."""
MEMORY_BYTES = 6 << 30
"""Address space that a child gets, unless its request grants more."""
GRANTED = "memory_bytes"
"""Where a request says how much it is granted."""
ROOT = Path(__file__).resolve().parents[2]


def ask(
    module: str,
    request: Mapping[str, Any],
    *,
    seconds: float = SECONDS,
    error: type[InvalidInputError],
    silent: Callable[[str], InvalidInputError],
    command: Sequence[str] = (),
) -> dict[str, Any]:
    """Let a child process answer.

    Parameters
    ----------
    module : str
        The module that answers; it calls `answer`.
    request : mapping
        Plain JSON values.
    seconds : float, default=60
        How long to wait.
    error : type of InvalidInputError
        As what the child's own error is raised.
    silent : callable
        Builds the error where there is no answer, from what there was instead.
    command : sequence of str, default=()
        What to run instead of the module.

    Returns
    -------
    dict
        The answer.

    Raises
    ------
    InvalidInputError
        If the child found something wrong, or did not answer in time.
    """
    try:
        done = subprocess.run(
            list(command) or [sys.executable, "-m", module],
            input=dump_json(dict(request), indent=None).encode("utf-8", "backslashreplace"),
            capture_output=True,
            timeout=seconds,
            cwd=ROOT,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
            check=False,
        )
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as reason:
        hung = isinstance(reason, subprocess.TimeoutExpired)
        raise silent(f"no answer in {seconds:.0f} s" if hung else "a process that died") from reason
    if "error" in found:
        raise error.from_dict(found["error"])
    return dict(found)


def answer(reply: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> int:
    """Answer one request from standard input, within the limits."""
    request = json.loads(sys.stdin.buffer.read())  # UTF-8, whatever the locale says of text
    _limit(int(request.get(GRANTED) or MEMORY_BYTES))
    try:
        found = reply(request)
    except FocusError as error:
        found = {"error": error.to_dict()}
    sys.stdout.write(json.dumps(found))
    return 0


def _limit(n_bytes: int) -> None:
    """Let the system refuse more memory and time than sound files need (where it can)."""
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
