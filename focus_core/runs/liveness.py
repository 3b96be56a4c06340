"""Whether a process that is known by its number and its beginning still runs.

Owns what is recorded of a beginning. Refuses to start, signal or wait for a process.
"""

from __future__ import annotations

import psutil

SLACK = 200
"""By how much two readings of one beginning may differ: the clock may be set between its two parts."""


def process_started(pid: int) -> int:
    """Return when a process began, in hundredths of a second after the system did; 0 where nobody can tell.

    Counted from the system's own beginning, it stays the same when the clock is set. On Linux these are the clock
    ticks of ``/proc``, which older records hold.
    """
    try:
        since: float = psutil.Process(pid).create_time() - psutil.boot_time()
        return round(100 * since)
    except psutil.Error:
        return 0


def process_lives(pid: int, started: int) -> bool:
    """Whether the process of a number runs and began when a record says; a zombie is dead.

    In doubt it lives, for what a dead one left is removed: where the record names no beginning (0), and where the
    process is somebody else's and cannot be looked at.
    """
    try:
        if psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
    except psutil.AccessDenied:
        return True
    except (psutil.NoSuchProcess, ValueError):
        return False
    now = process_started(pid)
    return not (started and now) or abs(now - started) <= SLACK
