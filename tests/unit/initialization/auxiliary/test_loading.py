"""Given vectors: every format by hand-derived rows, and every damaged or hostile file refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.artifacts import write_arrays
from focus_core.errors import AuxiliaryError
from focus_core.initialization.auxiliary.fasttext_format import MAGIC
from focus_core.initialization.auxiliary.fasttext_process import run_child
from focus_core.initialization.auxiliary.loading import load_auxiliary, read_vec, word_means
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import AuxiliaryKind

TOKEN, WORD = AuxiliaryKind.TOKEN, AuxiliaryKind.WORD


@pytest.fixture
def vocabulary() -> Vocabulary:
    """WordPiece ids: 0 [UNK], 1 ab, 2 c, 3 ##c, 4 </s> as text, 5 [CLS] (special)."""
    pieces = {"[UNK]": 0, "ab": 1, "c": 2, "##c": 3, "</s>": 4}
    backend = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens([AddedToken("[CLS]", special=True, normalized=False)])
    return vocabulary_from_backend(backend, name="pieces", config={"unk_token": "[UNK]", "cls_token": "[CLS]"})


def vec(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def rows_file(path: Path, rows: np.ndarray, name: str = "vectors") -> Path:
    write_arrays(path, {name: rows})
    return path


def test_safetensors_by_id(vocabulary: Vocabulary, tmp_path: Path) -> None:
    rows = np.zeros((vocabulary.n, 3), dtype=np.float16)
    rows[1], rows[3] = [1, 2, 3], [0, 0, 0.5]
    given = load_auxiliary(rows_file(tmp_path / "v.safetensors", rows), vocabulary)
    assert given.vectors.tolist() == rows.astype(np.float32).tolist()
    assert given.vectors.dtype == np.float32
    assert given.has_vector.tolist() == [False, True, False, True, False, False], "an all-zero row is no vector"
    assert given.settings["keyed_by"] == "id"
    assert len(given.settings["sha256"]) == 64


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((5, 3), np.float32), r"expected 6 rows, got shape \(5, 3\); give one row per id"),
        (np.ones((7, 3), np.float32), r"expected 6 rows"),
        (np.ones(6, np.float32), "rank 2"),
        (np.ones((6, 3), np.int64), "numbers with a fraction, got I64"),
        (np.full((6, 3), np.nan, np.float32), "NaN or infinity in 6 rows: 0 "),
        (np.full((6, 3), np.inf, np.float32), "NaN or infinity"),
        (np.zeros((6, 3), np.float32), "got none"),
    ],
)
def test_vectors_of_the_wrong_length_or_kind(
    vocabulary: Vocabulary, tmp_path: Path, rows: np.ndarray, message: str
) -> None:
    with pytest.raises(AuxiliaryError, match=message):
        load_auxiliary(rows_file(tmp_path / "v.safetensors", rows), vocabulary)


def test_safetensors_without_the_tensor(vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = rows_file(tmp_path / "v.safetensors", np.ones((6, 2), np.float32), name="embeddings")
    with pytest.raises(AuxiliaryError, match="a tensor 'vectors', got embeddings"):
        load_auxiliary(path, vocabulary)


def test_safetensors_that_is_none(vocabulary: Vocabulary, tmp_path: Path) -> None:
    with pytest.raises(AuxiliaryError, match="sound safetensors file"):
        load_auxiliary(vec(tmp_path / "v.safetensors", b"\xff" * 100), vocabulary)


def test_vec_by_token(vocabulary: Vocabulary, tmp_path: Path) -> None:
    """Rows by native form; the escaped name of a token that fastText mangles is known too; the first of two counts."""
    text = "6 2\nab 1 2 \n##c 3 4\nc -0.5 1e-2\n␛</s> 5 6\nother x y\nab 9 9\n"
    given = load_auxiliary(vec(tmp_path / "v.vec", text), vocabulary, kind=TOKEN)
    expected = np.array([[0, 0], [1, 2], [-0.5, 1e-2], [3, 4], [5, 6], [0, 0]], dtype=np.float32)
    assert np.array_equal(given.vectors, expected)
    assert (given.kind, given.dim, given.n_vectors) == ("token", 2, 4)


def test_vec_by_word_is_the_zipf_weighted_mean_of_the_words_of_a_token(vocabulary: Vocabulary, tmp_path: Path) -> None:
    """`abc` (rank 1) is ab ##c, `ab` (rank 2) is ab, `cc` (rank 3) is c ##c, each alike after a space.

    ab: (1·(6, 0) + 1/2·(0, 6)) / (3/2) = (4, 2). c: (0, 3). ##c: (1·(6, 0) + 1/3·(0, 3)) / (4/3) = (4.5, 0.75).
    """
    path = vec(tmp_path / "v.vec", "3 2\nabc 6 0\nab 0 6\ncc 0 3\n")
    given = load_auxiliary(path, vocabulary, kind=WORD)
    expected = [[0, 0], [4, 2], [0, 3], [4.5, 0.75], [0, 0], [0, 0]]
    assert np.allclose(given.vectors, expected, rtol=0, atol=1e-6)
    assert given.kind == "word"


def test_word_means_do_not_depend_on_batches(
    vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    lines = [f"{'ab' * (i % 3) + 'c' * (i % 4) or 'c'} {' '.join(map(str, rng.random(4)))}" for i in range(50)]
    path = vec(tmp_path / "v.vec", "50 4\n" + "\n".join(lines))
    whole = word_means(path, vocabulary)
    monkeypatch.setattr("focus_core.initialization.auxiliary.loading.WORDS_PER_BATCH", 7)
    assert np.allclose(word_means(path, vocabulary), whole, atol=1e-6)


def test_words_with_spaces_and_odd_bytes_in_vec(tmp_path: Path) -> None:
    path = vec(tmp_path / "v.vec", b"3 2\nNew York 1 2\nbad\xff 3 4\n\xc2\xa0 5 6\n")
    assert [(word, row.tolist()) for word, row in read_vec(path)] == [
        ("New York", [1, 2]),
        ("bad\ufffd", [3, 4]),
        ("\u00a0", [5, 6]),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"),
        ("ab 1 2\n", "first line"),
        ("1 0\nab\n", "first line"),
        ("1 99999999\nab 1\n", "at most 4096"),
        ("1 3\nab 1 2\n", r"3 finite numbers in line 2, got 2"),
        ("1 2\nab 1 x\n", "something that is no number"),
        ("1 2\nc 1 2\nab 1 nan\n", "in line 3, got NaN or infinity"),
        ("1 2\nab 1 1e999\n", "NaN or infinity"),
        ("1 2\nother 1 2\n", "vectors of tokens of the target vocabulary, got none; .*--auxiliary-kind"),
        (b"2 2\n" + b"\0" * 100_000, "finite numbers in line 2"),
    ],
)
def test_damaged_vec(vocabulary: Vocabulary, tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(AuxiliaryError, match=message):
        load_auxiliary(vec(tmp_path / "v.vec", text), vocabulary)


def bin_file(*, words: int = 2, dim: int = 2, **changes: Any) -> bytes:
    """Return a sound fastText file of two words without n-grams, or one that lies as ``changes`` say."""
    settings = {
        "dim": dim, "ws": 5, "epoch": 5, "minCount": 1, "neg": 5, "wordNgrams": 1, "loss": 2, "model": 1,
        "bucket": 0, "minn": 0, "maxn": 0, "lrUpdateRate": 100,
    }  # fmt: skip
    values = [changes.get(name, value) for name, value in settings.items()]
    start = struct.pack("<2i12id", changes.get("magic", MAGIC), changes.get("version", 12), *values, 1e-4)
    numbers = [changes.get(name, value) for name, value in {"size": words, "nwords": words, "nlabels": 0}.items()]
    dictionary = struct.pack("<3i2q", *numbers, 10, changes.get("pruned", -1))
    entries = changes.get("entries", b"".join(f"{w}\0".encode() + struct.pack("<qb", 5, 0) for w in ("ab", "##c")))
    shape = (changes.get("rows", words), changes.get("columns", dim))
    quantised = bytes([changes.get("quantised", 0)])
    values_ = np.arange(1, words * dim + 1, dtype="<f4").tobytes()
    matrix = quantised + struct.pack("<2q", *shape) + values_
    output = b"\0" + struct.pack("<2q", words, dim) + values_
    return start + dictionary + entries + matrix + output + changes.get("rest", b"")


def test_bin_by_token(vocabulary: Vocabulary, tmp_path: Path) -> None:
    """Two words, no n-grams: the rows of the file are the vectors."""
    given = load_auxiliary(vec(tmp_path / "v.bin", bin_file()), vocabulary, kind=TOKEN)
    assert given.vectors.tolist() == [[0, 0], [1, 2], [0, 0], [3, 4], [0, 0], [0, 0]]
    assert given.settings["keyed_by"] == "token"


HOSTILE = {
    "empty": b"",
    "pickle": b"\x80\x04pickle" * 40,
    "magic only": MAGIC.to_bytes(4, "little"),
    "version": bin_file(version=99),
    "dim": bin_file(dim=2, columns=3),
    "negative dim": bin_file(dim=-1, columns=-1, words=0),
    "huge dim": bin_file(columns=2**30),
    "huge matrix": bin_file(rows=2**40, columns=2**20),
    "bucket": bin_file(bucket=2**30),
    "negative bucket": bin_file(bucket=-1),
    "words that are not there": bin_file(size=2**31 - 1, nwords=2**31 - 1),
    "negative sizes": bin_file(size=-5, nwords=-5),
    "no end of word": bin_file(entries=b"a" * 100_000),
    "pruned": bin_file(pruned=2**40),
    "quantised": bin_file(quantised=1),
    "breaks off": bin_file()[:-1],
    "breaks off early": bin_file()[:100],
    "bytes after the end": bin_file(rest=b"x"),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_bin_is_refused_before_fasttext_sees_it(
    vocabulary: Vocabulary, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "focus_core.initialization.auxiliary.loading.run_child", lambda *a, **k: pytest.fail("the child was started")
    )
    with pytest.raises(AuxiliaryError, match=r"v\.bin: expected a sound fastText \.bin, got") as caught:
        load_auxiliary(vec(tmp_path / "v.bin", content), vocabulary)
    assert "\n" not in str(caught.value)


def test_child_that_loops_or_eats_memory_is_ended_by_its_limits(tmp_path: Path) -> None:
    """Given to fastText as it is, this header reads words past the end of the file without end."""
    path = vec(tmp_path / "v.bin", bin_file(size=2**31 - 1, nwords=2**31 - 1))
    vec(tmp_path / "names.txt", "ab")
    request = {
        "task": "tokens", "input": str(path), "names": str(tmp_path / "names.txt"), "output": str(tmp_path / "out"),
        "memory_bytes": 3 << 30, "cpu_seconds": 3,
    }  # fmt: skip
    with pytest.raises(AuxiliaryError, match=r"v\.bin: expected a sound fastText \.bin, got it ended with status"):
        run_child(request, tmp_path)
    assert not (tmp_path / "out").exists()


def test_missing_file_and_unknown_suffix(vocabulary: Vocabulary, tmp_path: Path) -> None:
    with pytest.raises(AuxiliaryError, match="nothing there"):
        load_auxiliary(tmp_path / "no.vec", vocabulary)
    with pytest.raises(AuxiliaryError, match=r"\.bin, \.vec or \.safetensors, got the suffix '\.npy'"):
        load_auxiliary(vec(tmp_path / "v.npy", "x"), vocabulary)
