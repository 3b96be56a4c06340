"""What holds of the donor methods' weights for any vectors."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.initialization.methods.donor.clp import clp_weights
from focus_core.initialization.methods.donor.interpolation import interpolate
from focus_core.initialization.methods.donor.least_squares import least_squares_weights
from focus_core.initialization.methods.donor.omp import pursue
from focus_core.numerics.sparsemax import RowWeights
from focus_core.types import Interpolation

SIZES = st.tuples(st.integers(1, 6), st.integers(2, 12), st.integers(1, 6), st.integers(0, 10**6))


def vectors(sizes: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw new and shared vectors of small whole numbers, so that many lie alike and many systems are singular."""
    n_new, n_shared, width, seed = sizes
    generator = np.random.default_rng(seed)
    new, shared = (generator.integers(-2, 3, (n, width)).astype(float) for n in (n_new, n_shared))
    shared[~shared.any(axis=1)] = 1.0
    new[~new.any(axis=1)] = 1.0
    return new, shared


def dense(rows: RowWeights, columns: int) -> np.ndarray:
    """Return rows with their zeros."""
    found = np.zeros((rows.n_rows, columns))
    for i in range(rows.n_rows):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        found[i, rows.indices[part]] = rows.weights[part]
    return found


@given(SIZES)
@settings(max_examples=60)
def test_every_further_atom_leaves_less(sizes: tuple[int, int, int, int]) -> None:
    """What is left of a target never grows with the atoms allowed, and is at right angles to those chosen."""
    new, shared = vectors(sizes)
    lengths = [np.linalg.norm(new, axis=1)]
    for k in range(1, len(shared) + 1):
        found = dense(pursue(new, shared, k=k), len(shared))
        left = new - found @ shared
        lengths.append(np.linalg.norm(left, axis=1))
        np.testing.assert_allclose(np.where(found != 0, left @ shared.T, 0), 0, atol=1e-4)
        assert ((found != 0).sum(axis=1) <= k).all()
    assert (np.diff(np.array(lengths), axis=0) <= 1e-5).all()


@given(SIZES)
@settings(max_examples=60)
def test_full_rows_of_clp_sum_to_one(sizes: tuple[int, int, int, int]) -> None:
    """However near the cosines come to cancelling out, and each weight has its cosine's sign, or all the other one."""
    new, shared = vectors(sizes)
    rows = clp_weights(new, shared)
    found = dense(rows, len(shared))
    size = np.abs(found).sum(axis=1)
    full = rows.support > 0
    np.testing.assert_allclose(found[full].sum(axis=1), 1, atol=1e-5 * size[full].max(initial=1))


@given(SIZES, st.sampled_from(list(Interpolation)))
@settings(max_examples=60)
def test_interpolation_is_finite(sizes: tuple[int, int, int, int], weighting: Interpolation) -> None:
    """Whatever depends on whatever; and but for least squares rows sum to one, unless they are empty."""
    new, shared = vectors(sizes)
    rows = interpolate(new, shared, k=min(3, len(shared)), weighting=weighting)
    found = dense(rows, len(shared))
    assert np.isfinite(found).all()
    if weighting is not Interpolation.LEAST_SQUARES:
        full = rows.support > 0
        np.testing.assert_allclose(found[full].sum(axis=1), 1, atol=1e-4 * np.abs(found).max(initial=1))


@given(SIZES)
@settings(max_examples=60)
def test_least_squares_are_the_pseudo_inverse(sizes: tuple[int, int, int, int]) -> None:
    """Also where points depend on one another."""
    new, shared = vectors(sizes)
    found = least_squares_weights(np.repeat(shared[None], len(new), axis=0), new)
    np.testing.assert_allclose(found, new @ np.linalg.pinv(shared, rcond=1e-6), atol=1e-8)
