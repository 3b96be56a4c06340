"""A model that somebody packed: the files that a model needs are taken out of a zip or a list of files, and no others.

Names lead nowhere but into the new folder, sizes and numbers are bounded before a byte is written, and nothing that was
packed is opened as anything but bytes. Whether the folder is a usable model is for its readers to say.
"""

from __future__ import annotations

import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from focus_core.artifacts import staged
from focus_core.errors import ModelError, bad_input
from focus_core.models.hub import CONFIG_NAMES, MARIAN, SENTENCEPIECE_NAMES, TEMPLATES
from focus_core.models.refusals import OTHER_WEIGHTS, QUANTISED_FILES

TOP_NAMES = frozenset(
    {
        *CONFIG_NAMES, *SENTENCEPIECE_NAMES, MARIAN, "tokenizer.json", "vocab.json", "merges.txt", "vocab.txt",
        "spiece.vocab", "chat_template.jinja", "chat_template.json", "model.safetensors.index.json",
        "adapter_config.json", "modules.json", "config_sentence_transformers.json", "preprocessor_config.json",
        "processor_config.json", "tekken.json", *QUANTISED_FILES,
    }
)  # fmt: skip
"""Files of a model's own folder that are taken by their name."""
TOP_SUFFIXES = (".safetensors", ".model", ".tiktoken")
SENTENCE_CONFIG = re.compile(r"sentence_\w{1,40}_config\.json")
LEGAL = re.compile(r"(LICEN[CS]E|NOTICE|USE_POLICY)[\w.-]{0,40}", re.IGNORECASE)
MODULE = re.compile(r"\d{1,2}_\w{1,40}")
"""The folder of a module of sentence-transformers, such as ``1_Pooling``."""
PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
WEIGHTS = ".safetensors"
DRIVE = re.compile(r"[A-Za-z]:")
MAX_FILES = 2_000
"""Files that may be packed; a model has a few dozen."""
MAX_BYTES, MAX_SMALL = 16 << 30, 256 << 20
"""Bytes of all files that are taken, and of one that holds no weights."""
MAX_RATIO, ALWAYS = 40, 64 << 20
"""How many times larger than the zip its files may be, and how large they may be in any case; weights hardly shrink."""
SPARE = 512 << 20
"""Bytes that stay free on the disk."""
CHUNK = 1 << 20
END, LARGE_END = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q")
"""The record at the end of a zip, and the form of it that large zips have besides."""
FULL = 0xFFFFFFFF
"""What the usual record says where the larger one counts."""
END_BYTES, LOCATOR_BYTES = (1 << 16) + 200, 20
"""How far from the end of a zip it can begin, and what stands between the two."""
MAX_DIRECTORY = 1 << 20
"""Bytes of the list of a zip's files."""
MAX_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class PackedFile:
    """One packed file.

    Parameters
    ----------
    name : str
        Its path as it was packed; a stranger's text.
    n_bytes : int
        Its size as it was declared.
    open : callable
        Opens a stream of its bytes for a block.
    """

    name: str
    n_bytes: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """A folder that was made of packed files.

    Parameters
    ----------
    folder : Path
        The folder.
    pickles : tuple of str
        Names of files that were left out because loading one runs its code.
    """

    folder: Path
    pickles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A packed file under the path that it would have in the model's folder."""

    path: PurePosixPath
    file: PackedFile


def top_folder(names: Iterable[str]) -> str:
    """Return the one folder that all packed files lie in, "" where there is none.

    Examples
    --------
    >>> top_folder(["tiny/config.json", "__MACOSX/tiny/._config.json", "tiny/model.safetensors"])
    'tiny'
    """
    paths = [path for path in map(_inner_path, names) if path is not None]
    first = {path.parts[0] for path in paths}
    return first.pop() if len(first) == 1 and all(len(path.parts) > 1 for path in paths) else ""


def unpack_zip(packed: Path | IO[bytes], destination: Path, *, name: str) -> Unpacked:
    """Take a model out of a zip file.

    Parameters
    ----------
    packed : Path or file
        The zip; of a stranger.
    destination : Path
        The folder to make.
    name : str
        What messages call the zip.

    Returns
    -------
    Unpacked
        The folder, with the files that a model needs and no others.

    Raises
    ------
    ModelError
        If it is no sound zip, a name leads out of it, it holds links, another archive, too many or too large files, or
        no weights but pickles. Nothing is left then.
    """
    try:
        _check_directory(packed, name)
        with zipfile.ZipFile(packed) as archive:
            entries = archive.infolist()
            _check_entries(entries, name)
            files = [
                PackedFile(name=entry.filename, n_bytes=entry.file_size, open=partial(archive.open, entry))
                for entry in entries
                if not entry.is_dir()
            ]
            size = sum(entry.compress_size for entry in entries)
            return unpack_files(files, destination, name=name, most=max(ALWAYS, MAX_RATIO * size))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as reason:
        got = str(reason).splitlines()[0][:MAX_SHOWN] if str(reason) else "something else"
        raise bad_input(name, "a sound zip file", got, "pack the folder again", ModelError) from reason


def _check_directory(packed: Path | IO[bytes], name: str) -> None:
    """Refuse a list of more files than there may be, before it is read: millions of names would fill the memory."""
    if isinstance(packed, Path):
        with packed.open("rb") as stream:
            return _check_directory(stream, name)
    start = max(0, packed.seek(0, 2) - END_BYTES)
    packed.seek(start)
    tail = packed.read()
    packed.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + END.size:
        raise bad_input(name, "a sound zip file", "something else", "pack the folder as a zip", ModelError)
    size = END.unpack_from(tail, at)[5]
    before = at - LARGE_END.size - LOCATOR_BYTES  # where the larger form of the record stands, which then counts
    if at >= LOCATOR_BYTES and tail[at - LOCATOR_BYTES :].startswith(b"PK\x06\x07") and before >= 0:
        size = max(size if size < FULL else 0, LARGE_END.unpack_from(tail, before)[8])
    if size > MAX_DIRECTORY:
        got = f"a list of {size:,} bytes"
        raise bad_input(name, f"at most {MAX_FILES:,} files", got, "give the model's own folder", ModelError)
    return None


def _check_entries(entries: Sequence[zipfile.ZipInfo], name: str) -> None:
    """Refuse what a zip can hold and a folder of files cannot: links, passwords, rare ways of packing."""
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            remedy = "pack the files themselves, without links"
            raise bad_input(name, "plain files", f"{_shown(entry.filename)}, a link", remedy, ModelError)
        if entry.flag_bits & 0x1:
            raise bad_input(name, "a zip without a password", "an encrypted one", "pack it without one", ModelError)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise bad_input(name, "a zip of the usual kind", "another packing", "pack it as a plain zip", ModelError)


def unpack_files(files: Sequence[PackedFile], destination: Path, *, name: str, most: int = MAX_BYTES) -> Unpacked:
    """Make a model folder of a stranger's files.

    Parameters
    ----------
    files : sequence of PackedFile
        The files, folders left out.
    destination : Path
        The folder to make.
    name : str
        What messages call them together.
    most : int, default=MAX_BYTES
        How many bytes they may have; never more than ``MAX_BYTES``.

    Returns
    -------
    Unpacked
        The folder, with the files that a model needs and no others.

    Raises
    ------
    ModelError
        As `unpack_zip`.
    """
    if len(files) > MAX_FILES:
        got = f"{len(files):,}"
        raise bad_input(name, f"at most {MAX_FILES:,} files", got, "give the model's own folder", ModelError)
    found = _find(files, name)
    pickles = tuple(sorted(str(one.path) for one in found if one.path.suffix.lower() in PICKLES))
    needed = [one for one in found if _is_needed(one.path)]
    _check_needed(needed, sorted(str(one.path) for one in found), name)
    _check_sizes(needed, name, min(most, MAX_BYTES), destination)
    with staged(destination, folder=True) as part:
        for one in needed:
            _write(one, part, name)
    return Unpacked(folder=destination, pickles=pickles)


def _find(files: Sequence[PackedFile], name: str) -> list[_Found]:
    """Return the files under their paths in the model's folder; hidden ones are left out, hostile ones refused."""
    paths = {file.name: _inner_path(file.name) for file in files if not _leads_out(file.name)}
    hostile = [file.name for file in files if file.name not in paths]
    if hostile:
        remedy = "pack the model's folder again"
        raise bad_input(name, "names inside of it", f"{_shown(hostile[0])}, which leads out", remedy, ModelError)
    top = top_folder(paths)
    found = []
    for file in files:
        path = paths[file.name]
        if path is not None:
            found.append(_Found(path=path.relative_to(top) if top else path, file=file))
    _check_names(found, name)
    return found


def _check_names(found: Sequence[_Found], name: str) -> None:
    """Refuse an archive inside, and one name for two files."""
    inside = [one.path for one in found if one.path.suffix.lower() in ARCHIVES]
    if inside:
        got, remedy = f"{_shown(str(inside[0]))}, packed once more", "unpack it, and pack the files alone"
        raise bad_input(name, "the files of a model", got, remedy, ModelError)
    seen: set[str] = set()
    for one in found:
        key = str(one.path).casefold()
        if key in seen:
            raise bad_input(name, "one file of a name", f"{_shown(str(one.path))} twice", "pack it again", ModelError)
        seen.add(key)


def _leads_out(name: str) -> bool:
    """Whether a packed name is absolute or goes upwards."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or DRIVE.match(plain) is not None or "\0" in plain or ".." in plain.split("/")


def _inner_path(name: str) -> PurePosixPath | None:
    """Return a packed name as a path; ``None`` for what is hidden, and for a name that is none."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return None
    return PurePosixPath(*parts)


def _is_needed(path: PurePosixPath) -> bool:
    """Whether a file, by its place and name, belongs to a model."""
    *folders, file = path.parts
    if folders == [TEMPLATES]:
        return file.endswith(".jinja")
    if folders and (len(folders) > 1 or not MODULE.fullmatch(folders[0])):
        return False
    by_form = LEGAL.fullmatch(file) or SENTENCE_CONFIG.fullmatch(file)
    return file in TOP_NAMES or file.endswith(TOP_SUFFIXES) or by_form is not None


def _check_needed(needed: Sequence[_Found], found: Sequence[str], name: str) -> None:
    """Refuse what holds no weights that can be read; where it holds others, name them."""
    if any(one.path.suffix == WEIGHTS for one in needed):
        return
    for pattern, what, remedy in ((p, what, remedy) for ps, what, remedy in OTHER_WEIGHTS for p in ps):
        like = [path for path in found if fnmatch(path.lower(), pattern)]
        if like:
            raise bad_input(name, "weights in safetensors", f"{_shown(like[0])}, {what}", remedy, ModelError)
    expected = "config.json, weights in safetensors and a tokenizer, at the top or in one folder"
    got = f"{len(found):,} files, none of them weights" if found else "no file"
    raise bad_input(name, expected, got, "give the folder that from_pretrained loads", ModelError)


def _check_sizes(needed: Sequence[_Found], name: str, most: int, destination: Path) -> None:
    """Refuse what is too large by its own word, before a byte is written."""
    total, remedy = sum(one.file.n_bytes for one in needed), "ask the operator to put the folder on this server"
    if total > most:
        got = f"{total:,} bytes in them"
        raise bad_input(name, f"files of at most {most:,} bytes together", got, remedy, ModelError)
    for one in needed:
        if one.path.suffix != WEIGHTS and one.file.n_bytes > MAX_SMALL:
            got = f"{one.file.n_bytes:,} bytes in {_shown(str(one.path))}"
            raise bad_input(name, f"at most {MAX_SMALL:,} bytes beside the weights", got, remedy, ModelError)
    around = next(folder for folder in destination.parents if folder.exists())
    free = shutil.disk_usage(around).free - SPARE
    if total > free:
        got = f"room for {max(0, free):,}"
        raise bad_input(name, f"room for {total:,} bytes on this server", got, "make room, or ask for it", ModelError)


def _write(one: _Found, part: Path, name: str) -> None:
    """Write one file, a block at a time; it has the size that it was said to have, or is refused."""
    target = part / one.path
    target.parent.mkdir(exist_ok=True)
    written = 0
    with one.file.open() as stream, target.open("xb") as out:
        while block := stream.read(CHUNK):
            written += len(block)
            if written > one.file.n_bytes:
                break
            out.write(block)
    if written != one.file.n_bytes:
        got, remedy = f"another size of {_shown(str(one.path))}", "pack the folder again"
        raise bad_input(name, f"{one.file.n_bytes:,} bytes as declared", got, remedy, ModelError)


def _shown(name: str) -> str:
    """Return a stranger's name for a message: escaped, and not longer than a line needs."""
    return repr(name if len(name) <= MAX_SHOWN else f"…{name[-MAX_SHOWN:]}")
