"""Align: characters in common, counted over the occurrences of a new token; every row of ``W`` worked out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.corpus.corpus import open_corpus
from focus_core.errors import CorpusError
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.composition.align import count_covers, cover_spans
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from tests.tiny_models import byte_level_bpe

ALIGN = METHODS["align"]


def pieces(*names: str) -> Vocabulary:
    """Build a WordPiece vocabulary, in the order given, after its unknown token."""
    backend = Tokenizer(models.WordPiece({n: i for i, n in enumerate(("[UNK]", *names))}, unk_token="[UNK]"))
    backend.add_special_tokens(["[UNK]"])
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return vocabulary_from_backend(backend, name="pieces", config={"unk_token": "[UNK]"})


SOURCE = pieces("so", "##ko", "##koni", "ma", "##ua", "##m")
TARGET = pieces("soko", "##ni", "ma", "##u", "##ama", "zzz", "maua", "qq")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines")


@pytest.fixture
def given_lines(tmp_path: Path) -> Callable[..., MethodInput]:
    def build(*lines: str, source: Vocabulary = SOURCE, target: Vocabulary = TARGET, **options: object) -> MethodInput:
        path = tmp_path / "text.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        config = ALIGN.resolve(InitConfig(method="align", **options))  # type: ignore[arg-type]
        overlap = match_vocabularies(source, target, mode=config.match)
        return MethodInput(source=source, target=target, overlap=overlap, config=config, corpus=open_corpus([path]))

    return build


def row(made: MethodOutput, token: str) -> dict[str, float]:
    entries = made.weights.matrix[[TARGET.tokens.index(token)]].tocoo()
    return {SOURCE.tokens[i]: float(w) for i, w in zip(entries.coords[1], entries.data, strict=True)}


def test_rows_by_hand(given_lines: Callable[..., MethodInput]) -> None:
    """The first word is so ##ko by the source, the second so ##koni, the last ones ma ##ua and unknown.

    soko covers so twice (2 + 2), ##ko (2) and two characters of ##koni; ##ni the other two of it.
    """
    made = ALIGN(given_lines("soko sokoni", "maua", "qq"))
    assert row(made, "soko") == {"so": 0.5, "##ko": 0.25, "##koni": 0.25}
    assert row(made, "##ni") == {"##koni": 1.0}
    assert row(made, "maua") == {"ma": 0.5, "##ua": 0.5}
    assert row(made, "ma") == {"ma": 1.0}
    codes = [made.weights.origins[TARGET.tokens.index(t)] for t in ("soko", "ma", "zzz", "##ama", "qq")]
    assert codes == [COMBINED, COPIED, FALLBACK, FALLBACK, FALLBACK]
    assert made.notes == {"n_aligned": 3}


def test_the_largest_alone(given_lines: Callable[..., MethodInput]) -> None:
    assert row(ALIGN(given_lines("soko sokoni", top_k=1)), "soko") == {"so": 1.0}


def test_bytes_of_a_character_share_it(given_lines: Callable[..., MethodInput]) -> None:
    """é is two tokens of the new tokenizer, a byte each: half of the character for either."""
    target = vocabulary_from_backend(byte_level_bpe(("x",), size=257), name="bytes")
    source = pieces("caf", "##é")
    counts = count_covers(given_lines("café", source=source, target=target)).toarray()
    first, second = (target.tokens.index(symbol) for symbol in "Ã©")
    accent = source.tokens.index("##é")
    assert counts[[first, second], accent].tolist() == [0.5, 0.5]
    assert counts[:, source.tokens.index("caf")].sum() == 3


def test_the_space_before_a_word_belongs_to_no_token_of_letters() -> None:
    encoding = byte_level_bpe().encode("a  the", add_special_tokens=False)
    begins, ends = cover_spans("a  the", encoding)
    words = ["a  the"[a:b] for a, b in zip(begins, ends, strict=True)]
    assert words == ["a", " ", "the"]


@settings(max_examples=40)
@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_every_character_is_counted_once(folder: Path, words: list[str], data: st.DataObject) -> None:
    """Where the source knows all letters, a new token's counts sum to its length times its occurrences."""
    letters = ["a", "b", "c", "##a", "##b", "##c"]
    source = pieces(*letters, *data.draw(st.sets(st.sampled_from(["ab", "##bc", "abc", "##ca"]))))
    target = pieces(*letters, *data.draw(st.sets(st.sampled_from(["aa", "##ab", "bc", "##cab", "cc"]))))
    line, file = " ".join(words), folder / "line.txt"
    file.write_text(line + "\n", encoding="utf-8")
    overlap = match_vocabularies(source, target, mode=InitConfig().match)
    inputs = MethodInput(source=source, target=target, overlap=overlap, config=InitConfig(), corpus=open_corpus([file]))
    counts = count_covers(inputs)
    seen = np.bincount(target.backend.encode(line, add_special_tokens=False).ids, minlength=target.n)
    lengths = np.array(list(map(len, target.texts)))
    new = overlap.new_ids
    assert np.asarray(counts.sum(axis=1)).ravel()[new] == pytest.approx((seen * lengths)[new])


def test_no_lines(given_lines: Callable[..., MethodInput]) -> None:
    inputs = dataclasses.replace(given_lines("soko"), corpus=None)
    assert ALIGN.check is not None
    with pytest.raises(CorpusError, match="method align: expected lines that both tokenizers cut, got none; give"):
        ALIGN.check(inputs)
