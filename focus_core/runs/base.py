"""What every folder of results shares: its manifest with its digest, and how its arrays are read.

Owns the reading of arrays, whole or row by row. Refuses to know what a folder's rows stand for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from focus_core.artifacts import map_array, tensor_names, to_float32
from focus_core.errors import InvalidInputError
from focus_core.runs.layout import no_run


@dataclass(frozen=True, kw_only=True, eq=False)
class Folder:
    """A finished folder of results: its manifest read, everything else on demand.

    Parameters
    ----------
    path : Path
        The folder.
    manifest : dict
        The parsed ``manifest.json``; treat it as read-only.
    digest : str
        Names the content, wherever it lies: SHA-256 of its manifest as version 1 wrote it.
    """

    path: Path
    manifest: dict[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.name


class MatrixFolder(Folder):
    """Arrays with one row for each target id: ``input`` and, where apart, ``bias``, ``output`` and others."""

    NOUN: ClassVar[str]
    ARRAYS: ClassVar[str]
    """How a message calls such a folder, and the file that holds its arrays."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every stored array by its name.

        Returns
        -------
        dict of str to tuple of int
            Empty where the folder holds no arrays.

        Raises
        ------
        RunFolderError
            If the file is damaged.
        """
        path = self.path / self.ARRAYS
        try:
            return {name: shape for name, (_, shape) in tensor_names(path).items()} if path.is_file() else {}
        except (InvalidInputError, OSError) as reason:
            got = reason.message if isinstance(reason, InvalidInputError) else "a file that cannot be read"
            raise no_run(f"{self.NOUN} {self.name}", f"sound arrays in {path.name}", got, "make it again") from reason

    def matrix_names(self) -> tuple[str, ...]:
        """Return the names of the stored arrays, sorted."""
        return tuple(sorted(self.shapes()))

    def mapped(self, name: str) -> tuple[np.ndarray, str]:
        """Return an array as it is stored, for passes over all of its rows block by block.

        Parameters
        ----------
        name : str
            ``input``, ``output`` or ``bias``.

        Returns
        -------
        array : ndarray of shape (n_target, d) or (n_target,)
            Memory-mapped; bfloat16 as its 16-bit patterns.
        dtype : str
            The type's name in the file; `to_float32` takes both.

        Raises
        ------
        InvalidInputError
            If there is no such array; of a training, a `RunFolderError`.
        """
        return map_array(self.path / self.ARRAYS, name)

    def embeddings(self, name: str = "input") -> np.ndarray:
        """Return a whole array as float32.

        Parameters
        ----------
        name : str, default="input"
            ``input``, ``output`` or ``bias``.

        Returns
        -------
        ndarray of shape (n_target, d) or (n_target,), dtype float32
            Memory-mapped where it is stored as float32, otherwise a converted copy; prefer `rows` for a few
            rows or for blocks of a large matrix.

        Raises
        ------
        InvalidInputError
            As `mapped`.
        """
        array, dtype = self.mapped(name)
        return array if dtype == "F32" else to_float32(array, dtype)

    def rows(self, name: str, ids: np.ndarray | slice | list[int]) -> np.ndarray:
        """Return some rows of an array as float32, reading only those.

        Parameters
        ----------
        name : str
            ``input``, ``output`` or ``bias``.
        ids : ndarray of int, slice or list of int
            Which target ids.

        Returns
        -------
        ndarray of shape (n_ids, d) or (n_ids,), dtype float32
            A copy.

        Raises
        ------
        InvalidInputError
            As `mapped`.
        """
        array, dtype = self.mapped(name)
        return np.array(to_float32(array[ids], dtype))
