"""Reading a run folder: its manifest, its tables, its arrays.

Needs neither torch nor the tokenizers, so that a page opens a run in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from focus_core.artifacts import map_array, tensor_names, to_float32
from focus_core.runs.base import MatrixFolder
from focus_core.runs.digests import read_name
from focus_core.runs.layout import (
    AUXILIARY,
    COLUMNS,
    CONTRIBUTIONS_OUTPUT,
    EMBEDDINGS,
    EXAMPLES,
    ID_QUERY,
    MANIFEST,
    OWN_ARRAYS,
    REQUIRED,
    RESIDUAL,
    STATISTICS,
    check_sides,
    further_columns,
    is_tied,
    no_run,
    parse_manifest,
    read_table,
    take_rows,
    to_array,
)
from focus_core.types import TokenKind

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class RunFolder(MatrixFolder):
    """One finished run, read on demand; every table is read once.

    Notes
    -----
    Every method that reads a table raises `RunFolderError` where its file is damaged. Objects that are derived
    from the tables may be kept with `remember`, so that a page computes them once.
    """

    NOUN: ClassVar[str] = "run"
    ARRAYS: ClassVar[str] = EMBEDDINGS
    _memory: dict[str, Any] = field(default_factory=dict, repr=False)

    def remember(self, name: str, build: Callable[[], T]) -> T:
        """Return what ``build`` gave the first time it was asked for under this name.

        Parameters
        ----------
        name : str
            Names what is built.
        build : callable
            Builds it, without arguments.

        Returns
        -------
        object
            The kept object; treat it as read-only.
        """
        if name not in self._memory:
            self._memory[name] = build()
        kept: T = self._memory[name]
        return kept

    def tokens(self) -> pa.Table:
        """Return the table of target tokens, one row per id.

        Returns
        -------
        pyarrow.Table
            Columns as in ``COLUMNS["tokens"]``.
        """
        return self._table("tokens")

    def source_tokens(self) -> pa.Table:
        """Return the table of source tokens, one row per id.

        Returns
        -------
        pyarrow.Table
            Columns as in ``COLUMNS["source_tokens"]``.
        """
        return self._table("source_tokens")

    @property
    def sides_differ(self) -> bool:
        """Whether the output embeddings were made with weights of their own."""
        return CONTRIBUTIONS_OUTPUT in self.manifest.get("files", ())

    @property
    def cut_rank(self) -> int | None:
        """The rank that embeddings were cut to; ``None`` where copied embeddings equal the source's bit for bit."""
        note = (self.manifest.get("notes") or {}).get("low_rank") or {"copies_equal": True}
        return None if note["copies_equal"] else int(note["rank"])

    def scale(self, side: str = "input") -> np.ndarray | None:
        """Return by what every row of a side was multiplied after it was combined, or ``None`` where by nothing.

        Parameters
        ----------
        side : {"input", "output"}, default="input"
            Of the embeddings; where they are tied, both are the input side.

        Returns
        -------
        ndarray of shape (n_target,), dtype float32, or None
            Embedding = scale × W·E.
        """
        name = f"{'input' if is_tied(self.manifest) else side}_scale"
        return self.column("tokens", name) if name in self.tokens().column_names else None

    def residual(self) -> np.ndarray | None:
        """Return how long the part of each input embedding is that its weights do not say; ``None``: there is none.

        Returns
        -------
        ndarray of shape (n_target,), dtype float32, or None
            As a share of the embedding's length.
        """
        return self.column("tokens", RESIDUAL) if RESIDUAL in self.tokens().column_names else None

    def contributions(self) -> pa.Table:
        """Return the entries of ``W``, sorted by target id, then by falling weight, then by source id.

        Where the two sides differ, this is the input side; the other is read with `read_weights`.

        Returns
        -------
        pyarrow.Table
            Columns as in ``COLUMNS["contributions"]``; ``similarity`` is null where the weight is no
            function of a similarity.
        """
        return self._table("contributions")

    def candidates(self) -> pa.Table:
        """Return every source token that could have been copied; rank 0 is the one that was.

        Returns
        -------
        pyarrow.Table
            Columns as in ``COLUMNS["candidates"]``.
        """
        return self._table("candidates")

    def examples(self) -> pa.Table | None:
        """Return the corpus lines per target id, or ``None`` where the run keeps none.

        Returns
        -------
        pyarrow.Table or None
            Columns as in ``COLUMNS["examples"]``.
        """
        return self._table("examples") if (self.path / EXAMPLES).is_file() else None

    def _table(self, name: str) -> pa.Table:
        optional = further_columns(self.manifest) if name == "tokens" else ()
        path = self.path / f"{name}.parquet"
        return self.remember(f"table {name}", lambda: read_table(path, COLUMNS[name], optional=optional))

    def column(self, table: str, name: str) -> np.ndarray:
        """Return one column as a read-only array, computed once.

        Parameters
        ----------
        table : str
            A key of ``COLUMNS``.
        name : str
            One of its columns.

        Returns
        -------
        ndarray of shape (n_rows,)
            Numbers as stored (null as NaN, which makes integers float64), strings as objects (null as ``None``).

        Raises
        ------
        RunFolderError
            If the file is damaged.
        """
        return self.remember(f"column {table}.{name}", lambda: to_array(self._table(table), name))

    def present(self) -> np.ndarray:
        """Return which target ids hold a token.

        Returns
        -------
        ndarray of shape (n_target,), dtype bool
            Kept in memory; treat it as read-only.
        """
        return self.remember("present", lambda: np.array([kind is not None for kind in self.column("tokens", "kind")]))

    def token_rows(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Return some rows of `tokens` as dictionaries, without converting the others.

        Parameters
        ----------
        ids : sequence of int
            Target ids.

        Returns
        -------
        list of dict
            One per id, in the given order.
        """
        return take_rows(self.tokens(), ids)

    def source_rows(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Return some rows of `source_tokens` as dictionaries, without converting the others.

        Parameters
        ----------
        ids : sequence of int
            Source ids.

        Returns
        -------
        list of dict
            One per id, in the given order; beside the columns ``word_start``, read from the native form by the
            source tokenizer's own marks.
        """
        marks = self.manifest["source"]["marks"]
        rows = take_rows(self.source_tokens(), ids)
        return [row | {"word_start": _opens_word(row, marks["word_start"], marks["continuation"])} for row in rows]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every stored array by its name, read once."""
        return self.remember("shapes", super().shapes)

    def extra_names(self) -> tuple[str, ...]:
        """Return the names of every other stored array that follows the vocabulary, as the model calls it."""
        return tuple(name for name in self.matrix_names() if name not in OWN_ARRAYS)

    def mapped(self, name: str) -> tuple[np.ndarray, str]:
        """Return an array as it is stored, mapped once; see `MatrixFolder.mapped`."""
        return self.remember(f"matrix {name}", lambda: super(RunFolder, self).mapped(name))

    def auxiliary(self) -> np.ndarray | None:
        """Return the auxiliary vectors, memory-mapped, or ``None`` where the run has none.

        Returns
        -------
        ndarray of shape (n_target, d_aux), dtype float32, or None
            An all-zero row: this token has no vector.
        """
        path = self.path / AUXILIARY
        if not path.is_file():
            return None
        array: np.ndarray = self.remember("auxiliary", lambda: to_float32(*map_array(path, "vectors")))
        return array

    def statistics(self) -> dict[str, np.ndarray]:
        """Return ``mean`` and ``std`` of the source's input rows, shape (d,), and ``primitives_…``, all float32."""
        path = self.path / STATISTICS
        return self.remember(
            "statistics", lambda: {name: to_float32(*map_array(path, name)) for name in sorted(tensor_names(path))}
        )

    def find(self, query: str) -> list[int]:
        """Return every target token that a name means.

        Parameters
        ----------
        query : str
            ``#ID``, the native form or the readable text, in this very spelling.

        Returns
        -------
        list of int
            At least one target id, ascending; the one of ``#ID`` alone.

        Raises
        ------
        RunFolderError
            If no token has that name.
        """
        native, text, kind = (self.column("tokens", name) for name in ("token", "text", "kind"))
        number = ID_QUERY.fullmatch(query)
        if number and int(number[1]) < len(kind) and kind[int(number[1])] is not None:
            return [int(number[1])]
        found = np.flatnonzero(((native == query) | (text == query)) & (kind != None)).tolist()  # noqa: E711
        if not found or not query:
            remedy = "give #ID, the native form or the readable text of a token"
            raise no_run("TOKEN", "a token of the target vocabulary", ascii(query), remedy)
        return list(found)

    def contributor_range(self, target_id: int) -> slice:
        """Return which rows of `contributions` belong to a target id.

        Parameters
        ----------
        target_id : int
            The token.

        Returns
        -------
        slice
            Rows of the table; empty for a token without contributors.
        """
        ids = self.column("contributions", "target_id")
        first, last = np.searchsorted(ids, [target_id, target_id + 1])
        return slice(int(first), int(last))


def open_run(path: str | Path) -> RunFolder:
    """Open a finished run folder.

    Parameters
    ----------
    path : str or Path
        The folder.

    Returns
    -------
    RunFolder
        Its manifest read, everything else on demand.

    Raises
    ------
    RunFolderError
        If the folder is missing, unfinished, incomplete, damaged or of an unknown version.
    """
    folder = Path(path)
    subject = f"run {folder.name or path}"
    if not folder.is_dir():
        raise no_run(subject, "a run folder", "no such folder", "give the folder that `init --output` wrote")
    if folder.name.endswith(".part"):
        raise no_run(subject, "a finished run", "an unfinished one", "wait for its job, or run it again")
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if missing:
        raise no_run(subject, "a run folder", f"a folder without {missing[0]}", "give a folder that `init` wrote")
    data = (folder / MANIFEST).read_bytes()
    manifest = parse_manifest(subject, data)
    check_sides(subject, folder, manifest)
    return RunFolder(path=folder, manifest=manifest, digest=read_name(manifest, data))


def _opens_word(row: Mapping[str, Any], mark: str, prefix: str) -> bool:
    """Tell whether a token opens a word: by its mark, or by the absence of a continuation prefix."""
    token = row["token"]
    if row["kind"] in {None, TokenKind.SPECIAL}:
        return False
    return bool(token.startswith(mark) if mark else not (prefix and token.startswith(prefix) and token != prefix))
