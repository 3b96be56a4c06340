"""What holds for any text: names are reversible, and words encoded once give the tokens of whole lines."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from focus_core.initialization.auxiliary.token_stream import escape_name
from focus_core.tokenization.encoding import DirectEncoder, WordEncoder, word_prefix
from tests.conftest import BUILDERS, SENTENCES
from tests.fasttext_names import unescape_name

TRICKY = st.sampled_from([*" \t\n\v\f\r\0␠␉␊␋␌␍␀␛▁a", "</s>", "__label__"])
TOKENS = st.lists(TRICKY | st.characters(exclude_categories=["Cs"]), max_size=6).map("".join)


@given(TOKENS, TOKENS)
def test_names_are_reversible_and_safe(one: str, other: str) -> None:
    name = escape_name(one)
    assert unescape_name(name) == one
    assert (name == escape_name(other)) == (one == other)
    assert not set(name) & set(" \t\n\v\f\r\0")
    assert name != "</s>"
    assert name
    assert not name.startswith("__label__")


PIECES = st.sampled_from([*" ".join(SENTENCES).split(" "), "", "<mask>", "[SEP]", "</s>", "¨", "\u0301", "\u00a0", "ﷺ"])
LINES = st.lists(
    st.lists(
        PIECES | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=8), max_size=8
    )
    .map(" ".join)
    .filter(bool),
    min_size=1,
    max_size=5,
)


@cache
def encoders(family: str) -> tuple[Tokenizer, WordEncoder]:
    backend = BUILDERS[family]()
    names = [str(i).encode() for i in range(backend.get_vocab_size() + 8)]
    prefix = word_prefix(backend)
    assert prefix is not None
    return backend, WordEncoder(DirectEncoder(backend, names), prefix=prefix)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(BUILDERS)), LINES)
def test_words_encoded_once_give_the_tokens_of_whole_lines(family: str, lines: list[str]) -> None:
    backend, encoder = encoders(family)
    encoded = encoder.encode(lines)
    expected = [backend.encode(line, add_special_tokens=False).ids for line in lines]
    assert [encoded.ids[encoded.line_of == i].tolist() for i in range(len(lines))] == expected
    assert encoded.rows == [b" ".join(str(i).encode() for i in ids) for ids in expected]
