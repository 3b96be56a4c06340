"""The stream for fastText: names, counts, long lines, example lines, and the corpora that are refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.corpus.corpus import Corpus, open_corpus
from focus_core.corpus.readers import read_texts
from focus_core.errors import CorpusError, VocabularyError
from focus_core.initialization.auxiliary.example_lines import EXAMPLES, MAX_EXAMPLE
from focus_core.initialization.auxiliary.token_stream import (
    MAX_ROW,
    escape_name,
    stream_warnings,
    token_names,
    tokenise_corpus,
)
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import SpecialTokenType
from tests.conftest import SENTENCES, TokenizerFamily
from tests.fasttext_names import unescape_name


def corpus_of(tmp_path: Path, lines: list[str]) -> Corpus:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return open_corpus([path])


def words(*names: str, special: tuple[str, ...] = ()) -> Vocabulary:
    """Return a word-level vocabulary with the ids [UNK], then the names, then the special tokens."""
    backend = Tokenizer(models.WordLevel({n: i for i, n in enumerate(["[UNK]", *names])}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    return vocabulary_from_backend(backend, name="words", config={"unk_token": "[UNK]"})


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("▁kitabu", "▁kitabu"),
        ("##kitabu", "##kitabu"),
        ("no\u00a0break", "no\u00a0break"),
        ("<s>", "<s>"),
        ("</s>x", "</s>x"),
        ("x__label__", "x__label__"),
        ("</s>", "␛</s>"),
        ("__label__", "␛__label__"),
        ("__label__de", "␛__label__de"),
        (" ", "␛␠"),
        ("a b", "␛a␠b"),
        ("\t\n\v\f\r\0", "␛␉␊␋␌␍␀"),
        ("␠", "␠"),
        ("␠ ", "␛␛␠␠"),
        ("␛", "␛␛␛"),
        ("", "␛"),
    ],
)
def test_names_of_tokens_that_fasttext_would_mangle(token: str, name: str) -> None:
    """Only they are escaped: n-grams of all others see the native string, as in the paper."""
    assert escape_name(token) == name
    assert unescape_name(name) == token


def test_every_id_has_a_name_of_its_own(tokenizer_family: TokenizerFamily) -> None:
    vocabulary = vocabulary_from_backend(tokenizer_family.tokenizer, name="small")
    names = [name for name, present in zip(token_names(vocabulary), vocabulary.present, strict=True) if present]
    assert len(set(names)) == len(names)
    assert not any(set(name) & set(b" \t\n\v\f\r\0") for name in names)


def test_counts_of_a_corpus_by_hand(tmp_path: Path) -> None:
    """Lines `a b a` and `c ?x`, with a blank one between: 5 tokens, `?x` unknown; 5 + 4 characters, `é` two bytes."""
    vocabulary = words("a", "b", "c")
    stream = tokenise_corpus(corpus_of(tmp_path, ["a b a", "  ", "c éx"]), vocabulary, tmp_path / "stream")
    assert stream.path.read_text(encoding="utf-8") == "a b a\nc [UNK]\n"
    assert stream.frequency.tolist() == [1, 2, 1, 1]
    assert (stream.n_lines, stream.n_characters, stream.n_bytes, stream.n_tokens) == (2, 9, 10, 5)
    assert stream.unknown == 1
    assert stream.unknown_share == 0.2
    assert stream.characters_per_token == 9 / 5
    assert stream.digest == hashlib.sha256(stream.path.read_bytes()).hexdigest()
    assert not stream.frequency.flags.writeable


def test_stream_is_the_native_tokens_joined_by_spaces(tokenizer_family: TokenizerFamily, tmp_path: Path) -> None:
    """As the reference writes it: `" ".join(tokenizer.tokenize(line))`, one line a line."""
    vocabulary = vocabulary_from_backend(tokenizer_family.tokenizer, name="small")
    corpus = corpus_of(tmp_path, list(SENTENCES))
    stream = tokenise_corpus(corpus, vocabulary, tmp_path / "stream", source=vocabulary)
    encoded = [vocabulary.backend.encode(line, add_special_tokens=False).tokens for line in SENTENCES]
    assert stream.path.read_text(encoding="utf-8") == "".join(" ".join(tokens) + "\n" for tokens in encoded)
    assert stream.n_tokens == sum(map(len, encoded))
    assert stream.source_frequency is not None
    assert stream.source_frequency.tolist() == stream.frequency.tolist()


def test_the_sources_tokens_are_counted_in_the_same_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One opening of each file, and the same stream, counts and examples as where nobody asks for the source's."""
    opened: list[Path] = []

    def counting(path: Path, **options: Any) -> Iterator[str]:
        opened.append(path)
        return read_texts(path, **options)

    monkeypatch.setattr("focus_core.corpus.corpus.read_texts", counting)
    corpus = corpus_of(tmp_path, ["a b a", "  ", "c d"])
    alone = tokenise_corpus(corpus, words("a", "b", "c"), tmp_path / "alone")
    opened.clear()
    both = tokenise_corpus(corpus, words("a", "b", "c"), tmp_path / "both", source=words("d", "a"))
    assert opened == list(corpus.paths)
    assert (tmp_path / "both").read_bytes() == (tmp_path / "alone").read_bytes()
    assert both.frequency.tolist() == alone.frequency.tolist() == [1, 2, 1, 1]
    assert both.examples == alone.examples
    assert alone.source_frequency is None
    assert both.source_frequency is not None
    assert both.source_frequency.tolist() == [2, 1, 2]
    assert not both.source_frequency.flags.writeable


def test_special_tokens_in_the_text_are_counted_and_escaped(tmp_path: Path) -> None:
    """The end-of-text token written out in a corpus must not end fastText's line."""
    vocabulary = words("a", special=("</s>",))
    stream = tokenise_corpus(corpus_of(tmp_path, ["a </s> a"]), vocabulary, tmp_path / "stream")
    assert stream.path.read_text(encoding="utf-8") == "a ␛</s> a\n"
    assert stream.frequency.tolist() == [0, 2, 1]


def test_lines_of_more_than_1024_tokens_are_split(tmp_path: Path) -> None:
    lines = [" ".join(["a"] * n) for n in (MAX_ROW, MAX_ROW + 1, 3 * MAX_ROW)]
    stream = tokenise_corpus(corpus_of(tmp_path, lines), words("a"), tmp_path / "stream")
    sizes = [line.count("a") for line in stream.path.read_text(encoding="utf-8").splitlines()]
    assert sizes == [MAX_ROW, MAX_ROW, 1, MAX_ROW, MAX_ROW, MAX_ROW]
    assert stream.n_lines == 3


def test_corpus_in_which_no_target_token_occurs(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"text that words knows, got no token of it in 2 lines"):
        tokenise_corpus(corpus_of(tmp_path, ["x y", "z"]), words("a", "b"), tmp_path / "stream")


def test_a_vocabulary_of_special_tokens_alone_is_named_as_that(tmp_path: Path) -> None:
    """No other text would help, so none is asked for."""
    with pytest.raises(VocabularyError, match=r"a vocabulary with tokens of text, got special tokens alone \(2\)"):
        tokenise_corpus(corpus_of(tmp_path, ["x y"]), words(special=("</s>",)), tmp_path / "stream")


def test_blank_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"corpus\.txt: expected some text, got none"):
        tokenise_corpus(corpus_of(tmp_path, [" ", "\t", ""]), words("a"), tmp_path / "stream")


def test_corpus_in_another_language_is_noticed(build_tokenizer: Callable[[str], Tokenizer], tmp_path: Path) -> None:
    """Tokens of a vocabulary of whole words; a corpus of single letters uses tokens of one character."""
    vocabulary = words("mkulima", "anauza", "mahindi", "a", "b")
    fits = tokenise_corpus(corpus_of(tmp_path, ["mkulima anauza mahindi"]), vocabulary, tmp_path / "stream")
    assert stream_warnings(fits, vocabulary) == []
    other = tokenise_corpus(corpus_of(tmp_path, ["a b a b x"]), vocabulary, tmp_path / "stream")
    first, second = stream_warnings(other, vocabulary)
    assert "only 1.8 characters" in first
    assert "4.4 on average" in first
    assert "20.0 % of the tokens" in second


def test_example_lines_are_short_distinct_and_at_most_three(tmp_path: Path) -> None:
    short, good, long = "a", "a " * 20 + "b", "a " * 300 + "c"
    lines = [short, long, good, good, good + " b", good + " b b", good + " b b b"]
    vocabulary = words("a", "b", "c")
    stream = tokenise_corpus(corpus_of(tmp_path, lines), vocabulary, tmp_path / "stream")
    of_a = [line for token, line in stream.examples if token == 1]
    assert of_a == [good, good + " b", good + " b b"]
    (of_c,) = [line for token, line in stream.examples if token == 3]
    assert len(of_c) <= MAX_EXAMPLE + 2
    assert of_c.startswith("…")
    assert of_c.endswith("c"), "the part around the token"
    assert [token for token, _ in stream.examples] == sorted(token for token, _ in stream.examples)
    assert all(len([t for t, _ in stream.examples if t == i]) <= EXAMPLES for i in range(4))


def test_a_better_line_replaces_a_worse_one_in_a_later_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("focus_core.corpus.corpus.CHARACTERS_PER_BATCH", 1)
    good = ["a good line of a fair length to read " + c for c in "wxyz"]
    stream = tokenise_corpus(corpus_of(tmp_path, ["a", "a b", "b a b", *good]), words("a", "b"), tmp_path / "stream")
    assert [line for token, line in stream.examples if token == 1] == good[:3]


def test_examples_can_be_left_out(tmp_path: Path) -> None:
    stream = tokenise_corpus(corpus_of(tmp_path, ["a"]), words("a"), tmp_path / "stream", examples=False)
    assert stream.examples == []


def test_progress_reaches_the_end_and_can_cancel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("focus_core.corpus.corpus.CHARACTERS_PER_BATCH", 1)
    seen: list[tuple[str, float, float]] = []

    def hook(stage: str, done: float, total: float, note: str = "") -> None:
        seen.append((stage, done, total))
        if len(seen) == 3:
            raise KeyboardInterrupt

    corpus = corpus_of(tmp_path, ["a"] * 3)
    with pytest.raises(KeyboardInterrupt):
        tokenise_corpus(corpus, words("a"), tmp_path / "stream", progress=hook)
    assert seen[-1] == ("tokenise", 5, 5)


def test_unknown_is_zero_without_an_unknown_token(build_tokenizer: Callable[[str], Tokenizer], tmp_path: Path) -> None:
    vocabulary = vocabulary_from_backend(build_tokenizer("byte-level-bpe"), name="bytes")
    assert SpecialTokenType.UNK not in vocabulary.special_token_types
    stream = tokenise_corpus(corpus_of(tmp_path, ["日本語"]), vocabulary, tmp_path / "stream")
    assert stream.unknown == 0
    assert stream.frequency.sum() == stream.n_tokens > 0
    assert stream.frequency.dtype == np.int64
