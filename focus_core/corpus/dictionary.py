"""Bilingual dictionaries: two columns of words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from focus_core.artifacts import sha256_bytes
from focus_core.errors import bad_input

MAX_BYTES = 64 << 20
REMEDY = "write a source word, a tab and its translation on each line, as UTF-8 text without a header"


@dataclass(frozen=True, kw_only=True)
class Dictionary:
    """Pairs of a word and one of its translations.

    Parameters
    ----------
    name : str
        The file's name.
    digest : str
        SHA-256 of the file.
    pairs : tuple of (str, str)
        Source word and target word; each pair once, in the file's order.
    """

    name: str
    digest: str
    pairs: tuple[tuple[str, str], ...]


def read_dictionary(path: str | Path) -> Dictionary:
    """Read a dictionary.

    Parameters
    ----------
    path : str or Path
        UTF-8 text without a header: source word, tab, target word on each line. Several lines with one word give it
        several translations; blank lines are passed over.

    Returns
    -------
    Dictionary
        At least one pair.

    Raises
    ------
    InvalidInputError
        If the file is missing, too large or no UTF-8 text, a line is no pair, or there is none.
    """
    path = Path(path)
    if not path.is_file():
        raise bad_input(path.name or str(path), "a dictionary file", "no such file", "check the path")
    if path.stat().st_size > MAX_BYTES:
        got = f"{path.stat().st_size:,} bytes"
        raise bad_input(path.name, f"at most {MAX_BYTES >> 20} MiB", got, "keep the pairs that you need")
    data = path.read_bytes()
    pairs: dict[tuple[str, str], None] = {}
    for number, line in enumerate(_decode(path.name, data).split("\n"), start=1):
        if line.strip():
            pairs[_pair(path.name, number, line)] = None
    if not pairs:
        raise bad_input(path.name, "pairs of words", "none", REMEDY)
    return Dictionary(name=path.name, digest=sha256_bytes(data), pairs=tuple(pairs))


def _decode(name: str, data: bytes) -> str:
    """Return the text, or name the line of the first byte that is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = data.count(b"\n", 0, reason.start) + 1
        raise bad_input(name, "UTF-8 text", f"the byte 0x{data[reason.start]:02X} in line {line:,}", REMEDY) from reason
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise bad_input(name, "a text file", f"a binary file (a zero byte in line {line:,})", REMEDY)
    return text


def _pair(name: str, number: int, line: str) -> tuple[str, str]:
    fields = [part.strip() for part in line.split("\t")]
    if len(fields) != 2 or not all(fields):
        full = sum(map(bool, fields))
        got = f"{full} of them in line {number:,}" if full != 2 else f"{len(fields)} columns in line {number:,}"
        raise bad_input(name, "two words with one tab between", got, REMEDY)
    return fields[0], fields[1]
