"""Constrained Word2Vec: the corrected loss by hand, its gradient, the softmax of a batch alone, pairs within a line."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from focus_core.initialization.methods.learned import constrained_word2vec as module
from focus_core.initialization.methods.learned.constrained_word2vec import Factors, draw_pairs, skip_gram_loss


def test_the_loss_by_hand() -> None:
    """v = (1, 0), u⁺ = (ln 3, 5): σ = ¾. u⁻ = (0, 1) and (-ln 3, 0): σ(-v·u⁻) = ½ and ¾. Each has a logarithm of its
    own: -ln(¾ · ½ · ¾). Of the sum of the scores, as in the first code, it would be -ln(¾ · ¾)."""
    v, good = torch.tensor([[1.0, 0.0]]), torch.tensor([[math.log(3), 5.0]])
    bad = torch.tensor([[[0.0, 1.0], [-math.log(3), 0.0]]])
    assert float(skip_gram_loss(v, good, bad)) == pytest.approx(-math.log(9 / 32))


def test_its_gradient_by_hand() -> None:
    """dL/dv = -(1 - σ(v·u⁺)) u⁺ + Σ σ(v·u⁻) u⁻."""
    v = torch.tensor([[1.0, 0.0]], requires_grad=True)
    good, bad = torch.tensor([[math.log(3), 5.0]]), torch.tensor([[[0.0, 1.0], [-math.log(3), 0.0]]])
    skip_gram_loss(v, good, bad).backward()
    assert v.grad is not None
    expected = [-math.log(3) / 4 - math.log(3) / 4, -5 / 4 + 1 / 2]
    assert v.grad[0].tolist() == pytest.approx(expected, rel=1e-5)


def factors_of(seed: int = 0) -> Factors:
    anchors = np.random.default_rng(4).normal(size=(6, 3)).astype(np.float32)
    return Factors(anchors, np.array([0, 2, 4]), np.array([1, 3, 5, 6, 7, 8]), 10, seed=seed)


def test_mixtures_start_near_the_mean_and_stay_in_the_hull() -> None:
    """Nearly equal shares that sum to 1; rows of any matrix lie between the least and the greatest of its anchors."""
    factors = factors_of()
    shares = factors.shares(0, 3).numpy()
    np.testing.assert_allclose(shares, 1 / 6, atol=0.05)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    with torch.no_grad():
        factors.rows *= 300
    line = np.arange(6, dtype=np.float32)[:, None]
    made = factors.mix(line)
    assert ((made >= 0) & (made <= 5)).all()
    assert np.ptp(made) > 0.5


def test_only_the_tokens_of_a_batch_get_a_gradient() -> None:
    """And shared tokens keep their vectors: embeddings less their mean at one length."""
    factors = factors_of()
    vectors = factors.vectors(np.array([1, 2, 9]))
    torch.autograd.backward(vectors.square().sum())
    assert factors.rows.grad is not None
    assert factors.rows.grad[1].abs().sum() > 0
    assert not factors.rows.grad[[0, 2]].any()
    np.testing.assert_array_equal(vectors[0].detach(), factors.base[0])
    assert not vectors[2].any()
    assert float(factors.base.square().sum(dim=1).mean().sqrt()) == pytest.approx(module.LENGTH, rel=1e-5)


def test_the_gradient_of_a_factor_is_its_difference_quotient() -> None:
    factors = factors_of()

    def loss() -> torch.Tensor:
        found = factors.vectors(np.array([0, 1, 2, 3]))
        return skip_gram_loss(found[:2], found[2:], found[torch.tensor([[3, 1], [0, 3]])])

    torch.autograd.backward(loss())
    for factor in (factors.rows, factors.columns):
        assert factor.grad is not None
        at = np.unravel_index(int(factor.grad.abs().argmax()), factor.shape)
        found = []
        for shift in (1e-2, -1e-2):
            with torch.no_grad():
                factor[at] += shift
                found.append(float(loss()))
                factor[at] -= shift
        assert (found[0] - found[1]) / 2e-2 == pytest.approx(float(factor.grad[at]), rel=0.03, abs=1e-4)


def test_pairs_stay_within_a_line() -> None:
    """Of the line 1 2 3 the centre 2 has two neighbours, of the line 4 the only token none."""
    stream = np.array([-1, 1, 2, 3, -1, 4, -1])
    noise = np.cumsum(np.full(5, 0.2))
    centres, contexts, negatives = draw_pairs(stream, np.array([2, 5]), noise, np.random.default_rng(0))
    assert centres.tolist() == [2, 2]
    assert contexts.tolist() == [1, 3]
    assert negatives.shape == (2, module.NEGATIVES)
    assert negatives.max() < 5
