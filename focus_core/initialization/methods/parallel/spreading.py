"""From links of words to counts of tokens: what two words share is spread over their pieces."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import sparse

from focus_core.initialization.methods.parallel.links import Links


@cache
def piece_shares(n_source: int, n_target: int) -> np.ndarray:
    """Return how much of a target piece goes to each source piece.

    Half of it goes to all source pieces alike, half to those that lie where it lies: each word is cut into as many
    equal stretches as it has pieces, and a piece's stretch is shared out by what it has in common with theirs.

    Parameters
    ----------
    n_source, n_target : int
        Number of pieces of either word, at least 1.

    Returns
    -------
    ndarray of shape (n_target, n_source), dtype float64
        Rows sum to 1. Read-only.

    Examples
    --------
    >>> piece_shares(2, 3)
    array([[0.75, 0.25],
           [0.5 , 0.5 ],
           [0.25, 0.75]])
    """
    starts = np.arange(n_target)[:, None] * n_source  # in units of 1 / (n_source n_target) of a word
    others = np.arange(n_source)[None, :] * n_target
    common = np.minimum(starts + n_source, others + n_target) - np.maximum(starts, others)
    shares = np.asarray((np.maximum(common, 0) / n_source + 1 / n_source) / 2)
    shares.setflags(write=False)
    return shares


def spread_links(
    links: Links,
    source_pieces: tuple[tuple[int, ...], ...],
    target_pieces: tuple[tuple[int, ...], ...],
    *,
    shape: tuple[int, int],
) -> sparse.csr_array:
    """Turn counts of linked words into counts of tokens.

    Parameters
    ----------
    links : Links
        Which words are linked, and how often.
    source_pieces, target_pieces : tuple of tuple of int
        The token ids of every word; a word without any counts for nothing.
    shape : (int, int)
        (n_target, n_source).

    Returns
    -------
    scipy.sparse.csr_array of shape (n_target, n_source), dtype float64
        A link that occurs n times gives each piece of its target word n, by `piece_shares`.
    """
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    places = zip(links.source.tolist(), links.target.tolist(), links.counts.tolist(), strict=True)
    for source, target, count in places:
        old, new = source_pieces[source], target_pieces[target]
        if not old or not new:
            continue
        rows += np.repeat(new, len(old)).tolist()
        columns += old * len(new)
        values += (count * piece_shares(len(old), len(new))).ravel().tolist()
    return summed(rows, columns, values, shape=shape)


def summed(rows: list[int], columns: list[int], values: list[float], *, shape: tuple[int, int]) -> sparse.csr_array:
    """Return a sparse matrix of counts; those of one place add up.

    Parameters
    ----------
    rows, columns : list of int
        Places.
    values : list of float
        Counts.
    shape : (int, int)
        (n_target, n_source).

    Returns
    -------
    scipy.sparse.csr_array of shape (n_target, n_source), dtype float64
        Columns ascend within a row.
    """
    places = (np.array(rows, np.int32), np.array(columns, np.int32))
    matrix = sparse.csr_array((np.array(values, np.float64), places), shape=shape)
    matrix.sum_duplicates()
    return matrix


def shares_of_rows(counts: sparse.csr_array) -> sparse.csr_array:
    """Divide every row by its sum: p(source | target); an empty row stays empty."""
    sums = np.asarray(counts.sum(axis=1)).ravel()
    return sparse.csr_array(sparse.diags_array(1 / np.where(sums > 0, sums, 1)) @ counts)
