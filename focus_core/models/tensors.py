"""Read the files of a model folder: weights by tensor name from safetensors or ``.npy``, and small JSON files.

Everything is checked before a byte is believed; pickles are refused, since loading one runs its code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.artifacts import digest_json, read_header, sha256_file
from focus_core.errors import ModelError, bad_input
from focus_core.validation import check_finite, check_matrix

if TYPE_CHECKING:
    import torch

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
CHECKED_VALUES = 1 << 22
"""Numbers looked at together: the answers of each are as many bytes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorFiles:
    """Which file holds which tensor.

    Parameters
    ----------
    files : tuple of Path
        The safetensors files, in the order of their names.
    where : mapping of str to Path
        The file of every tensor.
    shapes : mapping of str to tuple of int
        The shape of every tensor.
    dtypes : mapping of str to str
        The type of every tensor as the format names it, such as ``"BF16"``.
    """

    files: tuple[Path, ...]
    where: Mapping[str, Path]
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file; of several, the digest of their names and digests."""
        if len(self.files) == 1:
            return sha256_file(self.files[0])
        return digest_json({path.name: sha256_file(path) for path in self.files})

    @property
    def n_bytes(self) -> int:
        """Size of all files together."""
        return sum(path.stat().st_size for path in self.files)

    def read(self, name: str) -> torch.Tensor:
        """Return a tensor with the type it has in the file.

        Parameters
        ----------
        name : str
            One of ``where``.

        Returns
        -------
        torch.Tensor
            On the CPU.
        """
        from safetensors import safe_open

        path = self.where[name]
        if path not in self._streams:
            self._streams[path] = safe_open(path, framework="pt")
        tensor: torch.Tensor = self._streams[path].get_tensor(name)
        return tensor

    @cached_property
    def _streams(self) -> dict[Path, Any]:
        """Files that are open: each is mapped once, however many of its tensors are read."""
        return {}


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object of a JSON file, or ``None`` where there is no file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict or None
        Its content.

    Raises
    ------
    ModelError
        If it holds anything but a JSON object.
    """
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as reason:
        raise _not_an_object(path, f"something else ({str(reason)[:80]})") from reason
    if not isinstance(value, dict):
        raise _not_an_object(path, f"a {type(value).__name__}")
    return value


def _not_an_object(path: Path, got: str) -> ModelError:
    return bad_input(path.name, "a JSON object", got, "fetch it again", ModelError)


def open_tensor_folder(folder: Path) -> TensorFiles:
    """Open the weights of a model folder.

    Parameters
    ----------
    folder : Path
        Holds ``model.safetensors``, or ``model.safetensors.index.json`` with its shards.

    Returns
    -------
    TensorFiles
        Every tensor that the files hold.

    Raises
    ------
    ModelError
        If there is no such file, a shard or a tensor of the index is missing, or a header contradicts its file.
    """
    if (folder / SINGLE).is_file():
        return open_tensor_files((folder / SINGLE,))
    if (folder / INDEX).is_file():
        return _open_shards(folder)
    raise bad_input(folder.name, f"weights in {SINGLE} or {INDEX}", "neither", "name the folder of a model", ModelError)


def _open_shards(folder: Path) -> TensorFiles:
    """Open the shards that an index names; a name may not lead out of the folder, and every tensor must be there."""
    where = (read_json(folder / INDEX) or {}).get("weight_map")
    if not isinstance(where, dict) or not where or not all(isinstance(name, str) for name in where.values()):
        raise bad_input(INDEX, "a JSON object with weight_map", "something else", "save it again", ModelError)
    names = sorted(set(where.values()))
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            remedy = "fetch the whole folder"
            raise bad_input(INDEX, "shards beside it", f"{name!r}, which is not there", remedy, ModelError)
    files = open_tensor_files(tuple(folder / name for name in names))
    lost = sorted(where.keys() - files.where.keys())
    if lost:
        got = f"{len(lost):,} that no shard holds, such as {lost[0]}"
        raise bad_input(INDEX, "tensors that lie in its shards", got, "fetch the whole folder again", ModelError)
    return files


def open_tensor_files(files: tuple[Path, ...]) -> TensorFiles:
    """Open safetensors files.

    Parameters
    ----------
    files : tuple of Path
        The files; a tensor is in one of them.

    Returns
    -------
    TensorFiles
        Every tensor of them.

    Raises
    ------
    ModelError
        If a header contradicts its file.
    """
    where: dict[str, Path] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, str] = {}
    for path in files:
        header, _ = read_header(path, error=ModelError)
        _check_extent(path, header)
        for name, entry in header.items():
            where[name], shapes[name], dtypes[name] = path, tuple(entry["shape"]), entry["dtype"]
    return TensorFiles(files=files, where=where, shapes=shapes, dtypes=dtypes)


def _check_extent(path: Path, header: Mapping[str, Mapping[str, object]]) -> None:
    """Let the format's own reader look too: it refuses overlaps and bytes that no tensor owns."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            names = set(stream.keys())
    except SafetensorError as reason:
        raise bad_input(path.name, "a sound safetensors file", str(reason), "save it again", ModelError) from reason
    if names != set(header):
        raise bad_input(path.name, expected="one list of tensors", got="two", remedy="save it again", error=ModelError)


def read_npy(path: Path) -> np.ndarray:
    """Map a ``.npy`` file read-only, after its header was compared with its size; an array of objects is refused."""
    shape, dtype, offset = _npy_header(path)
    count = math.prod(shape)
    size = path.stat().st_size - offset
    if dtype.hasobject or count * dtype.itemsize != size:
        raise _not_npy(path, f"{shape} of {dtype} declared over {size} bytes")
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False) if count else np.zeros(shape, dtype)
    return array


def _npy_header(path: Path) -> tuple[tuple[int, ...], np.dtype, int]:
    """Return (shape, dtype, offset of the data) of a ``.npy`` file."""
    try:
        with path.open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = reader(stream)
            return shape, dtype, stream.tell()
    except (ValueError, SyntaxError, TypeError) as reason:
        raise _not_npy(path, "an unreadable header") from reason


def _not_npy(path: Path, got: str) -> ModelError:
    return bad_input(path.name, expected="a sound .npy file", got=got, remedy="save it again", error=ModelError)


def to_float(matrix: torch.Tensor, name: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Return a floating-point tensor as it is and an integer one as float32.

    Parameters
    ----------
    matrix : torch.Tensor
        Any numbers.
    name : str
        How the message calls it.

    Returns
    -------
    matrix : torch.Tensor
        Floating-point numbers; an int8 matrix keeps its scale of integers.
    messages : tuple of str
        One sentence where the type changed.

    Raises
    ------
    ModelError
        If the numbers are complex, truth values or of fewer than 16 bits.
    """
    import torch

    _check_width(name, matrix)
    if matrix.is_floating_point():
        return matrix, ()
    if matrix.is_complex() or matrix.dtype == torch.bool:
        raise bad_input(name, expected="numbers", got=str(matrix.dtype), remedy="save it as float32", error=ModelError)
    kind = str(matrix.dtype).removeprefix("torch.")
    return matrix.float(), (f"The {kind} matrix {name} was read as float32; its values are the integers themselves.",)


def _check_width(name: str, matrix: torch.Tensor) -> None:
    """Refuse floating-point numbers of 8 bits or fewer: what they mean is told by scales in other tensors."""
    if matrix.is_floating_point() and matrix.dtype.itemsize < 2:
        kind = str(matrix.dtype).removeprefix("torch.")
        remedy = "name the model that it was quantised from, or save these weights as bfloat16"
        raise bad_input(name, "floating-point numbers of at least 16 bits", kind, remedy, ModelError)


def check_tensor(name: str, matrix: torch.Tensor, *, n_rows: int | None = None, n_columns: int | None = None) -> None:
    """Check rank, size and finiteness of a tensor, a block at a time.

    Parameters
    ----------
    name : str
        How the message calls it.
    matrix : torch.Tensor
        What to check.
    n_rows, n_columns : int, default=None
        Required sizes; ``None`` accepts any.

    Raises
    ------
    ModelError
        If rank or size differ, a value is not finite, or the numbers have fewer than 16 bits.
    """
    import torch

    _check_width(name, matrix)

    sizes = torch.empty(matrix.shape, device="meta")
    check_matrix(name, sizes, n_rows=n_rows, n_columns=n_columns, remedy="is the folder complete?", error=ModelError)  # type: ignore[arg-type]
    block = max(1, CHECKED_VALUES // max(matrix.shape[-1], 1))
    for start in range(0, len(matrix), block):
        part = matrix[start : start + block]
        if not bool(torch.isfinite(part).all()):
            rows = matrix.float().numpy() if matrix.dtype == torch.bfloat16 else matrix.numpy()
            check_finite(name, rows, error=ModelError)
