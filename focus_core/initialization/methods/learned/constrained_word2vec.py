"""Constrained Word2Vec (Mundra et al. 2024): new embeddings stay in the convex hull of the shared ones.

A new token's row is ``softmax(m_t M) E`` over the source embeddings ``E`` of all shared tokens of text, with factors
``m_t`` and ``M`` of a small rank. They are learned by skip-gram with negative sampling on the target's text; shared
tokens keep their vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from focus_core.corpus.corpus import iter_batches
from focus_core.errors import CorpusError, VocabularyError, bad_input, option, phrase
from focus_core.initialization.learned_rows import LearnedRows
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.initialization.methods.learned.body import on_one_thread, refuse_no_number
from focus_core.initialization.methods.learned.ridge import SHOWN, anchor_tensors
from focus_core.initialization.weights import SparseRows
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL

if TYPE_CHECKING:
    import torch

TRAIN_TOKENS = 30_000
"""Tokens whose neighbours it predicts where no number is given; a comparison pays them from its budget."""

RANK, START, RATE = 64, 0.01, 0.003
WINDOW, NEGATIVES, CENTRES = 5, 5, 256
LENGTH = 2.0
"""Root mean square length of the vectors that are compared: embeddings less their mean."""

_BLOCK_ROWS = 1024


def constrained_word2vec(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; learn for each new one that occurs a mixture of all shared ones.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, text, options and the source's matrices.

    Returns
    -------
    MethodOutput
        The mixtures of every matrix of the source, and the ``top_k`` largest weights of each as ``W``. New tokens that
        the text does not have fall back.

    Raises
    ------
    CorpusError
        If there is no text.
    """
    overlap, model, config = inputs.overlap, inputs.model, inputs.config
    copied = np.arange(overlap.n_overlap)
    stream = token_stream(inputs)
    counts = np.bincount(stream[stream >= 0], minlength=inputs.target.n)
    ids = overlap.new_ids[counts[overlap.new_ids] > 0]
    if model is None or not len(ids):
        return MethodOutput(weights=assemble_weights(inputs, copied), anchor_ids=NO_ANCHORS)
    anchors = _anchors(inputs)
    sources = overlap.source_ids[anchors]
    with on_one_thread():
        factors = Factors(inputs.source_embeddings[sources], ids, overlap.target_ids[anchors], inputs.target.n,
                          seed=config.seed)  # fmt: skip
        losses = _train(inputs, factors, stream, counts)
        rows = _heaviest(factors, ids, sources, config.top_k or SHOWN)
        made = {name: factors.mix(part) for name, part in anchor_tensors(model, sources)}
    return MethodOutput(
        weights=assemble_weights(inputs, copied, rows),
        anchor_ids=NO_ANCHORS,
        learned=LearnedRows(ids=ids.astype(np.int32), tensors=made),
        notes={"tokens": CENTRES * len(losses), "loss_start": losses[0], "loss_end": losses[-1], "n_learned": len(ids)},
    )


def check_text(inputs: MethodInput) -> None:
    """Refuse a run without a text, or without a shared token of text, before anything is read."""
    if inputs.corpus is None:
        raise bad_input(option("corpus"), "a text to train on", "none", "give one", CorpusError)
    _anchors(inputs)


def _anchors(inputs: MethodInput) -> np.ndarray:
    """Return the positions in the overlap of tokens of text."""
    found = np.flatnonzero(inputs.target.kinds[inputs.overlap.target_ids] != SPECIAL)
    if not len(found):
        remedy = phrase("give a target tokenizer that shares text with the source, or another {method}")
        raise bad_input("overlap", "a shared token of text", "none", remedy, VocabularyError)
    return found


def token_stream(inputs: MethodInput) -> np.ndarray:
    """Return the text as target ids, shape (n,), dtype int64, with -1 after every line."""
    if inputs.corpus is None:
        raise bad_input(option("corpus"), "a text to train on", "none", "give one", CorpusError)
    backend, parts = plain_backend(inputs.target.backend), [np.full(1, -1, np.int64)]
    for batch in iter_batches(inputs.corpus):
        parts.extend(
            np.array([*one.ids, -1], np.int64) for one in backend.encode_batch_fast(batch, add_special_tokens=False)
        )
    return np.concatenate(parts)


class Factors:
    """The factors of the mixtures, and the vectors that they make.

    Parameters
    ----------
    anchors : ndarray of shape (n_anchors, d)
        Source embeddings of the shared tokens.
    new_ids, anchor_ids : ndarray of shape (n_new,), (n_anchors,)
        Target ids of either kind.
    n_target : int
        Target ids in all; those of neither kind have vectors of zeros.
    seed : int
        Of the factors, which start so near zero that every mixture is nearly the mean.
    """

    def __init__(
        self, anchors: np.ndarray, new_ids: np.ndarray, anchor_ids: np.ndarray, n_target: int, *, seed: int
    ) -> None:
        import torch

        generator = np.random.default_rng(seed)
        centred = anchors.astype(np.float64) - anchors.mean(axis=0, dtype=np.float64)
        rms = float(np.sqrt(np.square(centred).sum(axis=1).mean()))
        self.base = torch.from_numpy((centred * (LENGTH / rms if rms else 1.0)).astype(np.float32))
        self.rows = torch.from_numpy((START * generator.standard_normal((len(new_ids), RANK))).astype(np.float32))
        self.columns = torch.from_numpy(generator.standard_normal((RANK, len(anchors))).astype(np.float32))
        for factor in (self.rows, self.columns):
            factor.requires_grad_()
        self.place = np.full(n_target, -1)
        self.place[new_ids] = np.arange(len(new_ids))
        self.fixed = torch.zeros((n_target, anchors.shape[1]))
        self.fixed[torch.from_numpy(anchor_ids.astype(np.int64))] = self.base

    def vectors(self, ids: np.ndarray) -> torch.Tensor:
        """Return the vectors of some target ids, (n, d); the softmax is taken of the new ones among them alone."""
        import torch

        found, new = self.fixed[torch.from_numpy(ids)], np.flatnonzero(self.place[ids] >= 0)
        factors = self.rows[torch.from_numpy(self.place[ids[new]])]
        return found.index_copy(0, torch.from_numpy(new), torch.softmax(factors @ self.columns, dim=1) @ self.base)

    def shares(self, start: int, end: int) -> torch.Tensor:
        """Return the mixtures of some new tokens, (n, n_anchors); rows sum to 1."""
        import torch

        with torch.no_grad():
            return torch.softmax(self.rows[start:end] @ self.columns, dim=1)

    def mix(self, embeddings: np.ndarray) -> np.ndarray:
        """Return the rows that the mixtures make of the anchors' rows of some matrix, (n_new, k), float32."""
        import torch

        given, made = torch.from_numpy(embeddings), np.empty((len(self.rows), embeddings.shape[1]), np.float32)
        for start in range(0, len(made), _BLOCK_ROWS):
            made[start : start + _BLOCK_ROWS] = (self.shares(start, start + _BLOCK_ROWS) @ given).numpy()
        return made


def skip_gram_loss(centres: torch.Tensor, contexts: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """Return the mean over pairs of ``-log σ(v·u⁺) - Σ log σ(-v·u⁻)`` (Mikolov et al. 2013).

    Parameters
    ----------
    centres, contexts : torch.Tensor of shape (n, d)
        ``v`` and ``u⁺``.
    negatives : torch.Tensor of shape (n, k, d)
        ``u⁻``.

    Returns
    -------
    torch.Tensor of shape ()
        The loss.
    """
    import torch

    log_sigmoid = torch.nn.functional.logsigmoid
    found = log_sigmoid((centres * contexts).sum(dim=1))
    apart = log_sigmoid(-(negatives @ centres[:, :, None])[:, :, 0]).sum(dim=1)
    return -(found + apart).mean()


def draw_pairs(
    stream: np.ndarray, places: np.ndarray, noise: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of some centres: with every neighbour in the window of their line, and with drawn tokens.

    Parameters
    ----------
    stream : ndarray of shape (n,)
        Ids, -1 between lines and at both ends.
    places : ndarray of shape (n_centres,)
        Where the centres stand.
    noise : ndarray of shape (n_target,)
        Cumulative probabilities of the drawn tokens.
    generator : numpy.random.Generator
        Draws them.

    Returns
    -------
    centres, contexts : ndarray of shape (n_pairs,)
        Ids.
    negatives : ndarray of shape (n_pairs, NEGATIVES)
        Ids.
    """
    line = np.cumsum(stream < 0)
    offsets = np.array([d for d in range(-WINDOW, WINDOW + 1) if d])
    others = np.clip(places[:, None] + offsets, 0, len(stream) - 1)
    fits = (stream[others] >= 0) & (line[others] == line[places][:, None])
    centres = np.repeat(stream[places], fits.sum(axis=1))
    drawn = np.searchsorted(noise, generator.random((len(centres), NEGATIVES)), side="right")
    return centres, stream[others[fits]], np.minimum(drawn, len(noise) - 1)


def _train(inputs: MethodInput, factors: Factors, stream: np.ndarray, counts: np.ndarray) -> list[float]:
    """Take a step of Adam for every batch of centres; return the losses."""
    import torch

    generator = np.random.default_rng(inputs.config.seed)
    noise = np.cumsum(counts**0.75) / (counts**0.75).sum()
    places = np.flatnonzero(stream >= 0)
    n_steps = -(-(inputs.config.train_tokens or TRAIN_TOKENS) // CENTRES)
    optimizer, losses = torch.optim.Adam([factors.rows, factors.columns], lr=RATE), []
    order = np.concatenate([generator.permutation(places) for _ in range(-(-n_steps * CENTRES // len(places)))])
    for step in range(n_steps):
        pairs = draw_pairs(stream, order[step * CENTRES : (step + 1) * CENTRES], noise, generator)
        used, local = np.unique(np.concatenate([part.ravel() for part in pairs]), return_inverse=True)
        if not len(used):
            continue
        vectors, n = factors.vectors(used)[torch.from_numpy(local)], len(pairs[0])
        loss = skip_gram_loss(vectors[:n], vectors[n : 2 * n], vectors[2 * n :].reshape(n, NEGATIVES, -1))
        refuse_no_number(loss.item(), inputs.config.method)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
        inputs.progress("train", step + 1, n_steps, f"loss {losses[-1]:.3f}")
    return losses or [0.0]


def _heaviest(factors: Factors, ids: np.ndarray, sources: np.ndarray, top_k: int) -> SparseRows:
    """Return the largest weights of every mixture; of equal ones those of lower source ids."""
    k = min(top_k, len(sources))
    columns, weights = np.empty((len(ids), k), np.int64), np.empty((len(ids), k), np.float32)
    for start in range(0, len(ids), _BLOCK_ROWS):
        part = factors.shares(start, start + _BLOCK_ROWS).numpy()
        best = np.argsort(-part, axis=1, kind="stable")[:, :k]
        columns[start : start + _BLOCK_ROWS] = best
        weights[start : start + _BLOCK_ROWS] = np.take_along_axis(part, best, axis=1)
    return SparseRows(
        rows=ids,
        indptr=np.arange(len(ids) + 1) * k,
        source_ids=sources[columns].ravel(),
        weights=weights.ravel(),
        similarities=np.full(len(ids) * k, np.nan, np.float32),
    )
