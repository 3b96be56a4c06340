"""Where compiled code is kept, and rows shared out among threads."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.numerics.compiled import make_cache_writable, share_rows

HERE = Path(__file__).parent


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 5))
def test_every_row_is_worked_on_once(sizes: list[int], threads: int) -> None:
    times = np.zeros(len(sizes), dtype=int)

    def work(start: int, stop: int) -> None:
        times[start:stop] += 1

    share_rows(work, np.array(sizes, dtype=int), threads)
    assert times.tolist() == [1] * len(sizes)


def test_what_a_row_raises_goes_up() -> None:
    def work(start: int, stop: int) -> None:
        raise ValueError(f"{start} to {stop}")

    with pytest.raises(ValueError, match="0 to"):
        share_rows(work, np.ones(4, dtype=int), 2)


@pytest.fixture
def no_numba_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take away the variable and give the project a cache of its own; everything is put back afterwards."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "to be restored")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("FOCUS_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "numba"


def test_compiled_code_goes_to_our_cache_where_it_cannot_lie_beside_its_module(
    no_numba_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: True)
    make_cache_writable(HERE)
    assert "NUMBA_CACHE_DIR" not in os.environ  # beside it one may write
    monkeypatch.setattr(os, "access", lambda *_: False)
    make_cache_writable(HERE)
    assert os.environ["NUMBA_CACHE_DIR"] == str(no_numba_cache)
    assert no_numba_cache.is_dir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", "the user's own")
    make_cache_writable(HERE)
    assert os.environ["NUMBA_CACHE_DIR"] == "the user's own"


def test_compiled_code_goes_to_a_temporary_folder_where_nothing_else_can_be_written(
    no_numba_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_numba_cache.parent.write_text("a file in the way", encoding="utf-8")
    monkeypatch.setattr(os, "access", lambda *_: False)
    make_cache_writable(HERE)
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.is_dir()
    assert folder != no_numba_cache
    folder.rmdir()
