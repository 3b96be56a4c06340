"""What is kept between page runs, and under what."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from focus_ui.data.kept import kept


@dataclass
class Known:
    """Something with a digest, and something heavy in it."""

    digest: str
    path: str
    values: np.ndarray


@dataclass
class Pair:
    """Plain values without a digest."""

    left: tuple[int, ...]
    right: int


def test_a_result_is_kept_under_digest_and_path_whatever_else_differs():
    asked = []

    def look(run: Known, word: str) -> str:
        asked.append(word)
        return f"{run.path} {word}"

    found = kept(look, most=4)
    first = Known(digest="a", path="x", values=np.zeros(3))
    assert found(first, "one") == found(Known(digest="a", path="x", values=np.ones(3)), "one") == "x one"
    assert found(Known(digest="a", path="y", values=first.values), "one") == "y one"
    assert found(Known(digest="b", path="x", values=first.values), "one") == "x one"
    assert found(first, word="two") == "x two"
    assert asked == ["one", "one", "one", "two"]


def test_functions_do_not_share_what_is_kept():
    def one(word: str) -> str:
        return f"one {word}"

    def two(word: str) -> str:
        return f"two {word}"

    first, second = kept(one, most=2), kept(two, most=2)
    assert (first("a"), second("a"), first("a")) == ("one a", "two a", "one a")


def test_a_file_is_known_by_what_it_holds(tmp_path):
    path = tmp_path / "text.txt"

    def read(files: tuple[Path, ...]) -> str:
        return files[0].read_text()

    found = kept(read, most=2)
    path.write_text("before")
    assert found((path,)) == "before"
    path.write_text("and after")
    assert found((path,)) == "and after"


def test_plain_values_in_a_class_count_one_by_one():
    found = kept(lambda pair: (pair.left, pair.right), most=4)
    assert found(Pair(left=(1, 2), right=3)) == ((1, 2), 3)
    assert found(Pair(left=(1,), right=3)) == ((1,), 3)


@pytest.mark.parametrize("heavy", [np.zeros(2), {"a": 1}, [np.zeros(2)], Pair(left=np.zeros(2), right=1)])
def test_what_has_no_digest_is_refused(heavy):
    with pytest.raises(TypeError, match="has no digest"):
        kept(lambda value: value, most=2)(heavy)
