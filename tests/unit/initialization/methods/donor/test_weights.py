"""The weights of the donor methods, by hand, and the errors of their originals that they do not have."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.initialization.methods.donor.clp import clp_weights
from focus_core.initialization.methods.donor.interpolation import interpolate
from focus_core.initialization.methods.donor.least_squares import barycentric_weights, least_squares_weights
from focus_core.initialization.methods.donor.omp import pursue
from focus_core.initialization.methods.donor.salt import salt_weights
from focus_core.numerics.similarity import similarity_weights
from focus_core.numerics.sparsemax import RowWeights
from focus_core.types import Interpolation

COSINES = np.array([0.5, -0.4, 0.1])
ATOMS = np.array([[3.0, 0, 0], [0, 1, 0], [1, 1, 0]])


def dense(rows: RowWeights, columns: int) -> np.ndarray:
    """Return rows with their zeros."""
    found = np.zeros((rows.n_rows, columns))
    for i in range(rows.n_rows):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        found[i, rows.indices[part]] = rows.weights[part]
    return found


def at_cosines(cosines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a vector and others that have these cosines with it."""
    others = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    return np.array([[2.0, 0.0]]), others * np.array([[1.0], [7.0], [0.3]])


def drawn(seed: int, *shape: int) -> np.ndarray:
    """Draw normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape)


class TestClp:
    """Cosines over their sum."""

    def test_divides_cosines_by_their_sum(self) -> None:
        """(.5, -.4, .1) gives (2.5, -2, .5): the paper keeps the signs, and the weights grow as the cosines cancel."""
        rows = clp_weights(*at_cosines(COSINES))
        np.testing.assert_allclose(dense(rows, 3), [[2.5, -2.0, 0.5]], atol=1e-5)

    def test_plus_takes_sparsemax_instead(self) -> None:
        """(.5, -.4, .1) gives (.7, 0, .3)."""
        rows = similarity_weights(*at_cosines(COSINES))
        np.testing.assert_allclose(dense(rows, 3), [[0.7, 0.0, 0.3]], atol=1e-6)

    def test_the_most_similar_alone_sum_to_one(self) -> None:
        """With two of the three, .5 and .1 share 1."""
        rows = clp_weights(*at_cosines(COSINES), top_k=2)
        np.testing.assert_allclose(dense(rows, 3), [[5 / 6, 0, 1 / 6]], atol=1e-6)

    def test_cosines_that_cancel_out_leave_a_row_empty(self) -> None:
        """The original divides by 0 there."""
        new, shared = at_cosines(np.array([0.5, -0.5, 0.0]))
        assert clp_weights(np.concatenate([new, [[1.0, 3.0]]]), shared).support.tolist() == [0, 3]

    def test_no_new_token_gives_no_row(self) -> None:
        """Nothing is an answer too."""
        assert clp_weights(np.zeros((0, 2)), ATOMS[:, :2]).n_rows == 0

    def test_a_row_does_not_depend_on_the_others(self) -> None:
        """Blocks of any number of rows give the same bits."""
        new, shared = drawn(0, 300, 24), drawn(1, 90, 24)
        whole = clp_weights(new, shared)
        part = clp_weights(new[170:180], shared, memory_mib=1)
        span = slice(whole.indptr[170], whole.indptr[180])
        np.testing.assert_array_equal(whole.weights[span], part.weights)


class TestMatchingPursuit:
    """Atoms one after the other."""

    def test_atoms_are_chosen_by_direction(self) -> None:
        """(1, 1.1, 0) is nearest to the third atom, whatever the first one's length; .071 is left."""
        target = np.array([[1.0, 1.1, 0.0]])
        rows = pursue(target, ATOMS, k=1)
        assert rows.indices.tolist() == [2]
        assert np.linalg.norm(target - dense(rows, 3) @ ATOMS) == pytest.approx(0.0707, abs=1e-4)

    def test_unnormalised_the_longest_atom_is_chosen(self) -> None:
        """As mergekit chooses: the first, and 1.1 is left."""
        target = np.array([[1.0, 1.1, 0.0]])
        rows = pursue(target, ATOMS, k=1, normalised=False)
        assert rows.indices.tolist() == [0]
        assert np.linalg.norm(target - dense(rows, 3) @ ATOMS) == pytest.approx(1.1)

    def test_a_target_that_is_built_takes_no_further_atom(self) -> None:
        """Twice the second atom is one weight, though three atoms were allowed; zeros need none."""
        rows = pursue(np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), ATOMS, k=3)
        assert rows.support.tolist() == [1, 0]
        np.testing.assert_allclose(dense(rows, 3)[0], [0, 2, 0])

    def test_an_atom_that_says_nothing_new_is_not_taken(self) -> None:
        """Of twins the first; what no atom reaches is left."""
        twins = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
        rows = pursue(np.array([[2.0, 5.0, 0.0]]), twins, k=3)
        np.testing.assert_allclose(dense(rows, 3), [[2.0, 0.0, 0.0]])

    def test_more_atoms_than_dimensions_are_not_taken(self) -> None:
        """Three directions build everything in three dimensions."""
        rows = pursue(drawn(2, 20, 3), drawn(3, 30, 3), k=10)
        assert rows.support.max() <= 3

    @pytest.mark.parametrize("normalised", [True, False])
    def test_equals_the_rule_followed_one_target_at_a_time(self, normalised: bool) -> None:
        """Choose, fit all chosen ones again, go on: in the plainest form, for either way to choose."""
        targets, atoms = drawn(4, 40, 16), drawn(5, 60, 16) * np.linspace(0.2, 5, 60)[:, None]
        found = dense(pursue(targets, atoms, k=6, normalised=normalised), 60)
        for target, row in zip(targets, found, strict=True):
            np.testing.assert_allclose(row, plain_pursuit(target, atoms, 6, normalised), atol=1e-5)

    def test_a_row_does_not_depend_on_the_others(self) -> None:
        """Blocks of any number of rows give the same bits."""
        targets, atoms = drawn(6, 300, 12), drawn(7, 50, 12)
        whole, part = pursue(targets, atoms, k=4), pursue(targets[270:], atoms, k=4, memory_mib=1)
        span = slice(whole.indptr[270], None)
        np.testing.assert_array_equal(whole.weights[span], part.weights)
        np.testing.assert_array_equal(whole.indices[span], part.indices)


def plain_pursuit(target: np.ndarray, atoms: np.ndarray, k: int, normalised: bool) -> np.ndarray:
    """Return the coefficients of one target."""
    lengths = np.linalg.norm(atoms, axis=1) if normalised else 1.0
    chosen: list[int] = []
    left, fit = target, np.zeros(0)
    for _ in range(k):
        chosen.append(int(np.argmax(np.abs(atoms @ left) / lengths)))
        fit = np.linalg.lstsq(atoms[chosen].T, target)[0]
        left = target - fit @ atoms[chosen]
    row = np.zeros(len(atoms))
    row[chosen] = fit
    return row


class TestInterpolation:
    """The nearest, weighed in four ways."""

    POINTS = np.array([[0.0, 1.0], [4.0, 0.0], [40.0, 40.0]])

    def test_by_distance(self) -> None:
        """(0, 0) is 1 and 4 away from the two nearest: .8 and .2."""
        rows = interpolate(np.array([[0.0, 0.0]]), self.POINTS, k=2)
        np.testing.assert_allclose(dense(rows, 3), [[0.8, 0.2, 0.0]], atol=1e-6)

    def test_at_no_distance_the_point_itself(self) -> None:
        """A distance of 0 counts as a millionth: nothing is divided by 0."""
        rows = interpolate(np.array([[4.0, 0.0]]), self.POINTS, k=2)
        np.testing.assert_allclose(dense(rows, 3), [[0.0, 1.0, 0.0]], atol=1e-6)

    def test_by_cosine(self) -> None:
        """(1, 1) has the cosine 1 with the third and 1/√2 with the others, of which the first in order is taken."""
        rows = interpolate(np.array([[1.0, 1.0]]), self.POINTS, k=2, weighting=Interpolation.COSINE)
        share = 1 / (1 + np.sqrt(0.5))
        np.testing.assert_allclose(dense(rows, 3), [[1 - share, 0.0, share]], atol=1e-6)

    def test_barycentric_weights_sum_to_one(self) -> None:
        """(1, 5) over the points (0, 0) and (4, 0) is three quarters and one."""
        points = np.array([[0.0, 0.0], [4.0, 0.0]])
        np.testing.assert_allclose(barycentric_weights(points[None], np.array([[1.0, 5.0]])), [[0.75, 0.25]])

    @pytest.mark.parametrize("seed", range(3))
    def test_barycentric_weights_solve_the_bordered_system(self, seed: int) -> None:
        """The same as [[P Pᵀ, 1], [1ᵀ, 0]] (w, λ) = (P x, 1)."""
        points, target = drawn(seed, 5, 9), drawn(seed + 9, 9)
        bordered = np.ones((6, 6))
        bordered[:5, :5], bordered[5, 5] = points @ points.T, 0
        expected = np.linalg.solve(bordered, [*points @ target, 1])[:5]
        np.testing.assert_allclose(barycentric_weights(points[None], target[None])[0], expected, atol=1e-9)

    @pytest.mark.parametrize("weighting", [Interpolation.BARYCENTRIC, Interpolation.LEAST_SQUARES])
    def test_a_singular_system_has_its_smallest_solution(self, weighting: Interpolation) -> None:
        """Twice the same point: each gets half, and nothing is not a number."""
        twins = np.array([[1.0, 2.0], [1.0, 2.0]])
        rows = interpolate(np.array([[1.0, 2.0]]), twins, k=2, weighting=weighting)
        np.testing.assert_allclose(dense(rows, 2), [[0.5, 0.5]], atol=1e-6)

    def test_least_squares_rebuild_what_lies_in_reach(self) -> None:
        """As many points as dimensions build every target."""
        new, shared = drawn(10, 6, 4), drawn(11, 4, 4)
        rows = interpolate(new, shared, k=4, weighting=Interpolation.LEAST_SQUARES)
        np.testing.assert_allclose(dense(rows, 4) @ shared, new, atol=1e-4)

    def test_the_nearest_are_the_nearest(self) -> None:
        """By distance as computed one by one."""
        new, shared = drawn(12, 30, 8), drawn(13, 50, 8) * 3
        found = dense(interpolate(new, shared, k=5), 50) != 0
        distances = np.linalg.norm(new[:, None] - shared, axis=2)
        expected = distances <= np.sort(distances, axis=1)[:, 4:5]
        np.testing.assert_array_equal(found, expected)


class TestSalt:
    """The donor's coordinates among tokens used alike."""

    def test_equals_the_papers_formula(self) -> None:
        """E_t[t] (pinv(E_t[S]) E_s[S]) is the row times E_s, for supports of every size, one above the width too."""
        new, shared, source = drawn(20, 7, 5), drawn(21, 12, 5), drawn(22, 12, 3)
        sizes = [1, 2, 3, 5, 6, 9, 12]
        columns = [np.sort(np.random.default_rng(n).choice(12, n, replace=False)) for n in sizes]
        found = dense(salt_weights(new, shared, support(columns)), 12)
        for i, at in enumerate(columns):
            expected = new[i] @ (np.linalg.pinv(shared[at]) @ source[at])
            np.testing.assert_allclose(found[i] @ source, expected, atol=1e-5)
            assert np.flatnonzero(found[i]).tolist() == at.tolist()

    def test_the_weights_of_the_support_do_not_count(self) -> None:
        """Only who takes part does."""
        new, shared, columns = drawn(23, 1, 4), drawn(24, 6, 4), [np.array([1, 4])]
        even = salt_weights(new, shared, support(columns))
        uneven = salt_weights(new, shared, support(columns, weights=[0.9, 0.1]))
        np.testing.assert_array_equal(even.weights, uneven.weights)

    def test_points_of_zeros_get_no_weight(self) -> None:
        """Sets of unequal size are filled up with them."""
        filled = least_squares_weights(np.array([[[1.0, 0.0], [0.0, 0.0]]]), np.array([[3.0, 1.0]]))
        np.testing.assert_allclose(filled, [[3.0, 0.0]])


def support(columns: list[np.ndarray], *, weights: list[float] | None = None) -> RowWeights:
    """Return rows over these columns, equal shares where none are given."""
    counts = [len(at) for at in columns]
    shares = np.repeat([1 / n for n in counts], counts) if weights is None else np.array(weights)
    return RowWeights(
        indptr=np.cumsum([0, *counts]),
        indices=np.concatenate(columns).astype(np.int32),
        weights=shares.astype(np.float32),
        similarities=np.full(len(shares), 0.5, np.float32),
    )
