"""Who borrows from whom: beginnings, the longest parts, and unsmoothed counts alone."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.initialization.methods.parallel.smoothing import Trie, smooth, spelled
from focus_core.initialization.methods.parallel.spreading import summed
from focus_core.tokenization.vocabulary import vocabulary_from_backend

TEXTS = [b" nyumba", b" nyumbani", b"mba", b"ni", b"n", b" nyum", b" nyumbanini", b"qq"]
TRIE = Trie({text: i for i, text in enumerate(TEXTS[:5])})


@pytest.mark.parametrize(
    ("text", "beginning", "within"),
    [
        (b" nyum", [0, 1], [4]),
        (b" nyumbanini", [], [1]),  # all others lie within nyumbani
        (b"mbanini", [], [2, 3]),
        (b"nim", [], [3]),
        (b"qq", [], []),
        (b" ", [0, 1], []),
    ],
)
def test_relatives_by_hand(text: bytes, beginning: list[int], within: list[int]) -> None:
    assert TRIE.beginning_with(text) == beginning
    assert TRIE.within(text) == within


def by_testing_every_pair(text: bytes) -> set[int]:
    """The longest parts as they are published: all that lie within, without those that lie within a longer one."""
    inside = [other for other in TEXTS[:5] if other in text]
    return {TEXTS.index(a) for a in inside if not any(a in b for b in inside if b != a)}


def test_parts_are_those_of_the_test_of_every_pair() -> None:
    for text in (b" nyumbani", b"mbani", b"nyumban", b"ninini", b"mbamba"):
        assert set(TRIE.within(text)) == by_testing_every_pair(text), text


def test_borrowed_counts_by_hand() -> None:
    """nyum begins nyumba (all source 1, a word start) and nyumbani (sources 0 and 2 alike), and holds n (source 0).

    Shares: source 0 .5 + 1, source 1 1 times 2 for the word start, source 2 .5.
    """
    counts = summed([0, 1, 1, 4], [1, 0, 2, 0], [5, 3, 3, 40], shape=(8, 3))
    made = smooth(counts, TEXTS, [5, 7], np.array([False, True, False])).toarray()
    np.testing.assert_allclose(made[5], [1.5, 2, 0.5])
    assert not made[[0, 1, 2, 3, 4, 6, 7]].any()


def test_no_token_borrows_what_another_one_borrowed() -> None:
    """The published code enters what it smooths into the table it reads, so later tokens saw earlier ones."""
    counts = summed([0], [1], [5], shape=(8, 3))
    together = smooth(counts, TEXTS, [5, 6], np.zeros(3, bool)).toarray()
    for i in (5, 6):
        np.testing.assert_allclose(smooth(counts, TEXTS, [i], np.zeros(3, bool)).toarray()[i], together[i])


def test_a_word_start_is_the_same_in_every_family() -> None:
    """The published code looks for SentencePiece's mark alone, and never finds it in GPT-2's alphabet."""
    byte_level = Tokenizer(models.BPE({"Ġ": 0, "a": 1, "Ġa": 2, "é": 3}, [("Ġ", "a")]))
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel()
    wordpiece = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##a": 2}, unk_token="[UNK]"))
    one, other = (vocabulary_from_backend(t, name="tiny") for t in (byte_level, wordpiece))
    assert spelled(one)[1:3] == [b"a", b" a"]
    assert one.word_start.tolist()[2]
    assert spelled(other)[1:] == [b" a", b"a"]
