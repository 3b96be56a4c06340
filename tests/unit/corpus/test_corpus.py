"""Opening a corpus, its digests, and the batches."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from focus_core.corpus import corpus as corpus_module
from focus_core.corpus.corpus import iter_batches, open_corpus
from focus_core.errors import CorpusError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.txt").write_text("three\n\nfour\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "one\ntwo"}) + "\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("not a corpus", encoding="utf-8")
    (tmp_path / ".hidden.txt").write_text("not seen", encoding="utf-8")
    return tmp_path


def test_folder_stands_for_its_known_files_in_order(folder: Path) -> None:
    corpus = open_corpus([folder])
    assert corpus.names == ("a.jsonl", "b.txt")
    assert list(iter_batches(corpus)) == [["one", "two", "three", "four"]]
    assert corpus.n_bytes == sum((folder / name).stat().st_size for name in corpus.names)


def test_files_keep_the_order_they_are_given_in(folder: Path) -> None:
    corpus = open_corpus([str(folder / "b.txt"), folder / "a.jsonl"])
    assert list(iter_batches(corpus, lines_per_batch=3)) == [["three", "four", "one"], ["two"]]


def test_batches_of_long_lines_are_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "CHARACTERS_PER_BATCH", 10)
    path = tmp_path / "a.txt"
    path.write_text("aaaaaa\nbbbbbb\ncc\ndd\n", encoding="utf-8")
    assert list(iter_batches(open_corpus([path]))) == [["aaaaaa", "bbbbbb"], ["cc", "dd"]]


def test_corpus_is_never_whole_in_memory(tmp_path: Path) -> None:
    """24 MB of text are read with less than 12 MB at a time: a batch, a chunk and their decoded forms."""
    path = tmp_path / "a.txt"
    line = "the quick brown fox jumps over the lazy dog " * 2 + "\n"
    path.write_text(line * (24_000_000 // len(line)), encoding="utf-8")
    corpus = open_corpus([path])
    tracemalloc.start()
    n_lines = sum(map(len, iter_batches(corpus)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_lines == 24_000_000 // len(line)
    assert peak < 12_000_000


def test_digest_follows_content_not_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("same", encoding="utf-8")
    first, second = (open_corpus([tmp_path / name / "a.txt"]) for name in ("one", "two"))
    assert first.digest == second.digest
    (tmp_path / "two" / "a.txt").write_text("other", encoding="utf-8")
    assert open_corpus([tmp_path / "two" / "a.txt"]).digest != first.digest
    assert open_corpus([tmp_path / "one" / "a.txt"], encoding="cp1252").digest != first.digest


def test_empty_corpus(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(CorpusError, match=r"a\.txt: expected some text, got none"):
        open_corpus([tmp_path / "a.txt"])


def test_missing_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="got nothing there; check the path"):
        open_corpus([tmp_path / "no.txt"])


def test_folder_without_text(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="name the files themselves"):
        open_corpus([tmp_path])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.pdf", "got the suffix '.pdf'; save its text as a .txt file"),
        ("a.json", "got the suffix '.json'; write a record a line and call it .jsonl"),
        ("a.zip", "got the suffix '.zip'; unpack it first"),
        ("a.gz", "got the suffix '.gz'; call it by what it holds, such as text.txt.gz"),
        ("a.log", "got the suffix '.log'; rename or convert it"),
    ],
)
def test_unknown_suffix_of_a_named_file(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        open_corpus([tmp_path / name])
    assert said in str(caught.value)


def test_an_address_of_the_web_is_no_path() -> None:
    with pytest.raises(CorpusError, match="got an address of the web; fetch it first"):
        open_corpus(["https://example.org/a.txt"])
