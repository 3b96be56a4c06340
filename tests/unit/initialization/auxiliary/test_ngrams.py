"""Rare tokens are drawn to frequent ones spelt alike: by hand, and where nothing may be drawn."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.initialization.auxiliary.ngrams import draw_rare_tokens, ngram_matrix
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend

NAMES = ["[UNK]", "kitabu", "vitabu", "kitanda", "zzz", "qq", "[CLS]"]
UNK, KITABU, VITABU, KITANDA, ZZZ, QQ, CLS = range(7)
OWN = np.array([[0, 0], [3, 4], [0, 2], [5, 0], [0, 1], [1, 0], [0, 0]], dtype=np.float32)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    backend = Tokenizer(models.WordLevel({name: i for i, name in enumerate(NAMES)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in ("[UNK]", "[CLS]")])
    return vocabulary_from_backend(backend, name="words", config={"unk_token": "[UNK]", "cls_token": "[CLS]"})


def frequencies(**seen: int) -> np.ndarray:
    return np.array([seen.get(name, 0) for name in NAMES])


def test_alike_are_those_that_share_ngrams_and_special_tokens_have_none(vocabulary: Vocabulary) -> None:
    alike = (ngram_matrix(vocabulary) @ ngram_matrix(vocabulary).T).toarray()
    assert alike[KITABU, VITABU] > alike[KITABU, KITANDA] > 0  # itabu> of seven letters, kita of them
    assert alike.diagonal()[[KITABU, VITABU, KITANDA]] == pytest.approx([1, 1, 1])
    assert not alike[[UNK, ZZZ, QQ, CLS]].any(), "an n-gram of one token alone weighs nothing"


def test_a_token_goes_as_far_as_it_is_rare(vocabulary: Vocabulary) -> None:
    """With one frequent token alone, the mean direction is that token's: (3, 4) / 5."""
    seen = frequencies(kitabu=1000, vitabu=5, zzz=3)
    drawn = draw_rare_tokens(OWN, vocabulary, seen)
    assert drawn[KITANDA] == pytest.approx([0.6, 0.8]), "it never occurs: all of it is the other's"
    assert drawn[VITABU] == pytest.approx(np.array([0, 1]) * 5 / 15 + np.array([0.6, 0.8]) * 10 / 15)
    assert drawn[KITABU] == pytest.approx([0.6, 0.8]), "nobody frequent is like it, and itself does not count"
    assert drawn[ZZZ] == pytest.approx([0, 1]), "it shares no n-gram"
    assert not drawn[[UNK, CLS]].any()


def test_without_a_frequent_token_nothing_is_drawn(vocabulary: Vocabulary) -> None:
    drawn = draw_rare_tokens(OWN, vocabulary, frequencies(kitabu=9, vitabu=9, kitanda=1))
    length = np.linalg.norm(OWN, axis=1, keepdims=True)
    assert drawn == pytest.approx(OWN / np.where(length > 0, length, 1))


def test_each_frequent_token_weighs_as_much_as_it_is_alike(vocabulary: Vocabulary) -> None:
    alike = (ngram_matrix(vocabulary) @ ngram_matrix(vocabulary).T).toarray()
    drawn = draw_rare_tokens(OWN, vocabulary, frequencies(vitabu=50, kitanda=10))
    mean = alike[KITABU, VITABU] * np.array([0, 1]) + alike[KITABU, KITANDA] * np.array([1, 0])
    assert drawn[KITABU] == pytest.approx(mean / np.linalg.norm(mean))
