"""A packed model: what is taken, what is left, and every hostile zip refused in one line with nothing written."""

import io
import os
import random
import stat
import struct
import zipfile

import pytest

from focus_core.errors import ModelError
from focus_core.models import unpack
from focus_core.models.unpack import PackedFile, top_folder, unpack_files, unpack_zip

WEIGHTS = b"weights, which nobody reads here"
WHOLE = {"config.json": b"{}", "model.safetensors": WEIGHTS, "tokenizer.json": b"{}"}


def zip_of(files, *, compression=zipfile.ZIP_STORED, mode=None):
    """Return a zip of names and contents as a stream."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            entry.external_attr = (mode or 0) << 16
            archive.writestr(entry, content)
    stream.seek(0)
    return stream


def unpacked(files, folder, **options):
    return unpack_zip(zip_of(files, **options), folder / "model", name="my.zip")


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def refused(files, folder, **options):
    """Return why a zip is refused; nothing may be left."""
    with pytest.raises(ModelError) as caught:
        unpacked(files, folder, **options)
    assert list(folder.iterdir()) == []
    text = str(caught.value)
    assert text.startswith("my.zip: expected ")
    assert ", got " in text
    assert "; " in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("around", ["", "bert-tiny/", "./bert-tiny/", "bert-tiny\\"])
def test_what_a_model_needs_is_taken_and_nothing_else(tmp_path, around):
    needed = WHOLE | {
        "generation_config.json": b"{}", "chat_template.jinja": b"x", "sentencepiece.bpe.model": b"x", "LICENSE": b"x",
        "NOTICE.txt": b"x", "modules.json": b"[]", "sentence_bert_config.json": b"{}", "1_Pooling/config.json": b"{}",
        "2_Dense/model.safetensors": b"x", "source.spm": b"x", "additional_chat_templates/tools.jinja": b"x",
    }  # fmt: skip
    other = {
        "run.py": b"import os", "modeling_x.py": b"import os", "README.md": b"x", "notes/config.json": b"{}",
        "1_Pooling/deep/config.json": b"{}", "additional_chat_templates/run.py": b"import os",
        ".git/config": b"x", "picture.png": b"x",
    }  # fmt: skip
    packed = {around + name: content for name, content in (needed | other).items()}
    packed |= {"__MACOSX/bert-tiny/._config.json": b"x", ".DS_Store": b"x"}
    found = unpacked(packed, tmp_path)
    assert names(found.folder) == sorted(needed)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert found.pickles == ()
    assert top_folder(packed) == ("bert-tiny" if around else "")


def test_a_packed_file_cannot_be_executed(tmp_path):
    found = unpacked(WHOLE, tmp_path, mode=stat.S_IFREG | 0o4777)
    assert not any(os.access(path, os.X_OK) for path in found.folder.iterdir())


def test_a_pickle_beside_safetensors_is_left_out_and_named(tmp_path):
    found = unpacked(WHOLE | {"pytorch_model.bin": b"x", "optimizer.pt": b"x"}, tmp_path)
    assert found.pickles == ("optimizer.pt", "pytorch_model.bin")
    assert names(found.folder) == sorted(WHOLE)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.PT", "weights.pkl"])
def test_a_pickle_alone_is_refused_by_name_with_the_way_out(tmp_path, name):
    text = refused({"m/config.json": b"{}", f"m/{name}": b"x"}, tmp_path)
    assert f"{name!r}, a pickle, which can run code" in text
    assert "save_pretrained(new)" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [("model.Q4_K_M.gguf", "a GGUF file"), ("flax_model.msgpack", "weights for Flax"), ("onnx/model.onnx", "a graph")],
)
def test_weights_of_another_program_are_named_as_in_a_folder(tmp_path, name, words):
    text = refused({"m/config.json": b"{}", f"m/{name}": b"x"}, tmp_path)
    assert f"{name!r}, {words}" in text


@pytest.mark.parametrize(
    "name",
    [
        "../config.json",
        "m/../../config.json",
        "/etc/config.json",
        "C:\\config.json",
        "..\\config.json",
        "\\config.json",
    ],
)
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    assert "which leads out" in refused(WHOLE | {name: b"x"}, tmp_path)


def test_a_link_is_refused(tmp_path):
    text = refused({"config.json": "/etc/passwd"}, tmp_path, mode=stat.S_IFLNK | 0o777)
    assert "'config.json', a link" in text


@pytest.mark.parametrize("name", ["inner.zip", "m/weights.tar.gz", "m/1_Pooling/x.7z"])
def test_a_zip_in_a_zip_is_refused(tmp_path, name):
    assert "packed once more" in refused(WHOLE | {name: b"x"}, tmp_path)


@pytest.mark.parametrize("second", ["m/CONFIG.json", "m//config.json", "m/./config.json"])
def test_two_files_of_one_name_are_refused(tmp_path, second):
    packed = {f"m/{name}": content for name, content in WHOLE.items()}
    assert "twice" in refused(packed | {second: b"x"}, tmp_path)


def test_a_bomb_is_refused_by_its_own_word(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "ALWAYS", 1 << 16)
    text = refused(WHOLE | {"model.safetensors": bytes(1 << 20)}, tmp_path, compression=zipfile.ZIP_DEFLATED)
    assert "expected files of at most" in text


def test_weights_that_hardly_shrink_are_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "ALWAYS", 1 << 16)
    weights = random.Random(0).randbytes(1 << 18)
    found = unpacked(WHOLE | {"model.safetensors": weights}, tmp_path, compression=zipfile.ZIP_DEFLATED)
    assert (found.folder / "model.safetensors").read_bytes() == weights


def test_a_large_file_beside_the_weights_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_SMALL", 10)
    assert "beside the weights" in refused(WHOLE | {"vocab.txt": b"more than ten bytes"}, tmp_path)


def test_a_full_disk_is_said_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "SPARE", 1 << 62)
    assert "room for" in refused(WHOLE, tmp_path)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_FILES", 5)
    assert "at most 5 files" in refused(WHOLE | {f"x{i}.txt": b"" for i in range(3)}, tmp_path)


def test_a_list_of_too_many_files_is_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_DIRECTORY", 100)
    monkeypatch.setattr(unpack.zipfile, "ZipFile", None)
    with pytest.raises(ModelError, match="a list of"):
        unpack_zip(io.BytesIO(_zip_bytes()), tmp_path / "model", name="my.zip")


def _zip_bytes():
    """Return the end of a zip that claims a long list in the larger form of the record."""
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 9**9, 9**9, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    return large + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, 0, 0)


def test_a_locked_zip_is_refused(tmp_path):
    content = bytearray(zip_of(WHOLE).getvalue())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    with pytest.raises(ModelError, match="without a password"):
        unpack_zip(io.BytesIO(bytes(content)), tmp_path / "model", name="my.zip")


def test_a_rare_way_of_packing_is_refused(tmp_path):
    assert "a zip of the usual kind" in refused(WHOLE, tmp_path, compression=zipfile.ZIP_BZIP2)


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_what_is_no_zip_is_refused(tmp_path, cut):
    with pytest.raises(ModelError, match="a sound zip file"):
        unpack_zip(io.BytesIO(zip_of(WHOLE).getvalue()[:cut]), tmp_path / "model", name="my.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused(tmp_path):
    content = zip_of(WHOLE).getvalue().replace(WEIGHTS, WEIGHTS[::-1])
    with pytest.raises(ModelError, match="a sound zip file"):
        unpack_zip(io.BytesIO(content), tmp_path / "model", name="my.zip")
    assert list(tmp_path.iterdir()) == []


def test_what_holds_no_model_is_refused(tmp_path):
    assert "2 files, none of them weights" in refused({"a/config.json": b"{}", "b/x.txt": b""}, tmp_path)
    assert "got no file" in refused({".hidden": b""}, tmp_path)


def test_a_hostile_name_is_escaped_and_short(tmp_path):
    text = refused(WHOLE | {"../" + "\u202e\x07" * 80: b""}, tmp_path)
    assert "\u202e" not in text
    assert "\x07" not in text
    assert len(text) < 700


def test_files_of_a_folder_are_taken_alike(tmp_path):
    files = [
        PackedFile(name=f"tiny/{name}", n_bytes=len(content), open=lambda content=content: io.BytesIO(content))
        for name, content in WHOLE.items()
    ]
    found = unpack_files(files, tmp_path / "model", name="tiny")
    assert names(found.folder) == sorted(WHOLE)
    lying = [PackedFile(name="model.safetensors", n_bytes=3, open=lambda: io.BytesIO(WEIGHTS))]
    with pytest.raises(ModelError, match="3 bytes as declared"):
        unpack_files(lying, tmp_path / "other", name="tiny")
    assert not (tmp_path / "other").exists()
