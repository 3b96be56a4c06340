"""The log of a growing run folder, and progress on the terminal.

``RUN.part/log/`` holds ``events.jsonl`` (progress, which the app follows), ``timings.json``, ``source.json`` and
``process.json``: the only place for times and paths.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from focus_core.artifacts import dump_json, staged
from focus_core.errors import RunFolderError, bad_input, phrase, printable
from focus_core.runs.liveness import process_lives, process_started
from focus_core.types import ProgressHook, no_progress

MIN_INTERVAL_S = 0.2


def part_of(output: Path) -> Path:
    """Return the folder in which a run grows."""
    return output.with_name(f"{output.name}.part")


def terminal_progress(terminal: IO[str] | None) -> ProgressHook:
    """Return a progress hook that redraws one line on a terminal, and elsewhere prints a line a stage.

    Parameters
    ----------
    terminal : file or None
        Where to print; ``None`` prints nothing.

    Returns
    -------
    ProgressHook
        The hook.
    """
    if terminal is None:
        return no_progress
    interactive = terminal.isatty()

    def tell(stage: str, done: float, total: float, note: str = "") -> None:
        share = f" {100 * done / total:3.0f} %" if total else ""
        over = bool(total) and done >= total
        if interactive:
            terminal.write(f"\x1b[2K{stage}{share} {note}" + ("\n" if over else "\r"))
        elif over or not total:
            terminal.write(f"{stage}{share} {note}\n")
        terminal.flush()

    return tell


class RunLog:
    """Write progress to ``log/events.jsonl`` and, at a calm pace, to standard error.

    Parameters
    ----------
    folder : Path
        The growing run folder.
    terminal : file, default=None
        Where progress is printed; ``None`` prints none.
    """

    def __init__(self, folder: Path, *, terminal: IO[str] | None = None) -> None:
        self.folder = folder / "log"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._events = (self.folder / "events.jsonl").open("a", encoding="utf-8")
        self._printed, self._terminal = terminal, terminal_progress(terminal)
        self._last = 0.0
        self._stage = ""
        self._began = time.monotonic()
        self._timings: dict[str, float] = {}
        self.write("process.json", {"pid": os.getpid(), "started": process_started(os.getpid())})

    def __call__(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Take note of progress; calls that follow one another too fast are skipped."""
        now = time.monotonic()
        if stage == self._stage and now - self._last < MIN_INTERVAL_S and not (total and done >= total):
            return
        if stage != self._stage:
            self._close_stage(now)
            self._stage = stage
        self._last = now
        event = {"stage": stage, "done": done, "total": total, "note": note, "time": time.time()}
        self._events.write(json.dumps(event, ensure_ascii=False) + "\n")
        self._events.flush()
        self._terminal(stage, done, total, note)

    def warn(self, text: str) -> None:
        """Print a warning on a line of its own, between lines of progress."""
        if self._printed is not None:
            start = "\r\x1b[2K" if self._printed.isatty() else ""
            self._printed.write(f"{start}warning: {printable(text)}\n")
            self._printed.flush()

    def _close_stage(self, now: float) -> None:
        if self._stage:
            self._timings[self._stage] = self._timings.get(self._stage, 0.0) + now - self._began
        self._began = now

    def write(self, name: str, value: Any) -> None:
        """Write one JSON file into the log folder."""
        (self.folder / name).write_text(dump_json(value), encoding="utf-8")

    def release(self) -> None:
        """Close the events without a word on timings; what follows is the end of the folder or was written."""
        self._events.close()

    def close(self) -> None:
        """Write the timings and close the events."""
        self._close_stage(time.monotonic())
        self._events.close()
        self.write("timings.json", {stage: round(seconds, 3) for stage, seconds in self._timings.items()})


@contextmanager
def growing_run(
    output: Path, *, checkpoint: str | None = None, resume: bool = False, terminal: IO[str] | None = sys.stderr
) -> Iterator[tuple[Path, RunLog]]:
    """Yield (folder to fill, its log); rename the folder to ``output`` on success, remove it on any error.

    Parameters
    ----------
    output : Path
        The folder that shall come to be.
    checkpoint : str, default=None
        The file that makes a growing folder worth keeping where the work is interrupted; it is removed at the end.
    resume : bool, default=False
        Whether to go on with such a folder.
    terminal : file, default=sys.stderr
        Where progress is printed; ``None`` prints none.

    Yields
    ------
    part : Path
        ``output`` with ``.part`` appended.
    log : RunLog
        Its log, a progress hook.

    Raises
    ------
    RunFolderError
        If ``output`` exists, another living process is writing it, there is nothing to resume, or there is something
        and nobody said to resume it.
    """
    part = part_of(output)
    _refuse_existing(output, part, option=phrase("{name}") if checkpoint else phrase("{output}"))
    _check_resumable(output, part, resume=resume, checkpoint=checkpoint)
    with staged(output, folder=True, part=part, keep=checkpoint):
        log = RunLog(part, terminal=terminal)
        try:
            yield part, log
            log.close()
        except BaseException:
            (log.folder / "process.json").unlink(missing_ok=True)  # nobody is writing any more
            raise
        finally:
            log.release()


def _check_resumable(output: Path, part: Path, *, resume: bool, checkpoint: str | None) -> None:
    """Raise where ``resume`` and what lies there do not agree; clear away what no checkpoint makes worth keeping."""
    there = checkpoint is not None and (part / checkpoint).is_file()
    if there and not resume:
        got, remedy = "an unfinished one of that name", phrase("go on with {resume}, or remove {}", part.name)
        raise bad_input(str(output), expected="a new name", got=got, remedy=remedy, error=RunFolderError)
    if resume and not there:
        raise bad_input(str(output), "a checkpoint", "none", phrase("start it without {resume}"), RunFolderError)
    if not there:
        shutil.rmtree(part, ignore_errors=True)


def _refuse_existing(output: Path, part: Path, *, option: str) -> None:
    """Raise where ``output`` is there already; a dead process's leavings are no hindrance."""
    if output.exists() or output.is_symlink():
        remedy = phrase("give another {}, or remove that one", option)
        raise bad_input(str(output), "a new folder", "one that exists", remedy, RunFolderError)
    if part.exists() and writer_lives(part):
        expected, remedy = "a folder that nobody is writing", phrase("wait for it, or give another {}", option)
        raise bad_input(str(output), expected, "a run in progress there", remedy, RunFolderError)


def writer_lives(part: Path) -> bool:
    """Tell whether the process that is filling a folder still runs; a beginning nobody could tell is "unknown"."""
    try:
        process = json.loads((part / "log" / "process.json").read_text(encoding="utf-8"))
        started = process["started"]
        return process_lives(int(process["pid"]), 0 if started == "unknown" else int(started))
    except (OSError, ValueError, KeyError, TypeError):
        return False
