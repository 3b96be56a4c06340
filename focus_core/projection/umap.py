"""One UMAP of everything that is compared.

Refuses to fit two layouts of what shall be compared: their coordinates have nothing to do with one another.
"""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.errors import bad_input
from focus_core.numerics.compiled import make_cache_writable
from focus_core.numerics.neighbors import nearest_embeddings
from focus_core.projection.pca import principal_components
from focus_core.types import ProgressHook, no_progress
from focus_core.validation import check_matrix, check_range

K = 15
"""Neighbours of each row, itself not counted."""

MIN_DIST = 0.1
LARGE = 10_000
_EPOCHS = {False: 500, True: 200}  # umap's own rule: up to LARGE rows, above
_INIT_SIZE, _INIT_NOISE = 10.0, 1e-4
_STAGE = "layout"


def n_epochs_of(n_rows: int) -> int:
    """Return for how many epochs a layout of so many rows is optimised."""
    return _EPOCHS[n_rows > LARGE]


def joint_umap(
    rows: np.ndarray, *, k: int = K, n_epochs: int | None = None, seed: int = 0, progress: ProgressHook = no_progress
) -> np.ndarray:
    """Lay out all rows in one plane.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        The rows of all members, one member after the other; finite, none of them zero.
    k : int, default=15
        Neighbours of each row, itself not counted; all there are where there are fewer.
    n_epochs : int, default=None
        How long to optimise; ``None``: 500 up to 10,000 rows, 200 above, which is umap's own rule.
    seed : int, default=0
        Of everything random.
    progress : ProgressHook, default=no_progress
        Called with neighbours found, then with epochs done; raising from it ends the work.

    Returns
    -------
    ndarray of shape (n, 2), dtype float32
        Coordinates. The same rows and seed give the same, on one machine and for one number of threads.

    Raises
    ------
    InvalidInputError
        If there are fewer than four rows, one of them is zero or not finite, or an option lies outside its range.

    Notes
    -----
    Neighbours are exact, by cosine (`nearest_embeddings`), the start is the plane of the first two axes. Both spare
    umap the compilation of its approximate search, which takes longer than all the rest.
    """
    check_matrix("rows to lay out", rows, min_rows=4)
    check_range("k", k, low=2)
    check_range("seed", seed, low=0, high=2**32 - 1)
    epochs = n_epochs_of(len(rows)) if n_epochs is None else n_epochs
    check_range("epochs", epochs, low=1)
    near = min(k, len(rows) - 1)
    ids, cosines = nearest_embeddings(rows, rows, k=near, skip=np.arange(len(rows)), progress=progress)
    if (ids < 0).any():
        got = f"{int((ids[:, 0] < 0).sum())} rows of zeros"
        raise bad_input("rows to lay out", expected="rows with a direction", got=got, remedy="leave these out")
    progress(_STAGE, 0, epochs)
    hook = _EpochHook(progress)
    keywords = {"file": hook, "disable": False, "mininterval": 0.1, "miniters": 1, "bar_format": "{n}/{total}"}
    with _umap() as umap:
        fit = umap.UMAP(
            n_neighbors=near + 1, precomputed_knn=_with_itself(ids, cosines), metric="cosine", init=_start(rows, seed),
            min_dist=MIN_DIST, disconnection_distance=np.inf, n_epochs=epochs, random_state=seed, n_jobs=1,
            tqdm_kwds=keywords,
        )  # fmt: skip
        try:
            points = fit.fit_transform(rows)
        finally:
            if hook.stopped:
                with contextlib.suppress(RuntimeError, AssertionError):  # not held: it was raised elsewhere
                    umap.layouts.tqdm.get_lock().release()  # tqdm keeps its lock when its file raises
    progress(_STAGE, epochs, epochs)
    return np.asarray(points, np.float32)


def _with_itself(ids: np.ndarray, cosines: np.ndarray) -> tuple[np.ndarray, np.ndarray, None]:
    """Return neighbours as umap wants them: each row its own nearest one, distances instead of cosines."""
    own = np.arange(len(ids), dtype=np.int32)[:, None]
    distances = np.hstack([np.zeros((len(ids), 1), np.float32), 1 - cosines])
    return np.hstack([own, ids]), np.maximum(distances, 0).astype(np.float32), None


def _start(rows: np.ndarray, seed: int) -> np.ndarray:
    """Return the principal plane at umap's usual size, no two points on one spot."""
    points, _ = principal_components(rows)
    largest = float(np.abs(points).max())
    points *= np.float32(_INIT_SIZE / largest if largest > 0 else 0.0)
    noise = np.random.default_rng(seed).normal(scale=_INIT_NOISE, size=points.shape)
    return np.asarray(points + noise.astype(np.float32))


class _EpochHook:
    """A file that umap's progress bar writes to, which passes the epochs on."""

    def __init__(self, progress: ProgressHook) -> None:
        self.progress = progress
        self.stopped = False

    def write(self, text: str) -> None:
        """Read ``n/total`` from what the bar shows."""
        done, slash, total = text.strip().partition("/")
        if self.stopped or not slash or not done.isdigit() or done == total:
            return
        try:
            self.progress(_STAGE, int(done), int(total))
        except BaseException:
            self.stopped = True
            raise

    def flush(self) -> None:
        """Have nothing to flush."""
        return


@contextlib.contextmanager
def _umap() -> Iterator[Any]:
    """Yield umap with its layouts, imported where numba may write what it compiles, with its warnings off."""
    found = importlib.util.find_spec("umap")
    make_cache_writable(Path(found.origin).parent if found is not None and found.origin is not None else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no tensorflow, no search index for new rows: both are meant
        import umap
        import umap.layouts

        yield umap
