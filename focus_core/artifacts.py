"""Digests, atomic writes, array files and a content-keyed cache; reads and writes no pickle."""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from focus_core.errors import InvalidInputError, bad_input

NUMPY_TYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16, "I64": np.int64, "I32": np.int32,
    "I16": np.int16, "I8": np.int8, "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64,
    "BOOL": np.bool_,
}  # fmt: skip
"""Types of the safetensors format; bfloat16 has no numpy type and is read as its 16 bits."""

BITS = {name: 8 * np.dtype(kind).itemsize for name, kind in NUMPY_TYPES.items()} | {
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
    "C64": 64,
}  # fmt: skip
"""Bits of one number of each type that the format has, those that numpy cannot hold among them."""

POINTER = b"version https://git-lfs"

MAX_HEADER = 100_000_000
ENTRY = ("shape", "data_offsets", "dtype")


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
    """Write a file so that it is either whole or absent; its folder exists."""
    with staged(path, replace=True) as part:
        part.write_bytes(data)


@contextmanager
def staged(
    path: Path, *, folder: bool = False, part: Path | None = None, keep: str | None = None, replace: bool = False
) -> Iterator[Path]:
    """Yield a place beside ``path`` to fill; it becomes ``path`` on success and is removed on any error.

    Parameters
    ----------
    path : Path
        The file or folder that shall come to be.
    folder : bool, default=False
        Whether it is a folder; it is made, with the folders around it. A file is the caller's to write.
    part : Path, default=None
        Where it grows; ``None`` takes a random name beside ``path``. It ends in ``.part`` in either case.
    keep : str, default=None
        The file in a growing folder, a checkpoint, that makes it worth keeping where the work is interrupted; it is
        removed at the end.
    replace : bool, default=False
        Whether ``path`` may exist.

    Yields
    ------
    Path
        The file or folder to fill.

    Raises
    ------
    InvalidInputError
        If ``path`` exists, before or after, and is not to be replaced.
    """
    part = part or path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    around_is_new = not path.parent.exists()
    if not replace:
        _refuse_existing(path, folder=folder)
    if folder:
        part.mkdir(parents=True, exist_ok=keep is not None)
    try:
        yield part
        if keep:
            (part / keep).unlink(missing_ok=True)
        if not folder:
            with part.open("r+b") as stream:
                os.fsync(stream.fileno())
        if not replace:
            _refuse_existing(path, folder=folder)
        part.replace(path)
    finally:
        if not (keep and (part / keep).is_file()):
            _remove(part)
        if around_is_new:
            with suppress(OSError):  # it holds what was made
                path.parent.rmdir()


def _remove(part: Path) -> None:
    """Remove a file or a folder, whether it is there or not."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def _refuse_existing(path: Path, *, folder: bool) -> None:
    if path.exists() or path.is_symlink():
        subject, kind = (str(path), "folder") if folder else (path.name, "file")
        remedy = "name another or remove it" if folder else "choose another name"
        raise bad_input(subject, expected=f"a new {kind}", got="one that exists", remedy=remedy)


def link_file(source: str | Path, target: str | Path) -> None:
    """Make a file stand in a second place: as a hard link, or a copy where there are none."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


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
    try:
        with staged(target, folder=True, replace=True) as part:
            build(part)
    except OSError:
        if not target.is_dir():  # another process may have finished the same content first: that one is kept
            raise
    return target


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
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER, size - 8):
            raise _not_safetensors(path, _other_file(path, f"a header of {length} bytes in {size}"), error)
        text = stream.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise _not_safetensors(path, "an unreadable header", error) from reason
    if not isinstance(header, dict):
        raise _not_safetensors(path, "a header that is no JSON object", error)
    header.pop("__metadata__", None)
    for name, entry in header.items():
        _check_entry(path, name, entry, size - 8 - length, error)
    return header, 8 + length


def _other_file(path: Path, otherwise: str) -> str:
    """Say what a file is that is often found in place of weights."""
    with path.open("rb") as stream:
        beginning = stream.read(len(POINTER))
    if beginning == POINTER:
        return "a pointer of Git LFS, in place of the file (`git lfs pull` fetches it)"
    return "an empty file" if not beginning else otherwise


def _check_entry(path: Path, name: str, entry: Any, n_bytes: int, error: type[InvalidInputError]) -> None:
    """Refuse a tensor whose shape, type and extent contradict one another or the file."""
    shape, extent, kind = (entry.get(key) if isinstance(entry, dict) else None for key in ENTRY)
    if not (_whole(shape) and _whole(extent) and len(extent) == 2 and isinstance(kind, str)):
        raise _not_safetensors(path, f"tensor {name!r} without shape, type and place", error)
    if kind not in BITS:
        raise _not_safetensors(path, f"tensor {name!r} of the unknown type {kind!r}", error)
    begin, end = extent
    if end > n_bytes:
        raise _not_safetensors(path, f"a file that is cut off: {end - n_bytes:,} bytes are missing at least", error)
    if begin > end or 8 * (end - begin) != math.prod(shape) * BITS[kind]:
        raise _not_safetensors(path, f"tensor {name!r} declared as {shape} in {end - begin} bytes", error)


def _whole(numbers: Any) -> TypeGuard[list[int]]:
    """Whether a JSON value is a list of whole numbers from 0."""
    return isinstance(numbers, list) and all(type(n) is int and n >= 0 for n in numbers)


def _not_safetensors(path: Path, got: str, error: type[InvalidInputError]) -> InvalidInputError:
    return bad_input(
        path.name, expected="a sound safetensors file", got=got, remedy="fetch or save it again", error=error
    )


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
        If there is no such tensor, or its numbers are of a type that numpy lacks.
    """
    header, start = read_header(path)
    if name not in header:
        raise bad_input(path.name, f"a tensor {name!r}", ", ".join(sorted(header)) or "none", "name one of these")
    entry = header[name]
    if entry["dtype"] not in NUMPY_TYPES:
        remedy = "save it as float32 or bfloat16"
        raise bad_input(f"{name} of {path.name}", "numbers of a type that numpy has", entry["dtype"], remedy)
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
    from safetensors import serialize_file

    path.touch()
    permissions = path.stat().st_mode  # what the umask allows; the writer below would leave 0600
    whole = {name: _contiguous(arrays[name]) for name in sorted(arrays)}
    # The format's own writer reads the numbers where they lie. Its ``save_file`` refuses tensors that share memory, as
    # all parts of a mapped file do, and would have to be given copies.
    serialize_file(
        {n: _specification(a) for n, a in whole.items()}, path, metadata=dict(metadata) if metadata else None
    )
    path.chmod(permissions)


def _contiguous(array: Any) -> Any:
    """Return an array whose numbers lie in order; a copy only where they do not."""
    if isinstance(array, np.ndarray):
        return np.ascontiguousarray(array)
    return array.detach().cpu().contiguous()


def _specification(array: Any) -> Any:
    """Say where the numbers of an array lie; it has to outlive what is said."""
    from safetensors import TensorSpec

    place = array.ctypes.data if isinstance(array, np.ndarray) else array.data_ptr()
    kind = array.dtype.name if isinstance(array, np.ndarray) else str(array.dtype).removeprefix("torch.")
    return TensorSpec(dtype=kind, shape=list(array.shape), data_ptr=place, data_len=array.nbytes)


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
