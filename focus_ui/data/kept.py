"""How results are kept between page runs: under the content digests of what they were made from.

Streamlit hashes only a sample of large arrays and would return stale results for them, so no array, table or run is
ever hashed: what has a digest counts by it and its path, and what has none and is no plain value is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import streamlit as st

from focus_core.artifacts import sha256_file

P = ParamSpec("P")
R = TypeVar("R")


def kept(make: Callable[P, R], *, most: int, spinner: str | bool = False) -> Callable[P, R]:
    """Return a function whose last results are kept; files are known by what they hold, folders by their manifest."""

    def under(key: tuple[object, ...], _make: Callable[[], R]) -> R:
        del key
        return _make()

    under.__module__, under.__qualname__ = make.__module__, make.__qualname__  # Streamlit tells functions apart by them
    found = st.cache_resource(max_entries=most, show_spinner=spinner)(under)

    def look_up(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (*map(_key, args), *((name, _key(value)) for name, value in kwargs.items()))
        return found(key, lambda: make(*args, **kwargs))

    return look_up


def _key(value: object) -> object:
    """Return what an argument counts by."""
    if isinstance(digest := getattr(value, "digest", None), str):
        return digest, str(getattr(value, "path", ""))
    if isinstance(value, Path):
        file = value / "manifest.json" if value.is_dir() else value
        return str(value), file_digest(file) if file.is_file() else ""
    if isinstance(value, tuple | list):
        return tuple(map(_key, value))
    if dataclasses.is_dataclass(value):
        return tuple(_key(getattr(value, field.name)) for field in dataclasses.fields(value))
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"nothing is kept under a {type(value).__name__}, which has no digest")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; a file of the same time and size is not read again."""
    state = path.stat()
    return _file_digest(str(path), state.st_size, state.st_mtime_ns)


@st.cache_resource(max_entries=512, show_spinner=False)
def _file_digest(path: str, n_bytes: int, changed: int) -> str:
    del n_bytes, changed
    return sha256_file(Path(path))
