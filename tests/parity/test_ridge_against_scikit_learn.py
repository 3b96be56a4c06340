"""The ridge map against scikit-learn's, with the same penalty."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV

from focus_core.initialization.methods.learned.ridge import PENALTIES, fit_ridge


def test_maps_as_scikit_learn_does_and_chooses_its_penalty() -> None:
    """With an intercept, and λ by its own leaving out."""
    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(80, 7))
    embeddings = vectors @ generator.normal(size=(7, 5)) + 4 * generator.normal(size=(80, 5))
    new = generator.normal(size=(20, 7))
    fitted = fit_ridge(vectors, embeddings)
    theirs = Ridge(alpha=fitted.penalty).fit(vectors, embeddings)
    np.testing.assert_allclose(fitted.apply(new, embeddings), theirs.predict(new), atol=1e-5)
    unit = np.square(np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)).mean()
    chosen = RidgeCV(alphas=[share * unit for share in PENALTIES]).fit(vectors, embeddings)
    assert fitted.penalty == pytest.approx(float(chosen.alpha_))
