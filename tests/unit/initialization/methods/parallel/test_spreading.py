"""Counts of words over pieces, on numbers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.initialization.methods.parallel.links import Links
from focus_core.initialization.methods.parallel.rows import count_rows
from focus_core.initialization.methods.parallel.spreading import piece_shares, spread_links, summed


def links(*triples: tuple[int, int, int]) -> Links:
    """Source word, target word, how often."""
    source, target, counts = np.array(triples, np.int64).T
    return Links(source=source, target=target, counts=counts)


def test_sixty_links_of_a_b_and_x_y_z() -> None:
    """Thirty go to both source pieces alike, 15 each; thirty by place: x lies in a, y half in either, z in b.

    x: a 15 + 30, b 15. y: 30 each. z: a 15, b 15 + 30.
    """
    counts = spread_links(links((0, 0, 60)), ((3, 4),), ((0, 1, 2),), shape=(3, 5)).toarray()
    np.testing.assert_allclose(counts[:, 3:], [[45, 15], [30, 30], [15, 45]])
    assert not counts[:, :3].any()
    rows = count_rows(
        summed([0, 0, 1, 1, 2, 2], [3, 4, 3, 4, 3, 4], counts[:, 3:].ravel().tolist(), shape=(3, 5)), np.arange(3)
    )
    np.testing.assert_allclose(rows.weights, [0.75, 0.25, 0.5, 0.5, 0.25, 0.75])


def test_whole_words_keep_their_count() -> None:
    counts = spread_links(links((0, 0, 7), (1, 0, 3)), ((1,), (2,)), ((0,),), shape=(1, 3)).toarray()
    assert counts.tolist() == [[0, 7, 3]]


@pytest.mark.parametrize("n_source", range(1, 7))
@pytest.mark.parametrize("n_target", range(1, 7))
def test_shares_are_those_of_pieces_repeated_to_a_common_length(n_source: int, n_target: int) -> None:
    """The published way: both words repeated piece by piece until they are equally long, and paired off."""
    length = int(np.lcm(n_source, n_target))
    expected = np.full((n_target, n_source), 0.5 / n_source)
    for place in range(length):
        expected[place * n_target // length, place * n_source // length] += 0.5 * n_target / length
    np.testing.assert_allclose(piece_shares(n_source, n_target), expected)
    np.testing.assert_allclose(piece_shares(n_source, n_target).sum(axis=1), 1)


def test_a_piece_that_occurs_twice_counts_twice_and_a_word_without_pieces_not_at_all() -> None:
    counts = spread_links(links((0, 0, 4), (1, 0, 9), (0, 1, 9)), ((1,), ()), ((0, 0), ()), shape=(2, 2)).toarray()
    assert counts.tolist() == [[0, 8], [0, 0]]


def test_rows_keep_the_largest_and_the_lowest_ids_among_equals() -> None:
    counts = summed([0, 0, 0, 0, 2], [4, 1, 3, 2, 0], [2, 5, 2, 2, 1], shape=(3, 5))
    rows = count_rows(counts, np.array([0, 1, 2], np.int32), top_k=3)
    assert rows.rows.tolist() == [0, 2]
    assert rows.indptr.tolist() == [0, 3, 4]
    assert rows.source_ids.tolist() == [1, 2, 3, 0]
    np.testing.assert_allclose(rows.weights, [5 / 9, 2 / 9, 2 / 9, 1])
    assert np.isnan(rows.similarities).all()
