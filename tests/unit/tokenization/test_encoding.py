"""The words' way of encoding gives what the tokenizer gives for whole lines, or is not taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from focus_core.tokenization import encoding as line_encoding
from focus_core.tokenization.encoding import (
    DirectEncoder,
    EncodedLines,
    WordEncoder,
    make_encoder,
    plain_backend,
    word_prefix,
)
from tests.conftest import SENTENCES, TokenizerFamily

HOSTILE = (
    "  two  spaces   in a row ",
    "tab\tand\u00a0no-break space",
    "spacing accents ¨ ´a b¯ in NFKC",
    "combining \u0301a at the front",
    "<mask> and </s> and [MASK] and <|endoftext|> in the text",
    "a<mask>b <s>",
    "zero\u200bwidth \u200b and soft\u00adhyphen",
    "a very_" + "long" * 40 + " word",
    "١٢٣ 12,345.67 Ⅻ ﬁne ﷺ",
    "😀 👨\u200d👩\u200d👧 e\u0301",
    "▁ ▁▁ under▁score ▁x",
    "x",
)
LINES = [*SENTENCES, *HOSTILE, *SENTENCES]


def names_of(backend: Tokenizer) -> list[bytes]:
    return [(backend.id_to_token(i) or "").encode() for i in range(backend.get_vocab_size() + 8)]


def per_line(encoded: EncodedLines, n_lines: int) -> list[list[int]]:
    return [encoded.ids[encoded.line_of == i].tolist() for i in range(n_lines)]


def assert_like_the_tokenizer(backend: Tokenizer, encoded: EncodedLines, lines: list[str]) -> None:
    expected = [backend.encode(line, add_special_tokens=False).ids for line in lines]
    assert per_line(encoded, len(lines)) == expected
    names = names_of(backend)
    assert encoded.rows == [b" ".join(names[i] for i in ids) for ids in expected]


def test_direct_encoder_is_the_tokenizer(tokenizer_family: TokenizerFamily) -> None:
    backend = tokenizer_family.tokenizer
    assert_like_the_tokenizer(backend, DirectEncoder(backend, names_of(backend)).encode(LINES), LINES)


@pytest.mark.parametrize("family", ["unigram", "byte-level-bpe", "wordpiece", "wordlevel", "bpe"])
def test_words_encoded_once_give_the_tokens_of_whole_lines(
    build_tokenizer: Callable[[str], Tokenizer], family: str
) -> None:
    """Twice over: what comes from the table of words is what was put into it."""
    backend = build_tokenizer(family)
    prefix = word_prefix(backend)
    assert prefix == (" " if family == "byte-level-bpe" else ""), "only this one tells a word from one after a space"
    encoder = WordEncoder(DirectEncoder(backend, names_of(backend)), prefix=prefix)
    for _ in range(2):
        assert_like_the_tokenizer(backend, encoder.encode(LINES), LINES)


def test_table_of_words_is_bounded(
    build_tokenizer: Callable[[str], Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_encoding, "MAX_WORDS", 20)
    backend = build_tokenizer("unigram")
    encoder = WordEncoder(DirectEncoder(backend, names_of(backend)), prefix="")
    for line in LINES:
        assert_like_the_tokenizer(backend, encoder.encode([line]), [line])
        assert len(encoder._numbers) <= 20 + len(line.split(" "))


def test_sample_decides_against_words_that_hardly_repeat(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    backend = build_tokenizer("unigram")
    unique = [" ".join(f"w{i}x{j}" for j in range(10)) for i in range(300)]
    assert isinstance(make_encoder(backend, names_of(backend), unique), DirectEncoder)
    assert isinstance(make_encoder(backend, names_of(backend), list(SENTENCES)), WordEncoder)
    assert isinstance(make_encoder(backend, names_of(backend), []), DirectEncoder)


def test_a_part_that_is_not_what_its_name_says_is_caught_by_the_sample(
    build_tokenizer: Callable[[str], Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a rule that admits anything, a normaliser that joins words gives other rows on the sample."""
    backend = build_tokenizer("unigram")
    backend.normalizer = normalizers.Replace("e ", "e")
    monkeypatch.setattr(line_encoding, "_normalizer_is_local", lambda part: True)
    assert isinstance(make_encoder(backend, names_of(backend), list(SENTENCES)), DirectEncoder)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: setattr(t, "normalizer", normalizers.Replace(Regex("(?<=a) b"), "c")),
        lambda t: setattr(t, "normalizer", normalizers.Sequence([normalizers.NFC(), normalizers.Replace("a b", "c")])),
        lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.Split(Regex("[aeiou]"), "isolated")),
        lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.Metaspace(split=False)),
        lambda t: setattr(t, "pre_tokenizer", None),
        lambda t: t.add_tokens([AddedToken("two words", normalized=False)]),
        lambda t: t.add_tokens([AddedToken(" x", normalized=False)]),
    ],
)
def test_tokenizers_whose_words_interact(
    build_tokenizer: Callable[[str], Tokenizer], change: Callable[..., None]
) -> None:
    backend = build_tokenizer("unigram")
    change(backend)
    assert word_prefix(backend) is None
    encoder = make_encoder(backend, names_of(backend), LINES)
    assert isinstance(encoder, DirectEncoder)
    assert_like_the_tokenizer(backend, encoder.encode(LINES), LINES)


def test_dropout_is_left_to_the_tokenizer() -> None:
    backend = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")], dropout=0.5))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert word_prefix(backend) is None


def test_bpe_without_pre_tokenizer_whose_merges_cross_words() -> None:
    """`a▁b` spans two words, so `a b` is one token in a line and two apart."""
    backend = Tokenizer(models.BPE({"a": 0, "▁": 1, "b": 2, "a▁": 3, "a▁b": 4}, [("a", "▁"), ("a▁", "b")]))
    backend.normalizer = normalizers.Replace(" ", "▁")
    assert word_prefix(backend) is None


def test_truncation_and_padding_of_the_file_are_ignored(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    """`tokenizer.json` files of models come with both; a corpus line must not lose its end or gain pads."""
    plain = build_tokenizer("wordpiece")
    backend = Tokenizer.from_str(plain.to_str())
    backend.enable_truncation(4)
    backend.enable_padding(length=64)
    encoder = make_encoder(backend, names_of(backend), LINES)
    assert_like_the_tokenizer(plain, encoder.encode(LINES), LINES)
    assert backend.truncation is not None, "the tokenizer that was given is not touched"
    assert plain_backend(plain) is plain


def test_lines_may_be_empty_of_tokens(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    """A soft hyphen normalises to nothing; the line has no tokens and an empty row."""
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    backend.normalizer = normalizers.Replace("x", "")
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    encoded = make_encoder(backend, names_of(backend), ["x"]).encode(["a", "x", "a a"])
    assert encoded.rows == [b"a", b"", b"a a"]
    assert encoded.line_of.tolist() == [0, 2, 2]
    assert encoded.ids.dtype == np.int32


@pytest.mark.parametrize(
    ("tokenizer", "language"),
    [
        ("focus-sw-xlmr-unigram-50k", "sw"),
        ("focus-ar-bpe-50k", "ar"),
        ("llama2/tokenizer.model", "de"),
        ("bert-base-multilingual-cased", "xh"),
        ("xlm-roberta-base-rebuilt", "ha"),
        ("gpt2", "en"),
    ],
)
def test_real_tokenizers_on_real_text(data_dir: Path, tokenizer: str, language: str) -> None:
    from focus_core.corpus.corpus import iter_batches, open_corpus
    from focus_core.initialization.auxiliary.token_stream import token_names
    from focus_core.tokenization.vocabulary import load_vocabulary

    vocabulary = load_vocabulary(data_dir / "tokenizers" / tokenizer)
    direct = DirectEncoder(vocabulary.backend, token_names(vocabulary))
    prefix = word_prefix(vocabulary.backend)
    assert prefix is not None
    words = WordEncoder(direct, prefix=prefix)
    corpus = open_corpus([data_dir / "corpora" / language])
    for number, batch in enumerate(iter_batches(corpus, lines_per_batch=1000)):
        if number % 8 == 0:
            assert words.encode(batch).rows == direct.encode(batch).rows
