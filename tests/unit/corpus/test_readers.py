"""Files of text: formats, packing, decoding, and every refusal of the list of bad inputs that concerns them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from focus_core.corpus import readers as corpus_files
from focus_core.corpus.readers import format_of, read_texts
from focus_core.errors import CorpusError

LINES = ["Habari ya asubuhi.", "Watoto wanacheza, „nje“.", "سلام"]


def read(path: Path, *, field: str = "text", encoding: str | None = None) -> list[str]:
    return list(read_texts(path, field=field, encoding=encoding, on_read=lambda n: None))


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def as_format(kind: str) -> bytes:
    if kind == ".txt":
        return "\n".join(LINES).encode()
    if kind == ".jsonl":
        return "".join(json.dumps({"id": i, "text": line}) + "\n" for i, line in enumerate(LINES)).encode()
    if kind == ".csv":
        return ("id,text\n" + "".join(f'{i},"{line}"\n' for i, line in enumerate(LINES))).encode()
    return ("id\ttext\n" + "".join(f"{i}\t{line}\n" for i, line in enumerate(LINES))).encode()


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("kind", [".txt", ".jsonl", ".csv", ".tsv"])
def test_every_format_plain_and_packed(tmp_path: Path, kind: str, packing: str) -> None:
    data = as_format(kind)
    packed = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[packing](data)
    assert read(write(tmp_path / f"a{kind}{packing}", packed)) == LINES


def test_parquet(tmp_path: Path) -> None:
    table = pa.table({"id": [0, 1, 2, 3], "text": [*LINES, None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == LINES


def test_parquet_of_dictionary_encoded_text(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": pa.array(LINES * 2).dictionary_encode()}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == LINES * 2


def test_suffixes_are_read_without_regard_to_case(tmp_path: Path) -> None:
    assert format_of(tmp_path / "my.corpus.TXT.GZ") == (".txt", ".gz")


@pytest.mark.parametrize("name", ["a.docx", "a", "a.txt.bz2", "a.parquet.gz", ".txt.zip", "a.gz"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match=r"expected a file named \.txt, \.jsonl"):
        format_of(tmp_path / name)


def test_blank_lines_are_dropped_and_line_ends_removed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\n  \t \nfirst\r\n\r\nsecond\n\u00a0\nlast")
    assert read(path) == ["first", "second", "last"]


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    """Form feeds and Unicode line separators are part of the text; `str.splitlines` would cut there."""
    path = write(tmp_path / "a.txt", "one\x0cone\u2028one\x85one\ntwo\n")
    assert read(path) == ["one\x0cone\u2028one\x85one", "two"]


def test_records_of_several_lines_come_line_by_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps({"text": "one\n\ntwo\r\n"}) + "\n")
    assert read(path) == ["one", "two"]


def test_quoted_line_ends_in_csv(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,n\n"one ""1""\ntwo",5\nthree,6\n')
    assert read(path) == ['one "1"', "two", "three"]


def test_quotes_mean_nothing_in_tsv(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'text\tn\n"one\t5\nt"wo"\t6\n')
    assert read(path) == ['"one', 't"wo"']


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_honoured(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.txt", "\n".join(LINES).encode(encoding))
    assert read(path) == LINES
    assert read(path, encoding="cp1252") == LINES, "the mark comes before the option"


def test_named_encoding(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "größer\nschön".encode("cp1252"))
    assert read(path, encoding="cp1252") == ["größer", "schön"]


def test_wrongly_encoded_file_names_the_line_and_the_remedy(tmp_path: Path) -> None:
    text = "fine\n" * 7 + "größer\n"
    path = write(tmp_path / "a.txt", text.encode("cp1252"))
    with pytest.raises(CorpusError, match=r"the byte 0xF6 in line 8; name its encoding with --encoding") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_wrongly_encoded_far_into_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line numbers count over chunks: with chunks of 100 bytes the bad byte lies in the eighth."""
    monkeypatch.setattr(corpus_files, "CHUNK", 100)
    path = write(tmp_path / "a.txt", b"123456789\n" * 75 + "größer\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="line 76"):
        read(path)


def test_file_that_breaks_off_within_a_character(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="line 2"):
        read(write(tmp_path / "a.txt", b"one\ntwo \xe2\x82"))


def test_characters_split_by_chunks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_files, "CHUNK", 5)
    assert read(write(tmp_path / "a.txt", "\n".join(LINES))) == LINES


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x00",
        b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00",
        bytes(range(1, 256)) * 4,
        b"text\nand then\0 a NUL\n",
    ],
)
def test_binary_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CorpusError, match="expected a text file, got a binary file"):
        read(write(tmp_path / "a.txt", data))


def test_utf16_without_a_mark_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "Habari".encode("utf-16-le"))
    with pytest.raises(CorpusError, match="--encoding"):
        read(path)
    assert read(path, encoding="utf-16-le") == ["Habari"]


def test_unknown_encoding(tmp_path: Path) -> None:
    for name in ("klingon", "hex"):
        with pytest.raises(CorpusError, match="name of a text encoding"):
            read(write(tmp_path / "a.txt", "x"), encoding=name)


def test_jsonl_without_the_field(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "one"}\n\n{"content": "two", "id": 3}\n')
    with pytest.raises(
        CorpusError, match=r"the field 'text' in every record, got 'content', 'id' in line 3; .*--field"
    ):
        read(path)
    assert read(write(tmp_path / "b.jsonl", '{"content": "two"}'), field="content") == ["two"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": 5}', "int in line 1"),
        ('["text"]', "list in line 1"),
        ('{"text": "a"', "line 1"),
        ("[" * 100_000, "line 1"),
        ('{"text": "\\ud83d alone"}', "half a surrogate pair in line 1"),
    ],
)
def test_jsonl_that_is_none(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(write(tmp_path / "a.jsonl", line))


def test_whole_surrogate_pairs_and_nulls_in_jsonl(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "\\ud83d\\ude00"}\n{"text": null}\n')
    assert read(path) == ["😀"]


def test_table_without_the_column(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"a column 'text' in the first line, got 'id', 'inhalt'; .*--field"):
        read(write(tmp_path / "a.csv", "id,inhalt\n1,eins\n"))
    parquet.write_table(pa.table({"n": [1]}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match="a column 'text', got 'n'"):
        read(tmp_path / "a.parquet")


def test_table_with_a_short_row(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="at least 2 columns, got 1 in line 3"):
        read(write(tmp_path / "a.csv", "id,text\n1,one\n2\n"))


def test_unbalanced_quote_in_csv_is_refused_before_it_swallows_the_file(tmp_path: Path) -> None:
    text = 'text,n\n"no end,1\n' + "a line of some length,2\n" * 20_000
    with pytest.raises(CorpusError, match="repair its quotes"):
        read(write(tmp_path / "a.csv", text))


def test_parquet_column_that_is_not_text(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": [1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match="expected text in column 'text', got int64"):
        read(tmp_path / "a.parquet")


def test_parquet_that_is_none(tmp_path: Path) -> None:
    for data in (b"", b"PAR1 no PAR1", b"just text"):
        with pytest.raises(CorpusError, match="sound parquet file"):
            read(write(tmp_path / "a.parquet", data))


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_packed_file_that_is_not(tmp_path: Path, packing: str) -> None:
    with pytest.raises(CorpusError, match="as its name says"):
        read(write(tmp_path / f"a.txt{packing}", b"plain text"))


@pytest.mark.parametrize(("packing", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_packed_file_that_breaks_off(tmp_path: Path, packing: str, pack: object) -> None:
    packed = pack(as_format(".txt") * 20)  # type: ignore[operator]
    with pytest.raises(CorpusError, match="breaks off"):
        read(write(tmp_path / f"a.txt{packing}", packed[:-9]))


@pytest.mark.parametrize(("packing", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_packed_file_of_two_members(tmp_path: Path, packing: str, pack: object) -> None:
    packed = pack(b"one\n") + pack(b"two\n")  # type: ignore[operator]
    with pytest.raises(CorpusError, match="one member"):
        read(write(tmp_path / f"a.txt{packing}", packed))


@pytest.mark.parametrize(("packing", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_decompression_bomb(tmp_path: Path, packing: str, pack: object) -> None:
    """40 MB of spaces pack to less than 100 kB: the ratio cap stops it after 16 MiB and at most one chunk more."""
    path = write(tmp_path / f"a.txt{packing}", pack(b" " * 40_000_000))  # type: ignore[operator]
    assert path.stat().st_size < 100_000
    with pytest.raises(CorpusError, match="200 bytes for one compressed byte"):
        read(path)


def test_byte_cap_of_a_packed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_files, "MAX_UNPACKED", 1000)
    with pytest.raises(CorpusError, match="unpack it yourself"):
        read(write(tmp_path / "a.txt.gz", gzip.compress(as_format(".txt") * 100)))


def test_parquet_bomb_by_its_own_declaration(tmp_path: Path) -> None:
    """One text of 100 kB, 400 times: 40 MB declared in a file of a few kB."""
    table = pa.table({"text": ["a" * 100_000] * 400})
    parquet.write_table(table, tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    with pytest.raises(CorpusError, match="compressed byte"):
        read(tmp_path / "a.parquet")


def test_long_line_of_text_is_cut_at_white_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_files, "MAX_LINE", 10)
    monkeypatch.setattr(corpus_files, "CHUNK", 16)
    lines = read(write(tmp_path / "a.txt", "aaaa bbbb cccc dddd eeee " + "f" * 25))
    assert [line.strip() for line in lines] == ["aaaa bbbb", "cccc dddd", "eeee", "f" * 10, "f" * 10, "f" * 5]


def test_long_line_of_jsonl_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_files, "MAX_LINE", 1000)
    monkeypatch.setattr(corpus_files, "CHUNK", 100)
    with pytest.raises(CorpusError, match="more in line 1"):
        read(write(tmp_path / "a.jsonl", json.dumps({"text": "a" * 2000})))


def test_reading_reports_every_byte(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt.gz", gzip.compress(as_format(".txt") * 500))
    counts: list[int] = []
    list(read_texts(path, field="text", encoding=None, on_read=counts.append))
    assert sum(counts) == path.stat().st_size
