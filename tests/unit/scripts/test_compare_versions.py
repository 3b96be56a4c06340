"""What differs between two versions is found and named, and only what a table names is expected."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save

from scripts import version_differences
from scripts.version_differences import compare_contents, compare_file, expected_reason, migrated_files

MANIFEST = {"schema_version": 1, "counts": {"n_new": 3, "by_rule": [1, 2]}, "versions": {"focus-lab": "0.1.0"}}
KNOWN = [("0.1.0", "0.2.0", "the version")]


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def as_parquet(**columns: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def as_zip(text: str, year: int = 2000) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("README.md", (year, 1, 1, 0, 0, 0)), text)
    return stream.getvalue()


def told(name: str, before: bytes, after: bytes) -> list[str]:
    return [str(difference) for difference in compare_file(name, before, after)]


def reasons(name: str, before: Any, after: Any) -> list[str]:
    """Return the reason of every difference between two JSON files, empty where it is not expected."""
    found = compare_file(name, as_json(before), as_json(after))
    return [expected_reason(d, migrated=migrated_files(found), known=KNOWN) for d in found]


@pytest.fixture(scope="module")
def compare_versions(root: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(root / "scripts"))
    yield importlib.import_module("compare_versions")
    sys.path.remove(str(root / "scripts"))


def test_equal_files_are_the_same() -> None:
    files = {
        "manifest.json": as_json(MANIFEST),
        "t.parquet": as_parquet(a=[1]),
        "m.safetensors": save({"a": np.ones(2)}),
    }
    assert compare_contents(files, dict(files)) == []


def test_a_file_of_one_side_only_is_named() -> None:
    assert [str(d) for d in compare_contents({"a": b"", "b": b""}, {"b": b"", "c": b""})] == ["a: removed", "c: added"]


def test_json_differences_are_paths() -> None:
    after = {**MANIFEST, "counts": {"n_new": 4, "by_rule": [1, 5, 6], "more": 0}}
    assert told("manifest.json", as_json(MANIFEST), as_json(after)) == [
        "manifest.json: counts.more: added",
        "manifest.json: counts.n_new: 3 -> 4",
        "manifest.json: counts.by_rule[1]: 2 -> 5",
        "manifest.json: counts.by_rule[2]: added 6",
    ]
    assert set(reasons("manifest.json", MANIFEST, after)) == {""}


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (1, True), (0, None)])
def test_values_of_another_type_are_not_the_same(before: Any, after: Any) -> None:
    assert len(told("a.json", as_json([before]), as_json([after]))) == 1


def test_the_same_values_in_other_bytes_are_a_difference() -> None:
    assert told("a.json", b"[1]", b"[1] ") == ["a.json: 3 bytes -> 4 other bytes, same content"]
    assert told("a.zip", as_zip("x"), as_zip("x", 2001))[0].endswith("same content")


def test_a_migrated_manifest_is_expected_and_its_changed_numbers_are_not() -> None:
    after = {**MANIFEST, "schema_version": 2, "files": {"tokens.parquet": "00"}, "versions": {"focus-lab": "0.2.0"}}
    assert all(reasons("run/manifest.json", MANIFEST, after))
    wrong = {**after, "counts": {"n_new": 3, "by_rule": [1, 3]}}
    assert reasons("run/manifest.json", MANIFEST, wrong).count("") == 1
    assert reasons("run/manifest.json", MANIFEST, {**MANIFEST, "files": {}}) == [""], "new, but not of schema 2"
    assert reasons("run/other.json", MANIFEST, {**MANIFEST, "schema_version": 2}) == [""]


def test_the_version_is_expected_only_where_nothing_else_changed() -> None:
    assert reasons("a.json", ["by 0.1.0"], ["by 0.2.0"]) == ["the version"]
    assert reasons("a.json", ["by 0.1.0"], ["from 0.2.0"]) == [""]
    assert reasons("a.json", ["by 0.2.0"], ["by 0.1.0"]) == [""]


def test_a_renamed_field_is_expected_and_its_value_still_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_differences, "RENAMED", {"kept": "jaccard"})
    assert reasons("a.json", {"kept": 1}, {"jaccard": 1}) == ["a field was renamed"]
    assert reasons("a.json", {"kept": 1}, {"jaccard": 2}) == ["a field was renamed", ""]
    assert reasons("a.json", {"kept": 1}, {"other": 1}) == ["", ""]
    assert told("t.parquet", as_parquet(kept=[1]), as_parquet(jaccard=[1])) == [
        "t.parquet: column kept: kept -> jaccard"
    ]


def test_parquet_differences_name_column_and_row() -> None:
    before = as_parquet(id=[1, 2, 3], weight=[0.5, float("nan"), 0.0])
    assert told("t.parquet", before, as_parquet(id=[1, 2, 3], weight=[0.5, float("nan"), -0.0])) == [
        "t.parquet: column weight (1 of 3 rows), row 2: 0.0 -> -0.0"
    ]
    assert told("t.parquet", before, as_parquet(id=[1, 2], weight=[0.5, 0.5])) == ["t.parquet: rows: 3 -> 2"]
    assert told("t.parquet", as_parquet(id=[1]), as_parquet(id=pa.array([1], pa.int32()))) == [
        "t.parquet: column id.type: int64 -> int32"
    ]


def test_safetensors_differences_name_tensor_and_element() -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    other = matrix.copy()
    other[1, 1] = 8
    before = save({"input": matrix, "bias": matrix[0]})
    assert told("m.safetensors", before, save({"input": other, "bias": matrix[0]})) == [
        "m.safetensors: tensor input: 1 of 6 elements, first at 4: 00008040 -> 00000041"
    ]
    assert told("m.safetensors", before, save({"input": matrix.T.copy(), "more": matrix})) == [
        "m.safetensors: tensor bias: removed",
        "m.safetensors: tensor more: added",
        'm.safetensors: tensor input: ["F32", [2, 3]] -> ["F32", [3, 2]]',
    ]


def test_text_is_compared_by_lines_and_within_archives() -> None:
    assert told("p.zip", as_zip("a\nb\n"), as_zip("a\nc\nd\n")) == [
        "p.zip: README.md: line 2: b -> c",
        "p.zip: README.md: line 3: added d",
    ]


def test_what_cannot_be_read_is_a_difference() -> None:
    for name in ("a.json", "a.parquet", "a.safetensors", "a.zip"):
        assert "cannot be read" in told(name, b"no such thing", b"nor this")[0]


def test_logs_are_left_out_and_paths_of_the_machine_do_not_differ(tmp_path: Path, compare_versions: ModuleType) -> None:
    contents = []
    for name in ("first", "the-second"):
        side = compare_versions.Side(tmp_path / name, tmp_path / "stage" / name)
        (side.stage / "out" / "log").mkdir(parents=True)
        (side.stage / "out" / "log" / "timings.json").write_text(name)
        (side.stage / "out" / "a.txt").write_text(f"{side.stage}/x of {side.checkout}/y")
        contents.append(side.contents("out"))
    assert contents[0] == contents[1] == {"a.txt": b"<here>/x of <checkout>/y"}


def test_a_command_that_fails_on_both_sides_is_different(
    tmp_path: Path, compare_versions: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 2, stdout="", stderr="reading\nno such run\n")
    monkeypatch.setattr(compare_versions.Side, "call", lambda self, arguments: failed)
    sides = [compare_versions.Side(tmp_path, tmp_path / name) for name in ("before", "after")]
    case = compare_versions.Case("no such run", ("check nowhere",))
    verdict, lines = compare_versions.compare_case(*sides, case, ("0.1.0", "0.1.0"))
    assert verdict == "DIFFERENT"
    assert lines == ["  DIFFERENT no such run/check nowhere: exit 2: no such run: failed"] * 2


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("653 of 5,207 new tokens are fallback rows", "653 of 5,207 new tokens are fallback embeddings", True),
        ("the output matrix is the input matrix", "the output embeddings are the input embeddings", True),
        ("653 fallback rows", "654 fallback embeddings", False),
        ("3 combined rows", "3 copied embeddings", False),
    ],
)
def test_a_text_with_other_words_for_the_same_is_expected_and_another_number_is_not(
    before: str, after: str, expected: bool
) -> None:
    assert reasons("x.json", {"text": before}, {"text": after}) == ["a text has the field's words" if expected else ""]


def test_a_card_is_compared_by_what_its_head_says() -> None:
    """The order of keys and the way a list is written say nothing; another tag does."""
    cards = [f"---\n{head}---\nbody\n".encode() for head in ("a: 1\nb: [x]\n", "b:\n- x\na: 1\n", "a: 1\nb: [y]\n")]
    (same,) = compare_file("README.md", cards[0], cards[1])
    assert expected_reason(same, migrated=set(), known=[])
    (other,) = compare_file("README.md", cards[0], cards[2])
    assert str(other).startswith("README.md: head.b[0]: x -> y")
    assert not expected_reason(other, migrated=set(), known=[])
