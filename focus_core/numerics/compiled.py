"""Inner loops that numba compiles when they are first called, kept on disk, and rows shared out among threads."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import cache_root


@cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as numba compiles it: without Python's lock, and kept on disk for the next process.

    Parameters
    ----------
    function : callable
        A function of a module, of arrays and numbers alone. Sums keep their order, so bytes do not depend on how rows
        are shared out; only a product and its sum may become one instruction where the processor has it.

    Returns
    -------
    callable
        The same function, compiled.
    """
    make_cache_writable(Path(function.__code__.co_filename).parent)
    import numba

    return numba.njit(nogil=True, cache=True, fastmath={"contract"})(function)  # type: ignore[no-any-return]


def make_cache_writable(beside: Path | None) -> None:
    """Point numba to a folder of ours where it may not write beside what it compiles; without a folder that fails.

    Parameters
    ----------
    beside : Path or None
        The folder of the module that holds the functions; ``None`` where nobody knows it.
    """
    if "NUMBA_CACHE_DIR" in os.environ or (beside is not None and os.access(beside, os.W_OK)):
        return
    folder = cache_root() / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="numba-"))
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def share_rows(work: Callable[[int, int], object], sizes: np.ndarray, threads: int) -> None:
    """Call ``work(start, stop)`` on ranges of rows of about equal size, on several threads.

    Parameters
    ----------
    work : callable
        Fills the rows from ``start`` to ``stop``, whatever the others do.
    sizes : ndarray of shape (n_rows,)
        How much work each row is.
    threads : int
        How many ranges are worked on at once.
    """
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if ends.size else 0
    parts = 4 * threads if threads > 1 else 1  # rows of equal size take unequal time
    cuts = [0, *np.searchsorted(ends, [total * i // parts for i in range(1, parts)]).tolist(), len(sizes)]
    ranges = [(start, stop) for start, stop in pairwise(cuts) if start < stop]
    if threads == 1:
        for start, stop in ranges:
            work(start, stop)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda bounds: work(*bounds), ranges))
