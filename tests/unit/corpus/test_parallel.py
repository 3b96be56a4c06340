"""Which columns of a table are a pair, which pairs are kept aside, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.corpus.held_out import is_held_out
from focus_core.corpus.parallel import ParallelText, hash_lines, holds_read_line, read_parallel, split_pairs
from focus_core.errors import CorpusError
from tests.tiny_encoders import pairs_of

ONE, OTHER = "source_column", "target_column"


def table(folder: Path, content: str, name: str = "pairs.tsv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def text_of(pairs: list[tuple[str, str]]) -> ParallelText:
    return ParallelText(name="x.tsv", digest="0", pairs=tuple(pairs), n_incomplete=0)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("house\tHaus\nmarket\tMarkt\n", {}),
        ("1\thouse\tHaus\n2\tmarket\tMarkt\n", {}),
        ("id\ten\tde\n1\thouse\tHaus\n2\tmarket\tMarkt\n", {}),
        ("id\tde\ten\tsw\n1\tHaus\thouse\tx\n2\tMarkt\tmarket\ty\n", {ONE: "en", OTHER: "de"}),
        ("Haus\tx\thouse\nMarkt\ty\tmarket\n", {ONE: "3", OTHER: "1"}),
        ("﻿house\tHaus\r\n\r\n  \r\n market \tMarkt\r\nhouse\tHaus\r\n", {}),
    ],
    ids=["two columns", "three", "a header", "named", "numbered", "mark, line ends, blanks, repeats"],
)
def test_the_columns_of_a_pair(content: str, columns: dict[str, str], tmp_path: Path) -> None:
    found = read_parallel(table(tmp_path, content), **columns)
    assert found.pairs == (("house", "Haus"), ("market", "Markt"))
    assert found.n_incomplete == 0


def test_a_packed_file_and_a_side_that_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv.gz"
    path.write_bytes(gzip.compress(b"a\tb\n\tc\nd\t \n"))
    found = read_parallel(path)
    assert (found.pairs, found.n_incomplete) == ((("a", "b"),), 2)


def test_columns_belong_to_the_digest_and_the_place_does_not(tmp_path: Path) -> None:
    content = "a\tb\nc\td\n"
    one, other = table(tmp_path, content), table(tmp_path, content, "other.tsv")
    assert read_parallel(one).digest == read_parallel(other).digest
    assert read_parallel(one).digest != read_parallel(one, source_column="2", target_column="1").digest


@pytest.mark.parametrize(
    ("content", "columns", "said"),
    [
        ("no tab at all\n", {}, "expected two columns.*got 1 in the first line; write a line, a tab"),
        ("a\tb\tc\td\n", {}, "got 4 in the first line; name the two columns with --source-column and --target-column"),
        ("a\tb\nc\n", {}, "at least 2 columns with a tab between, got 1 in line 2; repair that line"),
        ("id\ten\tde\n", {}, "expected pairs of lines, got none"),
        ("a\t\n", {}, "expected pairs of lines, got none"),
        ("id\ten\tde\nx\ta\tb\n", {ONE: "en", OTHER: "sw"}, "a column 'sw' in the first line, got 'id', 'en', 'de'"),
        ("a\tb\n", {ONE: "1", OTHER: "3"}, "numbers of columns from 1 to 2, got 1 and 3"),
        ("a\tb\n", {ONE: "1"}, "--target-column: expected a column beside --source-column, got none; name both"),
        ("a\tb\n", {OTHER: "1"}, "--source-column: expected a column beside --target-column, got none; name both"),
        ("\n\n", {}, "expected pairs of lines, got none"),
        ("a\tb\0\n", {}, "expected a text file, got a binary file"),
    ],
)
def test_what_is_no_table_of_pairs(content: str, columns: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=said) as caught:
        read_parallel(table(tmp_path, content), **columns)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"pairs.txt: expected a .tsv file of pairs, got the suffix '.txt'"):
        read_parallel(table(tmp_path, "a\tb\n", "pairs.txt"))
    with pytest.raises(CorpusError, match="got a folder; name the file in it"):
        read_parallel(tmp_path)
    with pytest.raises(CorpusError, match="got nothing there"):
        read_parallel(tmp_path / "none.tsv")


def test_pairs_are_kept_aside_by_their_target_line_and_nothing_of_them_is_trained_on() -> None:
    pairs = [*pairs_of(), *((one, f"{other} noch") for one, other in pairs_of())]  # every source line twice
    split = split_pairs(text_of(pairs))
    assert split.percent == 10
    assert split.aside == [pair for pair in pairs if is_held_out(pair[1], 10)]
    hidden = {line for pair in split.aside for line in pair}
    assert split.aside
    assert not any(line in hidden for pair in split.kept for line in pair)
    assert split.n_left_out > 0
    assert len(split.kept) + len(split.aside) + split.n_left_out == len(pairs)


def test_too_few_pairs() -> None:
    with pytest.raises(CorpusError, match=r"x.tsv: expected at least 100 different pairs.*got 99; give more pairs"):
        split_pairs(text_of(pairs_of(99)))


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), min_size=1, max_size=20), st.data())
def test_a_pair_is_left_out_if_and_only_if_a_line_of_it_was_read(pairs: list[tuple[str, str]], data: Any) -> None:
    read = data.draw(st.lists(st.sampled_from([line for pair in pairs for line in pair])))
    found = holds_read_line(pairs, np.unique(hash_lines(read)))
    words = {line.strip() for line in read}
    assert found.tolist() == [pair[0].strip() in words or pair[1].strip() in words for pair in pairs]


@pytest.mark.parametrize("header", ["", "en\tsw\tscore\n"], ids=["no header", "a header"])
def test_a_third_column_of_scores_is_no_translation(header: str, tmp_path: Path) -> None:
    """House and its Swahili word with a score: the pair would be (nyumba, 0.91)."""
    path = table(tmp_path, header + "house\tnyumba\t0.91\nmarket\tsoko\t0.8\nsun\tjua\t1e-3\n")
    with pytest.raises(CorpusError, match=r"numbers such as 0?\.[0-9]+ in the third") as refused:
        read_parallel(path)
    assert "--source-column 1 and --target-column 2" in str(refused.value)
    named = read_parallel(path, source_column="1", target_column="2")
    assert ("house", "nyumba") in named.pairs


def test_some_numbers_in_a_third_column_are_translations(tmp_path: Path) -> None:
    rows = [("1", "nineteen", "19"), ("2", "house", "nyumba"), *((str(n), f"no {n}", f"{n}") for n in range(3, 50))]
    path = table(tmp_path, "".join("\t".join(row) + "\n" for row in rows))
    assert len(read_parallel(path).pairs) == 49
