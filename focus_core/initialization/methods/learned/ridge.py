"""The ridge map: embeddings as a linear function of auxiliary vectors, fitted on shared tokens.

With anchors ``A``, their vectors ``U`` and their source embeddings ``E``, both less their means ``ū`` and ``ē``,

    e_t = ē + (u_t - ū) B,    B = (UᵀU + λI)⁻¹ Uᵀ E

(Hoerl & Kennard 1970). Of the source's rows this is a sum with the weights ``1/n + (u_t - ū) (UᵀU + λI)⁻¹ Uᵀ``, one for
every anchor, of either sign and with the sum 1: too many to be kept, so ``W`` names the largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from focus_core.errors import AuxiliaryError, bad_input, option, phrase
from focus_core.initialization.learned_rows import LearnedRows
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.focus import anchors_and_new
from focus_core.initialization.methods.low_rank.factors import multiply
from focus_core.initialization.weights import SparseRows
from focus_core.models.source import SourceModel
from focus_core.numerics.similarity import block_rows, normalise_rows
from focus_core.types import ProgressHook, no_progress

SHOWN = 20
"""Anchors of a row that ``W`` names."""

PENALTIES = tuple(10.0 ** (step / 2) for step in range(-8, 5))
"""What λ is chosen from, in units of the mean squared singular value of ``U``."""

_BLOCK_ROWS = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class RidgeMap:
    """A fitted map.

    Parameters
    ----------
    mean : ndarray of shape (d,), dtype float64
        ``ū``.
    left : ndarray of shape (n, r), dtype float64
        Left singular vectors of the centred ``U``, orthonormal columns.
    right : ndarray of shape (d, r), dtype float64
        Its right singular vectors, each times ``s / (s² + λ)``.
    penalty : float
        λ.
    error : float
        Squared error of leaving each anchor out in turn, as a share of the squared distance from the mean.
    """

    mean: np.ndarray
    left: np.ndarray
    right: np.ndarray
    penalty: float
    error: float

    def apply(self, vectors: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
        """Map vectors to embeddings.

        Parameters
        ----------
        vectors : ndarray of shape (n_new, d)
            Where to.
        embeddings : ndarray of shape (n, k)
            Rows of the anchors, of any matrix of the source.

        Returns
        -------
        ndarray of shape (n_new, k), dtype float32
            ``ē + (u - ū) B``.
        """
        mean = embeddings.mean(axis=0, dtype=np.float64)
        slope = self.right @ (self.left.T @ (embeddings.astype(np.float64) - mean))
        ones = np.ones((len(vectors), 1))
        return multiply(np.hstack([vectors - self.mean, ones]), np.vstack([slope, mean]))

    def weights(self, vectors: np.ndarray) -> np.ndarray:
        """Return the weight of every anchor in the embeddings of some vectors, shape (n_new, n), dtype float64."""
        found: np.ndarray = 1 / len(self.left) + (vectors - self.mean) @ self.right @ self.left.T
        return found


def fit_ridge(vectors: np.ndarray, embeddings: np.ndarray) -> RidgeMap:
    """Fit the map with the λ of `PENALTIES` that predicts left out anchors best.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        Auxiliary vectors of the anchors; at least two of them differ.
    embeddings : ndarray of shape (n, k)
        Their source embeddings.

    Returns
    -------
    RidgeMap
        Of equally good λ the largest.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    left, values, right = np.linalg.svd(vectors - mean, full_matrices=False)
    kept = values > values[0] * 1e-10
    left, values, right = left[:, kept], values[kept], right[kept].T
    centred = embeddings - embeddings.mean(axis=0, dtype=np.float64)
    total, unit = float(np.square(centred).sum()), float(np.square(values).mean())
    errors = [left_out_error(left, values, centred, share * unit) for share in PENALTIES]
    best = len(errors) - 1 - int(np.argmin(errors[::-1]))
    penalty = PENALTIES[best] * unit
    scaled = right * (values / (np.square(values) + penalty))
    return RidgeMap(mean=mean, left=left, right=scaled, penalty=penalty, error=errors[best] / total if total else 0.0)


def left_out_error(left: np.ndarray, values: np.ndarray, centred: np.ndarray, penalty: float) -> float:
    """Return the squared error of predicting every anchor from all others, without fitting anew.

    Parameters
    ----------
    left : ndarray of shape (n, r)
        Left singular vectors of the centred vectors.
    values : ndarray of shape (r,)
        Singular values.
    centred : ndarray of shape (n, k)
        Embeddings less their mean.
    penalty : float
        λ.

    Returns
    -------
    float
        ``Σ |e_i - ê_i|² / (1 - h_i)²`` with the hat values ``h_i = 1/n + Σ_j left_ij² s_j² / (s_j² + λ)``: for a fixed
        λ, exactly what leaving one out gives.
    """
    shrunk = np.square(values) / (np.square(values) + penalty)
    seen, error = shrunk[:, None] * (left.T @ centred), 0.0
    for start in range(0, len(left), _BLOCK_ROWS):
        part = left[start : start + _BLOCK_ROWS]
        hat = 1 / len(left) + np.square(part) @ shrunk
        gaps = centred[start : start + _BLOCK_ROWS] - part @ seen
        error += float((np.square(gaps).sum(axis=1) / np.square(np.maximum(1 - hat, 1e-9))).sum())
    return error


def ridge(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; map the auxiliary vectors of new ones to embeddings.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, auxiliary vectors, options and the source's matrices.

    Returns
    -------
    MethodOutput
        The mapped rows of every matrix of the source, and the ``top_k`` largest weights of each as ``W``.

    Raises
    ------
    AuxiliaryError
        If there is no auxiliary vector to map, or all anchors have the same one.
    """
    overlap, model = inputs.overlap, inputs.model
    anchors, ids = anchors_and_new(inputs)
    copied = np.arange(overlap.n_overlap)
    if not len(ids) or model is None or inputs.auxiliary is None:
        return MethodOutput(weights=assemble_weights(inputs, copied), anchor_ids=np.sort(overlap.target_ids[anchors]))
    vectors = normalise_rows(inputs.auxiliary.vectors)
    known, sources = vectors[overlap.target_ids[anchors]], overlap.source_ids[anchors]
    _refuse_one_vector(known)
    fitted = fit_ridge(known, inputs.source_embeddings[sources])
    rows = heaviest_rows(fitted, vectors[ids], ids, sources, inputs.config.top_k or SHOWN, inputs.config.memory_mib,
                         inputs.progress)  # fmt: skip
    made = {name: fitted.apply(vectors[ids], part) for name, part in anchor_tensors(model, sources)}
    notes = {"penalty": fitted.penalty, "explained_share": 1 - fitted.error, "n_learned": len(ids)}
    return MethodOutput(
        weights=assemble_weights(inputs, copied, rows),
        anchor_ids=np.sort(overlap.target_ids[anchors]),
        learned=LearnedRows(ids=ids.astype(np.int32), tensors=made),
        notes=notes,
    )


def _refuse_one_vector(known: np.ndarray) -> None:
    if len(known) < 2 or not np.ptp(known, axis=0).any():
        got = f"{len(known):,} with one vector" if len(known) > 1 else "1"
        remedy = phrase("give more text, or another {method}")
        raise bad_input(option("method"), "anchors with different vectors to fit a map on", got, remedy, AuxiliaryError)


def anchor_tensors(model: SourceModel, sources: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and flattened rows (n, k) of some source tokens in every tensor that follows the vocabulary."""
    import torch

    for name, tensor in model.tensors.items():
        rows = tensor.index_select(model.axis_of(name), torch.from_numpy(sources.astype(np.int64)))
        yield name, rows.movedim(model.axis_of(name), 0).reshape(len(sources), -1).float().numpy()


def heaviest_rows(
    fitted: RidgeMap,
    vectors: np.ndarray,
    ids: np.ndarray,
    sources: np.ndarray,
    top_k: int,
    memory_mib: int,
    progress: ProgressHook = no_progress,
) -> SparseRows:
    """Return the largest weights of every row, by size.

    Parameters
    ----------
    fitted : RidgeMap
        The map.
    vectors : ndarray of shape (n_new, d)
        Of the new tokens.
    ids : ndarray of shape (n_new,)
        Their target ids.
    sources : ndarray of shape (n,)
        Source ids of the anchors.
    top_k : int
        Weights of a row.
    memory_mib : int
        What a block may take, MiB.
    progress : ProgressHook, default=no_progress
        Called with the number of rows done.

    Returns
    -------
    SparseRows
        Signed; of equal ones those of lower source ids.
    """
    k, block = min(top_k, len(sources)), block_rows(2 * len(sources), memory_mib=memory_mib)
    columns, weights = np.empty((len(ids), k), np.int64), np.empty((len(ids), k), np.float32)
    for start in range(0, len(ids), block):
        part = fitted.weights(vectors[start : start + block])
        best = np.argsort(-np.abs(part), axis=1, kind="stable")[:, :k]
        columns[start : start + block] = best
        weights[start : start + block] = np.take_along_axis(part, best, axis=1)
        progress("map", min(start + block, len(ids)), len(ids))
    return SparseRows(
        rows=ids,
        indptr=np.arange(len(ids) + 1) * k,
        source_ids=sources[columns].ravel(),
        weights=weights.ravel(),
        similarities=np.full(len(ids) * k, np.nan, np.float32),
    )
