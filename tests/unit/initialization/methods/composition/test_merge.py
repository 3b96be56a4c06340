"""Merge: every row of ``W`` worked out, of tokenizers with merges and of those without."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.errors import VocabularyError
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.composition.rows import mixed
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend

Model = models.BPE | models.Unigram | models.WordPiece | models.WordLevel


def vocabulary(model: Model) -> Vocabulary:
    backend = Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return vocabulary_from_backend(backend, name="made", config={"unk_token": "[UNK]"})


def numbered(*tokens: str) -> dict[str, int]:
    return {token: i for i, token in enumerate(tokens)}


def run(source: Vocabulary, target: Vocabulary) -> MethodOutput:
    config = METHODS["merge"].resolve(InitConfig(method="merge"))
    overlap = match_vocabularies(source, target, mode=config.match)
    inputs = MethodInput(source=source, target=target, overlap=overlap, config=config)
    check = METHODS["merge"].check
    assert check is not None
    check(inputs)
    return METHODS["merge"](inputs)


def rows(made: MethodOutput, source: Vocabulary, target: Vocabulary) -> dict[str, dict[str, float]]:
    """Return every combined row by the tokens' native forms."""
    matrix, found = made.weights.matrix.tocoo(), {}
    for t, s, weight in zip(*matrix.coords, matrix.data, strict=True):
        if made.weights.origins[t] == COMBINED:
            found.setdefault(target.tokens[t], {})[source.tokens[s]] = float(weight)
    return found


BYTES = ("a", "b", "c")
MERGES = [("a", "b"), ("ab", "c"), ("b", "c"), ("a", "bc"), ("x", "a")]


def test_merges_by_hand() -> None:
    """ab = ½a + ½b, bc = ½b + ½c; abc is made of ab c (¼ ¼ ½) and of a bc (½ ¼ ¼), half of each. x is in no source."""
    source = vocabulary(models.BPE(vocab=numbered(*BYTES), merges=[]))
    target = vocabulary(models.BPE(vocab=numbered(*BYTES, "ab", "bc", "abc", "x", "xa", "alone"), merges=MERGES))
    made = run(source, target)
    assert rows(made, source, target) == {
        "ab": {"a": 0.5, "b": 0.5},
        "bc": {"b": 0.5, "c": 0.5},
        "abc": {"a": 0.375, "b": 0.25, "c": 0.375},
    }
    assert [made.weights.origins[target.tokens.index(t)] for t in ("a", "x", "xa", "alone")] == [
        COPIED,
        *[FALLBACK] * 3,
    ]
    assert made.notes == {"n_composed": 3}


def test_a_shared_part_is_not_taken_apart() -> None:
    source = vocabulary(models.BPE(vocab=numbered(*BYTES, "ab"), merges=[("a", "b")]))
    target = vocabulary(models.BPE(vocab=numbered(*BYTES, "ab", "abc"), merges=MERGES[:2]))
    assert rows(run(source, target), source, target) == {"abc": {"ab": 0.5, "c": 0.5}}


def test_parts_with_a_mark() -> None:
    """Where inner parts have a prefix, a merge takes it off: what it makes is no longer than they are."""
    prefix = {"continuing_subword_prefix": "##"}
    source = vocabulary(models.BPE(vocab=numbered("a", "##b", "##c"), merges=[], **prefix))
    merges = [("##b", "##c"), ("a", "##bc")]
    target = vocabulary(models.BPE(vocab=numbered("a", "##b", "##c", "##bc", "abc"), merges=merges, **prefix))
    made = rows(run(source, target), source, target)
    assert made == {"##bc": {"##b": 0.5, "##c": 0.5}, "abc": {"a": 0.5, "##b": 0.25, "##c": 0.25}}


def test_the_best_cut_of_a_tokenizer_of_scores() -> None:
    """soko is so ko (−5) and not s oko (−9), although the target itself knows it whole; kod has a letter nobody has."""
    source = vocabulary(models.Unigram([("[UNK]", 0.0), *((t, -9.0) for t in ("so", "ko", "s", "oko"))], unk_id=0))
    scores = {"[UNK]": 0.0, "so": -2.0, "ko": -3.0, "s": -1.0, "oko": -8.0, "soko": -1.5, "kod": -2.0}
    target = vocabulary(models.Unigram(list(scores.items()), unk_id=0))
    made = run(source, target)
    assert rows(made, source, target) == {"soko": {"so": 0.5, "ko": 0.5}}
    assert made.weights.origins[target.tokens.index("kod")] == FALLBACK


def test_the_longest_cut_of_word_pieces() -> None:
    source = vocabulary(models.WordPiece(numbered("[UNK]", "so", "s", "##ko", "##okoni", "##ni"), unk_token="[UNK]"))
    names = ("[UNK]", "so", "s", "##ko", "##okoni", "##ni", "sokoni", "##koni", "sox")
    target = vocabulary(models.WordPiece(numbered(*names), unk_token="[UNK]"))
    made = run(source, target)
    third = pytest.approx(1 / 3)
    assert rows(made, source, target) == {
        "sokoni": {"so": third, "##ko": third, "##ni": third},
        "##koni": {"##ko": 0.5, "##ni": 0.5},
    }
    assert made.weights.origins[target.tokens.index("sox")] == FALLBACK


def test_whole_words_have_no_parts() -> None:
    words = vocabulary(models.WordLevel(numbered("[UNK]", "one", "two"), unk_token="[UNK]"))
    with pytest.raises(
        VocabularyError, match="expected a tokenizer with merges, or one that cuts words, got one of whole"
    ):
        run(words, words)


def test_the_mean_of_one_row_is_that_row() -> None:
    assert mixed([{3: 0.25, 5: 0.75}]) == {3: 0.25, 5: 0.75}
