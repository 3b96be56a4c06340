"""FOCUS on vocabularies small enough to work out by hand: who is copied, who is combined, who falls back."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.errors import AuxiliaryError, VocabularyError
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import RULES, Fallback, MatchMode, Rule


def words(*names: str) -> Vocabulary:
    """Build a vocabulary of whole words, in the order given."""
    backend = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="unk"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return vocabulary_from_backend(backend, name="words")


def vectors(rows: list[list[float] | None]) -> AuxiliaryVectors:
    """Build vectors of two dimensions; ``None``: this token has no vector."""
    return AuxiliaryVectors(
        vectors=np.array([row or [0.0, 0.0] for row in rows], np.float32),
        has_vector=np.array([row is not None for row in rows]),
        kind="token",
        settings={},
    )


def run(source: Vocabulary, target: Vocabulary, auxiliary: AuxiliaryVectors | None, **options: object) -> MethodOutput:
    config = InitConfig(device="cpu", **options)  # type: ignore[arg-type]
    overlap = match_vocabularies(source, target, mode=config.match)
    given = MethodInput(source=source, target=target, overlap=overlap, auxiliary=auxiliary, config=config)
    return METHODS["focus"](given)


SOURCE = words("unk", "sun", "moon", "star", "sea")
TARGET = words("sea", "jua", "moon", "mwezi", "sun", "bahari")
"""sea, moon and sun overlap (source ids 4, 2, 1); jua, mwezi and bahari are new."""

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def test_rows_worked_out_by_hand() -> None:
    """Anchors sea = north, moon = east, sun = (3, 4) of cosines (0.8, 0.6) to north and east.

    jua = east: cosines 1 to moon, 0.6 to sun, 0 to sea. k = 2: 1 + 2 * 0.6 > 1.6; tau = (1.6 - 1) / 2 = 0.3, so
    moon 0.7, sun 0.3. mwezi = -east: cosines -1, -0.6, 0. k = 2: 1 + 2 * -0.6 = -0.2 > -0.6; tau = -0.8, so
    sea 0.8, sun 0.2. bahari has no vector.
    """
    auxiliary = vectors([NORTH, EAST, EAST, [-2.0, 0.0], [3.0, 4.0], None])
    made = run(SOURCE, TARGET, auxiliary)
    expected = np.zeros((6, 5))
    expected[0, 4] = expected[2, 2] = expected[4, 1] = 1
    expected[1, [2, 1]] = 0.7, 0.3
    expected[3, [4, 1]] = 0.8, 0.2
    np.testing.assert_allclose(made.weights.matrix.toarray(), expected, atol=1e-6)
    assert made.weights.origins.tolist() == [COPIED, COMBINED, COPIED, COMBINED, COPIED, FALLBACK]
    exact = RULES.index(Rule.EXACT)
    assert made.weights.rules.tolist() == [exact, 0, exact, 0, exact, 0]
    assert made.anchor_ids.tolist() == [0, 2, 4]
    np.testing.assert_allclose(made.weights.contributors(1)[2], [1.0, 0.6], atol=1e-6)


def test_overlapping_tokens_without_a_vector_are_copied_but_are_no_anchors() -> None:
    made = run(SOURCE, TARGET, vectors([NORTH, EAST, None, EAST, None, EAST]))
    assert made.anchor_ids.tolist() == [0]
    assert made.weights.origins.tolist() == [COPIED, COMBINED, COPIED, COMBINED, COPIED, COMBINED]
    assert made.weights.contributors(1)[0].tolist() == [4]


def test_a_vector_of_zeros_is_no_vector() -> None:
    """Marked as present, yet without direction: neither an anchor nor combined."""
    auxiliary = vectors([NORTH, [0.0, 0.0], [0.0, 0.0], EAST, EAST, EAST])
    assert auxiliary.has_vector.all()
    made = run(SOURCE, TARGET, auxiliary)
    assert made.anchor_ids.tolist() == [0, 4]
    assert made.weights.origins.tolist()[1] == FALLBACK


def test_no_new_tokens_is_a_success_that_copies_every_row() -> None:
    target = words("moon", "sun")
    made = run(SOURCE, target, None)
    assert made.weights.origins.tolist() == [COPIED, COPIED]
    assert made.weights.matrix.toarray().argmax(1).tolist() == [2, 1]
    assert made.anchor_ids.tolist() == []


def test_no_overlap_is_bad_input() -> None:
    target = words("jua", "mwezi")
    with pytest.raises(VocabularyError, match="overlap: expected a shared token, got none of 2 target tokens"):
        run(words("sun", "moon"), target, vectors([EAST, NORTH]))


def test_no_anchor_has_a_vector() -> None:
    """The reference dies inside numba here; we name the remedy."""
    with pytest.raises(AuxiliaryError, match=r"at least one overlapping token.*none for 3 .*--min-count") as caught:
        run(SOURCE, TARGET, vectors([None, EAST, None, EAST, None, EAST]))
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)


def test_new_tokens_without_vectors_all_fall_back() -> None:
    made = run(SOURCE, TARGET, vectors([EAST, None, EAST, None, EAST, None]))
    assert (made.weights.origins == FALLBACK).sum() == 3
    assert made.weights.support.tolist() == [1, 0, 1, 0, 1, 0]


def test_vectors_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(AuxiliaryError, match="auxiliary vectors: expected 6 rows, got shape"):
        run(SOURCE, TARGET, vectors([EAST] * 5))
    with pytest.raises(AuxiliaryError, match="auxiliary vectors: expected vectors, got none"):
        run(SOURCE, TARGET, None)


def test_nan_vectors_are_refused() -> None:
    with pytest.raises(AuxiliaryError, match="new vectors: expected finite numbers"):
        run(SOURCE, TARGET, vectors([EAST, [float("nan"), 1.0], EAST, EAST, EAST, EAST]))


def test_temperature_and_top_k_reach_the_kernel() -> None:
    """jua as above: at temperature 0.5 the scores are 2, 1.2: tau = (3.2 - 1) / 2 = 1.1, weights 0.9 and 0.1."""
    auxiliary = vectors([NORTH, EAST, EAST, EAST, [3.0, 4.0], EAST])
    cold = run(SOURCE, TARGET, auxiliary, temperature=0.5).weights.contributors(1)
    np.testing.assert_allclose(cold[1], [0.9, 0.1], atol=1e-6)
    assert run(SOURCE, TARGET, auxiliary, top_k=1).weights.contributors(1)[1].tolist() == [1.0]


def test_anchors_with_one_source_token_are_merged() -> None:
    """Fuzzily, Sun and sun are both the source's sun: two anchors, one contributor of the summed weight."""
    target = words("sun", "Sun", "jua")
    made = run(words("unk", "sun"), target, vectors([EAST, NORTH, [1.0, 1.0]]), match=MatchMode.FUZZY)
    assert made.weights.matrix.toarray()[:, 1].tolist() == pytest.approx([1, 1, 1])
    assert made.weights.support.tolist() == [1, 1, 1]


def test_a_row_does_not_depend_on_which_other_tokens_are_new() -> None:
    rng = np.random.default_rng(0)
    names = [f"w{i}" for i in range(400)]
    table = dict(zip([*names, "a", "b", "c"], rng.standard_normal((403, 8)).astype(np.float32), strict=True))
    source, rows = words("unk", *names[:200]), []
    for target_names in ([*names, "a", "b", "c"], ["c", *names[:201], "a"]):
        target = words(*target_names)
        auxiliary = AuxiliaryVectors(
            vectors=np.stack([table[name] for name in target_names]),
            has_vector=np.ones(len(target_names), bool),
            kind="token",
            settings={},
        )
        made = run(source, target, auxiliary).weights
        rows.append([made.contributors(target_names.index(name)) for name in ("w200", "a", "c")])
    for one, other in zip(*rows, strict=True):
        for left, right in zip(one, other, strict=True):
            assert left.tobytes() == right.tobytes()


def test_pieces_give_fallback_rows_their_weights() -> None:
    """By option, a token without a vector is the mean of its source subwords: bahari = ba + ##hari, a half each."""
    pieces = {"[UNK]": 0, "sun": 1, "ba": 2, "##hari": 3}
    backend = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    source = vocabulary_from_backend(backend, name="pieces")
    made = run(source, TARGET, vectors([None] * 4 + [EAST, None]), fallback=Fallback.SUBWORDS).weights
    assert made.origins.tolist() == [FALLBACK, FALLBACK, FALLBACK, FALLBACK, COPIED, FALLBACK]
    assert made.matrix.toarray()[5].tolist() == [0, 0, 0.5, 0.5]
    assert np.isnan(made.contributors(5)[2]).all()
    assert made.support[:4].tolist() == [0, 0, 0, 0], "sea, jua, moon and mwezi have no piece but the unknown one"
