"""The page of families says what its rows say; a row that was stopped is wrong where it stopped."""

from __future__ import annotations

from scripts.families.row import COLUMNS, NONE, REFUSED, RIGHT, STEPS, WRONG, finished
from scripts.families.table import render, totals

ROW = {
    "type": "bert", "class": "BertForMaskedLM", "mapping": "MASKED_LM", "tokenizer": "BertTokenizer",
    "kind": "wordpiece", "built": True, **{column: [RIGHT, ""] for column in COLUMNS},
}  # fmt: skip
UNBUILT = {"type": "odd", "class": "OddModel", "built": False, "reason": "ImportError: needs | <parts>"}


def test_totals_count_wrong_cells_and_whole_rows() -> None:
    rows = [ROW, ROW | {"type": "gpt2", "proof": ["not proven", "few"], "adapt": [WRONG, "raised"]}, UNBUILT]
    (said,) = totals(rows)
    assert said.startswith("**Wrong: 1. Right in init + export + proof: 1 of 2 (50 %).**")
    assert said.endswith("3 types, 1 of them did not build here.")


def test_the_page_has_every_reason_once_and_keeps_its_table_whole() -> None:
    row = ROW | {"adapt": [REFUSED, "no head | at all"], "evaluate": [REFUSED, "no head | at all"]}
    page = render([UNBUILT, row], "5.0", 36)
    assert "| bert | adapt, evaluate refused | no head \\| at all |" in page
    assert "| odd | OddModel | ImportError: needs \\| &lt;parts> |" in page
    assert f"| bert | BertForMaskedLM | wordpiece (BertTokenizer) | {' | '.join(row[c][0] for c in COLUMNS)} |" in page
    assert "transformers 5.0" in page


def test_a_stopped_row_is_wrong_where_it_stopped() -> None:
    started = {"type": "x", "built": True, **{column: [RIGHT, ""] for column in STEPS[:4]}}
    row = finished(started, "stopped by signal SIGKILL")
    assert row[STEPS[3]] == [RIGHT, ""]
    assert row[STEPS[4]] == [WRONG, "stopped by signal SIGKILL"]
    assert row[STEPS[-1]] == [NONE, ""]
    assert finished(row, "later") == row
