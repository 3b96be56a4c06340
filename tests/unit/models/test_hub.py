"""Which files a name leads to, and what a name that leads nowhere says."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from focus_core.errors import ModelError, VocabularyError
from focus_core.models.hub import cached_file, locate_model, locate_tokenizer


def write(folder: Path, **files: object) -> Path:
    """Write files named ``tokenizer__json=...``: dicts as JSON, text as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_tokenizer_json_wins_over_everything_else(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "all", tokenizer__json={}, tokenizer__model="x", vocab__json={}, merges__txt="", vocab__txt="a"
    )
    assert locate_tokenizer(folder).kind == "tokenizer.json"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"tokenizer__model": "x"}, "sentencepiece"),
        ({"spiece__model": "x"}, "sentencepiece"),
        ({"vocab__json": "{}", "merges__txt": ""}, "gpt2"),
        ({"vocab__txt": "a"}, "wordpiece"),
    ],
)
def test_kind_of_a_folder(tmp_path: Path, files: dict[str, str], kind: str) -> None:
    found = locate_tokenizer(write(tmp_path / "Folder", **files))
    assert (found.kind, found.name) == (kind, "Folder")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tokenizer.json", "tokenizer.json"),
        ("my.json", "tokenizer.json"),
        ("a.model", "sentencepiece"),
        ("v.txt", "wordpiece"),
    ],
)
def test_kind_of_a_file(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    assert locate_tokenizer(str(tmp_path / name)).kind == kind


def test_either_file_of_a_gpt2_pair_leads_to_both(tmp_path: Path) -> None:
    folder = write(tmp_path, vocab__json={}, merges__txt="")
    for name in ("vocab.json", "merges.txt"):
        assert set(locate_tokenizer(folder / name).paths) == {"vocab", "merges"}


def test_name_is_never_a_path(tmp_path: Path) -> None:
    """A generic file name says nothing, so its folder's name is shown; neither holds a separator."""
    folder = write(tmp_path / "swahili-8k", tokenizer__json={}, other__json={})
    assert locate_tokenizer(folder / "tokenizer.json").name == "swahili-8k"
    assert locate_tokenizer(folder / "other.json").name == "other.json"


def test_config_merges_the_files_beside_the_tokenizer(tmp_path: Path) -> None:
    """The tokenizer's own configuration wins over the map, the map over null, ids come from the model's files."""
    folder = write(
        tmp_path,
        tokenizer__json={},
        tokenizer_config__json={"bos_token": "<s>", "pad_token": None, "chat_template": "x"},
        special_tokens_map__json={"bos_token": "<other>", "pad_token": "<pad>"},
        config__json={"eos_token_id": 7, "hidden_size": 4, "pad_token_id": None},
        generation_config__json={"eos_token_id": [8, 9], "pad_token_id": 3},
        added_tokens__json={"<x>": 11},
    )
    config = locate_tokenizer(folder).config
    assert config["bos_token"] == "<s>"
    assert config["pad_token"] == "<pad>"
    assert (config["eos_token_id"], config["pad_token_id"]) == (7, 3)
    assert config["added_tokens_decoder"] == {"11": {"content": "<x>", "special": False, "normalized": True}}
    assert "hidden_size" not in config


def test_digest_follows_content_not_place(tmp_path: Path) -> None:
    first = write(tmp_path / "a", tokenizer__json={"a": 1})
    shutil.copytree(first, tmp_path / "b")
    assert locate_tokenizer(first).digest == locate_tokenizer(tmp_path / "b").digest
    write(tmp_path / "b", tokenizer__json={"a": 2})
    assert locate_tokenizer(first).digest != locate_tokenizer(tmp_path / "b").digest


def assert_one_line(error: pytest.ExceptionInfo[VocabularyError], *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    assert error.value.exit_status == 2
    for part in parts:
        assert part in text


def test_folder_without_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError) as error:
        locate_tokenizer(write(tmp_path / "empty"))
    assert_one_line(error, "empty: expected", "none of them")


def test_unknown_suffix(tmp_path: Path) -> None:
    (tmp_path / "tok.bin").write_bytes(b"\x80\x04")
    with pytest.raises(VocabularyError) as error:
        locate_tokenizer(tmp_path / "tok.bin")
    assert_one_line(error, "suffix '.bin'")


@pytest.mark.parametrize("spec", ["no/such/folder/here", "missing.json", "../away", "a b", "https://example.org/x", ""])
def test_what_cannot_be_a_hub_id_never_asks_the_network(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    if spec in {"", "../away"} and Path(spec).exists():  # the empty name is the current folder
        spec = "//no//"
    with pytest.raises(VocabularyError) as error:
        locate_tokenizer(spec)
    assert_one_line(error, "neither")


def test_hub_id_that_cannot_be_fetched() -> None:
    with pytest.raises(VocabularyError) as error:
        locate_tokenizer("nobody/no-such-tokenizer")
    assert_one_line(error, "nobody/no-such-tokenizer", "no such path here, and the Hub")


def test_a_path_with_a_slip_of_the_pen_names_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "swahili-model").mkdir()
    for wrong, said in (("swahili-modle", "neither (beside it lies 'swahili-model')"), ("quite-another", "neither;")):
        with pytest.raises(ModelError) as error:
            locate_model(str(tmp_path / wrong))
        assert said in str(error.value)


def test_a_model_without_its_tokenizer_says_where_to_name_it(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(VocabularyError) as error:
        locate_tokenizer(tmp_path)
    assert_one_line(error, "got a model without its tokenizer", "--source-tokenizer")


def test_hub_id_is_fetched_with_the_files_a_tokenizer_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights are asked for, and the Hub id is the display name."""
    asked: dict[str, object] = {}
    folder = write(tmp_path / "snapshot", vocab__txt="a")

    def fetch(name: str, *, allow_patterns: list[str]) -> str:
        asked.update(name=name, patterns=allow_patterns)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    found = locate_tokenizer("someone/tokenizer")
    assert (found.name, found.kind) == ("someone/tokenizer", "wordpiece")
    assert not [p for p in asked["patterns"] if "safetensors" in p or ("*" in p and not p.endswith("*.jinja"))]


def test_broken_json_beside_the_tokenizer(tmp_path: Path) -> None:
    for text in ("{", "[1]"):
        with pytest.raises(VocabularyError) as error:
            locate_tokenizer(write(tmp_path, tokenizer__json={}, tokenizer_config__json=text))
        assert_one_line(error, "tokenizer_config.json")


def test_model_is_a_folder_or_a_hub_id(tmp_path: Path) -> None:
    assert locate_model(tmp_path) == tmp_path
    (tmp_path / "model.safetensors").write_bytes(b"")
    for spec in (tmp_path / "model.safetensors", "nobody/no-such-model", "./nowhere"):
        with pytest.raises(ModelError) as error:
            locate_model(str(spec))
        assert "\n" not in str(error.value)


TIKTOKEN = b"".join(b"%s %d\n" % (base64.b64encode(bytes([i])), i) for i in range(8))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tekken.json", b"{}", "a tekken file"),
        ("qwen.tiktoken", TIKTOKEN, "a tiktoken file"),
        ("tiktoken.model", TIKTOKEN, "a tiktoken file"),
        ("tokenizer.model.v3", b"x", "a tokenizer file of Mistral's own library"),
        ("tokenizer.model.v11", b"x", "a tokenizer file of Mistral's own library"),
        ("bpe.codes", b"a b 1\n", "BPE codes"),
    ],
)
def test_files_of_other_libraries_are_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """In a folder and by their own name, with the way out."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "vocab.txt").write_text("[UNK] 1\n") if name == "bpe.codes" else None
    for spec in (tmp_path, tmp_path / name):
        with pytest.raises(VocabularyError, match=said) as error:
            locate_tokenizer(spec)
        assert str(error.value).startswith(f"{name}: expected tokenizer.json")
        assert "tokenizer.json" in str(error.value).rpartition("; ")[2]


def test_a_vocabulary_beside_bpe_codes_is_not_wordpiece(tmp_path: Path) -> None:
    (tmp_path / "bpe.codes").write_text("a b 1\n")
    (tmp_path / "vocab.txt").write_text("[UNK]\n")
    with pytest.raises(VocabularyError, match="BPE codes"):
        locate_tokenizer(tmp_path / "vocab.txt")


def test_a_readable_file_comes_before_one_of_another_library(tmp_path: Path) -> None:
    for name in ("tekken.json", "tokenizer.model", "tokenizer.model.v3"):
        (tmp_path / name).write_text("x")
    assert locate_tokenizer(tmp_path).paths["model"].name == "tokenizer.model"


@pytest.mark.parametrize(("model_type", "unit"), [("canine", "characters"), ("byt5", "bytes")])
def test_models_without_a_vocabulary(tmp_path: Path, model_type: str, unit: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    with pytest.raises(VocabularyError, match=f"reads {unit} themselves and has no vocabulary to replace"):
        locate_tokenizer(tmp_path)


def test_chat_templates_lie_in_files(tmp_path: Path) -> None:
    """A file comes before the key of the configuration; more than one make a mapping by name."""
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "old"}))
    assert locate_tokenizer(tmp_path).config["chat_template"] == "old"
    (tmp_path / "chat_template.jinja").write_text("new")
    assert locate_tokenizer(tmp_path).config["chat_template"] == "new"
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "tools.jinja").write_text("more")
    assert locate_tokenizer(tmp_path).config["chat_template"] == {"default": "new", "tools": "more"}
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(VocabularyError, match="UTF-8 text"):
        locate_tokenizer(tmp_path)


def test_the_model_says_which_class_where_the_tokenizer_does_not(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "tokenizer_class": "T5Tokenizer"}))
    assert locate_tokenizer(tmp_path).config == {"model_type": "bert", "tokenizer_class": "T5Tokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "AlbertTokenizer", "model_type": 3}))
    assert locate_tokenizer(tmp_path).config == {"model_type": "bert", "tokenizer_class": "AlbertTokenizer"}


@pytest.mark.parametrize("spec", ["owner/never-fetched", "a--b/c", "a/b.git", "ä/ö", "x/" + "y" * 200])
def test_what_was_not_fetched_is_not_there_and_nothing_is_raised(spec):
    assert cached_file(spec, "config.json") is None
