"""The few largest values are those that a full stable sort puts first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from focus_core.analysis.provenance.neighbours import _largest

FEW = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, np.nan])


@given(arrays(np.float32, st.integers(1, 40), elements=FEW), st.integers(1, 50))
def test_equals_the_head_of_a_stable_sort(values: np.ndarray, k: int) -> None:
    """Ties are taken by place, and NaN comes last, as in a full sort."""
    expected = np.argsort(-values, kind="stable")[:k]
    np.testing.assert_array_equal(_largest(values, k)[:k], expected)
