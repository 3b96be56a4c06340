"""Example lines: for every token, up to three short lines of the corpus in which it occurs.

Memory is bounded by three lines a token, however large the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.tokenization.encoding import EncodedLines

EXAMPLES = 3
MIN_EXAMPLE, GOOD_EXAMPLE, MAX_EXAMPLE = 24, 80, 240
"""Characters that an example line should have at least, should have at most, and has at most."""
NOTHING = np.iinfo(np.int64).max


class ExampleLines:
    """Keeps, for every token, the first lines of a good length in which it occurs, else the nearest to that.

    Parameters
    ----------
    texts : sequence of str
        Readable text of every id; a long line is cut around it.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        # Cost and number of the lines kept, best first. Lines are numbered as they come, so that of equal cost the
        # first wins; a line that comes again keeps its number, and is kept once.
        self._costs = np.full((len(texts), EXAMPLES), NOTHING)
        self._kept = np.full((len(texts), EXAMPLES), -1, dtype=np.int64)
        self._lines: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._next = 0

    def add(self, lines: Sequence[str], encoded: EncodedLines) -> None:
        """Look for better lines in a batch."""
        lengths = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))
        costs = np.where(lengths < MIN_EXAMPLE, 10**9 - lengths, np.maximum(lengths, GOOD_EXAMPLE))
        better = costs[encoded.line_of] < self._costs[encoded.ids, -1]
        ids, rows = encoded.ids[better], encoded.line_of[better]
        numbers = self._numbered(lines)
        ids, rows = _best(ids, rows, costs[rows], numbers[rows])
        self._merge(ids, costs[rows], numbers[rows])
        for i in np.unique(rows).tolist():
            self._lines[int(numbers[i])] = lines[i]
            self._numbers[lines[i]] = int(numbers[i])
        if len(self._lines) > self._kept.size + 10_000:
            self._forget()

    def _numbered(self, lines: Sequence[str]) -> np.ndarray:
        """Return the number of each line: that of an equal line where one is kept or came before in the batch."""
        known = self._numbers
        fresh: dict[str, int] = {}
        numbers = [known[x] if x in known else fresh.setdefault(x, i) for i, x in enumerate(lines, self._next)]
        self._next += len(lines)
        return np.array(numbers, dtype=np.int64)

    def _merge(self, ids: np.ndarray, costs: np.ndarray, numbers: np.ndarray) -> None:
        """Put new lines, at most three an id, beside those kept, and keep the three best."""
        touched, place = np.unique(ids, return_inverse=True)
        rank = np.arange(ids.size) - np.searchsorted(ids, touched)[place]
        both_costs = np.full((touched.size, 2 * EXAMPLES), NOTHING)
        both = np.full((touched.size, 2 * EXAMPLES), -1, dtype=np.int64)
        both_costs[:, :EXAMPLES], both[:, :EXAMPLES] = self._costs[touched], self._kept[touched]
        # A line that is kept already is not taken again; lines kept come first in the comparison.
        again = (both[place, :EXAMPLES] == numbers[:, None]).any(axis=1)
        both_costs[place, EXAMPLES + rank] = np.where(again, NOTHING, costs)
        both[place, EXAMPLES + rank] = np.where(again, -1, numbers)
        order = np.argsort(both_costs, axis=1, kind="stable")[:, :EXAMPLES]
        self._costs[touched] = np.take_along_axis(both_costs, order, axis=1)
        self._kept[touched] = np.take_along_axis(both, order, axis=1)

    def _forget(self) -> None:
        """Drop the lines that no token keeps any more."""
        used = set(self._kept.ravel().tolist())
        self._lines = {number: line for number, line in self._lines.items() if number in used}
        self._numbers = {line: number for number, line in self._lines.items()}

    def _shown(self, token: int, line: str) -> str:
        """Return the line, or the part of a long one around the token."""
        if len(line) <= MAX_EXAMPLE:
            return line
        place = max(0, line.find(self._texts[token].strip()))
        start = max(0, place - MAX_EXAMPLE // 2)
        part = line[start : start + MAX_EXAMPLE]
        return "…" * (start > 0) + part + "…" * (start + MAX_EXAMPLE < len(line))

    def collected(self) -> list[tuple[int, str]]:
        """Return (id, line), sorted by id, best line first."""
        ids, ranks = np.nonzero(self._kept >= 0)
        numbers = self._kept[ids, ranks].tolist()
        return [(i, self._shown(i, self._lines[n])) for i, n in zip(ids.tolist(), numbers, strict=True)]


def _best(ids: np.ndarray, rows: np.ndarray, costs: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the three best lines of each id, ids ascending, no line twice for one id."""
    order = np.lexsort((numbers, costs, ids))
    ids, rows, numbers = ids[order], rows[order], numbers[order]
    again = np.zeros(ids.size, dtype=bool)
    again[1:] = (ids[1:] == ids[:-1]) & (numbers[1:] == numbers[:-1])
    ids, rows = ids[~again], rows[~again]
    first = np.ones(ids.size, dtype=bool)
    first[EXAMPLES:] = ids[EXAMPLES:] != ids[:-EXAMPLES]
    return ids[first], rows[first]
