"""focus_core.artifacts: digests, atomic writes, the cache keyed by content, safetensors files read with suspicion."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core import artifacts
from focus_core.artifacts import (
    atomic_write_bytes,
    cache_root,
    cached_folder,
    digest_json,
    read_array,
    sha256_bytes,
    sha256_file,
    staged,
    tensor_names,
    write_arrays,
)
from focus_core.errors import InvalidInputError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda c: st.dictionaries(st.text(max_size=5), c, max_size=3),
    max_leaves=5,
)


def test_digests_are_sha256(tmp_path: Path) -> None:
    """SHA-256 of `abc` is in FIPS 180-2, appendix B.1."""
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_bytes(b"abc") == sha256_file(tmp_path / "abc") == known


@given(st.dictionaries(st.text(), JSON, min_size=2))
def test_a_digest_of_json_ignores_the_order_of_keys(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert digest_json(value) == digest_json(turned)
    assert digest_json(value) != digest_json(value | {"one more": 1} | {"and": 2})


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    atomic_write_bytes(path, b"old")

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_new_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with staged(target) as part:
        part.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_whose_making_fails_is_gone(tmp_path: Path) -> None:
    def make() -> None:
        with staged(tmp_path / "file") as part:
            part.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_a_new_file_takes_no_place_that_is_taken(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "file"
    _take(target, kind)
    with pytest.raises(InvalidInputError, match="expected a new file, got one that exists"), staged(target):
        pytest.fail("the body must not run")
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_file_spares_what_came_while_it_was_written(tmp_path: Path) -> None:
    target = tmp_path / "file"

    def make() -> None:
        with staged(target) as part:
            part.write_bytes(b"mine")
            target.write_bytes(b"another's")

    with pytest.raises(InvalidInputError, match="expected a new file, got one that exists"):
        make()
    assert target.read_bytes() == b"another's"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with staged(target, folder=True) as part:
        (part / "a").write_text("1")
        assert not target.exists()
    assert [p.name for p in target.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_folder_whose_making_fails_is_gone(tmp_path: Path) -> None:
    def make() -> None:
        with staged(tmp_path / "run", folder=True) as part:
            (part / "a").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_output_folder_that_exists(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "run"
    _take(target, kind)
    with (
        pytest.raises(InvalidInputError, match="expected a new folder, got one that exists"),
        staged(target, folder=True),
    ):
        pytest.fail("the body must not run")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("around", ["", "projection"])
def test_a_failure_leaves_no_empty_folder_around_it(tmp_path: Path, around: str) -> None:
    """One that was there before stays, and one that something else was put into."""

    def make(name: str, *, also: bool) -> None:
        with staged(tmp_path / around / name, folder=True) as part:
            if also:
                (part.parent / "beside").write_text("1")
            raise KeyboardInterrupt

    for also in (False, True):
        with pytest.raises(KeyboardInterrupt):
            make("one", also=also)
        expected = {"beside"} if also else set()
        assert {p.name for p in tmp_path.rglob("*")} == ({around} - {""} if also else set()) | expected


@pytest.mark.parametrize("checkpoint", [True, False])
def test_what_was_interrupted_is_kept_where_it_holds_a_checkpoint(tmp_path: Path, checkpoint: bool) -> None:
    target, part = tmp_path / "run", tmp_path / "run.part"

    def make() -> None:
        with staged(target, folder=True, part=part, keep="checkpoint") as growing:
            (growing / ("checkpoint" if checkpoint else "other")).write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make()
    assert part.is_dir() == checkpoint
    with staged(target, folder=True, part=part, keep="checkpoint") as growing:
        assert (growing / "checkpoint").is_file() == checkpoint
        (growing / "a").write_text("1")
    assert [p.name for p in target.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [target]


def _take(target: Path, kind: str) -> None:
    """Put something where a file or a folder shall come to be."""
    if kind == "folder":
        target.mkdir()
    elif kind == "file":
        target.write_text("mine")
    else:
        target.symlink_to(target.with_name("nowhere"))


def test_the_cache_lies_where_it_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOCUS_LAB_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"
    monkeypatch.delenv("FOCUS_LAB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "focus-lab"


def test_a_cache_entry_is_built_once() -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "x").write_text("1")

    key = "ab" * 32
    assert (cached_folder(key, build) / "x").read_text() == "1"
    assert cached_folder(key, build) == cached_folder(key, build)
    assert len(built) == 1


def test_a_build_that_was_interrupted_is_never_used() -> None:
    def broken(folder: Path) -> None:
        (folder / "half").write_text("1")
        raise KeyboardInterrupt

    key = "cd" * 32
    with pytest.raises(KeyboardInterrupt):
        cached_folder(key, broken)
    assert [p for p in cache_root().rglob("*") if p.is_file()] == []
    folder = cached_folder(key, lambda part: (part / "whole").write_text("2") and None)
    assert [p.name for p in folder.iterdir()] == ["whole"]


def test_another_process_that_was_faster_wins() -> None:
    key = "ef" * 32

    def slow(folder: Path) -> None:
        (folder / "x").write_text("slow")
        rival = cache_root() / key[:2] / key
        rival.mkdir()
        (rival / "x").write_text("fast")

    assert (cached_folder(key, slow) / "x").read_text() == "fast"


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "int8", "int64", "uint8", "bool"])
def test_arrays_survive_the_file(tmp_path: Path, dtype: str) -> None:
    array = (np.arange(6).reshape(3, 2) % 2).astype(dtype)
    write_arrays(tmp_path / "a.safetensors", {"x": array})
    assert tensor_names(tmp_path / "a.safetensors")["x"][1] == (3, 2)
    back = read_array(tmp_path / "a.safetensors", "x")
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_bfloat16_becomes_float32_exactly(tmp_path: Path) -> None:
    """bfloat16 keeps 8 bits of mantissa: 1 + 2**-7 is a bfloat16, and its float32 has the same value."""
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[1 + 2**-7, -3.0], [0.0, 2**100]], dtype=torch.bfloat16)
    write_arrays(tmp_path / "a.safetensors", {"x": tensor})
    back = read_array(tmp_path / "a.safetensors", "x")
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, tensor.float().numpy())


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    arrays = {"b": np.arange(4, dtype=np.float32), "a": np.zeros((2, 2), dtype=np.int32)}
    write_arrays(tmp_path / "1", arrays, metadata={"k": "v"})
    write_arrays(tmp_path / "2", dict(reversed(arrays.items())), metadata={"k": "v"})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HOSTILE = {
    "empty": b"",
    "text": b"hello world, I am not a safetensors file",
    "header longer than the file": (10**6).to_bytes(8, "little") + b"{}",
    "header that is no json": safetensors(b"{nope"),
    "header that is a list": safetensors([1]),
    "entry that is a number": safetensors({"x": 3}),
    "unknown type": safetensors({"x": ENTRY | {"dtype": "F99"}}, bytes(8)),
    "more than the file holds": safetensors({"x": ENTRY}, bytes(4)),
    "shape against extent": safetensors({"x": ENTRY | {"shape": [3]}}, bytes(8)),
    "negative shape": safetensors({"x": ENTRY | {"shape": [-2]}}, bytes(8)),
    "huge shape": safetensors({"x": ENTRY | {"shape": [2**40, 2**40]}}, bytes(8)),
    "backwards": safetensors({"x": ENTRY | {"data_offsets": [8, 0]}}, bytes(8)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_not_a_sound_safetensors_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(InvalidInputError, match=r"x\.safetensors: expected a sound safetensors file, got "):
        read_array(path, "x")


def test_a_tensor_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.safetensors", {"x": np.zeros(2), "y": np.zeros(2)})
    with pytest.raises(InvalidInputError, match="expected a tensor 'z', got x, y;"):
        read_array(tmp_path / "a.safetensors", "z")


def test_a_mapped_array_cannot_be_written(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.safetensors", {"x": np.zeros((2, 2), dtype=np.float32)})
    with pytest.raises(ValueError, match="read-only"):
        read_array(tmp_path / "a.safetensors", "x")[0, 0] = 1


def test_an_empty_tensor_can_be_read(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.safetensors", {"x": np.zeros((0, 3), dtype=np.float32)})
    assert read_array(tmp_path / "a.safetensors", "x").shape == (0, 3)


def test_the_module_reads_no_pickle() -> None:
    source = Path(artifacts.__file__).read_text(encoding="utf-8")
    assert "import pickle" not in source
    assert "allow_pickle=True" not in source
    assert hashlib.sha256().name == "sha256"
