"""Orthogonal matching pursuit against scikit-learn, which takes atoms of length 1."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import orthogonal_mp

from focus_core.initialization.methods.donor.omp import pursue


@pytest.mark.parametrize(("width", "k"), [(32, 8), (64, 20)])
def test_chooses_the_same_atoms_with_the_same_coefficients(width: int, k: int) -> None:
    """On unit columns either way to choose is scikit-learn's."""
    generator = np.random.default_rng(width)
    atoms, targets = generator.standard_normal((200, width)), generator.standard_normal((60, width))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    expected = orthogonal_mp(atoms.T, targets.T, n_nonzero_coefs=k).T
    rows = pursue(targets, atoms, k=k)
    found = np.zeros_like(expected)
    for i in range(len(targets)):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        found[i, rows.indices[part]] = rows.weights[part]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found != 0, expected != 0)
