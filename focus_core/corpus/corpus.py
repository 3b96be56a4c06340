"""A corpus: files checked and hashed once, then streamed as often as needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from focus_core.artifacts import digest_json, sha256_file
from focus_core.corpus.readers import FORMATS, format_of, read_texts, refuse
from focus_core.errors import CorpusError

LINES_PER_BATCH = 4096
CHARACTERS_PER_BATCH = 1 << 21
"""Bounds of a batch; whichever is reached first."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Files of text, opened in this order.

    Parameters
    ----------
    paths : tuple of Path
        The files.
    names : tuple of str
        Their names, without folders.
    field : str, default="text"
        Field or column that holds the text in every format but ``.txt``.
    encoding : str, default=None
        Encoding; ``None`` is UTF-8. A byte-order mark comes first.
    digests : tuple of str
        SHA-256 of each file as it lies on disk.
    sizes : tuple of int
        Bytes of each file as it lies on disk.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    field: str = "text"
    encoding: str | None = None
    digests: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes)

    @property
    def digest(self) -> str:
        """SHA-256 over the files' contents and the way they are read; independent of where they lie."""
        kinds = [format_of(path) for path in self.paths]
        return digest_json([self.digests, kinds, self.field, self.encoding])


def open_corpus(paths: Sequence[Path | str], *, field: str = "text", encoding: str | None = None) -> Corpus:
    """Check and hash the files of a corpus.

    Parameters
    ----------
    paths : sequence of Path or str
        Files, or folders: a folder stands for the files of a known format that lie in it, sorted by name.
    field : str, default="text"
        Field or column that holds the text in every format but ``.txt``.
    encoding : str, default=None
        Encoding of the files; ``None`` is UTF-8. A byte-order mark comes first.

    Returns
    -------
    Corpus
        Ready to be read as often as needed.

    Raises
    ------
    CorpusError
        If a file is missing, unreadable or of no known format, or if all are empty.
    """
    files = tuple(chain.from_iterable(_files_of(Path(path)) for path in paths))
    for path in files:
        format_of(path)
    try:
        sizes = tuple(path.stat().st_size for path in files)
        digests = tuple(map(sha256_file, files))
    except OSError as reason:
        raise refuse(str(reason.filename), "a readable file", str(reason.strerror), "see its permissions") from reason
    names = tuple(path.name for path in files)
    if not sum(sizes):
        raise empty_corpus(names)
    return Corpus(paths=files, names=names, field=field, encoding=encoding, digests=digests, sizes=sizes)


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        if re.match(r"\w+:/", str(path)):
            raise refuse(str(path), "a file or a folder", "an address of the web", "fetch it first and give the file")
        got = "something else" if path.exists() else "nothing there"
        raise refuse(str(path), expected="a file or a folder", got=got, remedy="check the path")
    found = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith(".") and _is_known(p))
    if not found:
        known = ", ".join(FORMATS)
        raise refuse(str(path), expected=f"files of text ({known})", got="none", remedy="name the files themselves")
    return found


def _is_known(path: Path) -> bool:
    try:
        format_of(path)
    except CorpusError:
        return False
    return True


def empty_corpus(names: Sequence[str]) -> CorpusError:
    """Return the error of a corpus without text."""
    return refuse(", ".join(names) or "corpus", expected="some text", got="none", remedy="give a file with text")


def iter_batches(
    corpus: Corpus,
    *,
    lines_per_batch: int = LINES_PER_BATCH,
    on_read: Callable[[int], None] | None = None,
) -> Iterator[list[str]]:
    """Yield the lines of a corpus in batches; blank lines are left out.

    Parameters
    ----------
    corpus : Corpus
        What to read. At most a few MiB of it are in memory at once.
    lines_per_batch : int, default=4096
        Most lines of a batch; one of long lines is smaller.
    on_read : callable, default=None
        Told how many bytes of the files have been read since the last call.

    Yields
    ------
    list of str
        Lines without line ends.

    Raises
    ------
    CorpusError
        If a file is not text, not what its name says, or lacks the field.
    """
    batch: list[str] = []
    characters, tell = 0, on_read or (lambda n_bytes: None)
    for path in corpus.paths:
        for line in read_texts(path, field=corpus.field, encoding=corpus.encoding, on_read=tell):
            batch.append(line)
            characters += len(line)
            if len(batch) >= lines_per_batch or characters >= CHARACTERS_PER_BATCH:
                yield batch
                batch, characters = [], 0
    if batch:
        yield batch
