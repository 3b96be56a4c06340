"""The weight matrix: assembled, applied to matrices of every dtype, and read back row by row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from focus_core.errors import ModelError
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK, SparseRows, WeightMatrix, assemble
from focus_core.types import ORIGINS, RULES, Rule


def rows(targets: list[int], lists: list[list[tuple[int, float, float]]]) -> SparseRows:
    """Build rows from (source id, weight, similarity) triples."""
    flat = [entry for entries in lists for entry in entries]
    return SparseRows(
        rows=np.array(targets, np.int32),
        indptr=np.cumsum([0] + [len(entries) for entries in lists]),
        source_ids=np.array([e[0] for e in flat], np.int32),
        weights=np.array([e[1] for e in flat], np.float32),
        similarities=np.array([e[2] for e in flat], np.float32),
    )


@pytest.fixture
def weights() -> WeightMatrix:
    """Five target rows over four source rows: 0 and 3 copied, 1 and 4 combined, 2 empty."""
    copied = SparseRows.copies(np.array([0, 3], np.int32), np.array([2, 0], np.int32))
    combined = rows([1, 4], [[(0, 0.5, 0.9), (1, 0.25, 0.7), (3, 0.25, 0.7)], [(1, 1.0, 0.8)]])
    origins = np.array([COPIED, COMBINED, FALLBACK, COPIED, COMBINED])
    exact = RULES.index(Rule.EXACT)
    return assemble([copied, combined], shape=(5, 4), origins=origins, rules=np.array([exact, 0, 0, exact, 0]))


def test_codes_follow_the_order_of_the_enum() -> None:
    assert [str(ORIGINS[code]) for code in (COPIED, COMBINED, FALLBACK)] == ["copied", "combined", "fallback"]


def test_the_matrix_is_the_one_written_down(weights: WeightMatrix) -> None:
    expected = [[0, 0, 1, 0], [0.5, 0.25, 0, 0.25], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    np.testing.assert_array_equal(weights.matrix.toarray(), np.array(expected, np.float32))
    assert (weights.matrix.dtype, weights.n_target, weights.n_source) == (np.float32, 5, 4)
    assert weights.matrix.has_canonical_format
    assert weights.origins.dtype == weights.rules.dtype == np.uint8


def test_numbers_of_a_row(weights: WeightMatrix) -> None:
    """Row 1 is (1/2, 1/4, 1/4): entropy = 1/2 ln 2 + 1/2 ln 4 = 1.5 ln 2, so exp = 2 ** 1.5 = 2.828427."""
    assert weights.support.tolist() == [1, 3, 0, 1, 1]
    assert weights.max_weight.tolist() == [1, 0.5, 0, 1, 1]
    np.testing.assert_allclose(weights.effective_contributors, [1, 2.828427, 0, 1, 1], rtol=1e-6)


def test_contributors_come_by_weight_then_by_id(weights: WeightMatrix) -> None:
    sources, values, similarities = weights.contributors(1)
    assert sources.tolist() == [0, 1, 3]
    assert values.tolist() == [0.5, 0.25, 0.25]
    np.testing.assert_allclose(similarities, [0.9, 0.7, 0.7], rtol=1e-6)
    assert len(weights.contributors(2)[0]) == 0
    assert np.isnan(weights.contributors(0)[2]).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_copied_rows_are_equal_bit_for_bit(weights: WeightMatrix, dtype: torch.dtype) -> None:
    """Minus zero, subnormals and numbers that float32 sums would round stay as they are."""
    source = torch.randn(4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    source[2, 0], source[2, 1] = -0.0, torch.finfo(dtype).smallest_normal / 2
    made = weights.apply(source)
    assert made.dtype == dtype
    for target, copied in ((0, 2), (3, 0)):
        assert made[target].view(torch.uint8).tolist() == source[copied].view(torch.uint8).tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_combined_rows_are_float32_sums_cast_back(weights: WeightMatrix, dtype: torch.dtype) -> None:
    source = torch.randn(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    expected = (0.5 * source[0].double() + 0.25 * source[1].double() + 0.25 * source[3].double()).to(dtype)
    torch.testing.assert_close(weights.apply(source)[1], expected, rtol=2 * torch.finfo(dtype).eps, atol=1e-7)


def test_integer_source_becomes_float32(weights: WeightMatrix) -> None:
    source = torch.arange(8, dtype=torch.int8).reshape(4, 2)
    made = weights.apply(source)
    assert made.dtype == torch.float32
    assert made.tolist() == [[4, 5], [2.0, 3.0], [0, 0], [0, 1], [2, 3]]


def test_the_bias_is_combined_by_the_same_weights(weights: WeightMatrix) -> None:
    """Row 1: 8 / 2 + 4 / 4 + 0 / 4 = 5."""
    bias = torch.tensor([[8.0], [4.0], [2.0], [0.0]])
    assert weights.apply(bias).view(-1).tolist() == [2, 5, 0, 8, 4]


def test_rows_beyond_the_source_vocabulary_are_ignored(weights: WeightMatrix) -> None:
    """A matrix padded to a round number of rows has more rows than the tokenizer has ids."""
    source = torch.randn(9, 3)
    source[4:] = torch.nan
    assert torch.equal(weights.apply(source), weights.apply(source[:4]))


@pytest.mark.parametrize("shape", [(3, 2), (4,), (4, 2, 1)])
def test_matrix_with_fewer_rows_than_ids_or_of_wrong_rank_is_refused(
    weights: WeightMatrix, shape: tuple[int, ...]
) -> None:
    with pytest.raises(
        ModelError, match=r"source embeddings: expected at least 4 embeddings of one width, got shape \("
    ):
        weights.apply(torch.zeros(shape))


def test_a_product_in_many_blocks_is_the_same_product() -> None:
    rng = np.random.default_rng(0)
    n, m = 500, 60
    picks = [[(int(c), 0.2, 0.5) for c in rng.choice(m, 5, replace=False)] for _ in range(n)]
    made = assemble([rows([*range(n)], picks)], shape=(n, m), origins=np.full(n, COMBINED), rules=np.zeros(n))
    source = torch.from_numpy(rng.standard_normal((m, 8)).astype(np.float32))
    whole = made.apply(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("focus_core.initialization.weights._BLOCK_VALUES", 8 * 7)
        assert torch.equal(made.apply(source), whole)
    np.testing.assert_allclose(whole, made.matrix @ source.numpy(), atol=1e-6)


def test_a_source_token_that_occurs_twice_in_a_row_is_merged() -> None:
    """Two anchors with one source token (fuzzy match): 0.3 + 0.4 = 0.7, and the larger similarity is kept."""
    given = rows([1, 0], [[(3, 0.3, 0.5), (1, 0.3, 0.6), (3, 0.4, 0.9)], [(2, 1.0, np.nan)]])
    made = assemble([given], shape=(2, 4), origins=np.full(2, COMBINED), rules=np.zeros(2))
    assert made.matrix.indices.tolist() == [2, 1, 3]
    np.testing.assert_allclose(made.matrix.data, [1.0, 0.3, 0.7], rtol=1e-6)
    np.testing.assert_allclose(made.similarities, [np.nan, 0.6, 0.9], rtol=1e-6)


def test_nothing_can_be_changed_afterwards(weights: WeightMatrix) -> None:
    for array in (weights.matrix.data, weights.matrix.indices, weights.similarities, weights.origins, weights.rules):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_an_empty_matrix_is_one_too() -> None:
    made = assemble([], shape=(3, 2), origins=np.full(3, FALLBACK), rules=np.zeros(3))
    assert made.support.tolist() == [0, 0, 0]
    assert made.max_weight.tolist() == made.effective_contributors.tolist() == [0, 0, 0]
    assert made.apply(torch.ones(2, 4)).tolist() == [[0.0] * 4] * 3
