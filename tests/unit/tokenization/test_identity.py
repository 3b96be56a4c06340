"""What a token is, in every alphabet. Expected values are written out by hand."""

from __future__ import annotations

import pytest

from focus_core.tokenization.identity import (
    ALPHABET,
    BYTE,
    NORMAL,
    SEPARATOR,
    SPECIAL,
    Marks,
    decode_all,
    identify,
    read_marks,
    readable,
)
from focus_core.types import Family
from tests.hostile_tokens import WITHOUT_SURROGATES


def marks(**options: object) -> Marks:
    plain = {"family": Family.BPE, "byte_level": False, "space": "", "continuation": "", "byte_pieces": False}
    return Marks(**{**plain, **options})  # type: ignore[arg-type]


SENTENCEPIECE = marks(family=Family.UNIGRAM, space="▁")
LLAMA = marks(space="▁", byte_pieces=True)
GPT2 = marks(family=Family.BYTE_LEVEL_BPE, byte_level=True)
BERT = marks(family=Family.WORDPIECE, continuation="##")
WORDS = marks(family=Family.WORDLEVEL)


def one(token: str, how: Marks, **options: object) -> tuple[bytes, int, bool]:
    found = identify([token], marks=how, **options)  # type: ignore[arg-type]
    return found.contents[0], int(found.kinds[0]), bool(found.word_start[0])


def test_alphabet_agrees_with_the_library() -> None:
    """The library lists the same 256 characters; bytes of Latin-1 that print are themselves."""
    from tokenizers import pre_tokenizers

    assert set(ALPHABET) == set(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(ALPHABET.values()) == list(range(256))
    assert all(ALPHABET[chr(b)] == b for b in range(0x21, 0x7F))


@pytest.mark.parametrize(
    ("token", "how", "expected"),
    [
        ("▁the", SENTENCEPIECE, (b"the", NORMAL, True)),
        ("the", SENTENCEPIECE, (b"the", NORMAL, False)),
        ("▁", SENTENCEPIECE, (b"", NORMAL, True)),
        ("▁▁", SENTENCEPIECE, (b" ", NORMAL, True)),
        ("a▁b", SENTENCEPIECE, (b"a b", NORMAL, False)),
        ("<0xE0>", SENTENCEPIECE, (b"<0xE0>", NORMAL, False)),
        ("<0xE0>", LLAMA, (b"\xe0", BYTE, False)),
        ("<0x41>", LLAMA, (b"A", BYTE, False)),
        ("<0xGG>", LLAMA, (b"<0xGG>", NORMAL, False)),
        ("Ġthe", GPT2, (b"the", NORMAL, True)),
        ("the", GPT2, (b"the", NORMAL, False)),
        ("Ġ", GPT2, (b"", NORMAL, True)),
        ("ĠĠ", GPT2, (b" ", NORMAL, True)),
        ("Ċ", GPT2, (b"\n", NORMAL, False)),
        ("Ã©", GPT2, ("é".encode(), NORMAL, False)),
        ("à", GPT2, (b"\xe0", BYTE, False)),
        ("Ġà", GPT2, (b"\xe0", BYTE, True)),
        ("日", GPT2, ("日".encode(), NORMAL, False)),
        ("the", BERT, (b"the", NORMAL, True)),
        ("##the", BERT, (b"the", NORMAL, False)),
        ("##", BERT, (b"##", NORMAL, True)),
        ("####", BERT, (b"##", NORMAL, False)),
        ("the", WORDS, (b"the", NORMAL, True)),
    ],
)
def test_identity(token: str, how: Marks, expected: tuple[bytes, int, bool]) -> None:
    assert one(token, how) == expected


def test_byte_of_two_alphabets_is_one_identity() -> None:
    """Llama's <0xE0> and GPT-2's character for byte 0xE0 are the same single raw byte."""
    byte_level = next(character for character, byte in ALPHABET.items() if byte == 0xE0)
    assert one("<0xE0>", LLAMA) == one(byte_level, GPT2)


def test_partial_bytes_are_never_the_same_token() -> None:
    """decode() turns both into U+FFFD; the identities differ."""
    first, second = ({v: k for k, v in ALPHABET.items()}[byte] for byte in (0xE0, 0xE1))
    assert one(first, GPT2) != one(second, GPT2)


def test_specials_keep_their_own_string() -> None:
    for how in (SENTENCEPIECE, GPT2, BERT, LLAMA):
        assert one("▁<|x|>", how, specials={0}) == ("▁<|x|>".encode(), SPECIAL, False)


@pytest.mark.parametrize(
    ("token", "how", "expected"),
    [
        ("Ġthe", GPT2, ("Ġthe".encode(), NORMAL, False)),
        ("   ", GPT2, (b"  ", NORMAL, True)),
        ("é", GPT2, ("é".encode(), NORMAL, False)),
        ("##x", BERT, (b"##x", NORMAL, True)),
        ("▁▁▁", SENTENCEPIECE, (b"  ", NORMAL, True)),
    ],
)
def test_added_tokens_are_literal_text(token: str, how: Marks, expected: tuple[bytes, int, bool]) -> None:
    assert one(token, how, literals={0}) == expected


def test_separator_inside_a_token_changes_nothing() -> None:
    """Fast paths join tokens with U+FFFF; a token that holds it takes the slow path to the same result."""
    tokens = ["▁a", f"▁b{SEPARATOR}▁c", "▁▁"]
    found = identify(tokens, marks=SENTENCEPIECE)
    assert found.contents == (b"a", f"b{SEPARATOR} c".encode(), b" ")
    assert decode_all(found.contents, str.upper) == ["A", f"B{SEPARATOR} C", " "]


@pytest.mark.parametrize("how", [SENTENCEPIECE, LLAMA, GPT2, BERT, WORDS])
def test_hostile_tokens_have_an_identity_and_a_text(how: Marks) -> None:
    found = identify(WITHOUT_SURROGATES, marks=how)
    texts = [readable(content) for content in found.contents]
    assert len(texts) == len(WITHOUT_SURROGATES)
    assert not any("\ud800" <= c <= "\udfff" for text in texts for c in text)
    for text in texts:
        text.encode()


def test_readable_spells_lone_bytes() -> None:
    """0xF0 0x9F alone is half an emoji; U+FFFD as a real character stays itself."""
    assert readable(b"a\xf0\x9f") == "a<0xF0><0x9F>"
    assert readable("\ufffd".encode()) == "\ufffd"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            {"model": {"type": "BPE"}, "pre_tokenizer": {"type": "ByteLevel"}},
            (Family.BYTE_LEVEL_BPE, True, "", ""),
        ),
        (
            {
                "model": {"type": "BPE"},
                "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]},
            },
            (Family.BYTE_LEVEL_BPE, True, "", ""),
        ),
        (
            {"model": {"type": "BPE"}, "decoder": {"type": "Metaspace", "replacement": "_"}},
            (Family.BPE, False, "_", ""),
        ),
        (
            {
                "model": {"type": "BPE", "byte_fallback": True},
                "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            },
            (Family.BPE, False, "▁", ""),
        ),
        (
            {
                "model": {"type": "BPE"},
                "decoder": {
                    "type": "Sequence",
                    "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}],
                },
            },
            (Family.BPE, False, "▁", ""),
        ),
        (
            {
                "model": {"type": "BPE"},
                "normalizer": {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            },
            (Family.BPE, False, "", ""),
        ),
        ({"model": {"type": "Unigram"}}, (Family.UNIGRAM, False, "▁", "")),
        (
            {"model": {"type": "WordPiece", "continuing_subword_prefix": "@@"}},
            (Family.WORDPIECE, False, "", "@@"),
        ),
        ({"model": {"type": "WordLevel"}}, (Family.WORDLEVEL, False, "", "")),
    ],
)
def test_marks_are_read_from_the_model(state: dict[str, object], expected: tuple[Family, bool, str, str]) -> None:
    """Never from the share of tokens that begin with a mark: small vocabularies have few."""
    found = read_marks(state)
    assert (found.family, found.byte_level, found.space, found.continuation) == expected
