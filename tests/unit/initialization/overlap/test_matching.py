"""The rules of matching, one by one, on vocabularies small enough to match by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.errors import InvalidInputError, VocabularyError
from focus_core.initialization.overlap.matching import Overlap, is_symbol, match_vocabularies, read_user_map
from focus_core.tokenization.identity import ALPHABET
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import RULES, MatchMode, SpecialTokenType

CHARACTERS = {byte: character for character, byte in ALPHABET.items()}


def declare(tokenizer: Tokenizer, specials: tuple[str, ...], config: dict[str, Any] | None) -> Vocabulary:
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    return vocabulary_from_backend(tokenizer, name="toy", config=config or {})


def sentencepiece(*pieces: str, specials: tuple[str, ...] = (), config: dict[str, Any] | None = None) -> Vocabulary:
    """Unigram: `▁` starts a word. Specials are pieces too, at their own place."""
    return declare(Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces])), specials, config)


def llama(*pieces: str) -> Vocabulary:
    """BPE with byte fallback: `<0xHH>` is a byte."""
    model = models.BPE({piece: i for i, piece in enumerate(pieces)}, [], byte_fallback=True)
    return declare(Tokenizer(model), (), None)


def byte_level(*tokens: str, specials: tuple[str, ...] = (), added: tuple[str, ...] = ()) -> Vocabulary:
    """Byte-level BPE; `Ġ` starts a word. Added tokens are literal text."""
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.add_tokens([AddedToken(token, special=False) for token in added])
    return declare(tokenizer, specials, None)


def wordpiece(*tokens: str, specials: tuple[str, ...] = ()) -> Vocabulary:
    """WordPiece: `##` continues a word."""
    model = models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]")
    return declare(Tokenizer(model), specials, None)


def matched(overlap: Overlap, source: Vocabulary, target: Vocabulary) -> dict[str, tuple[str, str]]:
    """Return {target token: (source token, rule)}."""
    rows = zip(overlap.target_ids, overlap.source_ids, overlap.rules, strict=True)
    return {target.tokens[t]: (source.tokens[s], RULES[r].value) for t, s, r in rows}


def candidates(overlap: Overlap, source: Vocabulary, target_id: int) -> list[tuple[str, str]]:
    """Return [(source token, rule)] of one target token by rank."""
    table = overlap.candidates
    rows = np.flatnonzero(table.target_id == target_id)
    assert table.rank[rows].tolist() == list(range(len(rows)))
    return [(source.tokens[table.source_id[i]], RULES[table.rule[i]].value) for i in rows]


def test_exact_across_families() -> None:
    """`▁the`, `Ġthe` and WordPiece `the` are one token; `the` and `##the` are another."""
    families = [sentencepiece("▁the", "the"), byte_level("Ġthe", "the"), wordpiece("the", "##the")]
    for source in families:
        for target in families:
            overlap = match_vocabularies(source, target)
            assert overlap.source_ids.tolist() == [0, 1]
            assert overlap.by_rule == {"user": 0, "special": 0, "exact": 2, "fuzzy": 0, "symbol": 0}


def test_non_ascii_tokens_match_across_alphabets() -> None:
    """GPT-2's alphabet writes é as Ã©; raw strings would not match."""
    source, target = sentencepiece("▁caf", "é"), byte_level("Ã©", "Ġcaf")
    assert matched(match_vocabularies(source, target), source, target) == {
        "Ã©": ("é", "exact"), "Ġcaf": ("▁caf", "exact"),
    }  # fmt: skip


def test_spaces_are_kept() -> None:
    """`▁▁` is a word start and one space, as `ĠĠ` is; the bare mark is neither."""
    source, target = sentencepiece("▁", "▁▁", "▁▁▁"), byte_level("ĠĠ", "Ġ")
    assert matched(match_vocabularies(source, target), source, target) == {
        "ĠĠ": ("▁▁", "exact"), "Ġ": ("▁", "exact"),
    }  # fmt: skip


def test_partial_byte_token_never_matches_an_unrelated_one() -> None:
    """à is 0xE0, á is 0xE1, ¤ is 0xA4: none is text alone, and decode makes all of them U+FFFD.

    Only the same single raw byte matches, from byte-level BPE and from SentencePiece's byte fallback alike, in
    every mode but symbols; a real U+FFFD in a vocabulary matches none of them.
    """
    target = byte_level("à", "á", "à¤", "Ġà")
    for mode in (MatchMode.EXACT, MatchMode.FUZZY):
        source = byte_level("á", "ï¿½", "¤")
        assert matched(match_vocabularies(source, target, mode=mode), source, target) == {"á": ("á", "exact")}
        source = llama("<0xE0>", "�", "▁�")
        assert matched(match_vocabularies(source, target, mode=mode), source, target) == {"à": ("<0xE0>", "exact")}
    assert match_vocabularies(target, target, mode=MatchMode.SYMBOLS).n_overlap == 0


@pytest.mark.parametrize("byte", range(128))
def test_newline_byte(byte: int) -> None:
    """Every ASCII byte, printed or not, is the same in both spellings, in both directions and in every mode."""
    named, character = f"<0x{byte:02X}>", CHARACTERS[byte]
    for source, target in ((llama(named), byte_level(character)), (byte_level(character), llama(named))):
        for mode in (MatchMode.EXACT, MatchMode.FUZZY):
            found = matched(match_vocabularies(source, target, mode=mode), source, target)
            assert found == {target.tokens[0]: (source.tokens[0], "exact")}
    assert byte_level(character).identities != llama(named).identities


def test_newline_byte_is_a_symbol_too() -> None:
    """White space is a symbol as text; a byte token is none, as before."""
    source, target = llama("<0x0A>", "<0x41>"), byte_level("Ċ", "A")
    found = matched(match_vocabularies(source, target, mode=MatchMode.SYMBOLS), source, target)
    assert found == {"Ċ": ("<0x0A>", "symbol")}


def test_newline_byte_yields_to_the_character() -> None:
    """Llama 2 has both: the letter is copied from the letter, the byte from the byte; the other is the next best."""
    source = llama("<0x61>", "a", "▁", "<0x20>", "\n", "<0x0A>")
    target = byte_level("a", "Ġ", "Ċ")
    overlap = match_vocabularies(source, target)
    assert candidates(overlap, source, 0) == [("a", "exact"), ("<0x61>", "exact")]
    assert candidates(overlap, source, 1) == [("▁", "exact"), ("<0x20>", "exact")]
    assert candidates(overlap, source, 2) == [("\n", "exact"), ("<0x0A>", "exact")]
    again = match_vocabularies(source, llama("<0x61>", "a"))
    assert matched(again, source, llama("<0x61>", "a")) == {"<0x61>": ("<0x61>", "exact"), "a": ("a", "exact")}
    assert matched(match_vocabularies(byte_level("a"), source), byte_level("a"), source) == {
        "<0x61>": ("a", "exact"), "a": ("a", "exact"),
    }  # fmt: skip


def test_newline_byte_of_several_bytes_is_one_of_them_only() -> None:
    """A character of two bytes has no byte token, and the start of a word is no part of a byte."""
    source = llama("<0xC3>", "<0xA9>", "<0x61>")
    target = byte_level("Ã©", "Ã", "Ġa", "aa")
    assert matched(match_vocabularies(source, target), source, target) == {"Ã": ("<0xC3>", "exact")}


def test_control_characters_do_not_match_nothing() -> None:
    """decode().lstrip() makes Ċ (line feed) and ĉ (tab) empty strings, which the reference then matches."""
    source, target = sentencepiece("▁", "x"), byte_level("Ċ", "ĉ", "Ā")
    assert match_vocabularies(source, target).n_overlap == 0


def test_added_tokens_match_by_their_literal_text() -> None:
    """`Ġ` in an added token is the letter Ġ; an added ` the` begins a word."""
    source, target = sentencepiece("▁the", "Ġthe"), byte_level("x", added=(" the", "Ġthe"))
    assert matched(match_vocabularies(source, target), source, target) == {
        " the": ("▁the", "exact"), "Ġthe": ("Ġthe", "exact"),
    }  # fmt: skip


def test_fuzzy_ignores_case_and_word_start_only() -> None:
    source, target = sentencepiece("▁The", "ΣΑΣ", "naive"), sentencepiece("the", "▁σας", "naïve", "thee")
    overlap = match_vocabularies(source, target, mode=MatchMode.FUZZY)
    assert matched(overlap, source, target) == {"the": ("▁The", "fuzzy"), "▁σας": ("ΣΑΣ", "fuzzy")}
    assert match_vocabularies(source, target).n_overlap == 0


def test_several_candidates_same_string_same_case_lowest_id() -> None:
    """For target `the`: itself; then `▁the` (same case); then `▁THE` and `The` by id. All are recorded."""
    source, target = sentencepiece("▁THE", "The", "▁the", "the"), sentencepiece("x", "the")
    overlap = match_vocabularies(source, target, mode=MatchMode.FUZZY)
    assert candidates(overlap, source, 1) == [
        ("the", "exact"), ("▁the", "fuzzy"), ("▁THE", "fuzzy"), ("The", "fuzzy"),
    ]  # fmt: skip
    assert overlap.source_ids.tolist() == [3]
    assert candidates(match_vocabularies(source, target), source, 1) == [("the", "exact")]


def test_same_native_string_before_lower_id() -> None:
    """`ĠĠ` and the added token of two spaces are one identity; each target prefers its own spelling."""
    source = byte_level("ĠĠ", "x", added=("  ",))
    target = byte_level("x", added=("  ",))
    overlap = match_vocabularies(source, target)
    assert candidates(overlap, source, 1) == [("  ", "exact"), ("ĠĠ", "exact")]
    assert candidates(match_vocabularies(target, source), target, 0) == [("  ", "exact")]


def test_symbols_only() -> None:
    """Numbers, ASCII punctuation and white space, exactly or fuzzily; words that match exactly are left out."""
    source = sentencepiece("▁2024", "!?", "▁", "½", "▁word", "—", "▁▁", "<s>", specials=("<s>",))
    target = sentencepiece("2024", "!?", "▁", "½", "▁word", "—", "▁▁", "x1", "<s>", specials=("<s>",))
    overlap = match_vocabularies(source, target, mode=MatchMode.SYMBOLS)
    assert matched(overlap, source, target) == {
        "2024": ("▁2024", "symbol"), "!?": ("!?", "symbol"), "▁": ("▁", "symbol"), "½": ("½", "symbol"),
        "▁▁": ("▁▁", "symbol"), "<s>": ("<s>", "exact"),
    }  # fmt: skip
    assert overlap.by_rule["symbol"] == 5
    assert candidates(overlap, source, 2) == [("▁", "symbol")]


@pytest.mark.parametrize("text", ["0", "Ⅷ", "٣", "½", "三", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "", " ", "\n\t"])
def test_symbol_texts(text: str) -> None:
    assert is_symbol(text)


@pytest.mark.parametrize("text", ["a", "1a", "—", "…", "€", "！", "-1a", None])
def test_texts_that_are_no_symbols(text: str | None) -> None:
    assert not is_symbol(text)


BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
XLMR = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
XLMR_ROLES = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}


def test_specials_match_by_role() -> None:
    """`<s>`→`[CLS]` and `</s>`→`[SEP]` are new tokens, usually random ones, in the reference."""
    source = sentencepiece(*XLMR, "▁a", specials=XLMR, config=XLMR_ROLES)
    target = wordpiece(*BERT, "a", specials=BERT)
    overlap = match_vocabularies(source, target)
    assert matched(overlap, source, target) == {
        "[PAD]": ("<pad>", "special"), "[UNK]": ("<unk>", "special"), "[CLS]": ("<s>", "special"),
        "[SEP]": ("</s>", "special"), "[MASK]": ("<mask>", "special"), "a": ("▁a", "exact"),
    }  # fmt: skip
    assert overlap.by_rule == {"user": 0, "special": 5, "exact": 1, "fuzzy": 0, "symbol": 0}
    assert match_vocabularies(target, source).by_rule["special"] == 5


def test_bos_and_cls_stand_in_for_each_other_and_so_do_eos_and_sep() -> None:
    source = wordpiece(*BERT, specials=BERT)
    target = sentencepiece("<s>", "</s>", specials=("<s>", "</s>"))
    assert SpecialTokenType.CLS not in target.special_token_types
    assert matched(match_vocabularies(source, target), source, target) == {
        "<s>": ("[CLS]", "special"), "</s>": ("[SEP]", "special"),
    }  # fmt: skip


def test_endoftext_stands_for_both_ends() -> None:
    """GPT-2 has one token for two roles: both target tokens are copies of it, and it takes the opening one."""
    source = byte_level("a", specials=("<|endoftext|>",))
    target = sentencepiece("a", "<s>", "</s>", specials=("<s>", "</s>"))
    assert matched(match_vocabularies(source, target), source, target) == {
        "a": ("a", "exact"), "<s>": ("<|endoftext|>", "special"), "</s>": ("<|endoftext|>", "special"),
    }  # fmt: skip
    back = match_vocabularies(target, source)
    assert candidates(back, target, 1) == [("<s>", "special"), ("</s>", "special")]


def test_special_of_the_same_string_is_exact_and_comes_first() -> None:
    """`</s>` is eos here and bos there: the string wins, the role is the next candidate."""
    source = sentencepiece("<s>", "</s>", specials=("<s>", "</s>"), config={"bos_token": "</s>", "eos_token": "<s>"})
    target = sentencepiece("<s>", "</s>", specials=("<s>", "</s>"))
    overlap = match_vocabularies(source, target)
    assert overlap.by_rule["exact"] == 2
    assert candidates(overlap, source, 0) == [("<s>", "exact"), ("</s>", "special")]


def test_special_never_matches_a_word_of_the_same_string() -> None:
    """`<s>` of a web corpus (struck text) is no control token; specials have no fuzzy form."""
    source, target = sentencepiece("<s>", "[cls]"), sentencepiece("<s>", "[CLS]", specials=("<s>", "[CLS]"))
    assert match_vocabularies(source, target, mode=MatchMode.FUZZY).n_overlap == 0


def test_user_map_comes_first_and_each_token_is_counted_once() -> None:
    source = sentencepiece(*XLMR, "▁a", "▁b", specials=XLMR)
    target = sentencepiece("<s>", "▁a", "▁new", "▁b", specials=("<s>",))
    overlap = match_vocabularies(source, target, user_map={0: 4, 1: 6, 2: 5, 3: 6})
    assert matched(overlap, source, target) == {
        "<s>": ("<mask>", "user"), "▁a": ("▁b", "user"), "▁new": ("▁a", "user"), "▁b": ("▁b", "user"),
    }  # fmt: skip
    assert overlap.by_rule == {"user": 4, "special": 0, "exact": 0, "fuzzy": 0, "symbol": 0}
    assert candidates(overlap, source, 1) == [("▁b", "user"), ("▁a", "exact")]
    assert candidates(overlap, source, 3) == [("▁b", "user")]
    symbols = match_vocabularies(source, target, mode=MatchMode.SYMBOLS, user_map={2: 5})
    assert symbols.by_rule == {"user": 1, "special": 0, "exact": 1, "fuzzy": 0, "symbol": 0}


@pytest.mark.parametrize("pair", [{9: 0}, {0: 9}, {-1: 0}, {0: -1}])
def test_user_map_with_ids_that_do_not_exist(pair: dict[int, int]) -> None:
    with pytest.raises(VocabularyError, match="side of the map"):
        match_vocabularies(sentencepiece("a"), sentencepiece("b"), user_map=pair)


def test_no_overlap() -> None:
    """Nothing in common is a result, not an error; what it means is for the caller to say."""
    overlap = match_vocabularies(sentencepiece("a"), sentencepiece("b", "c"))
    assert (overlap.n_overlap, overlap.n_new, overlap.new_ids.tolist()) == (0, 2, [0, 1])
    assert len(overlap.candidates.target_id) == 0


def test_no_new_tokens() -> None:
    vocabulary = sentencepiece("▁a", "b", "<s>", specials=("<s>",))
    overlap = match_vocabularies(vocabulary, vocabulary)
    assert overlap.source_ids.tolist() == [0, 1, 2]
    assert overlap.new_ids.tolist() == []


def test_id_gaps_are_neither_overlap_nor_new() -> None:
    """Gaps on both sides have no content in common; id 0 is a match like any other."""
    gapped = declare(Tokenizer(models.WordLevel({"a": 0, "b": 3, "<unk>": 5}, unk_token="<unk>")), (), None)
    other = declare(Tokenizer(models.WordLevel({"<unk>": 1, "a": 0, "c": 4}, unk_token="<unk>")), (), None)
    for mode in MatchMode:
        overlap = match_vocabularies(gapped, other, mode=mode)
        assert (overlap.n_source, overlap.n_target) == (3, 3)
        assert overlap.new_ids.tolist() == ([0, 4] if mode is MatchMode.SYMBOLS else [4])
    assert match_vocabularies(gapped, other).source_ids.tolist() == [0, 5]


def test_dtypes_order_and_read_only() -> None:
    vocabulary = sentencepiece("b", "▁a", "▁", "c")
    overlap = match_vocabularies(vocabulary, vocabulary, mode=MatchMode.FUZZY)
    table = overlap.candidates
    dtypes = [overlap.target_ids, overlap.source_ids, overlap.new_ids, table.target_id, table.source_id]
    assert {array.dtype for array in dtypes} == {np.dtype(np.int32)}
    assert (overlap.rules.dtype, table.rule.dtype, table.rank.dtype) == (np.uint8, np.uint8, np.uint16)
    assert (np.diff(overlap.target_ids) > 0).all()
    for array in (*dtypes, overlap.rules, table.rule, table.rank):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def write_map(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "map.tsv"
    path.write_bytes(text.encode(encoding))
    return path


def test_user_map_file(tmp_path: Path) -> None:
    """Ids, native forms and readable texts; a byte-order mark, CRLF and blank lines do no harm."""
    source, target = sentencepiece("▁cat", "▁dog", "▁", "dog"), sentencepiece("▁paka", "▁mbwa", "▁", "x")
    text = "\ufeffpaka\tcat\r\n\r\n#1\t▁dog\n▁\t▁\nx\tdog"
    assert read_user_map(write_map(tmp_path, text), source, target) == {0: 0, 1: 1, 2: 2, 3: 3}
    assert read_user_map(write_map(tmp_path, "paka\t#0\npaka\t▁cat\n"), source, target) == {0: 0}
    assert read_user_map(write_map(tmp_path, ""), source, target) == {}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("paka cat", "line 1: expected target TAB source, got 1 fields"),
        ("paka\tcat\tx", "got 3 fields"),
        ("paka\tcat\nnyoka\tcat", "line 2: expected one token of toy, got 'nyoka': no such token"),
        ("paka\tcat\npaka\t▁Dog", "line 2: expected every target token once"),
        ("#77\tcat", "no such token"),
    ],
)
def test_user_map_file_that_cannot_be_used(tmp_path: Path, text: str, part: str) -> None:
    source, target = sentencepiece("▁cat", "▁Dog"), sentencepiece("▁paka")
    with pytest.raises(InvalidInputError) as error:
        read_user_map(write_map(tmp_path, text), source, target)
    assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_user_map_with_an_ambiguous_text(tmp_path: Path) -> None:
    """`ĠDog` and the added ` Dog` read the same, and neither is written `Dog`."""
    source, target = byte_level("cat", "ĠDog", added=(" Dog",)), sentencepiece("▁paka")
    with pytest.raises(InvalidInputError) as error:
        read_user_map(write_map(tmp_path, "paka\tDog"), source, target)
    assert "got 'Dog': #1 ('ĠDog'), #2 (' Dog'); name it by #ID" in str(error.value)


def test_user_map_file_missing_or_binary(tmp_path: Path) -> None:
    vocabulary = sentencepiece("a")
    for path in (tmp_path / "missing.tsv", write_map(tmp_path, "ä\tb", "latin-1")):
        with pytest.raises(InvalidInputError, match="expected a UTF-8 file"):
            read_user_map(path, vocabulary, vocabulary)
