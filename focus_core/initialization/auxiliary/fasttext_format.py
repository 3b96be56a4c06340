"""The layout of a fastText ``.bin``, walked without fastText.

fastText itself trusts the header: numbers that lie make it read past the end of the file for minutes, or ask for all
memory.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from focus_core.errors import AuxiliaryError, bad_input

MAGIC = 793_712_314
VERSIONS = (11, 12)
MAX_DIM = 4096
MAX_WORD = 16_384
"""Bytes of one word."""
_START = struct.Struct("<2i12id")
_DICTIONARY = struct.Struct("<3i2q")
_ENTRY = struct.Struct("<qb")
_MATRIX = struct.Struct("<2q")


def check_bin(path: Path) -> None:
    """Check that a fastText ``.bin`` holds what its header promises, to the last byte, and is not quantised.

    The file: magic and version, twelve settings and the sampling threshold; the dictionary, each word ended by a zero
    byte and followed by its count and kind; the input matrix; the output matrix.
    """
    size = path.stat().st_size
    if size < _START.size + _DICTIONARY.size:
        raise _unsound(path, "a file too short to be one")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place, dim, n_rows = _settings(path, data)
        place, n_words = _dictionary(path, data, place)
        place = _matrix(path, data, place, n_words + n_rows, dim)
        place = _matrix(path, data, place, None, dim)
    if place != size:
        raise _unsound(path, f"{size - place} bytes after its end")


def _unsound(path: Path, got: str) -> AuxiliaryError:
    return bad_input(
        path.name, "a sound fastText .bin", got, "save it again with fastText's save_model, or as .vec", AuxiliaryError
    )


def _settings(path: Path, data: mmap.mmap) -> tuple[int, int, int]:
    """Return the place after the settings, the length of vectors and the number of n-gram rows."""
    magic, version, dim, *others = _START.unpack_from(data, 0)
    if magic != MAGIC:
        raise _unsound(path, "another file")
    if version not in VERSIONS:
        raise _unsound(path, f"version {version}")
    bucket = others[7]
    if not 1 <= dim <= MAX_DIM or bucket < 0:
        raise _unsound(path, f"vectors of length {dim} and {bucket} rows of n-grams")
    return _START.size, dim, bucket


def _dictionary(path: Path, data: mmap.mmap, place: int) -> tuple[int, int]:
    """Return the place after the dictionary, and its number of words."""
    n_entries, n_words, n_labels, _, n_pruned = _DICTIONARY.unpack_from(data, place)
    place += _DICTIONARY.size
    if n_words < 1 or n_labels < 0 or n_words + n_labels != n_entries or n_pruned > 0:
        raise _unsound(path, f"a dictionary of {n_entries} entries, {n_words} words, {n_labels} labels")
    for number in range(1, n_entries + 1):
        end = data.find(b"\0", place, place + MAX_WORD)
        place = end + 1 + _ENTRY.size
        if end < 0 or place > len(data):
            raise _unsound(path, f"no end of word {number} of {n_entries}")
    return place, n_words


def _matrix(path: Path, data: mmap.mmap, place: int, n_rows: int | None, dim: int) -> int:
    """Return the place after a matrix of 32-bit numbers; ``n_rows`` of ``None`` takes the file's word for it."""
    if place + 1 + _MATRIX.size > len(data):
        raise _unsound(path, "one that breaks off")
    rows, columns = _MATRIX.unpack_from(data, place + 1)
    if data[place]:
        raise _unsound(path, "quantised matrices")
    end = place + 1 + _MATRIX.size + 4 * rows * columns
    if columns != dim or rows < 0 or rows != (rows if n_rows is None else n_rows) or end > len(data):
        raise _unsound(path, f"a matrix of {rows} x {columns} in a file of {len(data)} bytes")
    return int(end)
