"""Selecting candidates before the simplex map changes nothing: entmax on the full row, at real sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from entmax import sparsemax

from focus_core.numerics.similarity import normalise_rows, similarity_weights


def clustered(seed: int, n: int, spread: float) -> np.ndarray:
    """Vectors around 300 centres that do not depend on the seed; small ``spread``: a collapsed space."""
    centres = np.random.default_rng(1).standard_normal((300, 100))
    rng = np.random.default_rng(seed)
    rows = centres[rng.integers(300, size=n)] * spread + rng.standard_normal((n, 100)) + (0 if spread else 20)
    return rows.astype(np.float32)


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("temperature", [1.0, 0.2])
def test_equal_to_entmax_on_the_full_row(spread: float, temperature: float) -> None:
    """300 new tokens over 19,000 anchors against float64 scores of all 19,000; weights agree within 1e-5.

    Every weight of at least 1e-6 on one side is positive on the other; a temperature magnifies the rounding of the
    cosines, so the limit is 1e-6 / temperature.
    """
    new, anchors = clustered(2, 300, spread), clustered(3, 19_000, spread)
    rows = similarity_weights(new, anchors, temperature=temperature)
    ours = np.zeros((300, 19_000))
    ours[np.repeat(np.arange(300), rows.support), rows.indices] = rows.weights
    exact = [normalise_rows(part).astype(np.float64) for part in (new, anchors)]
    full = sparsemax(torch.from_numpy(exact[0] @ exact[1].T / temperature), dim=1).numpy()
    np.testing.assert_allclose(ours, full, atol=1e-5)
    assert (ours[full >= 1e-6 / temperature] > 0).all()
    assert (full[ours >= 1e-6 / temperature] > 0).all()
    np.testing.assert_allclose(ours @ anchors, full @ anchors, atol=2e-4)
