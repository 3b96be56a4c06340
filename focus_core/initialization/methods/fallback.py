"""From weights to embeddings: copied and combined ones, and what becomes of tokens without weights.

Nothing here is silent: every count is returned.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.multivariate import MultivariateNormal, fit_normal
from focus_core.initialization.weights import FALLBACK, WeightMatrix
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import Fallback

if TYPE_CHECKING:
    import torch

_BLOCK_ROWS = 2048  # a block stays in the cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """Mean and standard deviation of some rows, per dimension.

    Parameters
    ----------
    mean, std : ndarray of shape (d,), dtype float32
        ``std`` is the unbiased one, as torch computes it; 0 for a single row.
    n_rows : int
        Number of rows they were taken from.
    """

    mean: np.ndarray
    std: np.ndarray
    n_rows: int


@dataclass(frozen=True, kw_only=True, eq=False)
class InitialisedEmbeddings:
    """One matrix of the target model.

    Parameters
    ----------
    rows : torch.Tensor of shape (n_target, d), or (n_target,) for a bias
        The new matrix.
    statistics : Statistics
        Of the source rows.
    fallbacks : dict of str to int
        How many tokens fell back, by what they fell back to: ``pieces``, ``script and word start``, ``script``,
        ``normal``, ``multivariate``, ``mean``. Zeros are left out.
    """

    rows: torch.Tensor
    statistics: Statistics
    fallbacks: dict[str, int]


def initialise_embeddings(
    weights: WeightMatrix,
    matrix: torch.Tensor,
    *,
    source: Vocabulary,
    target: Vocabulary,
    config: InitConfig,
    name: str = "input",
) -> InitialisedEmbeddings:
    """Make a target matrix from a source matrix: ``W @ E``, then the rows without weights.

    Parameters
    ----------
    weights : WeightMatrix
        ``W`` of shape (n_target, n_source).
    matrix : torch.Tensor of shape (n_rows, d) or (n_rows,)
        Input matrix, output matrix or bias of the source; ``n_rows`` at least ``n_source``.
    source, target : Vocabulary
        The two vocabularies.
    config : InitConfig
        ``fallback``, ``covariance_scale``, ``seed`` and ``specials_in_statistics`` are read.
    name : str, default="input"
        Which matrix this is; two matrices of one model get independent random rows. A bias is never random:
        its rows without weights take the mean bias.

    Returns
    -------
    InitialisedEmbeddings
        The matrix of the source's dtype (float32 for integers), and what the fallback did. Ids without a token
        take the mean row.

    Raises
    ------
    ModelError
        If the matrix has fewer rows than the source vocabulary has ids.

    Notes
    -----
    A random row is drawn from a stream of its own, keyed by seed, matrix and token: other tokens, their order and
    their number do not matter.
    """
    import torch

    table = matrix[:, None] if matrix.ndim == 1 else matrix
    rows = weights.apply(table)
    statistics = embedding_statistics(table, statistic_embeddings(source, config, table.shape[0]))
    rows[torch.from_numpy(np.flatnonzero(~target.present))] = torch.from_numpy(statistics.mean).to(rows.dtype)
    fallen = np.flatnonzero((weights.origins == FALLBACK) & target.present)
    empty = fallen[weights.support[fallen] == 0]
    filler = _Filler(source=source, target=target, config=config, name=name, overall=statistics)
    mean_only = config.fallback is Fallback.MEAN or matrix.ndim == 1
    counts = filler.fill_mean(rows, empty) if mean_only else filler.fill_random(rows, empty, table)
    fallbacks = {kind: n for kind, n in (counts | {"pieces": len(fallen) - len(empty)}).items() if n}
    return InitialisedEmbeddings(
        rows=rows.view(-1) if matrix.ndim == 1 else rows, statistics=statistics, fallbacks=fallbacks
    )


def initialise_tensor(
    weights: WeightMatrix,
    tensor: torch.Tensor,
    axis: int,
    *,
    source: Vocabulary,
    target: Vocabulary,
    config: InitConfig,
    name: str,
) -> InitialisedEmbeddings:
    """Make any tensor that has one entry a token along some axis, as `initialise_embeddings` makes a matrix.

    Parameters
    ----------
    weights : WeightMatrix
        ``W`` of shape (n_target, n_source).
    tensor : torch.Tensor
        Of the source, with at least n_source entries along ``axis``.
    axis : int
        The axis of the vocabulary.
    source, target : Vocabulary
        The two vocabularies.
    config : InitConfig
        As `initialise_embeddings`.
    name : str
        Which tensor this is.

    Returns
    -------
    InitialisedEmbeddings
        ``rows`` has the shape of ``tensor`` but for n_target entries along ``axis``.

    Raises
    ------
    ModelError
        If the tensor has fewer entries than the source vocabulary has ids.
    """
    options: dict[str, Any] = {"source": source, "target": target, "config": config, "name": name}
    if tensor.ndim <= 2 and axis == 0:
        return initialise_embeddings(weights, tensor, **options)
    front = tensor.movedim(axis, 0)
    single = front[0].numel() <= 1
    made = initialise_embeddings(weights, front.flatten() if single else front.reshape(len(front), -1), **options)
    rows = made.rows.reshape(-1, *front.shape[1:]).movedim(0, axis).contiguous()
    return dataclasses.replace(made, rows=rows)


def statistic_embeddings(source: Vocabulary, config: InitConfig, n_rows: int) -> np.ndarray:
    """Choose the source rows whose mean and deviation the fallback uses."""
    if config.specials_in_statistics:
        return np.arange(n_rows)
    ordinary: np.ndarray = np.flatnonzero(source.present & (source.kinds != SPECIAL))
    return ordinary if len(ordinary) else np.arange(n_rows)


def embedding_statistics(matrix: torch.Tensor, rows: np.ndarray) -> Statistics:
    """Compute mean and unbiased standard deviation of some rows, per dimension."""
    mean, square, seen = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1]), 0
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = _take(matrix, rows[start : start + _BLOCK_ROWS]).float()
        centre = block.mean(0)
        spread = (block - centre).square_().sum(0).double().numpy()
        shift, n = centre.double().numpy() - mean, len(block)
        mean += shift * n / (seen + n)
        square += spread + shift**2 * seen * n / (seen + n)
        seen += n
    std = np.sqrt(square / max(seen - 1, 1))
    return Statistics(mean=mean.astype(np.float32), std=std.astype(np.float32), n_rows=seen)


def _take(matrix: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """Select ascending rows; consecutive ones without a copy."""
    import torch

    if rows[-1] - rows[0] == len(rows) - 1:
        return matrix[int(rows[0]) : int(rows[-1]) + 1]
    return matrix.index_select(0, torch.from_numpy(rows))


def standard_normal_embeddings(seed: int, name: str, identities: Sequence[bytes], size: int) -> np.ndarray:
    """Draw the standard normal rows that belong to some tokens of one matrix.

    Parameters
    ----------
    seed : int
        The run's seed.
    name : str
        The matrix.
    identities : sequence of bytes, length n
        The tokens' identities, ``Vocabulary.identities``.
    size : int
        Length of a row.

    Returns
    -------
    ndarray of shape (n, size), dtype float32
        Each from the start of its own Philox stream, whose key is the BLAKE2 digest of seed, name and identity:
        the same row whatever the others are.
    """
    stream = np.random.Philox(key=0)
    generator, fresh = np.random.Generator(stream), stream.state
    rows = np.empty((len(identities), size), np.float32)
    start = f"{seed}\0{name}\0".encode()
    for identity, row in zip(identities, rows, strict=True):
        digest = hashlib.blake2b(start + identity, digest_size=16).digest()
        fresh["state"]["key"] = np.frombuffer(digest, "<u8").astype(np.uint64)
        stream.state = fresh  # a new key and the first counter: twice as fast as a new generator
        generator.standard_normal(dtype=np.float32, out=row)
    return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class _Filler:
    """Fills rows without weights, in place."""

    source: Vocabulary
    target: Vocabulary
    config: InitConfig
    name: str
    overall: Statistics

    def fill_mean(self, rows: torch.Tensor, ids: np.ndarray) -> dict[str, int]:
        """Set rows to the mean source row."""
        import torch

        rows[torch.from_numpy(ids)] = torch.from_numpy(self.overall.mean).to(rows.dtype)
        return {"mean": len(ids)}

    def fill_random(self, rows: torch.Tensor, ids: np.ndarray, matrix: torch.Tensor) -> dict[str, int]:
        """Draw rows from N(mean, std) of all source rows, or of their script's, or from N(mean, Sigma): by option."""
        import torch

        groups = self._script_statistics(ids, matrix) if self.config.fallback is Fallback.SCRIPT else {}
        joint = self._fit_normal(matrix) if self.config.fallback is Fallback.MULTIVARIATE and len(ids) else None
        counts: Counter[str] = Counter()
        for start in range(0, len(ids), _BLOCK_ROWS):
            block = ids[start : start + _BLOCK_ROWS]
            identities = [self.target.identities[i] for i in block.tolist()]
            values = standard_normal_embeddings(self.config.seed, self.name, identities, rows.shape[1])
            if joint is not None:
                labels, values = ["multivariate"] * len(block), joint.shape_rows(values)
            else:
                labels, mean, std = self._moments(block, groups)
                values *= std
                values += mean
            rows[torch.from_numpy(block)] = torch.from_numpy(values).to(rows.dtype)
            counts.update(labels)
        return dict(counts)

    def _fit_normal(self, matrix: torch.Tensor) -> MultivariateNormal:
        used = statistic_embeddings(self.source, self.config, matrix.shape[0])
        return fit_normal(matrix, used, mean=self.overall.mean, scale=self.config.covariance_scale)

    def _moments(
        self, ids: np.ndarray, groups: Mapping[Hashable, Statistics]
    ) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Return what each row is drawn from: a label, its mean and its deviation (or those common to all)."""
        if not groups:
            return ["normal"] * len(ids), self.overall.mean, self.overall.std
        labels, chosen = zip(*(self._narrowest(i, groups) for i in ids.tolist()), strict=True)
        return list(labels), np.stack([found.mean for found in chosen]), np.stack([found.std for found in chosen])

    def _narrowest(self, i: int, groups: Mapping[Hashable, Statistics]) -> tuple[str, Statistics]:
        """Choose the narrowest group with two rows or more; one row has no deviation."""
        script = self.target.scripts[i]
        for label, key in (("script and word start", (script, bool(self.target.word_start[i]))), ("script", script)):
            if key in groups and groups[key].n_rows > 1:
                return label, groups[key]
        return "normal", self.overall

    def _script_statistics(self, ids: np.ndarray, matrix: torch.Tensor) -> dict[Hashable, Statistics]:
        """Statistics of source rows by script, and by script and word start, for the scripts that are asked for."""
        wanted = {self.target.scripts[i] for i in ids.tolist()}
        members: dict[Hashable, list[int]] = {}
        for i in np.flatnonzero(self.source.present & (self.source.kinds != SPECIAL)).tolist():
            if (script := self.source.scripts[i]) in wanted:
                members.setdefault(script, []).append(i)
                members.setdefault((script, bool(self.source.word_start[i])), []).append(i)
        return {key: embedding_statistics(matrix, np.array(rows)) for key, rows in members.items()}
