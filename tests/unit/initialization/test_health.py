"""The health report: its numbers by hand, the collapse, and the sentences that follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from focus_core.initialization import health
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.health import auxiliary_health
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK, WeightMatrix

SETTINGS: dict[str, Any] = {
    "epochs": 5, "min_count": 1, "n_tokens": 1000, "n_characters": 4000,
    "automatic": {"epochs": 40, "min_count": 1},
}  # fmt: skip
COUNTED: dict[str, Any] = {"min_count": 1, "n_tokens": 1000, "n_characters": 4000, "automatic": {"min_count": 1}}
ANCHORS, NEW = np.array([0, 1]), np.array([2, 3, 4])
FREQUENCY = np.array([50, 40, 6, 3, 1])


def vectors(rows: list[list[float]], kind: str = "trained", **settings: Any) -> AuxiliaryVectors:
    matrix = np.array(rows, dtype=np.float32)
    return AuxiliaryVectors(
        vectors=matrix,
        has_vector=matrix.any(axis=1),
        kind=kind,
        settings={"trained": SETTINGS, "counted": COUNTED}.get(kind, {}) | settings,
    )


def weight_matrix(rows: list[list[float]], origins: list[int]) -> WeightMatrix:
    matrix = sparse.csr_array(np.array(rows, dtype=np.float32))
    return WeightMatrix(
        matrix=matrix,
        similarities=np.ones(matrix.nnz, np.float32),
        origins=np.array(origins, np.uint8),
        rules=np.zeros(len(origins), np.uint8),
    )


@pytest.fixture(autouse=True)
def two_anchors_suffice(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let the two anchors of these small spaces be enough, except where the test is of too few."""
    if "few_anchors" not in request.node.name:
        monkeypatch.setattr(health, "FEW_ANCHORS", 2)


SOUND = vectors([[1, 0], [0, 1], [1, 0], [0, 2], [0, 0]])
WEIGHTS = weight_matrix(
    [[1, 0, 0, 0], [0, 1, 0, 0], [0.75, 0.25, 0, 0], [0.5, 0.25, 0.25, 0], [0, 0, 0, 0]],
    [COPIED, COPIED, COMBINED, COMBINED, FALLBACK],
)


def test_numbers_by_hand() -> None:
    """Pairs of new with anchor: cosines 1, 0, 0, 1, mean 1/2. Of 10 occurrences of new tokens, 9 have a vector."""
    report = auxiliary_health(SOUND, WEIGHTS, NEW, ANCHORS, FREQUENCY)
    assert report["mean_cosine"] == pytest.approx(0.5)
    assert report["coverage_types"] == pytest.approx(2 / 3)
    assert report["coverage_occurrences"] == pytest.approx(0.9)
    assert (report["n_anchors"], report["n_new_with_vector"]) == (2, 2)
    assert report["median_support"] == 2.5
    assert report["median_max_weight"] == pytest.approx(0.625)
    assert not report["collapsed"]
    assert report["remedy"] == ""
    assert report["warnings"] == []


def test_what_counts_say_of_a_token_that_never_occurs_is_its_spelling_and_covers_nothing() -> None:
    """Without token 3, one of three new ones and 6 of 7 occurrences are covered; trained vectors count as they are."""
    unseen = np.array([50, 40, 6, 0, 1])
    counted = auxiliary_health(vectors(SOUND.vectors.tolist(), kind="counted"), WEIGHTS, NEW, ANCHORS, unseen)
    assert (counted["n_new_with_vector"], counted["coverage_types"]) == (1, pytest.approx(1 / 3))
    assert counted["coverage_occurrences"] == pytest.approx(6 / 7)
    assert counted["n_anchors"] == 2
    assert auxiliary_health(SOUND, WEIGHTS, NEW, ANCHORS, unseen)["n_new_with_vector"] == 2
    nearby = vectors([[1, 0], [0, 1], [1, 0], [1, 0], [0, 0]], kind="counted")
    without_the_second_anchor = auxiliary_health(nearby, WEIGHTS, NEW, ANCHORS, np.array([50, 0, 6, 3, 1]))
    assert without_the_second_anchor["mean_cosine"] == pytest.approx(1.0)


@pytest.mark.parametrize(("drawn", "said"), [(True, "have their spelling alone"), (False, "take the fallback")])
def test_a_text_too_small_says_what_becomes_of_the_others(drawn: bool, said: str) -> None:
    few = vectors([[1, 0], [0, 1], [1, 0], [1, 1], [1, 2]], kind="counted", ngrams=drawn)
    (told,) = auxiliary_health(few, WEIGHTS, NEW, ANCHORS, np.array([50, 40, 6, 0, 0]))["warnings"]
    assert f"only 1 of 3 new tokens occur often enough to get a vector, the others {said};" in told


def test_mean_cosine_is_the_mean_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    made = vectors(rng.normal(size=(5, 7)).tolist())
    unit = made.vectors / np.linalg.norm(made.vectors, axis=1, keepdims=True)
    report = auxiliary_health(made, WEIGHTS, NEW, ANCHORS, FREQUENCY)
    assert report["mean_cosine"] == pytest.approx(float((unit[NEW] @ unit[ANCHORS].T).mean()), abs=1e-6)


COLLAPSED = [[1, 0.1], [1, 0], [1, -0.1], [1, 0.05], [1, 0.02]]


def test_collapsed_space_is_named_with_the_remedy() -> None:
    report = auxiliary_health(vectors(COLLAPSED), WEIGHTS, NEW, ANCHORS, FREQUENCY)
    assert report["mean_cosine"] > 0.98
    assert report["collapsed"]
    assert report["remedy"] == "leave --epochs at auto, which is 40 for this corpus"
    (sentence,) = report["warnings"]
    assert "collapsed" in sentence
    assert "little more than a mean; leave --epochs at auto" in sentence


def test_remedy_when_the_automatic_epochs_were_not_enough() -> None:
    report = auxiliary_health(vectors(COLLAPSED, epochs=40), WEIGHTS, NEW, ANCHORS, FREQUENCY)
    assert report["remedy"] == "raise --epochs to 80, or give more text"


def test_remedy_for_counted_vectors_names_no_option_of_fasttext() -> None:
    report = auxiliary_health(vectors(COLLAPSED, kind="counted"), WEIGHTS, NEW, ANCHORS, FREQUENCY)
    assert report["collapsed"]
    assert report["remedy"] == "give more text, or a smaller vocabulary"


def test_counts_that_cover_little_are_told_as_trained_ones_are() -> None:
    few = vectors([[1, 0], [0, 1], [1, 0], [0, 0], [0, 0]], kind="counted")
    report = auxiliary_health(few, WEIGHTS, NEW, ANCHORS, FREQUENCY, supported_size=lambda: 3)
    assert report["supported_size"] == 3
    (told,) = report["warnings"]
    assert told.startswith("This corpus of 1,000 tokens is small for its vocabulary: only 1 of 3 new tokens")
    assert "--min-count" not in told


def test_remedy_for_given_vectors() -> None:
    report = auxiliary_health(vectors(COLLAPSED, kind="token"), WEIGHTS, NEW, ANCHORS, None)
    assert report["remedy"].startswith("give vectors trained longer")


def test_wide_support_is_a_collapse_too() -> None:
    """150 contributors of equal weight: a mean, whatever the cosines."""
    wide = weight_matrix([[1 / 150] * 150] * 5, [COMBINED] * 5)
    report = auxiliary_health(SOUND, wide, NEW, ANCHORS, FREQUENCY)
    assert report["median_support"] == 150
    assert report["collapsed"]


def test_vocabulary_too_large_for_its_corpus_is_told_with_the_size_that_the_text_supports() -> None:
    """One of three new tokens has a vector; a text that supports 380 tokens supports the 5 here, and not 500."""
    made = vectors([[1, 0], [0, 1], [1, -0.5], [0, 0], [0, 0]], min_count=3)
    (sentence,) = auxiliary_health(made, WEIGHTS, NEW, ANCHORS, FREQUENCY, supported_size=lambda: 380)["warnings"]
    assert "corpus of 1,000 tokens is small for its vocabulary: only 1 of 3 new tokens" in sentence
    assert "a lower --min-count (it is 3)" in sentence
    assert "a vocabulary of about" not in sentence
    wide = np.zeros((500, 2), np.float32)
    wide[:3] = made.vectors[:3]
    large = AuxiliaryVectors(vectors=wide, has_vector=wide.any(axis=1), kind="trained", settings=SETTINGS)
    (sentence,) = auxiliary_health(large, WEIGHTS, NEW, ANCHORS, FREQUENCY, supported_size=lambda: 380)["warnings"]
    assert "a vocabulary of about 380 tokens" in sentence
    assert "--min-count" not in sentence
    (sentence,) = auxiliary_health(large, WEIGHTS, NEW, ANCHORS, FREQUENCY)["warnings"]
    assert "a vocabulary of about" not in sentence, "nobody knows the text"


def test_the_text_is_not_looked_at_where_no_smaller_vocabulary_is_advised() -> None:
    def never() -> int:
        raise AssertionError("it was asked for a size")

    assert auxiliary_health(SOUND, WEIGHTS, NEW, ANCHORS, FREQUENCY, supported_size=never)["warnings"] == []


def test_given_vectors_that_do_not_cover_the_text() -> None:
    made = vectors([[1, 0], [0, 1], [0, 0], [0, 2], [1, 0]], kind="token")
    (sentence,) = auxiliary_health(made, WEIGHTS, NEW, ANCHORS, FREQUENCY)["warnings"]
    assert sentence.startswith("60 % of the occurrences of new tokens fall on tokens without")


def test_nothing_new_and_no_corpus() -> None:
    copied = weight_matrix([[1, 0], [0, 1]], [COPIED, COPIED])
    made = vectors([[1, 0], [0, 1]])
    report = auxiliary_health(made, copied, np.array([], dtype=np.int64), ANCHORS, None)
    assert report["mean_cosine"] is report["median_support"] is report["coverage_types"] is None
    assert report["coverage_occurrences"] is None
    assert not report["collapsed"]
    assert report["warnings"] == []


@pytest.mark.parametrize(
    ("anchors", "words"), [([0, 1], "Only 2 shared tokens of text are"), ([0], "Only 1 shared token of text is")]
)
def test_few_anchors_are_named_first_and_no_space_of_theirs_is_called_collapsed(anchors: list[int], words: str) -> None:
    alike = vectors([[1, 0]] * 5)
    report = auxiliary_health(alike, WEIGHTS, NEW, np.array(anchors), FREQUENCY)
    assert report["mean_cosine"] == pytest.approx(1.0)
    assert not report["collapsed"]
    assert report["remedy"] == ""
    assert report["warnings"][0].startswith(words)
    assert "--epochs" not in report["warnings"][0]
    assert "--map" in report["warnings"][0]


def test_few_anchors_are_no_matter_where_nothing_is_new() -> None:
    none = np.array([], dtype=np.int64)
    assert auxiliary_health(SOUND, WEIGHTS, none, none, FREQUENCY)["warnings"] == []


def test_few_anchors_of_many_shared_tokens_want_vectors_and_no_other_source() -> None:
    many = vectors([[1, 0], [0, 1], *[[0, 0]] * 60])
    weights = weight_matrix([[1, 0], [0, 1], *[[0, 0]] * 60], [COPIED, COPIED, *[FALLBACK] * 60])
    found = auxiliary_health(many, weights, np.arange(50, 62), np.array([0, 1]), None)["warnings"][0]
    assert found.startswith("Only 2 of 50 shared tokens of text are anchors: ")
    assert "--map" not in found
    special = np.arange(62) < 5
    found = auxiliary_health(many, weights, np.arange(50, 62), np.array([5, 6]), None, is_special=special)
    assert found["warnings"][0].startswith("Only 2 of 45 shared tokens of text are anchors: ")


@pytest.mark.parametrize(
    ("min_count", "supported", "remedy"),
    [
        (3, 60, "; more text, a lower --min-count or vectors that cover them would"),
        (1, 60, "; more text or vectors that cover them would"),
        (1, 30, "; a vocabulary of about 30 tokens (it has 62), more text or vectors that cover them would"),
    ],
)
def test_few_anchors_of_many_are_given_remedies_that_are_not_followed_yet(
    min_count: int, supported: int, remedy: str
) -> None:
    many = vectors([[1, 0], [0, 1], *[[0, 0]] * 60], min_count=min_count)
    weights = weight_matrix([[1, 0], [0, 1], *[[0, 0]] * 60], [COPIED, COPIED, *[FALLBACK] * 60])
    new, anchors = np.arange(50, 62), np.array([0, 1])
    found = auxiliary_health(many, weights, new, anchors, None, supported_size=lambda: supported)
    assert remedy in found["warnings"][0]
    assert found["supported_size"] == supported


def test_single_bytes_are_no_anchors_of_text_and_few_anchors_beside_them_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "FEW_ANCHORS", 2)
    alike = vectors([[1, 0]] * 5)
    assert auxiliary_health(alike, WEIGHTS, NEW, ANCHORS, FREQUENCY)["collapsed"]
    is_byte = np.array([True, False, False, False, False])
    found = auxiliary_health(alike, WEIGHTS, NEW, ANCHORS, FREQUENCY, is_byte=is_byte)
    assert not found["collapsed"]
    assert found["n_anchors"] == 2
    assert found["warnings"][0].startswith("Only 1 shared token of text is an anchor")
