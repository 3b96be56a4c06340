"""Orthogonal matching pursuit (Goddard & Fernandes Neto 2025, arXiv 2506.06607), many targets at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from focus_core.numerics.similarity import MIN_ROWS, normalise_rows
from focus_core.numerics.sparsemax import RowWeights
from focus_core.types import ProgressHook, no_progress

if TYPE_CHECKING:
    import torch

MAX_ROWS = 256
"""Most targets of a block."""

DEPENDENT = 1e-6
"""What of an atom, or of a target, lies outside what was chosen before and is smaller than this share is rounding."""


def pursue(
    targets: np.ndarray,
    atoms: np.ndarray,
    *,
    k: int,
    normalised: bool = True,
    memory_mib: int = 512,
    progress: ProgressHook = no_progress,
) -> RowWeights:
    """Build every target from at most ``k`` atoms, chosen one after the other.

    Each step takes the atom ``a`` with the largest ``|<r, a>| / ||a||``, ``r`` being what is left of the target, and
    fits all chosen atoms again: ``c = argmin ||x - c A||``, ``r = x - c A``.

    Parameters
    ----------
    targets : ndarray of shape (n, d)
        What is built.
    atoms : ndarray of shape (m, d)
        What it is built from. An atom of zeros is never chosen.
    k : int
        Most atoms a target, between 1 and ``m``.
    normalised : bool, default=True
        Whether atoms are chosen by direction; if not, by ``|<r, a>|``, which prefers long ones (mergekit).
    memory_mib : int, default=512
        What a block of targets may take, MiB.
    progress : ProgressHook, default=no_progress
        Called with the number of targets done.

    Returns
    -------
    RowWeights
        The coefficients of the atoms, signed and of any sum; similarities are NaN. A target that fewer atoms build has
        fewer.

    Notes
    -----
    Inner products are taken in float32, everything else in float64. Of equal atoms the first is chosen.
    """
    import torch

    bytes_of_row = 12 * len(atoms) + 8 * k * (targets.shape[1] + k)
    rows = max(MIN_ROWS, min(MAX_ROWS, memory_mib * 2**20 // max(1, bytes_of_row)))
    chosen_by = torch.from_numpy(normalise_rows(atoms) if normalised else np.asarray(atoms, np.float32))
    exact = torch.from_numpy(np.asarray(atoms, np.float64))
    counts, indices, weights = [np.zeros(1, np.int64)], [], []
    for start in range(0, len(targets), rows):
        block = np.zeros((rows, targets.shape[1]))  # one size, so that a row never depends on the number of others
        part = targets[start : start + rows]
        block[: len(part)] = part
        atoms_of, values, n = _Pursuit.of(torch.from_numpy(block), k).run(chosen_by, exact, k)
        for i in range(len(part)):
            order = np.argsort(atoms_of[i, : n[i]])
            indices.append(atoms_of[i, : n[i]][order])
            weights.append(values[i, : n[i]][order])
        counts.append(n[: len(part)])
        progress("similarities", start + len(part), len(targets))
    found = np.concatenate([np.zeros(0, np.float32), *weights]).astype(np.float32)
    return RowWeights(
        indptr=np.cumsum(np.concatenate(counts)),
        indices=np.concatenate([np.zeros(0, np.int32), *indices]).astype(np.int32),
        weights=found,
        similarities=np.full(len(found), np.nan, np.float32),
    )


@dataclass(eq=False)
class _Pursuit:
    """The state of a block: what is left of each target, an orthonormal basis of its atoms, and their triangle."""

    targets: torch.Tensor  # (n, d)
    left: torch.Tensor  # (n, d)
    basis: torch.Tensor  # (n, k, d)
    triangle: torch.Tensor  # (n, k, k): atom j is the sum over i of triangle[i, j] basis[i]
    chosen: torch.Tensor  # (n, k)
    counts: torch.Tensor  # (n,)

    @classmethod
    def of(cls, targets: torch.Tensor, k: int) -> _Pursuit:
        import torch

        n, d = targets.shape
        return cls(
            targets=targets,
            left=targets.clone(),
            basis=torch.zeros((n, k, d), dtype=torch.float64),
            triangle=torch.eye(k, dtype=torch.float64).repeat(n, 1, 1),
            chosen=torch.zeros((n, k), dtype=torch.int64),
            counts=torch.zeros(n, dtype=torch.int64),
        )

    def run(self, chosen_by: torch.Tensor, atoms: torch.Tensor, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Take up to ``k`` atoms for every target; return them, their coefficients and how many there are."""
        import torch

        for step in range(k):
            going = self._going(step)
            if not going.any():
                break
            self._take(step, going, self._best(chosen_by, step), atoms)
        seen = (self.basis @ self.targets[:, :, None])[:, :, 0]
        values = torch.linalg.solve_triangular(self.triangle, seen[:, :, None], upper=True)[:, :, 0]
        return self.chosen.numpy(), values.numpy(), self.counts.numpy()

    def _going(self, step: int) -> torch.Tensor:
        """Which targets have taken an atom in every step so far and are not built yet, shape (n,)."""
        going: torch.Tensor = (self.counts == step) & (self.left.norm(dim=1) > DEPENDENT * self.targets.norm(dim=1))
        return going

    def _best(self, chosen_by: torch.Tensor, step: int) -> torch.Tensor:
        """Return the atom that has most in common with what is left of each target, none twice."""
        import torch

        scores = torch.mm(self.left.float(), chosen_by.T).abs_()
        scores.scatter_(1, self.chosen[:, :step], -1.0)
        return torch.from_numpy(np.argmax(scores.numpy(), axis=1))  # of equal ones the first

    def _take(self, step: int, going: torch.Tensor, best: torch.Tensor, atoms: torch.Tensor) -> None:
        """Add an atom to the bases, unless it says nothing new, and take its direction out of what is left."""
        import torch

        atom, before = atoms[best], self.basis[:, :step]
        share = (before @ atom[:, :, None])[:, :, 0]
        fresh = atom - (share[:, None] @ before)[:, 0]
        length = fresh.norm(dim=1)
        taken = going & (length > DEPENDENT * atom.norm(dim=1))
        unit = torch.where(taken[:, None], fresh / length.clamp_min(1e-300)[:, None], 0.0)
        self.basis[:, step] = unit
        self.triangle[:, :step, step] = torch.where(taken[:, None], share, 0.0)
        self.triangle[:, step, step] = torch.where(taken, length, 1.0)
        self.chosen[:, step] = best
        self.counts += taken
        self.left -= (self.left * unit).sum(1, keepdim=True) * unit
