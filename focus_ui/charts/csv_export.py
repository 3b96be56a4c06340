"""Tables as CSV that a spreadsheet can open without harm.

UTF-8 with a byte order mark, rows ended as in RFC 4180, every cell of text disarmed by `csv_safe`, so that no token is
taken for a formula.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from focus_core.errors import bad_input
from focus_core.tokenization.display import csv_safe


def csv_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Return a table as CSV, safe to open in a spreadsheet.

    Examples
    --------
    >>> csv_bytes({"token": ["=1+1"], "id": [7]}).decode("utf-8-sig").splitlines()
    ['token,id', "'=1+1,7"]
    """
    table = {str(name): list(values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) > 1:
        raise bad_input("table", expected="columns of one length", got=str(lengths), remedy="give every row a value")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([csv_safe(name) for name in table])
    for row in zip(*table.values(), strict=True):
        writer.writerow([_cell(value) for value in row])
    return stream.getvalue().encode("utf-8-sig", errors="backslashreplace")


def as_columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Return rows of values as columns with names."""
    filled = list(rows)
    return {name: [row[place] for row in filled] for place, name in enumerate(names)}


def _cell(value: Any) -> Any:
    """Return what the csv module writes for a value: numbers as they are, text that is no formula."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return csv_safe(value)
    if isinstance(value, (int, float)) or hasattr(value, "dtype"):
        return value
    return csv_safe(str(value))
