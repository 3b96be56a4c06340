"""Digests, atomic writes, array files and a content-keyed cache; reads and writes no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.errors import InvalidInputError, bad_input

NUMPY_TYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16, "I64": np.int64, "I32": np.int32,
    "I16": np.int16, "I8": np.int8, "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64,
    "BOOL": np.bool_,
}  # fmt: skip
"""Types of the safetensors format; bfloat16 has no numpy type and is read as its 16 bits."""

MAX_HEADER = 100_000_000


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a JSON value, independent of the order of keys."""
    return sha256_bytes(dump_json(value, indent=None).encode())


def dump_json(value: Any, *, indent: int | None = 1) -> str:
    """Return JSON with sorted keys, so that equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent, allow_nan=False)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it is either whole or absent.

    Parameters
    ----------
    path : Path
        Where; its folder exists.
    data : bytes
        The content.
    """
    part = _part_of(path)
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a file to write beside ``path``; rename it to ``path`` on success, remove it on any error.

    Parameters
    ----------
    path : Path
        The file that shall come to be; it must not exist, neither now nor when the other one is written.

    Yields
    ------
    Path
        The file to write.

    Raises
    ------
    InvalidInputError
        If ``path`` exists.
    """
    _refuse_existing_file(path)
    part = _part_of(path)
    try:
        yield part
        with part.open("r+b") as stream:
            os.fsync(stream.fileno())
        _refuse_existing_file(path)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _refuse_existing_file(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise bad_input(path.name, expected="a new file", got="one that exists", remedy="choose another name")


def _part_of(path: Path) -> Path:
    """Return a name of its own beside a path, for what is not whole yet."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


@contextmanager
def atomic_folder(path: Path, *, part: Path | None = None) -> Iterator[Path]:
    """Yield a folder to fill beside ``path``; rename it to ``path`` on success, remove it on any error.

    Parameters
    ----------
    path : Path
        The folder that shall come to be; it must not exist.
    part : Path, default=None
        Where to fill it; ``None`` takes a random name beside ``path``.

    Yields
    ------
    Path
        The folder to fill.

    Raises
    ------
    InvalidInputError
        If ``path`` exists.
    """
    if path.exists() or path.is_symlink():
        raise bad_input(str(path), expected="a new folder", got="one that exists", remedy="name another or remove it")
    part = part or _part_of(path)
    part.mkdir(parents=True)
    try:
        yield part
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def cache_root() -> Path:
    """Return the folder of the cache: ``FOCUS_LAB_CACHE``, else ``focus-lab`` in the user's cache folder."""
    own = os.environ.get("FOCUS_LAB_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "focus-lab"


def cached_folder(key: str, build: Callable[[Path], None]) -> Path:
    """Return the cached folder of a key, building it first where it is missing.

    Parameters
    ----------
    key : str
        A digest of everything that the content depends on.
    build : callable
        Fills the folder it is given. A build that fails leaves nothing.

    Returns
    -------
    Path
        A complete folder; it must not be changed.
    """
    target = cache_root() / key[:2] / key
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part_of(target)
    part.mkdir()
    try:
        build(part)
        _rename_unless_there(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _rename_unless_there(part: Path, target: Path) -> None:
    """Rename ``part``; when another process finished the same content first, keep that one."""
    try:
        part.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def read_header(path: Path, *, error: type[InvalidInputError] = InvalidInputError) -> tuple[dict[str, Any], int]:
    """Read the header of a safetensors file, checked against the file's real size.

    Parameters
    ----------
    path : Path
        The file.
    error : type of InvalidInputError, default=InvalidInputError
        The class to raise.

    Returns
    -------
    header : dict
        ``{tensor name: {"dtype", "shape", "data_offsets"}}`` without ``__metadata__``.
    start : int
        Offset of the data in bytes.

    Raises
    ------
    InvalidInputError
        If the file is no safetensors file or declares more than it holds.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                raise _not_safetensors(path, f"a header of {length} bytes in {size}", error)
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            _check_entry(path, name, entry, size - 8 - length, error)
    except (ValueError, KeyError, TypeError, AttributeError) as reason:
        if isinstance(reason, InvalidInputError):
            raise
        raise _not_safetensors(path, "an unreadable header", error) from reason
    return header, 8 + length


def _check_entry(path: Path, name: str, entry: Any, n_bytes: int, error: type[InvalidInputError]) -> None:
    """Refuse a tensor whose shape, type and extent contradict one another or the file."""
    begin, end = entry["data_offsets"]
    shape = entry["shape"]
    item = np.dtype(NUMPY_TYPES[entry["dtype"]]).itemsize
    count = 1
    for length in shape:
        count *= int(length)
    if not 0 <= begin <= end <= n_bytes or end - begin != count * item or any(int(s) < 0 for s in shape):
        raise _not_safetensors(path, f"tensor {name!r} declared as {shape} in {end - begin} bytes", error)


def _not_safetensors(path: Path, got: str, error: type[InvalidInputError]) -> InvalidInputError:
    return bad_input(path.name, expected="a sound safetensors file", got=got, remedy="save it again", error=error)


def tensor_names(
    path: Path, *, error: type[InvalidInputError] = InvalidInputError
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return ``{name: (dtype, shape)}`` of a safetensors file."""
    header, _ = read_header(path, error=error)
    return {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in header.items()}


def map_array(path: Path, name: str) -> tuple[np.ndarray, str]:
    """Map one tensor of a safetensors file read-only, without loading it.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        The tensor.

    Returns
    -------
    array : ndarray
        The mapped values; bfloat16 as uint16 bits.
    dtype : str
        The type's name in the file.

    Raises
    ------
    InvalidInputError
        If there is no such tensor.
    """
    header, start = read_header(path)
    if name not in header:
        raise bad_input(path.name, f"a tensor {name!r}", ", ".join(sorted(header)) or "none", "name one of these")
    entry = header[name]
    shape, dtype = tuple(entry["shape"]), np.dtype(NUMPY_TYPES[entry["dtype"]])
    if 0 in shape:
        return np.zeros(shape, dtype=dtype), entry["dtype"]
    return np.memmap(path, dtype=dtype, mode="r", offset=start + entry["data_offsets"][0], shape=shape), entry["dtype"]


def to_float32(array: np.ndarray, dtype: str) -> np.ndarray:
    """Return values as float32; 16-bit patterns of bfloat16 are widened exactly."""
    if dtype == "BF16":
        return (np.asarray(array, dtype=np.uint32) << 16).view(np.float32)
    return np.asarray(array, dtype=np.float32)


def read_array(path: Path, name: str) -> np.ndarray:
    """Return one tensor: bfloat16 as float32, any other type as it is, memory-mapped."""
    array, dtype = map_array(path, name)
    return to_float32(array, dtype) if dtype == "BF16" else array


def write_arrays(path: Path, arrays: Mapping[str, Any], *, metadata: Mapping[str, str] | None = None) -> None:
    """Write arrays (numpy or torch) to a safetensors file; equal arrays give equal bytes.

    Parameters
    ----------
    path : Path
        The file to write.
    arrays : mapping of str to ndarray or torch.Tensor
        What to write; sorted by name.
    metadata : mapping of str to str, default=None
        Stored in the header.
    """
    path.touch()
    permissions = path.stat().st_mode  # what the umask allows; the writer below would leave 0600
    ordered = {name: arrays[name] for name in sorted(arrays)}
    notes = dict(metadata) if metadata else None
    if all(isinstance(array, np.ndarray) for array in ordered.values()):
        from safetensors.numpy import save_file

        save_file({name: np.ascontiguousarray(array) for name, array in ordered.items()}, path, metadata=notes)
        path.chmod(permissions)
        return
    import torch
    from safetensors.torch import save_file as save_torch

    tensors = {n: torch.from_numpy(np.array(a)) if isinstance(a, np.ndarray) else a for n, a in ordered.items()}
    save_torch(
        {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, path, metadata=notes
    )
    path.chmod(permissions)


def write_parquet(path: Path, table: Any) -> None:
    """Write a table with settings that leave no room for chance: equal tables give equal bytes.

    Parameters
    ----------
    path : Path
        The file.
    table : pyarrow.Table
        Its content.
    """
    import pyarrow.parquet as pq

    pq.write_table(table, path, version="2.6", compression="zstd", compression_level=3, row_group_size=1 << 20)
