"""Pieces as child processes, some at a time: started, watched, paid for, and ended with the process that began them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from focus_core.errors import ERROR_VARIABLE, FocusError, InvalidInputError
from focus_core.experiments.layout import Layout, read_json, write_json
from focus_core.jobs.process import COMMAND, ROOT
from focus_core.runs.log import MIN_INTERVAL_S
from focus_core.types import ProgressHook

VERB = "compare-piece"
GRACE_S = 4.0
"""Seconds that a child has to end by itself once it is asked to."""
POLL_S = 0.1
PARENT_VARIABLE = "FOCUS_LAB_PARENT"
"""The environment variable that tells a child which process began it."""
ORPHAN_S = 0.5
"""How often a child looks whether the process that began it still runs."""
KIB = 1 if sys.platform == "darwin" else 1024
"""Bytes of the unit in which the system tells peak memory."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of work for one child.

    Parameters
    ----------
    name : str
        Its name.
    after : str, default=None
        The piece that must be done before it begins.
    """

    name: str
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a child ended.

    Parameters
    ----------
    status : int
        Its exit status; negative where a signal ended it.
    peak_bytes : int
        Peak memory of it or of its largest own child.
    """

    status: int
    peak_bytes: int


class Child(Protocol):
    """A running piece."""

    def poll(self) -> Ended | None:
        """Return how it ended; ``None`` while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


Start = Callable[[Layout, str, int], Child]
"""Starts the child of a piece, by folder, name and number of threads."""


class Process:
    """A piece as a process of our own command line.

    Parameters
    ----------
    layout : Layout
        The growing comparison.
    piece : str
        The piece.
    threads : int
        Threads it may use.
    """

    def __init__(self, layout: Layout, piece: str, threads: int) -> None:
        words = layout.words(piece)
        words.parent.mkdir(parents=True, exist_ok=True)
        layout.error(piece).unlink(missing_ok=True)
        own = {name: str(threads) for name in THREAD_VARIABLES} | {
            ERROR_VARIABLE: str(layout.error(piece)),
            PARENT_VARIABLE: str(os.getpid()),
        }
        with words.open("ab") as stream:
            self._process = subprocess.Popen(
                [*COMMAND, VERB, str(layout.root), piece],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=ROOT,
                env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", **own},
            )

    def poll(self) -> Ended | None:
        """Return how it ended, and what it cost; ``None`` while it runs."""
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if not pid:
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(status=self._process.returncode, peak_bytes=usage.ru_maxrss * KIB)

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


@dataclass(kw_only=True)
class _Running:
    child: Child
    began: float


def run_pieces(
    pieces: Sequence[Piece],
    layout: Layout,
    *,
    jobs: int,
    threads: int,
    progress: ProgressHook,
    start: Start = Process,
) -> None:
    """Run pieces as children, as many at a time as asked for; those that are done already are left alone.

    Parameters
    ----------
    pieces : sequence of Piece
        In the order in which they begin, as far as what they wait for is done.
    layout : Layout
        The growing comparison.
    jobs : int
        Most children at a time.
    threads : int
        Threads of each.
    progress : ProgressHook
        Told the pieces done, of all, as stage ``compare``; what it raises ends the children.
    start : callable, default=Process
        Starts a child.

    Raises
    ------
    FocusError
        If a child failed: its own error, with the name of its piece. The others are ended.
    """
    waiting = [piece for piece in pieces if not is_done(layout, piece.name)]
    running: dict[str, _Running] = {}
    total = len(pieces)
    try:
        while waiting or running:
            for piece in _ready(waiting, layout, jobs - len(running)):
                waiting.remove(piece)
                running[piece.name] = _Running(child=start(layout, piece.name, threads), began=time.monotonic())
            for name, one in list(running.items()):
                if (ended := one.child.poll()) is not None:
                    del running[name]
                    _note_cost(layout, name, time.monotonic() - one.began, ended)
                    _check(layout, name, ended)
            progress("compare", total - len(waiting) - len(running), total, _note(layout, running))
            if running:
                time.sleep(POLL_S)
    except BaseException:
        _end([one.child for one in running.values()])
        raise


def is_done(layout: Layout, piece: str) -> bool:
    """Tell whether a piece is done: its arrays are written last."""
    return layout.arrays(piece).is_file()


def _ready(waiting: Iterable[Piece], layout: Layout, room: int) -> list[Piece]:
    found = [piece for piece in waiting if piece.after is None or is_done(layout, piece.after)]
    return found[: max(0, room)]


def _note_cost(layout: Layout, piece: str, seconds: float, ended: Ended) -> None:
    """Add what a child took to the costs; one that was killed and goes on later adds up."""
    costs = read_json(layout.costs) if layout.costs.is_file() else {}
    before = costs.get(piece, {"seconds": 0.0, "peak_mib": 0.0})
    peak = max(before["peak_mib"], round(ended.peak_bytes / 2**20, 1))
    costs[piece] = {"seconds": round(before["seconds"] + seconds, 2), "peak_mib": peak}
    write_json(layout.costs, costs)


def _check(layout: Layout, piece: str, ended: Ended) -> None:
    """Raise what ended a child, unless it is done."""
    if ended.status == 0 and is_done(layout, piece):
        return
    path = layout.error(piece)
    if path.is_file():
        kind = InvalidInputError if ended.status == InvalidInputError.exit_status else FocusError
        found = kind.from_dict(read_json(path))
        raise kind(f"{piece}: {found.message}", hint=found.hint) from found
    last = _last_words(layout.words(piece))
    raise FocusError(f"piece {piece}: expected it to finish, got exit status {ended.status}{last}")


def _last_words(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() if path.is_file() else []
    return f" after {lines[-1][:200]!r}" if lines else ""


def _note(layout: Layout, running: Iterable[str]) -> str:
    """Return what every running piece is at."""
    parts = []
    for name in running:
        try:
            parts.append(f"{name}: {read_json(layout.progress(name))}")
        except (OSError, ValueError):
            parts.append(name)
    return ", ".join(parts)


def _end(children: Sequence[Child]) -> None:
    """End children: asked first, then killed."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + GRACE_S
    left = [child for child in children if child.poll() is None]
    while left and time.monotonic() < deadline:
        time.sleep(POLL_S)
        left = [child for child in left if child.poll() is None]
    for child in left:
        child.kill()
    while left:
        left = [child for child in left if child.poll() is None]
        time.sleep(POLL_S)


def piece_progress(layout: Layout, piece: str) -> ProgressHook:
    """Return a hook by which a child says how far it is, at a calm pace."""
    last = 0.0

    def tell(stage: str, done: float, total: float, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < MIN_INTERVAL_S:
            return
        last = now
        share = f" {100 * done / total:.0f} %" if total else ""
        write_json(layout.progress(piece), f"{stage}{share}")

    return tell


def end_with_parent() -> None:
    """Let this process end when the one that began it is gone: nobody would take what it makes."""
    parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def own_cost(*, since: float | None = None) -> dict[str, float]:
    """Return what this process took so far.

    Parameters
    ----------
    since : float, default=None
        From when on, in seconds since the epoch; ``None``: since it began.

    Returns
    -------
    dict
        ``seconds``, and ``peak_mib`` of it or of its largest own child.
    """
    began = psutil.Process().create_time() if since is None else since
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"seconds": round(time.time() - began, 2), "peak_mib": round(peak * KIB / 2**20, 1)}


def fill_costs(layout: Layout, pieces: Iterable[Piece]) -> None:
    """Add what those pieces said of themselves that were done when nobody waited for them."""
    costs = read_json(layout.costs) if layout.costs.is_file() else {}
    for piece in pieces:
        if piece.name not in costs and layout.own_cost(piece.name).is_file():
            costs[piece.name] = read_json(layout.own_cost(piece.name))
    write_json(layout.costs, costs)
