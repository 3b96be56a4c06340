"""New embeddings by way of coordinates: what is copied, combined and drawn is a row of coordinates."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.errors import InvalidInputError, bad_input, option
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.fallback import (
    InitialisedEmbeddings,
    embedding_statistics,
    initialise_embeddings,
    statistic_embeddings,
)
from focus_core.initialization.methods.low_rank.factors import Factors, factorise, multiply
from focus_core.initialization.weights import WeightMatrix
from focus_core.models.source import SourceModel
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import ProgressHook, no_progress

if TYPE_CHECKING:
    import torch


def fit_rank(config: InitConfig, model: SourceModel, own: int | None = None) -> InitConfig:
    """Return the options with the rank that is cut to, once the width of the source's embeddings is known.

    Parameters
    ----------
    config : InitConfig
        ``rank`` is read.
    model : SourceModel
        The source.
    own : int, default=None
        The method's own rank, for where none is given; half of the width where that is less.

    Returns
    -------
    InitConfig
        As it was, where a rank is given or the method has none.

    Raises
    ------
    InvalidInputError
        If the rank is above the width.
    """
    width = int(model.input.shape[1])
    if config.rank is not None and config.rank > width:
        raise _above(width, config.rank)
    if config.rank is not None or own is None:
        return config
    return dataclasses.replace(config, rank=max(1, min(own, width // 2)))


def _above(width: int, rank: int) -> InvalidInputError:
    expected = f"at most {width}, the width of the source's embeddings"
    return bad_input(option("rank"), expected, str(rank), "give a smaller one, or none for the embeddings as they are")


def is_cut(config: InitConfig, width: int) -> bool:
    """Whether embeddings of a width are cut: at full rank they stay what they are, bit for bit."""
    return config.rank is not None and config.rank < width


def initialise_cut(
    weights: WeightMatrix,
    matrix: torch.Tensor,
    *,
    source: Vocabulary,
    target: Vocabulary,
    config: InitConfig,
    name: str,
    progress: ProgressHook = no_progress,
) -> tuple[InitialisedEmbeddings, Factors]:
    """Make a target matrix from a source matrix ``E ≈ C P``: ``(W C) P``.

    Parameters
    ----------
    weights : WeightMatrix
        ``W`` of shape (n_target, n_source).
    matrix : torch.Tensor of shape (n_rows, d)
        Input or output matrix of the source.
    source, target : Vocabulary
        The two vocabularies.
    config : InitConfig
        ``rank`` and ``factorization``, and what `initialise_embeddings` reads.
    name : str
        Which matrix this is.
    progress : ProgressHook, default=no_progress
        Called while the factors are found.

    Returns
    -------
    InitialisedEmbeddings
        The matrix, of the source's dtype and of the rank asked for. Rows without weights are drawn as coordinates,
        from mean and deviation of ``C``: their covariance is nearly that of ``C P`` (OFA). ``statistics`` are those of
        the source as it is.
    Factors
        ``C`` and ``P`` of the source.
    """
    import torch

    factors = factorise(matrix, int(config.rank or 0), by=config.factorization, seed=config.seed, progress=progress)
    options: dict[str, Any] = {"source": source, "target": target, "config": config, "name": name}
    made = initialise_embeddings(weights, torch.from_numpy(factors.coordinates), **options)
    rows = torch.from_numpy(multiply(np.asarray(made.rows), factors.primitives))
    statistics = embedding_statistics(matrix, statistic_embeddings(source, config, matrix.shape[0]))
    dtype = matrix.dtype if matrix.is_floating_point() else torch.float32
    return dataclasses.replace(made, rows=rows.to(dtype), statistics=statistics), factors
