"""How often each token stands so many places before each other one, counted over lines: a sum over any shards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from focus_core.numerics.compiled import compiled

EMPTY = -1
FULL = 0.7
"""Share of the table that may be taken before it doubles."""
FIRST_BITS = 16
_FACTOR = 0x9E37_79B9_7F4A_7C15
"""2^64 over the golden ratio, odd: multiplied by it, neighbouring keys lie far apart (Knuth's multiplicative hash)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairCounts:
    """Counts of ordered pairs of tokens, for each distance of a window.

    Parameters
    ----------
    n_tokens : int
        Ids are smaller than this.
    window : int
        Distances 1 to ``window`` were counted.
    keys : ndarray of shape (n_pairs,), dtype int64
        ``((distance - 1) n + first) n + second``, ascending, each once.
    counts : ndarray of shape (n_pairs,), dtype int64
        How often the pair came.
    """

    n_tokens: int
    window: int
    keys: np.ndarray
    counts: np.ndarray

    def __post_init__(self) -> None:
        self.keys.setflags(write=False)
        self.counts.setflags(write=False)

    def __add__(self, other: PairCounts) -> PairCounts:
        """Return the counts of two shards of a text together."""
        keys = np.concatenate([self.keys, other.keys])
        counts = np.concatenate([self.counts, other.counts])
        return PairCounts(n_tokens=self.n_tokens, window=self.window, **_summed(keys, counts))

    @property
    def digest(self) -> str:
        """SHA-256 of what was counted; the same however the text was cut into batches or shards."""
        found = hashlib.sha256(f"{self.n_tokens} {self.window}".encode())
        for array in (self.keys, self.counts):
            found.update(np.ascontiguousarray(array, dtype="<i8").data)
        return found.hexdigest()

    @property
    def seen(self) -> np.ndarray:
        """Which tokens stand beside another one, (n_tokens,) of bool."""
        found = np.zeros(self.n_tokens, dtype=bool)
        pairs = self.keys % (self.n_tokens * self.n_tokens)
        found[pairs // self.n_tokens] = found[pairs % self.n_tokens] = True
        return found

    def matrix(self, distance: int, ids: np.ndarray) -> Any:
        """Return the counts of one distance among some tokens.

        Parameters
        ----------
        distance : int
            From 1 to ``window``.
        ids : ndarray of shape (m,)
            The tokens, ascending; pairs with any other are left out.

        Returns
        -------
        scipy.sparse.csr_array of shape (m, m), dtype float64
            Entry (i, j): how often token ``ids[j]`` stands ``distance`` places after ``ids[i]``.
        """
        from scipy.sparse import csr_array

        square = self.n_tokens * self.n_tokens
        start, stop = np.searchsorted(self.keys, [(distance - 1) * square, distance * square])
        first, second = np.divmod(self.keys[start:stop] - (distance - 1) * square, self.n_tokens)
        place = np.full(self.n_tokens, -1, dtype=np.int32)
        place[ids] = np.arange(len(ids), dtype=np.int32)
        first, second = place[first], place[second]
        kept = (first >= 0) & (second >= 0)
        ends = np.concatenate([[0], np.cumsum(np.bincount(first[kept], minlength=len(ids)))])
        counts = self.counts[start:stop][kept].astype(np.float64)
        return csr_array((counts, second[kept], ends), shape=(len(ids), len(ids)))


class PairCounter:
    """Counts pairs batch by batch, in a hash table that grows with the number of different pairs.

    Parameters
    ----------
    n_tokens : int
        Ids are smaller than this.
    window : int
        How many places apart two tokens of one line may be.
    """

    def __init__(self, n_tokens: int, window: int) -> None:
        self.n_tokens, self.window = n_tokens, window
        self._bits, self._used = FIRST_BITS, 0
        self._table = _empty(self._bits)

    def add(self, ids: np.ndarray, line_of: np.ndarray) -> None:
        """Count the pairs of a batch of lines.

        Parameters
        ----------
        ids : ndarray of shape (n,), dtype int32
            The tokens of whole lines, one line after another.
        line_of : ndarray of shape (n,), dtype int32
            Which line each belongs to; it changes wherever a line ends.
        """
        start = 0
        while start < len(ids):
            start, self._used = compiled(_count)(
                self._table, self._bits, self._used, ids, line_of, self.n_tokens, self.window, start
            )
            if start < len(ids):
                self._grow()

    def _grow(self) -> None:
        self._bits += 1
        old, self._table = self._table, _empty(self._bits)
        compiled(_move)(old, self._table, self._bits)

    def finish(self) -> PairCounts:
        """Return what was counted so far."""
        taken = self._table[self._table[:, 0] != EMPTY]
        order = np.argsort(taken[:, 0])
        keys, counts = np.ascontiguousarray(taken[order].T)
        return PairCounts(n_tokens=self.n_tokens, window=self.window, keys=keys, counts=counts)


def _empty(bits: int) -> np.ndarray:
    """Return a table of so many places: a key and its count side by side, so that both come from memory at once."""
    table = np.zeros((1 << bits, 2), dtype=np.int64)
    table[:, 0] = EMPTY
    return table


def _summed(keys: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return each key once, ascending, and the sum of its counts."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    first = np.flatnonzero(np.diff(keys, prepend=EMPTY))
    return {"keys": keys[first], "counts": np.add.reduceat(counts, first) if first.size else counts}


def _count(
    table: np.ndarray,
    bits: int,
    used: int,
    ids: np.ndarray,
    line_of: np.ndarray,
    n_tokens: int,
    window: int,
    start: int,
) -> tuple[int, int]:
    """Count from a place on; return the place where the table became full, or the end, and the places taken."""
    mask, shift = len(table) - 1, np.uint64(64 - bits)
    for i in range(start, len(ids)):
        if used + window > FULL * len(table):
            return i, used
        for distance in range(1, window + 1):
            j = i + distance
            if j >= len(ids) or line_of[j] != line_of[i]:
                break
            key = ((distance - 1) * n_tokens + np.int64(ids[i])) * n_tokens + np.int64(ids[j])
            place = np.int64((np.uint64(key) * np.uint64(_FACTOR)) >> shift)
            while table[place, 0] != key and table[place, 0] != EMPTY:
                place = (place + 1) & mask
            used += table[place, 0] == EMPTY
            table[place, 0] = key
            table[place, 1] += 1
    return len(ids), used


def _move(old: np.ndarray, new: np.ndarray, bits: int) -> None:
    """Fill an empty table with what another one holds."""
    mask, shift = len(new) - 1, np.uint64(64 - bits)
    for i in range(len(old)):
        if old[i, 0] == EMPTY:
            continue
        place = np.int64((np.uint64(old[i, 0]) * np.uint64(_FACTOR)) >> shift)
        while new[place, 0] != EMPTY:
            place = (place + 1) & mask
        new[place, 0] = old[i, 0]
        new[place, 1] = old[i, 1]
