"""The vocabulary of every family: identities, texts, scripts, search, digest."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.errors import VocabularyError
from focus_core.tokenization.identity import BYTE, NORMAL, SPECIAL
from focus_core.tokenization.parts import UNIGRAM_OPTIONS, describe_backend
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import KINDS, Family, SpecialTokenType, TokenKind
from tests.conftest import SENTENCES, TokenizerFamily
from tests.hostile_tokens import WITHOUT_SURROGATES

Build = Callable[[str], Tokenizer]


def words(*tokens: str, specials: tuple[str, ...] = ()) -> Vocabulary:
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    return vocabulary_from_backend(tokenizer, name="words")


def pieces(*tokens: str) -> Vocabulary:
    tokenizer = Tokenizer(models.Unigram([(token, -1.0) for token in tokens], unk_id=0))
    return vocabulary_from_backend(tokenizer, name="pieces")


def byte_level(*tokens: str) -> Vocabulary:
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    return vocabulary_from_backend(tokenizer, name="bytes")


def test_every_family(tokenizer_family: TokenizerFamily) -> None:
    """Tokens stand at their own ids; all arrays have one entry per id and cannot be written."""
    tokenizer = tokenizer_family.tokenizer
    vocabulary = vocabulary_from_backend(tokenizer, name="x")
    assert vocabulary.family is Family(tokenizer_family.name)
    assert {t: i for i, t in enumerate(vocabulary.tokens)} == tokenizer.get_vocab()
    assert vocabulary.present.all()
    for column in (vocabulary.contents, vocabulary.kinds, vocabulary.word_start, vocabulary.texts, vocabulary.scripts):
        assert len(column) == vocabulary.n
    for array in (vocabulary.kinds, vocabulary.word_start, vocabulary.present):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert [vocabulary.kind_of(i) for i in vocabulary.special_token_types.values()] == [TokenKind.SPECIAL] * len(
        vocabulary.special_token_types
    )


def test_text_of_tokens_gives_the_sentence_back(tokenizer_family: TokenizerFamily) -> None:
    """Contents with a space before each word start are the bytes of the sentence, whatever the family.

    Sentences without characters that a family cannot write; word-level and WordPiece split punctuation off, so
    only white space may differ there.
    """
    vocabulary = vocabulary_from_backend(tokenizer_family.tokenizer, name="x")
    for sentence in SENTENCES[:7]:
        ids = vocabulary.backend.encode(sentence, add_special_tokens=False).ids
        assert vocabulary.special_token_types.get(SpecialTokenType.UNK) not in ids
        joined = b"".join(b" " * int(vocabulary.word_start[i]) + vocabulary.contents[i] for i in ids).decode()
        assert joined.replace(" ", "") == sentence.replace(" ", "")
        if vocabulary.family not in {Family.WORDPIECE, Family.WORDLEVEL}:
            assert joined.strip() == sentence


def test_partial_bytes_of_byte_level_tokens() -> None:
    """Ã is byte 0xC3, © is 0xA9: é together, nothing alone. à is byte 0xE0, ¤ is 0xA4."""
    vocabulary = byte_level("Ã", "Ã©", "à¤", "Ġà", "Ġ", "Ċ", "a")
    assert vocabulary.kinds.tolist() == [BYTE, NORMAL, BYTE, BYTE, NORMAL, NORMAL, NORMAL]
    assert vocabulary.texts == ("<0xC3>", "é", "<0xE0><0xA4>", "<0xE0>", "", "\n", "a")
    assert vocabulary.scripts[:2] == ("Byte", "Latin")
    assert vocabulary.fuzzy_forms == (None, "é", None, None, "", "\n", "a")
    assert len(set(vocabulary.identities)) == 7


def test_bytes_of_sentencepiece(build_tokenizer: Build) -> None:
    vocabulary = vocabulary_from_backend(build_tokenizer("bpe"), name="x")
    (index,) = vocabulary.find("<0x41>")
    assert vocabulary.kind_of(index) is TokenKind.BYTE
    assert vocabulary.contents[index] == b"A"
    assert vocabulary.texts[index] == "<0x41>"
    assert (vocabulary.kinds == BYTE).sum() == 256


def test_small_vocabulary_keeps_its_family() -> None:
    """Counting tokens with a mark, as the reference does above 100 of them, calls this one byte-level."""
    vocabulary = pieces("<unk>", "▁a", "b")
    assert vocabulary.family is Family.UNIGRAM
    assert vocabulary.word_start.tolist() == [False, True, False]


def test_identity_keys_differ_where_identities_do() -> None:
    """`a` with and without word start, as a special and as a byte are four tokens."""
    keys = pieces("<unk>", "▁a", "a", "▁▁").identities
    assert keys == (bytes([SPECIAL * 2]) + b"<unk>", bytes([1]) + b"a", bytes([0]) + b"a", bytes([1]) + b" ")
    assert KINDS[NORMAL] is TokenKind.NORMAL


def test_find() -> None:
    vocabulary = pieces("<unk>", "▁the", "the", "▁The", "#2", "▁")
    assert vocabulary.find("#1") == [1]
    assert vocabulary.find("#2") == [2]
    assert vocabulary.find("#4") == [4]
    assert vocabulary.find("#5") == [5]
    assert vocabulary.find(f"#{vocabulary.n}") == []
    assert vocabulary.find("#99") == []
    assert vocabulary.find("the") == [2, 1]
    assert vocabulary.find("▁the") == [1]
    assert vocabulary.find("The") == [3]
    assert vocabulary.find("<unk>") == [0]
    assert vocabulary.find("▁") == [5]
    assert vocabulary.find("") == []
    assert vocabulary.find("nowhere") == []


def test_find_at_a_gap() -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 2}, unk_token="a"))
    vocabulary = vocabulary_from_backend(tokenizer, name="x")
    assert vocabulary.n == 3
    assert vocabulary.find("#1") == []
    assert vocabulary.find("") == []
    assert vocabulary.identities[1] == b""
    assert vocabulary.fuzzy_forms[1] is None


def test_hostile_tokens() -> None:
    """Nothing a tokenizer can hold breaks texts, scripts or search; no text holds a lone surrogate.

    A token `#7` is found by its own id: `#7` names the token of id 7.
    """
    tokens = tuple(dict.fromkeys(("<unk>", *WITHOUT_SURROGATES)))
    for vocabulary in (pieces(*tokens), words(*tokens)):
        assert vocabulary.tokens == tokens
        for i, (token, text) in enumerate(zip(tokens, vocabulary.texts, strict=True)):
            text.encode()
            assert i in vocabulary.find(token if token != "#7" else f"#{i}") or not token
        assert len(vocabulary.scripts) == len(tokens)


def test_special_tokens_are_named_specials() -> None:
    vocabulary = words("<unk>", "a", specials=("<|x|>",))
    assert vocabulary.scripts == ("Special", "Latin", "Special")
    assert vocabulary.texts[2] == "<|x|>"
    assert not vocabulary.word_start[2]


def test_two_tokens_of_one_id() -> None:
    """The library gives an added token the id 3 here, which <unk> has already."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 2, "<unk>": 3}, unk_token="<unk>"))
    tokenizer.add_special_tokens([AddedToken("<s>", special=True)])
    with pytest.raises(VocabularyError, match="without an id of their own"):
        vocabulary_from_backend(tokenizer, name="x")


def test_empty_vocabulary() -> None:
    with pytest.raises(VocabularyError, match="x: expected"):
        vocabulary_from_backend(Tokenizer(models.WordLevel({}, unk_token="a")), name="x")


def test_digest(build_tokenizer: Build) -> None:
    """Truncation, padding and the name do not count; a score, a token or a role does."""
    state = build_tokenizer("unigram").to_str()
    plain = vocabulary_from_backend(Tokenizer.from_str(state), name="x")
    used = Tokenizer.from_str(state)
    used.enable_truncation(3)
    used.enable_padding(pad_token='"added_tokens":')
    assert vocabulary_from_backend(used, name="y").digest == plain.digest
    other = vocabulary_from_backend(Tokenizer.from_str(state), name="x", config={"sep_token": "<mask>"})
    assert other.digest != plain.digest
    changed = json.loads(state)
    changed["model"]["vocab"][9][1] -= 0.001
    assert vocabulary_from_backend(Tokenizer.from_str(json.dumps(changed)), name="x").digest != plain.digest


def test_digest_survives_the_last_bit_of_a_score() -> None:
    """The library's reader is off by one bit for some numbers that its writer wrote; 2,000 scores hold a few."""
    scores = np.random.default_rng(0).normal(-9.0, 2.0, size=2000).tolist()
    first = Tokenizer(models.Unigram([(f"▁{i}", score) for i, score in enumerate(scores)], unk_id=0))
    second = Tokenizer.from_str(first.to_str())
    assert first.to_str() != second.to_str(), "the library reads back what it writes: scores need no rounding any more"
    digests = {vocabulary_from_backend(tokenizer, name="x").digest for tokenizer in (first, second)}
    assert len(digests) == 1


def test_description_of_the_model_agrees_with_its_json(tokenizer_family: TokenizerFamily) -> None:
    """Options are taken from attributes and, for Unigram, from what the binding prints; its JSON must say the same."""
    whole = json.loads(tokenizer_family.tokenizer.to_str())
    state = describe_backend(tokenizer_family.tokenizer)
    for name in ("normalizer", "pre_tokenizer", "decoder", "post_processor"):
        assert state[name] == whole[name]
    for name in ("type", "byte_fallback"):
        assert (state["model"].get(name) or None) == (whole["model"].get(name) or None)
    if whole["model"]["type"] == "Unigram":
        assert UNIGRAM_OPTIONS.fullmatch(repr(tokenizer_family.tokenizer.model))
        assert state["model"]["unk_token"] == whole["model"]["vocab"][whole["model"]["unk_id"]][0]
    else:
        assert state["model"]["unk_token"] == whole["model"].get("unk_token")


def test_unigram_options_whatever_its_pieces() -> None:
    for fallback in (True, False):
        for unk_id in (None, 1):
            pieces = [("unk_id=7, x", 0.0), ("byte_fallback=True)", 0.0), ("<0x41>", 0.0)]
            model = models.Unigram(pieces, unk_id=unk_id, byte_fallback=fallback)
            state = describe_backend(Tokenizer(model))["model"]
            assert state["byte_fallback"] is fallback
            assert state["unk_token"] == (None if unk_id is None else "byte_fallback=True)")


def test_vocabulary_cannot_be_changed() -> None:
    vocabulary = words("<unk>", "a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        vocabulary.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        vocabulary.special_token_types[SpecialTokenType.BOS] = 1  # type: ignore[index]


def test_collector_is_left_as_it_was(build_tokenizer: Build) -> None:
    import gc

    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            vocabulary_from_backend(build_tokenizer("unigram"), name="x")
            assert gc.isenabled() is enabled
        finally:
            gc.enable()


def test_kinds_are_codes_of_the_domain() -> None:
    assert words("<unk>", "a").kinds.dtype == np.uint8
    assert [KINDS[k].value for k in (NORMAL, BYTE, SPECIAL)] == ["normal", "byte", "special"]
