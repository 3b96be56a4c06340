"""Asymmetric subword means (Joshi et al. 2026): each side of a model weighs the subwords of a token in its own way."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import sparse

from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.initialization.methods.subwords import subword_weights
from focus_core.initialization.weights import SparseRows
from focus_core.tokenization.identity import BYTE, NORMAL
from focus_core.tokenization.vocabulary import Vocabulary

LEAST = 20
"""Source tokens of a script below which the norms of all scripts are looked at."""
BLOCK = 2048
"""Rows whose norms are computed at a time."""
ONE_SIDE = "asymmetric-mean: the source has one matrix for both sides, so the mean of the input side made it"


def asymmetric_mean(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; give a new one two means of its source subwords, one for each side.

    Input: the plain mean, scaled to the median norm of the source tokens of the token's script. Output: the mean by
    characters, ``w_s = n_s / sum n``, unscaled. Where the model has one matrix for both sides, the input side makes it.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies, overlap and the source's embeddings.

    Returns
    -------
    MethodOutput
        Both ``W``, rows of weights above 0 that sum to 1, and the scale of the input side. A token without subwords
        falls back, and is not scaled.
    """
    even = subword_weights(inputs.overlap.new_ids, source=inputs.source, target=inputs.target)
    copied = np.arange(inputs.overlap.n_overlap)
    scale = np.ones(inputs.target.n, np.float32)
    scale[even.rows] = norm_scale(even, inputs.source_embeddings, inputs.source, scripts_of(even.rows, inputs.target))
    tied = inputs.model is None or inputs.model.tied
    by_length = None if tied else assemble_weights(inputs, copied, by_characters(even, inputs.source))
    return MethodOutput(
        weights=assemble_weights(inputs, copied, even),
        output_weights=by_length,
        input_scale=scale,
        anchor_ids=NO_ANCHORS,
        notes={"sides": "one" if tied else "two", "median_scale": _median(scale[even.rows])},
        warnings=(ONE_SIDE,) if tied else (),
    )


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if len(values) else None


def scripts_of(ids: np.ndarray, vocabulary: Vocabulary) -> list[str]:
    """Return the scripts of some tokens."""
    scripts = vocabulary.scripts
    return [scripts[i] for i in ids.tolist()]


def by_characters(rows: SparseRows, source: Vocabulary) -> SparseRows:
    """Weigh the subwords of every row by their characters.

    Parameters
    ----------
    rows : SparseRows
        One entry a subword; one that occurs twice has two.
    source : Vocabulary
        The source's tokens.

    Returns
    -------
    SparseRows
        A subword counts as often as its text has characters, without the mark of a word's start; a token of bytes
        counts as one character. A row of marks alone stays as it was.
    """
    lengths = np.array(list(map(len, source.texts)), np.float64)
    lengths[source.kinds == BYTE] = 1
    sizes = np.diff(rows.indptr)
    row_of = np.repeat(np.arange(len(sizes)), sizes)
    counts = lengths[rows.source_ids]
    sums = np.bincount(row_of, weights=counts, minlength=len(sizes))
    counts = np.where(sums[row_of] > 0, counts, 1)
    sums = np.bincount(row_of, weights=counts, minlength=len(sizes))
    kept = counts > 0
    return dataclasses.replace(
        rows,
        indptr=np.concatenate([[0], np.cumsum(np.bincount(row_of[kept], minlength=len(sizes)))]),
        source_ids=rows.source_ids[kept],
        weights=(counts / sums[row_of])[kept].astype(np.float32),
        similarities=rows.similarities[kept],
    )


def norm_scale(rows: SparseRows, embeddings: np.ndarray, source: Vocabulary, scripts: list[str]) -> np.ndarray:
    """Return by what each row has to be multiplied to have the usual norm of its script.

    Parameters
    ----------
    rows : SparseRows
        The rows before they are scaled.
    embeddings : ndarray of shape (n_source, d), dtype float32
        The source's input embeddings.
    source : Vocabulary
        Its tokens; special tokens and bytes do not count.
    scripts : list of str, length n_rows
        The script of each row's token.

    Returns
    -------
    ndarray of shape (n_rows,), dtype float32
        Above 0; 1 for a row of length 0. The usual norm is the median over the source's tokens of the script, over all
        of them where the script has fewer than 20.
    """
    usual = usual_norms(embeddings, source)
    wanted = np.array([usual.get(script, usual[""]) for script in scripts], np.float64)
    found = _norms(rows, embeddings)
    scaled = (found > 0) & (wanted > 0)
    return np.where(scaled, wanted / np.where(scaled, found, 1), 1).astype(np.float32)


def usual_norms(embeddings: np.ndarray, source: Vocabulary) -> dict[str, float]:
    """Return the median norm of the source's tokens by script, and over all scripts under ``""``."""
    ids = np.flatnonzero(source.present & (source.kinds == NORMAL))
    norms = np.sqrt(np.einsum("ij,ij->i", embeddings, embeddings))[ids]
    members: dict[str, list[float]] = {}
    for script, norm in zip(scripts_of(ids, source), norms.tolist(), strict=True):
        members.setdefault(script, []).append(norm)
    known = {script: float(np.median(found)) for script, found in members.items() if len(found) >= LEAST}
    return known | {"": float(np.median(norms)) if len(norms) else 0.0}


def _norms(rows: SparseRows, embeddings: np.ndarray) -> np.ndarray:
    """Return the length of every row's sum, a block of rows at a time."""
    found = np.empty(len(rows.rows))
    for start in range(0, len(found), BLOCK):
        part = rows.indptr[start : start + BLOCK + 1]
        inside = slice(int(part[0]), int(part[-1]))
        shape = (len(part) - 1, len(embeddings))
        matrix = sparse.csr_array((rows.weights[inside], rows.source_ids[inside], part - part[0]), shape=shape)
        found[start : start + BLOCK] = np.linalg.norm(matrix @ embeddings, axis=1)
    return found
