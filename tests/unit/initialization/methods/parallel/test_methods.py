"""Trans-Tokenization and RAMEN whole, with links given by hand: every row of ``W`` worked out."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.corpus.parallel import ParallelText
from focus_core.errors import CorpusError
from focus_core.initialization.config import InitConfig
from focus_core.initialization.foresight import foresee_parallel
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.parallel import alignment
from focus_core.initialization.methods.parallel.checks import check_parallel
from focus_core.initialization.methods.parallel.links import Links
from focus_core.initialization.methods.parallel.words import WordLines
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend


def pieces(*names: str) -> Vocabulary:
    """Build a WordPiece vocabulary, in the order given; its first token is the unknown one."""
    backend = Tokenizer(models.WordPiece({name: i for i, name in enumerate(names)}, unk_token=names[0]))
    backend.add_special_tokens([names[0]])
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return vocabulary_from_backend(backend, name="pieces", config={"unk_token": names[0]})


SOURCE = pieces("[UNK]", "house", "##s", "king", "sea", "1", "##9")
TARGET = pieces("[UNK]", "nyumba", "##ni", "mfal", "##me", "sea", "nyum", "19", "zz")
LINES = (("houses king sea", "nyumbani mfalme sea"), ("king", "mfalme"))
"""Words: houses (pieces house, ##s), king, sea; nyumbani (nyumba, ##ni), mfalme (mfal, ##me), sea."""


def text(pairs: tuple[tuple[str, str], ...] = LINES) -> ParallelText:
    return ParallelText(name="pairs.tsv", digest="", pairs=pairs, n_incomplete=0)


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Links of words by number: source, target, how often; a test may change them."""
    triples = [(0, 0, 8), (1, 1, 6), (2, 2, 1), (1, 0, 1)]

    def count_links(source: WordLines, target: WordLines, **options: object) -> Links:
        one, other, counts = np.array(triples, np.int64).reshape(-1, 3).T
        return Links(source=one, target=other, counts=counts)

    monkeypatch.setattr(alignment, "count_links", count_links)
    return triples


def run(method: str, **options: object) -> MethodOutput:
    config = METHODS[method].resolve(InitConfig(method=method, device="cpu", **options))  # type: ignore[arg-type]
    overlap = match_vocabularies(SOURCE, TARGET, mode=config.match)
    return METHODS[method](MethodInput(source=SOURCE, target=TARGET, overlap=overlap, config=config, parallel=text()))


@pytest.mark.usefixtures("linked")
def test_trans_tokenization_by_hand() -> None:
    """Links of one occurrence are left out on request: houses–nyumbani 8, king–mfalme 6.

    nyumba and ##ni: of 8, half to both pieces alike (2 each), half to the one in the same place (4): 6/8 and 2/8.
    mfal, ##me: king. sea is copied. nyum borrows from nyumba, which begins with it; house starts a word and counts
    twice: 12 to 2. 19 is a number: its first source subword is 1. zz is like nothing.
    """
    made = run("trans-tokenization", min_links=2)
    expected = np.zeros((9, 7))
    expected[0, 0] = expected[5, 4] = 1
    expected[1, [1, 2]] = 0.75, 0.25
    expected[2, [1, 2]] = 0.25, 0.75
    expected[[3, 4], 3] = 1
    expected[6, [1, 2]] = 12 / 14, 2 / 14
    expected[7, 5] = 1
    np.testing.assert_allclose(made.weights.matrix.toarray(), expected, atol=1e-6)
    origins = [COPIED, COMBINED, COMBINED, COMBINED, COMBINED, COPIED, COMBINED, COMBINED, FALLBACK]
    assert made.weights.origins.tolist() == origins
    assert made.notes == {"n_links": 16, "n_word_pairs": 2, "n_linked": 4, "n_smoothed": 1}


@pytest.mark.usefixtures("linked")
def test_without_copies_a_shared_token_counts_once_beside_its_links() -> None:
    """sea is linked with sea once, and shared: all of it. Special tokens are copied all the same."""
    made = run("trans-tokenization", copy_overlap=False, min_links=1)
    assert made.weights.origins.tolist()[:6] == [COPIED, *[COMBINED] * 5]
    assert made.weights.contributors(5)[0].tolist() == [4]
    np.testing.assert_allclose(made.weights.contributors(1)[1], [6 / 9, 2 / 9, 1 / 9])


def test_ramen_by_hand(linked: list[tuple[int, int, int]]) -> None:
    """Tokens by their order in the lines: house 0, ##s 1, king 2, sea 3; nyumba 0, ##ni 1, mfal 2, ##me 3, sea 4."""
    linked[:] = [(0, 0, 3), (2, 0, 1), (1, 1, 2), (3, 4, 5)]
    made = run("ramen")
    np.testing.assert_allclose(made.weights.matrix.toarray()[1, [1, 3]], [0.75, 0.25])
    assert made.weights.contributors(2)[0].tolist() == [2]
    assert made.weights.origins.tolist() == [COPIED, COMBINED, COMBINED, *[FALLBACK] * 2, COPIED, *[FALLBACK] * 3]


@pytest.mark.parametrize("method", ["trans-tokenization", "ramen"])
def test_nothing_aligned(method: str, linked: list[tuple[int, int, int]]) -> None:
    linked[:] = [(0, 0, 4)]
    message = r"pairs.tsv: expected words that are linked at least 5 times, got 4 for the pair .*--min-links"
    with pytest.raises(CorpusError, match=message):
        run(method, min_links=5)
    linked.clear()
    with pytest.raises(CorpusError, match="got no link at all"):
        run(method)


def test_too_few_pairs() -> None:
    with pytest.raises(CorpusError, match=r"pairs.tsv: expected at least 20 different pairs, to align .*, got 2"):
        check_parallel(text())


def test_swapped_sides_are_told() -> None:
    """Read in their order, ``aa b`` and ``cd`` are two tokens and one; swapped, six characters are unknown."""
    one, other = pieces("u", "aa", "b"), pieces("v", "cd")
    assert foresee_parallel(text((("aa b", "cd"),)), one, other) is None
    found = foresee_parallel(text((("cd", "aa b"),)), one, other)
    assert found is not None
    assert "in 5 tokens, and with the sides swapped in 3" in found.got
    assert "put the source's language first in --parallel" in found.remedy
