"""What a matrix costs beside itself: blocks, never a second copy. Allocations are counted, no clock is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from focus_core.artifacts import sha256_file, write_arrays
from focus_core.initialization import weights as weights_module
from focus_core.initialization.weights import COMBINED, COPIED, SparseRows, WeightMatrix, assemble
from focus_core.models import tensors as tensors_module
from focus_core.models.tensors import check_tensor, open_tensor_files

N_SOURCE, WIDTH, N_APPENDED = 20_000, 256, 2_000
BLOCK = 1 << 16
"""Numbers of a block, in place of the sixty-four times as many of real sizes."""


class Allocations(TorchDispatchMode):
    """Keeps the size of every tensor that torch makes, views left out."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.seen: set[int] = set()

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        given = {t.untyped_storage().data_ptr() for t in (*arguments, *(options or {}).values()) if is_real(t)}
        made = operation(*arguments, **(options or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if is_real(tensor) and tensor.untyped_storage().data_ptr() not in given:
                self.sizes.append(tensor.untyped_storage().nbytes())
        return made


def is_real(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.device.type == "cpu"


def allocations(call: Callable[[], Any]) -> list[int]:
    """Return the sizes of what a call makes, the largest first."""
    with Allocations() as counted:
        call()
    return sorted(counted.sizes, reverse=True)


def extension() -> WeightMatrix:
    """Every source id copied, and some appended rows of three to six contributors each."""
    choose = np.random.default_rng(4)
    ids = np.arange(N_SOURCE)
    counts = choose.integers(3, 7, N_APPENDED)
    made = SparseRows(
        rows=N_SOURCE + np.arange(N_APPENDED),
        indptr=np.concatenate([[0], np.cumsum(counts)]),
        source_ids=np.concatenate([np.sort(choose.choice(N_SOURCE, n, replace=False)) for n in counts]),
        weights=choose.random(counts.sum(), np.float32),
        similarities=np.full(counts.sum(), np.nan, np.float32),
    )
    origins = np.where(np.arange(N_SOURCE + N_APPENDED) < N_SOURCE, COPIED, COMBINED).astype(np.uint8)
    return assemble(
        [SparseRows.copies(ids, ids), made],
        shape=(N_SOURCE + N_APPENDED, N_SOURCE),
        origins=origins,
        rules=np.zeros(len(origins), np.uint8),
    )


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "_BLOCK_VALUES", BLOCK)
    monkeypatch.setattr(tensors_module, "CHECKED_VALUES", BLOCK)


def source(dtype: torch.dtype) -> torch.Tensor:
    return torch.randn((N_SOURCE, WIDTH), generator=torch.Generator().manual_seed(1)).to(dtype)


def test_an_extension_allocates_its_result_and_blocks(small_blocks: None) -> None:
    """One tensor has the size of the result; all others are blocks, those of contributors at most four times."""
    del small_blocks
    matrix, weights = source(torch.bfloat16), extension()
    sizes = allocations(lambda: weights.apply(matrix))
    assert sizes[0] == (N_SOURCE + N_APPENDED) * WIDTH * 2
    assert sizes[1] <= 4 * BLOCK * 4
    assert sum(sizes) > 2 * sizes[0]  # what was copied did go through blocks


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_blocks_of_any_size_give_the_same_bits(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of one row, of some, and one that holds everything."""
    matrix, weights = source(dtype)[:, :16].contiguous(), extension()
    made = []
    for block in (1, BLOCK, 1 << 24):
        monkeypatch.setattr(weights_module, "_BLOCK_VALUES", block)
        made.append(weights.apply(matrix))
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[1], made[2])
    assert torch.equal(made[0][:N_SOURCE], matrix)


def test_a_matrix_is_checked_in_blocks(small_blocks: None) -> None:
    """No answer as large as the matrix is ever held, and a number that is none is still found in the last row."""
    del small_blocks
    matrix = source(torch.bfloat16)
    assert max(allocations(lambda: check_tensor("it", matrix))) <= BLOCK * 4
    matrix[-1, -1] = math.nan
    with pytest.raises(Exception, match="NaN or infinity in 1 rows: 19999"):
        check_tensor("it", matrix)


def test_a_file_is_written_from_where_the_numbers_lie(tmp_path: Path) -> None:
    """Nothing is copied, though both tensors lie in one mapped file; the bytes are those of the format's own writer."""
    from safetensors.torch import save_file

    given = {"a": source(torch.bfloat16), "b": torch.arange(7)}
    save_file(given, tmp_path / "own.safetensors", metadata={"format": "pt"})
    files = open_tensor_files((tmp_path / "own.safetensors",))
    mapped = {name: files.read(name) for name in files.where}
    made = tmp_path / "ours.safetensors"
    assert allocations(lambda: write_arrays(made, mapped, metadata={"format": "pt"})) == []
    assert sha256_file(made) == sha256_file(tmp_path / "own.safetensors")
    write_arrays(made, {"a": given["a"].t(), "b": np.arange(7)}, metadata={"format": "pt"})  # not in order: copied
    assert torch.equal(open_tensor_files((made,)).read("a"), given["a"].t())
