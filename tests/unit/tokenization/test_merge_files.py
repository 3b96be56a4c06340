"""``vocab.json`` + ``merges.txt`` are read as their class reads them, or refused by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from focus_core.errors import VocabularyError
from focus_core.initialization.methods.subwords import subword_ids
from focus_core.initialization.overlap.extension import extend_tokenizer
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.tokenization.vocabulary import load_vocabulary, save_tokenizer_folder, vocabulary_from_backend
from focus_core.types import MatchMode, SpecialTokenType
from tests.conftest import SENTENCES

BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = (*SENTENCES, "Milk 123!  two\n\nlines", "the farmer's été", "नमस्ते")
CLIP_MERGES = [("m", "i"), ("mi", "l"), ("mil", "k</w>"), ("t", "h"), ("th", "e</w>"), ("th", "e"), ("o", "r</w>")]


def write(folder: Path, model_type: str, specials: list[str], config: dict[str, Any] | None = None) -> Path:
    """Write byte-level BPE with these special tokens at its head."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=BYTES, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.model.save(str(folder))
    return describe(folder, model_type, config)


def describe(folder: Path, model_type: str, config: dict[str, Any] | None = None) -> Path:
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def write_clip(folder: Path, model_type: str, config: dict[str, Any] | None = None) -> Path:
    """Write tokens that say where a word ends."""
    joined = [a + b for a, b in CLIP_MERGES]
    names = [*BYTES, *(c + "</w>" for c in BYTES), *joined, "<|startoftext|>", "<|endoftext|>", "<unk>"]
    ids = {token: i for i, token in enumerate(dict.fromkeys(names))}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(map(" ".join, CLIP_MERGES)), encoding="utf-8")
    return describe(folder, model_type, config)


def with_transformers(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("model_type", "specials", "config"),
    [
        ("gpt2", ["<|endoftext|>"], None),
        ("opt", ROBERTA, {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "add_bos_token": True}),
        ("roberta", ROBERTA, {"add_prefix_space": True}),
        ("bart", ROBERTA, None),
        ("longformer", ROBERTA, {"tokenizer_class": "LongformerTokenizerFast"}),
        ("qwen2", ["<|endoftext|>"], {"tokenizer_class": "Qwen2Tokenizer", "bos_token": None}),
    ],
)
def test_ids_are_those_of_the_class(
    tmp_path: Path, model_type: str, specials: list[str], config: dict[str, Any] | None
) -> None:
    folder = write(tmp_path, model_type, specials, config)
    ours, theirs = load_vocabulary(folder), with_transformers(folder)
    assert dict(ours.ids_of_tokens) == theirs.get_vocab()
    for text in TEXTS:
        assert ours.backend.encode(text).ids == theirs(text)["input_ids"]
        assert ours.backend.encode(text, "milk").ids == theirs(text, "milk")["input_ids"]


def test_qwen_3_5_keeps_combining_marks_with_their_letters(tmp_path: Path) -> None:
    """In Qwen 2 a vowel sign ends a word before its merges, in Qwen 3.5 it does not."""
    words = {}
    for name, model_type in (("old", "qwen2"), ("new", "qwen3_5")):
        (tmp_path / name).mkdir()
        backend = load_vocabulary(write(tmp_path / name, model_type, ["<|endoftext|>"])).backend
        words[name] = len(backend.pre_tokenizer.pre_tokenize_str("कि"))
    assert words == {"old": 2, "new": 1}


def test_gpt2_with_added_tokens(tmp_path: Path) -> None:
    """added_tokens.json gives ids, special_tokens_map.json says which are special."""
    folder = write(tmp_path, "gpt2", ["<|endoftext|>"])
    n = len(json.loads((folder / "vocab.json").read_text("utf-8")))
    (folder / "added_tokens.json").write_text(json.dumps({"[PAD]": n, "<user>": n + 1}), encoding="utf-8")
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]"}), encoding="utf-8")
    ours, theirs = load_vocabulary(folder), with_transformers(folder)
    assert dict(ours.ids_of_tokens) == theirs.get_vocab()
    assert ours.special_token_types[SpecialTokenType.PAD] == n
    assert [ours.kind_of(i).value for i in (n, n + 1)] == ["special", "normal"]
    assert ours.backend.encode("milk<user>the").ids == theirs("milk<user>the")["input_ids"]


def test_deberta_has_bert_s_template(tmp_path: Path) -> None:
    vocabulary = load_vocabulary(write(tmp_path, "deberta", BERT))
    pair = vocabulary.backend.encode("milk", "milk")
    assert [pair.tokens[i] for i in (0, -1)] == ["[CLS]", "[SEP]"]
    assert pair.tokens.count("[SEP]") == 2
    assert pair.type_ids[-1] == 1


@pytest.mark.parametrize("model_type", ["clip", "openai-gpt"])
def test_tokens_that_mark_where_words_end(tmp_path: Path, model_type: str) -> None:
    folder = write_clip(tmp_path, model_type)
    ours, theirs = load_vocabulary(folder), with_transformers(folder)
    assert dict(ours.ids_of_tokens) == theirs.get_vocab()
    for text in ("Milk the farmer!", "  the  milk's", "forms 12 the\nmilk"):
        assert ours.backend.encode(text).ids == theirs(text)["input_ids"]
    i = ours.ids_of_tokens["the</w>"]
    assert (ours.texts[i], bool(ours.word_start[i])) == ("the</w>", False)
    save_tokenizer_folder(ours, tmp_path / "saved")
    again = load_vocabulary(tmp_path / "saved")
    assert (again.digest, again.identities) == (ours.digest, ours.identities)


def test_word_ends_match_word_starts_only_loosely(tmp_path: Path) -> None:
    """``the</w>`` is the word or a word's end, ``Ġthe`` the word or its beginning: no exact match, a fuzzy one."""
    clip = load_vocabulary(write_clip(tmp_path, "clip"))
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(["Ġthe", "the", "a", "Ċ"])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    other = vocabulary_from_backend(tokenizer, name="x")
    for source, target in ((clip, other), (other, clip)):
        assert match_vocabularies(source, target).by_rule["exact"] == 0
        fuzzy = match_vocabularies(source, target, mode=MatchMode.FUZZY)
        assert fuzzy.by_rule["fuzzy"] > 2
    same = match_vocabularies(clip, clip)
    assert np.array_equal(same.source_ids, same.target_ids)
    with pytest.raises(VocabularyError, match="a mark at its end"):
        extend_tokenizer(clip, other)


def test_word_ends_are_left_to_the_model_that_reads_a_token(tmp_path: Path) -> None:
    """CLIP reads a word as a word, and its own mark is no text for others."""
    clip = load_vocabulary(write_clip(tmp_path, "clip"))
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(["Ġthe", "t", "h", "e", "Ġ", "th"])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    other = vocabulary_from_backend(tokenizer, name="x")
    assert [clip.tokens[i] for i in subword_ids(0, source=clip, target=other)] == ["the</w>"]
    word = clip.ids_of_tokens["the</w>"]
    assert [other.tokens[i] for i in subword_ids(word, source=other, target=clip)] == ["t", "h", "e"]


@pytest.mark.parametrize(
    ("model_type", "said"),
    [
        ("luke", "LukeTokenizer"),
        ("herbert", "HerbertTokenizer"),
        ("ctrl", "CTRLTokenizer"),
        ("xlm", "XLMTokenizer"),
        ("cohere", "CohereTokenizer"),
        ("blenderbot-small", "BlenderbotSmallTokenizer"),
    ],
)
def test_other_classes_are_refused_by_name(tmp_path: Path, model_type: str, said: str) -> None:
    with pytest.raises(VocabularyError, match=f"the files of {said}; give a folder with its tokenizer.json"):
        load_vocabulary(write(tmp_path, model_type, ["<|endoftext|>"]))


@pytest.mark.parametrize("mark", ["</w>", "@@"])
def test_other_marks_without_a_class_are_refused(tmp_path: Path, mark: str) -> None:
    folder = write_clip(tmp_path, "")
    ids = json.loads((folder / "vocab.json").read_text("utf-8"))
    renamed = {token.replace("</w>", mark): i for token, i in ids.items()}
    (folder / "vocab.json").write_text(json.dumps(renamed), encoding="utf-8")
    with pytest.raises(VocabularyError, match=f"tokens that end in {mark}, and no tokenizer_class"):
        load_vocabulary(folder)
