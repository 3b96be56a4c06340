"""Text files, streamed: decompression under caps, decoding, and one reader a format; never a whole file in memory."""

from __future__ import annotations

import codecs
import csv
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from focus_core.errors import CorpusError, bad_input, option, phrase

FORMATS = (".txt", ".jsonl", ".csv", ".tsv", ".parquet")
PACKINGS = (".gz", ".zst")
CHUNK = 1 << 20
"""Bytes of a file read together."""
PACKED_CHUNK = 1 << 11
"""Compressed bytes unpacked together; zstandard makes at most 32,768 bytes of one, so at most 64 MiB here."""
MAX_UNPACKED = 64 << 30
"""Bytes that one compressed file may unpack to."""
MAX_RATIO = 200
"""Bytes of text that one compressed byte may unpack to. Text reaches 3 to 20; a bomb of zeros 1,000 and more."""
RATIO_AFTER = 16 << 20
"""Unpacked bytes before the ratio counts: a short repetitive file is no bomb."""
MAX_LINE = 1 << 20
"""Characters of one line; a longer line of plain text is cut at white space, elsewhere it is refused."""
REMEDIES = {
    ".json": "write a record a line and call it .jsonl",
    ".zip": "unpack it first",
    ".tar": "unpack it first",
    ".gz": "call it by what it holds, such as text.txt.gz",
    ".zst": "call it by what it holds, such as text.txt.zst",
    **dict.fromkeys((".pdf", ".doc", ".docx", ".odt", ".epub", ".html", ".xlsx"), "save its text as a .txt file"),
}
"""What to do with a file of another kind, by its suffix."""

COLUMN_REMEDY = phrase("name the column that holds the text with {field}")
FIELD_REMEDY = phrase("name the field that holds the text with {field}")
BINARY_REMEDY = phrase("give text; name UTF-16 or another encoding without a byte-order mark with {encoding}")

ReadHook = Callable[[int], None]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def refuse(subject: str, expected: str, got: str, remedy: str) -> CorpusError:
    """Build a `CorpusError` in four parts.

    Parameters
    ----------
    subject, expected, got, remedy : str
        See `focus_core.errors.bad_input`.

    Returns
    -------
    CorpusError
        Ready to raise.
    """
    return bad_input(subject, expected, got, remedy, CorpusError)


def format_of(path: Path) -> tuple[str, str]:
    """Return format and packing of a file by its name, such as ``(".jsonl", ".gz")``; no packing is an empty string."""
    suffixes = [s.lower() for s in path.suffixes]
    packing = suffixes.pop() if suffixes and suffixes[-1] in PACKINGS else ""
    kind = suffixes[-1] if suffixes else ""
    if kind not in FORMATS or (kind == ".parquet" and packing):
        expected = "a file named .txt, .jsonl, .csv, .tsv or .parquet, all but the last also with .gz or .zst"
        remedy = REMEDIES.get(path.suffix.lower(), "rename or convert it")
        raise refuse(path.name, expected, f"the suffix {''.join(path.suffixes[-2:])!r}", remedy)
    return kind, packing


def read_texts(path: Path, *, field: str, encoding: str | None, on_read: ReadHook) -> Iterator[str]:
    """Yield the texts of one file; blank ones are left out, records of several lines come line by line.

    Parameters
    ----------
    path : Path
        The file.
    field : str
        Field or column that holds the text, for every format but ``.txt``.
    encoding : str or None
        Encoding of the file; ``None`` is UTF-8. A byte-order mark comes first.
    on_read : callable
        Told how many bytes of the file have been read since the last call.

    Yields
    ------
    str
        A line without its line end.

    Raises
    ------
    CorpusError
        If the file is not what its name says, is not text, or lacks the field.
    """
    kind, packing = format_of(path)
    if kind == ".parquet":
        yield from _lines_of(_parquet_texts(path, field, on_read))
        return
    with path.open("rb") as stream:
        pieces = _decoded(path.name, _unpacked(path.name, stream, packing, on_read), encoding)
        yield from _lines_of(_texts(kind, path.name, pieces, field))


def read_lines(path: Path, *, encoding: str | None) -> Iterator[str]:
    """Yield the lines of a file of text as they stand, blank ones too.

    Parameters
    ----------
    path : Path
        The file, of any format but ``.parquet``.
    encoding : str or None
        Encoding of the file; ``None`` is UTF-8. A byte-order mark comes first.

    Yields
    ------
    str
        A line without its line end.

    Raises
    ------
    CorpusError
        As `read_texts`.
    """
    _, packing = format_of(path)
    with path.open("rb") as stream:
        pieces = _decoded(path.name, _unpacked(path.name, stream, packing, lambda n_bytes: None), encoding)
        for line in _lines(path.name, pieces, cut=False):
            yield line.removesuffix("\r")


def _texts(kind: str, name: str, pieces: Iterator[str], field: str) -> Iterator[str]:
    if kind == ".txt":
        return _lines(name, pieces, cut=True)
    if kind == ".jsonl":
        return _json_texts(name, _lines(name, pieces, cut=False), field)
    return _table_texts(name, _lines(name, pieces, cut=False), field, tabs=kind == ".tsv")


def _lines_of(texts: Iterable[str]) -> Iterator[str]:
    """Split records at line ends and drop what is blank."""
    for text in texts:
        for line in text.split("\n") if "\n" in text else (text,):
            if line and not line.isspace():
                yield line.removesuffix("\r")


def _unpacked(name: str, stream: BinaryIO, packing: str, on_read: ReadHook) -> Iterator[bytes]:
    """Yield the bytes of a file, unpacked under the caps of this module."""
    if not packing:
        while chunk := stream.read(CHUNK):
            on_read(len(chunk))
            yield chunk
        return
    unpacker: Any = _zstd() if packing == ".zst" else zlib.decompressobj(wbits=31)
    read = made = 0
    while chunk := stream.read(PACKED_CHUNK):
        read += len(chunk)
        on_read(len(chunk))
        data = _unpack(name, packing, unpacker, chunk)
        made += len(data)
        _check_caps(name, read, made)
        yield data
    if not unpacker.eof:
        raise refuse(name, expected=f"a whole {packing} file", got="one that breaks off", remedy="fetch it again")


def _zstd() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()


def _unpack(name: str, packing: str, unpacker: Any, chunk: bytes) -> bytes:
    import zstandard

    if unpacker.eof:
        raise _several_members(name, packing)
    try:
        data: bytes = unpacker.decompress(chunk)
    except (zlib.error, zstandard.ZstdError) as reason:
        raise refuse(name, f"{packing} data as its name says", str(reason), "fetch or pack it again") from reason
    if unpacker.eof and unpacker.unused_data:
        raise _several_members(name, packing)
    return data


def _several_members(name: str, packing: str) -> CorpusError:
    return refuse(name, f"a {packing} file of one member", "more after it", "unpack it and pack it as one")


def _check_caps(name: str, read: int, made: int) -> None:
    if made > MAX_UNPACKED or (made > RATIO_AFTER and made > MAX_RATIO * read):
        expected = f"at most {MAX_UNPACKED >> 30} GiB of text and {MAX_RATIO} bytes for one compressed byte"
        raise refuse(name, expected, f"{made:,} bytes from {read:,}", "unpack it yourself if you trust it")


def _decoded(name: str, chunks: Iterator[bytes], encoding: str | None) -> Iterator[str]:
    """Yield text; the line of the first byte that is none is named."""
    first = next(chunks, b"")
    while 0 < len(first) < 4 and (more := next(chunks, b"")):
        first += more
    marked = next((found for mark, found in _MARKS if first.startswith(mark)), None)
    decoder = _decoder(marked or encoding or "utf-8")
    line = 1
    for chunk in _with_end(first, chunks):
        try:
            text = decoder.decode(chunk or b"", final=chunk is None)
        except UnicodeError as reason:
            raise _undecodable(name, reason, line, encoding or "utf-8") from reason
        if "\0" in text:
            raise _binary(name, line + text.count("\n", 0, text.index("\0")))
        line += text.count("\n")
        yield text


def _with_end(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes | None]:
    yield first
    yield from chunks
    yield None


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        "".encode(encoding)  # refuses codecs such as `hex`, which make no text
        return codecs.getincrementaldecoder(encoding)()
    except (LookupError, ValueError) as reason:
        raise refuse(
            option("encoding"), "the name of a text encoding", repr(encoding), "give one such as cp1252"
        ) from reason


def _undecodable(name: str, reason: UnicodeError, line: int, encoding: str) -> CorpusError:
    if not isinstance(reason, UnicodeDecodeError):
        return refuse(name, f"{encoding} text", str(reason), phrase("name its encoding with {encoding}"))
    line += reason.object[: reason.start].count(b"\n")
    around = reason.object[max(0, reason.start - 512) : reason.start + 512]
    if sum(byte < 9 or 13 < byte < 32 or byte == 127 for byte in around) > len(around) // 20:
        return _binary(name, line)
    remedy = phrase("name its encoding with {encoding}, such as {encoding} cp1252")
    return refuse(name, f"{encoding} text", f"the byte 0x{reason.object[reason.start]:02X} in line {line:,}", remedy)


def _binary(name: str, line: int) -> CorpusError:
    return refuse(name, "a text file", f"a binary file (control bytes in line {line:,})", BINARY_REMEDY)


def _lines(name: str, pieces: Iterator[str], *, cut: bool) -> Iterator[str]:
    """Yield lines without line ends. A line over ``MAX_LINE`` is cut at white space, or refused."""
    rest = ""
    number = 0
    for piece in pieces:
        *whole, rest = (rest + piece).split("\n")
        number += len(whole)
        yield from whole
        while len(rest) > MAX_LINE:
            if not cut:
                expected = f"lines of at most {MAX_LINE:,} characters"
                raise refuse(name, expected, f"more in line {number + 1:,}", "split it into several records")
            head, rest = _cut(rest)
            yield head
    if rest:
        yield rest


def _cut(text: str) -> tuple[str, str]:
    place = text.rfind(" ", 0, MAX_LINE) + 1 or MAX_LINE
    return text[:place], text[place:]


def _json_texts(name: str, lines: Iterator[str], field: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as reason:
            got = f"line {number:,}: {str(reason).splitlines()[0]}"
            raise refuse(name, expected="one JSON object a line", got=got, remedy="repair that line") from reason
        yield _checked(name, number, _field_of(name, number, record, field), escaped="\\ud" in line.lower())


def _field_of(name: str, number: int, record: Any, field: str) -> Any:
    if not isinstance(record, dict) or field not in record:
        found = ", ".join(map(repr, list(record)[:8])) if isinstance(record, dict) else type(record).__name__
        got = f"{found or 'an empty object'} in line {number:,}"
        raise refuse(name, f"the field {field!r} in every record", got, FIELD_REMEDY)
    return record[field]


def _checked(name: str, number: int, text: Any, *, escaped: bool) -> str:
    """Return a record's text; a missing one is blank."""
    if text is None:
        return ""
    if not isinstance(text, str):
        raise refuse(name, "text in the field", f"{type(text).__name__} in line {number:,}", FIELD_REMEDY)
    if escaped and any("\ud800" <= c <= "\udfff" for c in text):
        raise refuse(name, "Unicode text", f"half a surrogate pair in line {number:,}", "repair or remove that record")
    return text.replace("\0", " ")


def _table_texts(name: str, lines: Iterator[str], field: str, *, tabs: bool) -> Iterator[str]:
    """Yield one column. Quotes mean nothing in ``.tsv`` (its definition at IANA knows none)."""
    ended = (line + "\n" for line in lines)
    quoting: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if tabs else {}
    rows = csv.reader(ended, **quoting)
    place = _column_of(name, next(rows, []), field)
    try:
        for row in rows:
            if len(row) > place:
                yield row[place]
            elif any(row):
                raise refuse(
                    name, f"at least {place + 1} columns", f"{len(row)} in line {rows.line_num:,}", "repair that line"
                )
    except csv.Error as reason:
        got = f"{reason} near line {rows.line_num:,}"
        raise refuse(name, expected="sound rows", got=got, remedy="repair its quotes, or give .jsonl") from reason


def _column_of(name: str, header: list[str], field: str) -> int:
    columns = [column.strip() for column in header]
    if header and field not in columns:
        got = ", ".join(repr(c[:40]) for c in columns[:8])
        raise refuse(name, f"a column {field!r} in the first line", got, COLUMN_REMEDY)
    return columns.index(field) if header else 0


def _parquet_texts(path: Path, field: str, on_read: ReadHook) -> Iterator[str]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as table:
            _check_parquet(path, table, field)
            size, n_rows = path.stat().st_size, max(1, table.metadata.num_rows)
            done = 0
            for batch in table.iter_batches(batch_size=1024, columns=[field]):
                for number, text in enumerate(batch.column(0).to_pylist(), done + 1):
                    yield _checked(path.name, number, text, escaped=False)
                done += batch.num_rows
                on_read(size * batch.num_rows // n_rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as reason:
        got = " ".join(str(reason).split())[:120]
        raise refuse(path.name, expected="a sound parquet file", got=got, remedy="write it again") from reason


def _check_parquet(path: Path, table: Any, field: str) -> None:
    import pyarrow as pa

    schema, size = table.schema_arrow, path.stat().st_size
    if field not in schema.names:
        raise refuse(path.name, f"a column {field!r}", ", ".join(map(repr, schema.names[:8])) or "none", COLUMN_REMEDY)
    kind = schema.field(field).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise refuse(path.name, f"text in column {field!r}", str(kind), phrase("name another column with {field}"))
    made = sum(table.metadata.row_group(i).total_byte_size for i in range(table.metadata.num_row_groups))
    _check_caps(path.name, size, made)
