"""Every format is read, every file that is no tokenizer is refused in one line, every folder written is loaded."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from focus_core.errors import VocabularyError
from focus_core.models.hub import locate_tokenizer
from focus_core.tokenization import parts as tokenizer_parts
from focus_core.tokenization.formats import load_backend
from focus_core.tokenization.vocabulary import load_vocabulary, save_tokenizer_folder, vocabulary_from_backend
from focus_core.types import Family, SpecialTokenType

BERT_LINES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "##s", "cat", "##ä"]


def write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def word_level(vocab: dict[str, int], *, added: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the JSON of a word-level tokenizer as a person would write it."""
    rest = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{**rest, **entry} for entry in added or []],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"},
    }


def refusal(path: Path) -> str:
    """Return the one line that refuses a tokenizer."""
    with pytest.raises(VocabularyError) as error:
        load_vocabulary(path)
    text = str(error.value)
    assert "\n" not in text
    assert str(path.parent) not in text
    assert error.value.exit_status == 2
    assert len(text) < 600
    return text


def test_tokenizer_json_of_every_family(tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer]) -> None:
    for family in Family:
        tokenizer = build_tokenizer(family.value)
        tokenizer.enable_truncation(5)
        tokenizer.enable_padding(length=9)
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        vocabulary = load_vocabulary(tmp_path)
        assert vocabulary.family is family
        assert vocabulary.n == tokenizer.get_vocab_size()
        assert vocabulary.backend.truncation is None
        assert vocabulary.backend.padding is None


def test_gpt2_pair(tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer]) -> None:
    """vocab.json + merges.txt, which AutoTokenizer refuses without a configuration."""
    original = build_tokenizer("byte-level-bpe")
    original.model.save(str(tmp_path))
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.family is Family.BYTE_LEVEL_BPE
    end = original.token_to_id("<|endoftext|>")
    assert dict(vocabulary.special_token_types) == {SpecialTokenType.BOS: end, SpecialTokenType.EOS: end}
    for text in ("The farmer's wife sells milk", "größer नमस्ते 😀", " two  spaces\n"):
        assert vocabulary.backend.encode(text).ids == original.encode(text).ids


def test_roberta_pair_declares_its_specials(tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer]) -> None:
    """<s> and </s> surround a text once they are in the vocabulary; <mask> comes from the added tokens."""
    build_tokenizer("byte-level-bpe").model.save(str(tmp_path))
    vocab = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    n = len(vocab)
    write_json(tmp_path / "vocab.json", vocab | {"<s>": n, "</s>": n + 1, "<pad>": n + 2, "<unk>": n + 3})
    decoder = {str(n + 4): {"content": "<mask>", "lstrip": True, "special": True}}
    write_json(tmp_path / "tokenizer_config.json", {"add_prefix_space": True, "added_tokens_decoder": decoder})
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.special_token_types[SpecialTokenType.MASK] == n + 4
    ids = vocabulary.backend.encode("milk").ids
    assert (ids[0], ids[-1]) == (n, n + 1)
    assert vocabulary.backend.encode("milk").ids == vocabulary.backend.encode(" milk").ids


def test_wordpiece_file(tmp_path: Path) -> None:
    """The line's number is the id; a vocabulary without capitals lower-cases its text."""
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(BERT_LINES) + "\n", encoding="utf-8")
    vocabulary = load_vocabulary(path)
    assert vocabulary.tokens == tuple(BERT_LINES)
    assert vocabulary.backend.encode("The cats").tokens == ["[CLS]", "the", "cat", "##s", "[SEP]"]
    path.write_text("\r\n".join([*BERT_LINES, "Cat"]), encoding="utf-8")
    assert load_vocabulary(path).backend.encode("Cat cat", add_special_tokens=False).tokens == ["Cat", "cat"]


def test_wordpiece_configuration_is_followed(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join([*BERT_LINES, "The"]), encoding="utf-8")
    write_json(tmp_path / "tokenizer_config.json", {"do_lower_case": True, "bos_token": "cat"})
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.backend.encode("THE", add_special_tokens=False).tokens == ["the"]
    assert vocabulary.special_token_types[SpecialTokenType.BOS] == BERT_LINES.index("cat")


def test_wordpiece_with_a_blank_line_has_a_gap(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join([*BERT_LINES, "", "dog"]), encoding="utf-8")
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.n == len(BERT_LINES) + 2
    assert not vocabulary.present[len(BERT_LINES)]
    assert vocabulary.find("dog") == [len(BERT_LINES) + 1]


def test_id_gaps(tmp_path: Path) -> None:
    """The library alone would give <s> the id 3, which is <unk>'s, and <x> the id 4.

    Ids 1, 4 and 6 belong to no token; n is the largest id plus one.
    """
    added = [{"id": 7, "content": "<x>", "special": False}, {"id": 5, "content": "<s>"}]
    state = word_level({"a": 0, "b": 2, "<unk>": 3}, added=added)
    vocabulary = load_vocabulary(write_json(tmp_path / "tokenizer.json", state))
    assert vocabulary.tokens == ("a", "", "b", "<unk>", "", "<s>", "", "<x>")
    assert vocabulary.present.tolist() == [True, False, True, True, False, True, False, True]
    assert vocabulary.n_present == 5
    assert vocabulary.backend.encode("a <s> <x>").ids == [0, 5, 7]


def test_ids_far_above_all_others(tmp_path: Path) -> None:
    state = word_level({"a": 0, "<unk>": 1, "b": 10**9})
    assert "far above" in refusal(write_json(tmp_path / "tokenizer.json", state))


@pytest.mark.parametrize(
    ("vocab", "added"),
    [
        ({"a": 0, "b": 0}, []),
        ({"a": 0, "<unk>": 1}, [{"id": 1, "content": "<s>"}]),
        ({"a": 0, "<unk>": 1}, [{"id": 5, "content": "a"}]),
        ({"a": 0, "b": -1}, []),
        ({"a": 0, "b": 1.5}, []),
        ({"a": 0, "b": True}, []),
    ],
)
def test_tokens_and_ids_that_contradict(tmp_path: Path, vocab: dict[str, int], added: list[dict[str, Any]]) -> None:
    path = write_json(tmp_path / "tokenizer.json", word_level(vocab, added=added))
    assert "every token once, with an id of its own" in refusal(path)


def test_token_that_stands_twice_in_the_file(tmp_path: Path) -> None:
    """JSON readers keep the last of two equal keys, silently."""
    text = json.dumps(word_level({"a": 0, "<unk>": 1})).replace('"a": 0', '"a": 0, "a": 2')
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    assert "'a' stands there twice" in refusal(tmp_path / "tokenizer.json")


def test_unigram_piece_that_stands_twice(tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer]) -> None:
    state = json.loads(build_tokenizer("unigram").to_str())
    state["model"]["vocab"].append(["▁", -1.0])
    assert "'▁' used twice" in refusal(write_json(tmp_path / "tokenizer.json", state))


def test_wordpiece_that_stands_twice(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join([*BERT_LINES, "cat"]), encoding="utf-8")
    assert "'cat' on two lines" in refusal(tmp_path / "vocab.txt")


def test_tokenizer_file_that_is_not_one(tmp_path: Path) -> None:
    """A pickle, an archive, a picture's bytes, prose, other JSON: one line each, and nothing is executed."""
    pickled, zipped = pickle.dumps({"vocab": ["a"]}), tmp_path / "x.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("vocab", "a")
    contents: list[bytes] = [
        b"", pickled, zipped.read_bytes(), b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"just some prose\n",
        b"{}", b"[]", b"3", b'{"model": {}}', b'{"model": {"vocab": []}}', b'{"model": {"vocab": {}}}',
        b'{"model": {"vocab": [1, 2]}}', b'{"model": {"type": "Magic", "vocab": {"a": 0}}}', b"{" * 100_000,
        b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "added_tokens": [3]}',
        b'{"model": {"type": "BPE", "vocab": {"\\ud800": 0}, "merges": []}}',
    ]  # fmt: skip
    for content in contents:
        for name in ("tokenizer.json", "tokenizer.model", "vocab.txt"):
            path = tmp_path / name
            path.write_bytes(content)
            assert refusal(path).startswith(f"{name}: expected")
            path.unlink()


def test_gpt2_pair_that_is_not_one(tmp_path: Path) -> None:
    write_json(tmp_path / "vocab.json", {"a": 0, "b": 1})
    for merges in ("a b c\n", "x y\n"):
        (tmp_path / "merges.txt").write_text(merges, encoding="utf-8")
        assert "merges.txt" in refusal(tmp_path / "vocab.json")


def test_huge_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_parts, "MAX_BYTES", 10)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("it was read"))
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b"{" * 11)
    assert "11 bytes" in refusal(path)


def llama3_like() -> Tokenizer:
    """Byte-level BPE as in Llama 3 and Qwen: Split + ByteLevel, special tokens above the vocabulary."""
    vocab = {character: i for i, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = [("h", "e"), ("Ġ", "he")]
    vocab |= {"he": 256, "Ġhe": 257}
    tokenizer = Tokenizer(models.BPE(vocab, merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", "merged_with_next"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>"]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    tokenizer.add_tokens([AddedToken("é literal", special=False, normalized=False)])
    return tokenizer


def test_llama3_and_qwen_style(tmp_path: Path) -> None:
    llama3_like().save(str(tmp_path / "tokenizer.json"))
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.family is Family.BYTE_LEVEL_BPE
    assert dict(vocabulary.special_token_types) == {SpecialTokenType.BOS: 258, SpecialTokenType.EOS: 259}
    assert [vocabulary.kind_of(i).value for i in (257, 258, 260, 261)] == ["normal", "special", "special", "normal"]
    assert vocabulary.texts[261] == "é literal"
    assert vocabulary.contents[257] == b"he"
    assert vocabulary.word_start[257]


def load_with_transformers(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("model_type", [None, "xlm-roberta", "bert", "gpt2", "llama"])
def test_saved_folder_loads_with_transformers(
    tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer], model_type: str | None
) -> None:
    """Whatever model lies beside it: the classes of some models would rebuild the tokenizer and lose parts of it."""
    for family in Family:
        vocabulary = vocabulary_from_backend(
            build_tokenizer(family.value), name="x", config={"chat_template": "{{ 1 }}"}
        )
        folder = tmp_path / family.value
        save_tokenizer_folder(vocabulary, folder)
        if model_type:
            write_json(folder / "config.json", {"model_type": model_type})
        loaded = load_with_transformers(folder)
        for text in ("The farmer sells milk.", "größer  नमस्ते", "<s> [MASK] <mask>"):
            assert loaded(text)["input_ids"] == vocabulary.backend.encode(text).ids
        for role, token_id in vocabulary.special_token_types.items():
            assert getattr(loaded, f"{role}_token_id") == token_id
        assert loaded.chat_template == "{{ 1 }}"
        again = load_vocabulary(folder)
        assert again.digest == vocabulary.digest
        assert dict(again.special_token_types) == dict(vocabulary.special_token_types)


def test_saving_twice_gives_equal_bytes(tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer]) -> None:
    vocabulary = vocabulary_from_backend(build_tokenizer("unigram"), name="x")
    for name in ("a", "b"):
        save_tokenizer_folder(vocabulary, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_backend_of_files_is_what_the_vocabulary_holds(
    tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer]
) -> None:
    build_tokenizer("bpe").save(str(tmp_path / "tokenizer.json"))
    files = locate_tokenizer(tmp_path)
    assert load_backend(files).to_str() == load_vocabulary(files).backend.to_str()


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_bpe_dropout(tmp_path: Path, build_tokenizer: Callable[[str], Tokenizer], dropout: float) -> None:
    """Switched off wherever a tokenizer comes from, and said where it was on; a caller's own object is left alone."""
    tokenizer = build_tokenizer("byte-level-bpe")
    tokenizer.model.dropout = dropout
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for vocabulary in (load_vocabulary(tmp_path), vocabulary_from_backend(tokenizer, name="x")):
        assert not vocabulary.backend.model.dropout
        assert len(vocabulary.notes) == (dropout > 0)
        assert len({tuple(vocabulary.backend.encode("the farmer sells milk").ids) for _ in range(20)}) == 1
    assert tokenizer.model.dropout == pytest.approx(dropout)
    assert load_backend(locate_tokenizer(tmp_path)).model.dropout is None


def test_tiktoken_lines_under_sentencepiece_s_name(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_text("IQ== 0\nIg== 1\nIw== 2\n")
    assert "a tiktoken file (base64 lines); convert it" in refusal(tmp_path / "tokenizer.model")


@pytest.mark.parametrize("class_", ["BertweetTokenizer", "BertJapaneseTokenizer", "RoFormerTokenizer", "EsmTokenizer"])
def test_other_classes_with_a_vocab_txt_are_refused_by_name(tmp_path: Path, class_: str) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(BERT_LINES), encoding="utf-8")
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": class_})
    assert f"the file of {class_}; give a folder with its tokenizer.json" in refusal(tmp_path / "vocab.txt")


@pytest.mark.parametrize(
    ("model_type", "specials"),
    [
        ("bert", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        ("mpnet", ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]),
        ("funnel", ["<pad>", "<unk>", "<cls>", "<sep>", "<mask>", "<s>", "</s>"]),
    ],
)
def test_wordpiece_of_a_class(tmp_path: Path, model_type: str, specials: list[str]) -> None:
    """Special tokens, their template and the types of its segments are the class's."""
    (tmp_path / "vocab.txt").write_text("\n".join([*specials, "the", "cat", "##s"]), encoding="utf-8")
    write_json(tmp_path / "config.json", {"model_type": model_type})
    ours, theirs = load_vocabulary(tmp_path), load_with_transformers(tmp_path)
    assert dict(ours.ids_of_tokens) == theirs.get_vocab()
    pair, expected = ours.backend.encode("the cat", "cats"), theirs("the cat", "cats", return_token_type_ids=True)
    assert (pair.ids, pair.type_ids) == (expected["input_ids"], expected["token_type_ids"])
    named = {f"{type_}_token": ours.tokens[i] for type_, i in ours.special_token_types.items()}
    assert named == theirs.special_tokens_map


def test_json_with_marks_at_both_ends_of_words(tmp_path: Path) -> None:
    """A prefix inside words and a suffix at their ends, in tokenizer.json, say what a token is."""
    inner = Tokenizer(models.BPE({"c": 0, "at": 1, "##at": 2, "c##at": 3}, [], continuing_subword_prefix="##"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    vocabulary = vocabulary_from_backend(inner, name="x")
    assert [bytes(c) for c in vocabulary.contents] == [b"c", b"at", b"at", b"c##at"]
    assert not vocabulary.word_start.any()
    ends = Tokenizer(models.BPE({"c": 0, "at": 1, "at</w>": 2}, [], end_of_word_suffix="</w>"))
    ends.pre_tokenizer = pre_tokenizers.Whitespace()
    vocabulary = vocabulary_from_backend(ends, name="x")
    assert [bytes(c) for c in vocabulary.contents] == [b"c", b"at", b"at</w>"]
    assert vocabulary.fuzzy_forms == ("c", "at", "at")
    assert not vocabulary.word_start.any()


def test_added_tokens_of_the_configuration_follow_the_file(tmp_path: Path) -> None:
    """A token that only added_tokens.json has is a token, as it is for transformers; its row is no padding."""
    state = word_level({"a": 0, "<unk>": 1}, added=[{"id": 1, "content": "<unk>"}])
    write_json(tmp_path / "tokenizer.json", state)
    write_json(tmp_path / "added_tokens.json", {"<user>": 2, "[PAD]": 3})
    write_json(tmp_path / "special_tokens_map.json", {"pad_token": "[PAD]"})
    ours = load_vocabulary(tmp_path)
    assert ours.tokens == ("a", "<unk>", "<user>", "[PAD]")
    assert dict(ours.ids_of_tokens) == load_with_transformers(tmp_path).get_vocab()
    assert ours.special_token_types[SpecialTokenType.PAD] == 3
    write_json(tmp_path / "added_tokens.json", {"<user>": 7})
    assert "added token '<user>' with id 7" in refusal(tmp_path / "tokenizer.json")
