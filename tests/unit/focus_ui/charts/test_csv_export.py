"""CSV that leaves the app: what a spreadsheet would take for a formula is disarmed, the rest comes back as it was."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from focus_core.errors import InvalidInputError
from focus_ui.charts.csv_export import csv_bytes
from tests.hostile_tokens import HOSTILE_TOKENS


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_no_cell_begins_like_a_formula() -> None:
    rows = read(csv_bytes({"token": list(HOSTILE_TOKENS), "=name": list(HOSTILE_TOKENS)}))
    cells = [cell for row in rows for cell in row]
    assert rows[0] == ["token", "'=name"]
    assert len(rows) == 1 + len(HOSTILE_TOKENS)
    assert [c for c in cells if c.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", '=HYPERLINK("a";"b")'])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert read(csv_bytes({"token": [text]}))[1] == [f"'{text}"]


def test_numbers_stay_numbers_and_holes_stay_holes() -> None:
    rows = read(csv_bytes({"n": [-3, np.int64(-4), -0.5], "x": [None, float("nan"), np.float32(1.5)]}))
    assert rows[1:] == [["-3", ""], ["-4", ""], ["-0.5", "1.5"]]


def test_quotes_commas_and_surrogates_come_through() -> None:
    text = ['a "b", c', "line\nbreak", "\ud800"]
    assert [row[0] for row in read(csv_bytes({"token": text}))[1:]] == ['a "b", c', "line\nbreak", "\\ud800"]


def test_other_values_become_text() -> None:
    assert read(csv_bytes({"x": [["=a"], True]}))[1:] == [["['=a']"], ["True"]]


def test_an_empty_table_is_its_head() -> None:
    assert read(csv_bytes({"a": [], "b": []})) == [["a", "b"]]


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="one length"):
        csv_bytes({"a": [1], "b": []})
