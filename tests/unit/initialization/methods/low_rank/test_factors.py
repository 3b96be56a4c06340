"""Matrices cut to a rank, by hand and against plain linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.initialization.methods.low_rank.factors import Factors, factorise, multiply, semi_nmf
from focus_core.types import Factorization

STEPS = 60
MATRIX = np.array([[3.0, 0.0], [0.0, 1.0], [3.0, 1.0]])


def drawn(seed: int, n: int, d: int, *, rank: int | None = None) -> np.ndarray:
    """Draw a matrix of a rank."""
    generator = np.random.default_rng(seed)
    rank = rank or d
    return generator.standard_normal((n, rank)) @ generator.standard_normal((rank, d))


class TestSingularValues:
    """The nearest matrix of a rank."""

    def test_by_hand(self) -> None:
        """[[3, 0], [0, 1], [3, 1]] of rank 1."""
        expected = [[2.9045, 0.5267], [0.1756, 0.0318], [3.0801, 0.5585]]
        np.testing.assert_allclose(factorise(MATRIX, 1).product(), expected, atol=5e-5)

    @pytest.mark.parametrize("rank", [1, 3, 8])
    def test_equals_the_cut_decomposition(self, rank: int) -> None:
        """U Σ Vᵀ with the largest values, and the error is that of the others."""
        matrix = drawn(0, 50, 8)
        u, s, v = np.linalg.svd(matrix, full_matrices=False)
        made = factorise(torch.from_numpy(matrix), rank)
        np.testing.assert_allclose(made.product(), (u[:, :rank] * s[:rank]) @ v[:rank], atol=1e-4)
        assert made.error == pytest.approx(np.sqrt((s[rank:] ** 2).sum() / (s**2).sum()), abs=1e-6)
        np.testing.assert_allclose(made.coordinates.T @ made.coordinates, np.eye(rank), atol=1e-4)

    def test_a_rank_that_the_matrix_does_not_have_adds_nothing(self) -> None:
        """Coordinates beyond it are zero, not noise divided by noise."""
        made = factorise(drawn(1, 30, 6, rank=2), 5)
        assert not made.coordinates[:, 2:].any()
        assert made.error < 1e-6

    def test_zeros_have_no_direction(self) -> None:
        """Nothing is divided by nothing."""
        made = factorise(np.zeros((4, 3)), 2)
        assert made.error == 0
        assert not made.product().any()

    def test_a_row_does_not_depend_on_the_others(self) -> None:
        """Products of any number of rows give the same bits."""
        coordinates, primitives = drawn(2, 40, 7).astype(np.float32), drawn(3, 7, 9).astype(np.float32)
        np.testing.assert_array_equal(
            multiply(coordinates, primitives)[11:13], multiply(coordinates[11:13], primitives)
        )


class TestSemiNmf:
    """Primitives that are never negative."""

    @given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6))
    @settings(max_examples=60)
    def test_never_raises_its_error(self, n: int, d: int, rank: int, seed: int) -> None:
        """From step to step, for matrices of any shape and rank."""
        matrix = drawn(seed, n, d)
        primitives, errors = semi_nmf(matrix.T @ matrix, min(rank, d), seed=seed, iterations=40)
        assert (np.diff(errors) <= 0).all()
        assert (primitives >= 0).all()

    def test_the_error_is_that_of_the_product(self) -> None:
        """What it says is left is what is left."""
        matrix = drawn(5, 40, 10)
        made = factorise(matrix, 4, by=Factorization.SEMI_NMF, iterations=STEPS)
        assert error_of(matrix, made) == pytest.approx(made.error, abs=1e-5)

    def test_coordinates_are_the_best_for_the_primitives(self) -> None:
        """Least squares, computed another way."""
        matrix = drawn(6, 30, 8)
        made = factorise(matrix, 3, by=Factorization.SEMI_NMF, iterations=STEPS)
        expected = np.linalg.lstsq(made.primitives.T.astype(float), matrix.T)[0].T
        np.testing.assert_allclose(made.coordinates, expected, atol=1e-4)

    def test_a_step_is_the_papers(self) -> None:
        """One step from the Gram matrix equals the update written with the matrix itself."""
        matrix = drawn(7, 20, 6)
        start, _ = semi_nmf(matrix.T @ matrix, 3, seed=1, iterations=0)
        found, errors = semi_nmf(matrix.T @ matrix, 3, seed=1, iterations=1)
        c = matrix @ start.T @ np.linalg.inv(start @ start.T)
        ce, cc = c.T @ matrix, c.T @ c
        positive, negative = (lambda m: (np.abs(m) + m) / 2), (lambda m: (np.abs(m) - m) / 2)
        ratio = (positive(ce) + negative(cc) @ start) / (negative(ce) + positive(cc) @ start)
        np.testing.assert_allclose(found, start * np.sqrt(ratio), rtol=1e-8)
        assert errors[1] < errors[0]

    def test_is_never_nearer_than_singular_values(self) -> None:
        """No matrix of a rank is; and it is not far, which a wrong update would be."""
        matrix = drawn(8, 60, 12)
        best, made = factorise(matrix, 5), factorise(matrix, 5, by=Factorization.SEMI_NMF, iterations=STEPS)
        assert best.error <= made.error <= 1.5 * best.error

    def test_the_seed_decides(self) -> None:
        """The same one gives the same bits, another one another start."""
        matrix = drawn(9, 30, 8)
        first, again, other = (
            factorise(matrix, 3, by=Factorization.SEMI_NMF, seed=s, iterations=STEPS) for s in (1, 1, 2)
        )
        np.testing.assert_array_equal(first.primitives, again.primitives)
        assert not np.array_equal(first.primitives, other.primitives)


def error_of(matrix: np.ndarray, made: Factors) -> float:
    """Return how far a product is from a matrix, relative to its size."""
    return float(np.linalg.norm(matrix - made.product()) / np.linalg.norm(matrix))
