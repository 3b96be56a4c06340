"""Sparsemax over scores and over vectors: hand-worked rows, degenerate rows, blocks, options, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from entmax import sparsemax

from focus_core.errors import AuxiliaryError, InvalidInputError
from focus_core.numerics.similarity import (
    MAX_ROWS,
    MIN_ROWS,
    block_rows,
    normalise_rows,
    resolve_device,
    similarity_weights,
)
from focus_core.numerics.sparsemax import RowWeights, sparsemax_rows


def dense(rows: RowWeights, n_columns: int) -> np.ndarray:
    full = np.zeros((rows.n_rows, n_columns))
    full[np.repeat(np.arange(rows.n_rows), rows.support), rows.indices] = rows.weights
    return full


def on_full_row(scores: np.ndarray) -> np.ndarray:
    return sparsemax(torch.from_numpy(np.asarray(scores, np.float64)), dim=1).numpy()


def vectors(seed: int, n: int, d: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def test_two_of_three_scores_have_weight() -> None:
    """z = (0.9, 0.5, 0.1): k = 2 since 1 + 2*0.5 = 2 > 1.4 and 1 + 3*0.1 = 1.3 < 1.5; tau = (1.4 - 1) / 2 = 0.2."""
    rows = sparsemax_rows(np.array([[0.1, 0.9, 0.5]]))
    assert rows.indices.tolist() == [1, 2]
    np.testing.assert_allclose(rows.weights, [0.7, 0.3], rtol=1e-6)
    np.testing.assert_allclose(rows.similarities, [0.9, 0.5], rtol=1e-6)


def test_a_score_one_below_the_largest_has_no_weight() -> None:
    """z = (2, 1): tau = 1, so the second weight is max(1 - 1, 0) = 0 and is not stored."""
    rows = sparsemax_rows(np.array([[2.0, 1.0]], np.float32))
    assert rows.indices.tolist() == [0]
    assert rows.weights.tolist() == [1.0]


def test_all_scores_equal_give_equal_weights() -> None:
    """Every one of m equal scores gets 1/m, and every column is stored."""
    for m in (1, 2, 7, 8, 9, 300, 5000):
        rows = sparsemax_rows(np.full((3, m), -0.25, np.float32))
        assert rows.support.tolist() == [m] * 3
        np.testing.assert_allclose(rows.weights, 1 / m, rtol=1e-5)


def test_one_anchor_takes_all() -> None:
    rows = similarity_weights(vectors(0, 5), vectors(1, 1))
    assert rows.support.tolist() == [1] * 5
    assert rows.weights.tolist() == [1.0] * 5


def test_negative_scores_never_lose_to_the_padding() -> None:
    """Columns are padded to a multiple of eight; -5 everywhere must still use the 9 real columns only."""
    rows = sparsemax_rows(np.full((2, 9), -5.0, np.float32))
    assert rows.indices.tolist() == [*range(9)] * 2


@pytest.mark.parametrize("scale", [1e-5, 0.5, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("m", [3, 40, 1000, 9000])
def test_equal_to_the_full_row_at_every_scale(scale: float, m: int) -> None:
    scores = (np.random.default_rng(m).standard_normal((40, m)) * scale).astype(np.float32)
    ours, full = dense(sparsemax_rows(scores), m), on_full_row(scores)
    np.testing.assert_allclose(ours, full, atol=2e-6)
    assert ((ours > 0) == (full > 0))[full > 1e-6].all()
    assert not (ours[full == 0] > 1e-6).any()


@pytest.mark.parametrize("step", [0.0, 1e-7, 1e-4])
def test_support_larger_than_the_group_maxima(step: float) -> None:
    """A collapsed space: hundreds of nearly equal scores, more than the bound is taken from."""
    scores = (0.96 + step * np.arange(1541) % 0.003)[None].repeat(4, 0)
    ours, full = dense(sparsemax_rows(scores), 1541), on_full_row(scores)
    np.testing.assert_allclose(ours, full, atol=1e-6)
    assert (full > 0).sum() > 4 * 300


def test_the_largest_scores_share_one_group() -> None:
    """All large scores in one group of columns leave a bound from small maxima: weaker, never wrong."""
    scores = np.random.default_rng(0).uniform(-0.1, 0.0, (3, 4096))
    scores[:, ::512] = 0.9  # the eight columns of one innermost group
    np.testing.assert_allclose(dense(sparsemax_rows(scores), 4096), on_full_row(scores), atol=1e-6)


def test_top_k_restricts_before_the_simplex() -> None:
    """z = (0.9, 0.8, 0.7, 0.6): all four have weight; of the best two, tau = (1.7 - 1) / 2 = 0.35."""
    rows = sparsemax_rows(np.array([[0.6, 0.7, 0.8, 0.9]]), top_k=2)
    assert rows.indices.tolist() == [2, 3]
    np.testing.assert_allclose(rows.weights, [0.45, 0.55], rtol=1e-6)


def test_top_k_beyond_the_support_changes_nothing() -> None:
    scores = np.random.default_rng(3).standard_normal((20, 500)).astype(np.float32)
    free, bound = sparsemax_rows(scores), sparsemax_rows(scores, top_k=400)
    assert free.indices.tolist() == bound.indices.tolist()
    assert free.weights.tolist() == bound.weights.tolist()


def test_top_k_takes_lower_columns_among_equals() -> None:
    rows = sparsemax_rows(np.full((2, 100), 0.3), top_k=3)
    assert rows.indices.tolist() == [0, 1, 2] * 2
    np.testing.assert_allclose(rows.weights, 1 / 3, rtol=1e-6)


def test_integer_half_and_tensor_scores_are_taken() -> None:
    assert sparsemax_rows(np.array([[3, 1, 3]])).weights.tolist() == [0.5, 0.5]
    assert sparsemax_rows(torch.tensor([[3.0, 1.0, 3.0]], requires_grad=True)).weights.tolist() == [0.5, 0.5]
    scores = np.random.default_rng(0).standard_normal((9, 700)).astype(np.float16)
    half, double = sparsemax_rows(scores), sparsemax_rows(scores.astype(np.float64))
    assert half.indices.tolist() == double.indices.tolist()
    assert half.weights.tolist() == double.weights.tolist()


def test_read_only_input_is_left_alone() -> None:
    scores = np.random.default_rng(0).standard_normal((4, 9)).astype(np.float32)
    scores.setflags(write=False)
    before = scores.copy()
    sparsemax_rows(scores)
    similarity_weights(scores, scores)
    assert (scores == before).all()


def test_similarities_are_cosines_and_weights_come_from_them() -> None:
    new, anchors = vectors(0, 60), vectors(1, 700)
    cosines = normalise_rows(new).astype(np.float64) @ normalise_rows(anchors).astype(np.float64).T
    rows = similarity_weights(new, anchors)
    np.testing.assert_allclose(dense(rows, 700), on_full_row(cosines), atol=2e-6)
    at = np.repeat(np.arange(60), rows.support), rows.indices
    np.testing.assert_allclose(rows.similarities, cosines[at], atol=1e-6)


def test_temperature_divides_cosines_and_is_taken_out_of_the_record() -> None:
    new, anchors = vectors(0, 30), vectors(1, 400)
    cosines = normalise_rows(new).astype(np.float64) @ normalise_rows(anchors).astype(np.float64).T
    for temperature in (0.1, 3.0):
        rows = similarity_weights(new, anchors, temperature=temperature)
        np.testing.assert_allclose(dense(rows, 400), on_full_row(cosines / temperature), atol=2e-5)
        at = np.repeat(np.arange(30), rows.support), rows.indices
        np.testing.assert_allclose(rows.similarities, cosines[at], atol=1e-6)


def test_a_row_does_not_depend_on_other_rows_or_on_the_block_size() -> None:
    """Bit for bit: one row alone, a last block that is not full, and blocks of 16 to 810 rows."""
    new, anchors = vectors(0, 300, 100), vectors(1, 3000, 100)
    whole = similarity_weights(new, anchors)
    for first, last in ((0, 1), (17, 18), (120, 257), (299, 300)):
        part = similarity_weights(new[first:last], anchors)
        cut = slice(whole.indptr[first], whole.indptr[last])
        assert (part.indices == whole.indices[cut]).all()
        assert part.weights.tobytes() == whole.weights[cut].tobytes()
    for memory_mib in (1, 5, 9):
        small = similarity_weights(new, anchors, memory_mib=memory_mib)
        assert small.indices.tobytes() == whole.indices.tobytes()
        assert small.weights.tobytes() == whole.weights.tobytes()
    assert [block_rows(3000, memory_mib=m) for m in (1, 5, 9, 512)] == [16, 36, 65, 810]


def test_no_block_has_one_row() -> None:
    """A matrix-vector product sums in another order than a matrix product."""
    assert block_rows(10**9, memory_mib=1) == MIN_ROWS == 16
    assert block_rows(1, memory_mib=512) == MAX_ROWS["cpu"]
    assert block_rows(100_000, memory_mib=96) == 96 * 2**20 // (48 * 100_000)


def test_zero_norm_vectors_give_no_nan() -> None:
    """A vector of zeros is equally similar, 0, to each of 5 anchors; an anchor of zeros has cosine 0."""
    rows = similarity_weights(np.zeros((2, 4), np.float32), vectors(1, 5, 4))
    np.testing.assert_allclose(rows.weights, 0.2, rtol=1e-6)
    anchors = np.array([[0.0, 0.0], [1.0, 0.0]], np.float32)
    rows = similarity_weights(np.array([[5.0, 0.0]], np.float32), anchors)
    assert rows.indices.tolist() == [1]
    assert rows.similarities.tolist() == [1.0]


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_tiny_and_huge_vectors_have_length_one(size: float) -> None:
    unit = normalise_rows(np.array([[3 * size, 4 * size]], np.float32))
    np.testing.assert_allclose(unit, [[0.6, 0.8]], rtol=1e-6)


def test_half_precision_vectors_are_taken() -> None:
    new, anchors = vectors(0, 4).astype(np.float16), vectors(1, 9).astype(np.float16)
    half, single = (
        similarity_weights(new, anchors),
        similarity_weights(new.astype(np.float32), anchors.astype(np.float32)),
    )
    assert half.weights.tolist() == single.weights.tolist()


def test_no_new_tokens_give_no_rows() -> None:
    rows = similarity_weights(np.zeros((0, 4), np.float32), vectors(0, 3, 4))
    assert (rows.n_rows, len(rows.indices), rows.indptr.tolist()) == (0, 0, [0])


def test_no_anchors_is_refused() -> None:
    with pytest.raises(AuxiliaryError, match="anchors: expected at least one, got none"):
        similarity_weights(vectors(0, 3), np.zeros((0, 20), np.float32))
    with pytest.raises(AuxiliaryError, match="anchors"):
        sparsemax_rows(np.zeros((3, 0)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_is_refused_before_the_kernel_and_its_row_is_named(value: float) -> None:
    bad = vectors(0, 5)
    bad[3, 1] = value
    with pytest.raises(AuxiliaryError, match=r"new vectors: expected finite numbers, got .*1 rows: 3"):
        similarity_weights(bad, vectors(1, 4))
    with pytest.raises(AuxiliaryError, match=r"anchor vectors: expected finite numbers"):
        similarity_weights(vectors(1, 4), bad)
    with pytest.raises(AuxiliaryError, match=r"scores: expected finite numbers"):
        sparsemax_rows(bad)


def test_vectors_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(AuxiliaryError, match="new vectors: expected 20 columns, got shape"):
        similarity_weights(vectors(0, 3, 19), vectors(0, 3, 20))
    with pytest.raises(AuxiliaryError, match="rank 2"):
        similarity_weights(np.zeros(20, np.float32), vectors(0, 3, 20))


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"temperature": float("nan")}, {"top_k": 0}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        similarity_weights(vectors(0, 3), vectors(0, 3), **options)


def test_devices_are_resolved_and_unknown_ones_refused() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(InvalidInputError, match="device: expected auto or cpu"):
        resolve_device("tpu")


def test_progress_ends_at_the_number_of_rows() -> None:
    seen: list[tuple[str, float, float]] = []
    similarity_weights(
        vectors(0, 300), vectors(1, 50), progress=lambda stage, done, total, note="": seen.append((stage, done, total))
    )
    assert seen[0] == ("similarities", 0, 300)
    assert seen[-1] == ("similarities", 300, 300)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_gpu_gives_the_same_weights() -> None:
    new, anchors = vectors(0, 700, 100), vectors(1, 5000, 100)
    cpu, gpu = similarity_weights(new, anchors), similarity_weights(new, anchors, device="cuda")
    np.testing.assert_allclose(dense(gpu, 5000), dense(cpu, 5000), atol=1e-5)
