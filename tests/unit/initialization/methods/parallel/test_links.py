"""The aligner's seam: what comes back is right, the same every time, and nothing outlives a cancelled run."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.errors import InvalidInputError
from focus_core.initialization.methods.parallel import links
from focus_core.initialization.methods.parallel.links import Links, count_links
from focus_core.initialization.methods.parallel.words import WordLines
from focus_core.types import Aligner


def lines(*rows: list[int]) -> WordLines:
    """Build lines of numbered words."""
    words = np.array([word for row in rows for word in row], np.int32)
    n_words = int(words.max(initial=-1)) + 1
    return WordLines(
        words=words, ends=np.cumsum([len(row) for row in rows]), pieces=tuple((i,) for i in range(n_words))
    )


SOURCE = [[0, 1], [0, 2], [1, 2], [3, 0, 1], [2, 3], [], [4]] * 3
TRANSLATED = lines(*[[10 + word for word in row] for row in SOURCE])
"""Word i is translated by 10 + i."""


@pytest.mark.parametrize("aligner", list(Aligner))
def test_words_that_always_come_together_are_linked(aligner: Aligner) -> None:
    found = count_links(lines(*SOURCE), TRANSLATED, aligner=aligner)
    best = {int(t): int(s) for s, t, c in zip(found.source, found.target, found.counts, strict=True) if c >= 6}
    assert best == {10 + i: i for i in range(4)}
    assert found.counts.sum() <= sum(map(len, SOURCE)) * 2
    order = np.lexsort((found.source, found.target))
    assert order.tolist() == list(range(len(order)))


def test_equal_input_gives_equal_links(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    one = count_links(lines(*SOURCE), TRANSLATED)
    monkeypatch.setenv("FOCUS_LAB_CACHE", f"{tmp_path}/another")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    other = count_links(lines(*SOURCE), TRANSLATED)
    for name in ("source", "target", "counts"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_what_was_aligned_once_is_not_aligned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = count_links(lines(*SOURCE), TRANSLATED)
    monkeypatch.setattr(links, "WORKER", "no.such.module")
    assert np.array_equal(count_links(lines(*SOURCE), TRANSLATED).counts, one.counts)
    with pytest.raises(
        InvalidInputError, match=r"aligner: expected alignment to finish, got it ended with status 1 \(.*no"
    ):
        count_links(lines(*SOURCE), TRANSLATED, n_iter=2)


def test_raising_from_the_hook_ends_the_child() -> None:
    started: list[object] = []

    def cancel(stage: str, done: float, total: float, note: str = "") -> None:
        started.append(stage)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        count_links(lines(*SOURCE), TRANSLATED, n_iter=10**6, progress=cancel)
    assert started == ["align"]


def test_sides_of_unequal_length_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"--parallel: expected as many lines on either side, got 21 and 2;"):
        count_links(lines(*SOURCE), lines([0], [1]))


def test_nothing_to_align_gives_no_links() -> None:
    assert len(count_links(lines([], []), lines([], [])).counts) == 0


def test_rare_links_are_left_out() -> None:
    found = Links(source=np.array([1, 2]), target=np.array([0, 0]), counts=np.array([1, 2]))
    assert found.at_least(2).source.tolist() == [2]
