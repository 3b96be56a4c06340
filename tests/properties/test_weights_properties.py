"""The weight matrix for rows that hypothesis chooses: what is assembled is what was given."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK, SparseRows, WeightMatrix, assemble

N_SOURCE = 9
ENTRIES = st.lists(st.tuples(st.integers(0, N_SOURCE - 1), st.floats(0.125, 1, width=16)), max_size=6)
TABLES = st.lists(st.one_of(st.integers(0, N_SOURCE - 1), ENTRIES), min_size=1, max_size=12)
"""A target row is a source id (a copy) or a list of (source id, weight), perhaps with repeats, perhaps empty."""


def build(table: list[int | list[tuple[int, float]]], order: list[int]) -> WeightMatrix:
    copies = [i for i in order if isinstance(table[i], int)]
    others = [i for i in order if not isinstance(table[i], int)]
    flat = [entry for i in others for entry in table[i]]  # type: ignore[union-attr]
    combined = SparseRows(
        rows=np.array(others, np.int32),
        indptr=np.cumsum([0] + [len(table[i]) for i in others]),  # type: ignore[arg-type]
        source_ids=np.array([e[0] for e in flat], np.int32),
        weights=np.array([e[1] for e in flat], np.float32),
        similarities=np.array([e[1] for e in flat], np.float32),
    )
    copied = SparseRows.copies(np.array(copies, np.int32), np.array([table[i] for i in copies], np.int32))
    origins = [COPIED if isinstance(row, int) else COMBINED if row else FALLBACK for row in table]
    shape = (len(table), N_SOURCE)
    return assemble([combined, copied], shape=shape, origins=np.array(origins), rules=np.zeros(len(table)))


def as_dense(table: list[int | list[tuple[int, float]]]) -> np.ndarray:
    full = np.zeros((len(table), N_SOURCE))
    for i, row in enumerate(table):
        for source, weight in [(row, 1.0)] if isinstance(row, int) else row:
            full[i, source] += weight
    return full


@given(TABLES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_assembled_in_any_order_it_is_the_same_matrix(table: list, random: object) -> None:
    order = list(range(len(table)))
    first = build(table, order)
    random.shuffle(order)  # type: ignore[attr-defined]
    second = build(table, order)
    np.testing.assert_allclose(first.matrix.toarray(), as_dense(table), rtol=1e-6)
    assert (first.matrix.toarray() == second.matrix.toarray()).all()
    assert first.matrix.has_canonical_format
    assert second.matrix.has_sorted_indices


@given(TABLES)
@settings(deadline=None)
def test_applied_it_is_the_dense_product(table: list) -> None:
    weights = build(table, list(range(len(table))))
    source = torch.randn(N_SOURCE, 5, generator=torch.Generator().manual_seed(3))
    made = weights.apply(source).numpy()
    np.testing.assert_allclose(made, as_dense(table) @ source.numpy(), atol=1e-5)
    copies = [i for i, row in enumerate(table) if isinstance(row, int)]
    assert (made[copies] == source.numpy()[[table[i] for i in copies]]).all()


@given(TABLES)
@settings(deadline=None)
def test_the_numbers_of_a_row_bound_each_other(table: list) -> None:
    """1 <= effective contributors <= support, and the largest weight belongs to the first contributor."""
    weights = build(table, list(range(len(table))))
    full = weights.support > 0
    assert (weights.effective_contributors[full] >= 1 - 1e-5).all()
    assert (weights.effective_contributors <= weights.support + 1e-4).all()
    for i in np.flatnonzero(full):
        sources, values, _ = weights.contributors(int(i))
        assert values[0] == weights.max_weight[i]
        assert (np.diff(values) <= 0).all()
        assert len(set(sources.tolist())) == weights.support[i]
