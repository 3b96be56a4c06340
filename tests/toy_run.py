"""A small real run without a model, a corpus or fastText: every number in it can be derived by hand.

The source has 40 tokens, the target about 130, most of them hostile. Eight words are anchors whose auxiliary
vectors are the first eight unit vectors; the hand-made new tokens lie among them, so their weights are easy:

* ``▁mkulima`` has the cosines 0.8 to ``▁farmer`` and 0.6 to ``▁market``. Sparsemax: 1 + 2 * 0.6 > 1.4, so both stay;
  tau = (1.4 - 1) / 2 = 0.2; the weights are 0.6 and 0.4.
* ``▁maziwa`` has the cosine 1 to ``▁milk`` and 0 to the others: 1 + 2 * 0 > 1 fails, so one stays, with weight 1.
* ``▁nyumba`` has the cosines 0.5 to ``▁house``, ``▁child``, ``▁rain`` and ``▁bread``: 1 + 4 * 0.5 > 2, so all stay;
  tau = (2 - 1) / 4 = 0.25; four weights of 0.25.
* ``▁nadra`` has no auxiliary vector: its row is drawn, not combined.

All other tokens have seeded vectors in the last eight dimensions, none negative: their cosine to the eight anchors
is 0, below a threshold that is positive, so they take nothing from them.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.overlap.matching import Overlap, match_vocabularies
from focus_core.initialization.result import FocusResult
from focus_core.initialization.weights import WeightMatrix
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.writer import write_run
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import ORIGINS, RULES, AuxiliarySpace, MatchMode, Origin, Rule
from tests.hostile_tokens import WITHOUT_SURROGATES

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
ANCHORS = ("▁farmer", "▁market", "▁rain", "▁house", "▁child", "▁milk", "▁bread", "▁the")
SHARED = (".", ",", "!", "▁", "▁12", "7", "s", "▁a", "a", "é", "سلام", "न", "**bold**", "\u202eevil", "<b>bold</b>")
SOURCE_ONLY = ("▁The", "▁Milk", "ing", "▁run", "▁green", "▁8", "▁100", "▁شكر", "一", "=2+2", "▁and", "▁of")
NEW = (
    "▁mkulima", "▁maziwa", "▁nyumba", "▁nadra", "▁sokoni", "▁mvua", "▁mkate", "▁watoto", "▁habari", "asante",
    "▁الأطفال", "▁MILK",
)  # fmt: skip
HOSTILE = tuple(t for t in WITHOUT_SURROGATES if t and t not in {*SPECIALS, *SHARED, *NEW})
WITHOUT_VECTOR = ("▁nadra", "\x00")
D_AUX, D_MODEL, N_HAND = 16, 8, len(ANCHORS)

HAND_VECTORS = {
    "▁mkulima": {"▁farmer": 0.8, "▁market": 0.6},
    "▁maziwa": {"▁milk": 1.0},
    "▁nyumba": {"▁house": 0.5, "▁child": 0.5, "▁rain": 0.5, "▁bread": 0.5},
}
HAND_WEIGHTS = {
    "▁mkulima": {"▁farmer": 0.6, "▁market": 0.4},
    "▁maziwa": {"▁milk": 1.0},
    "▁nyumba": {"▁house": 0.25, "▁child": 0.25, "▁rain": 0.25, "▁bread": 0.25},
}
EXAMPLE_LINES = (
    ("▁mkulima", "Mkulima anauza maziwa sokoni."),
    ("▁mkulima", "Kila mkulima ana shamba."),
    ("▁maziwa", "Maziwa ni meupe \u202e=1+1 <b>sana</b>."),
)


def unigram(names: tuple[str, ...], *, specials: tuple[str, ...] = SPECIALS) -> Tokenizer:
    """Return a Unigram tokenizer of exactly these pieces, specials first."""
    pieces = [(name, -float(i)) for i, name in enumerate((*specials, *names))]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=specials.index("<unk>")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in specials])
    return tokenizer


def toy_source() -> Vocabulary:
    """Return the vocabulary of 40 tokens that is there already."""
    config = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    return vocabulary_from_backend(unigram((*ANCHORS, *SHARED, *SOURCE_ONLY)), name="toy-source", config=config)


def toy_target() -> Vocabulary:
    """Return the new vocabulary; its mask token has another name than the source's."""
    specials = (*SPECIALS[:4], "[MASK]")
    config = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "[MASK]"}
    backend = unigram((*ANCHORS, *SHARED, *NEW, *HOSTILE), specials=specials)
    return vocabulary_from_backend(backend, name="toy-target", config=config)


def toy_result(**changes: Any) -> FocusResult:
    """Return the toy as a finished initialisation.

    Parameters
    ----------
    **changes : Any
        Fields of `FocusResult` to replace.
    """
    source, target = toy_source(), toy_target()
    overlap = match_vocabularies(source, target, mode=MatchMode.EXACT)
    auxiliary = toy_auxiliary(target)
    weights = toy_weights(source, target, overlap, auxiliary)
    matrix = toy_matrix(source.n)
    statistics = {"mean": matrix.mean(axis=0), "std": matrix.std(axis=0, ddof=1)}
    frequency = toy_frequency(target)
    result = FocusResult(
        source=source,
        target=target,
        overlap=overlap,
        auxiliary=auxiliary,
        weights=weights,
        embeddings={"input": torch.from_numpy(toy_rows(weights, matrix, statistics))},
        statistics=statistics,
        config=InitConfig(auxiliary_space=AuxiliarySpace.FASTTEXT, epochs=5, dim=D_AUX, min_count=2),
        frequency=frequency,
        source_frequency=np.arange(source.n, dtype=np.int64)[::-1].copy(),
        examples=[(target.tokens.index(token), line) for token, line in EXAMPLE_LINES],
        corpus={"n_lines": 3, "n_characters": 90, "n_tokens": int(frequency.sum()), "n_bytes": 90},
        health={
            "coverage": {"types": 0.96, "occurrences": 0.99},
            "mean_cosine": 0.05,
            "median_support": 3.0,
            "median_max_weight": 0.5,
            "collapsed": False,
            "remedy": None,
        },
        inputs=[{"role": "corpus", "name": "toy.txt", "sha256": "0" * 64, "bytes": 90}],
        warnings=["this is a toy"],
    )
    return dataclasses.replace(result, **changes) if changes else result


def toy_matrix(n_rows: int) -> np.ndarray:
    """Return source rows as models have them: a mean that all share and something of their own, shape (n_rows, d)."""
    return (2 + np.random.default_rng(7).normal(size=(n_rows, D_MODEL))).astype(np.float32)


def toy_auxiliary(target: Vocabulary) -> AuxiliaryVectors:
    """Return unit vectors for the anchors, hand-made ones for three new tokens, seeded ones for the rest."""
    random = np.random.default_rng(11)
    vectors = np.zeros((target.n, D_AUX), dtype=np.float32)
    for i, token in enumerate(target.tokens):
        if token in ANCHORS:
            vectors[i, ANCHORS.index(token)] = 1.0
        elif token in HAND_VECTORS:
            for anchor, cosine in HAND_VECTORS[token].items():
                vectors[i, ANCHORS.index(anchor)] = cosine
        else:
            vectors[i, N_HAND:] = np.abs(random.normal(size=D_AUX - N_HAND))
    none = [i for i, t in enumerate(target.tokens) if t in WITHOUT_VECTOR or i < len(SPECIALS)]
    vectors[none] = 0.0
    settings = {"epochs": 5, "dim": D_AUX, "min_count": 2, "threads": 1}
    return AuxiliaryVectors(vectors=vectors, has_vector=vectors.any(axis=1), kind="trained", settings=settings)


def sparsemax(scores: np.ndarray) -> np.ndarray:
    """Return the projection of one row of scores, shape (m,), on the simplex: the textbook algorithm."""
    falling = np.sort(scores)[::-1]
    sums = np.cumsum(falling)
    counts = np.arange(1, len(scores) + 1)
    k = int(np.flatnonzero(1 + counts * falling > sums)[-1]) + 1
    return np.maximum(scores - (sums[k - 1] - 1) / k, 0)


def toy_weights(source: Vocabulary, target: Vocabulary, overlap: Overlap, auxiliary: AuxiliaryVectors) -> WeightMatrix:
    """Return ``W``: copies, sparsemax of cosines, and empty rows where a token has no vector."""
    copied = dict(zip(overlap.target_ids.tolist(), overlap.source_ids.tolist(), strict=True))
    anchors = [i for i in copied if auxiliary.has_vector[i]]
    lengths = np.linalg.norm(auxiliary.vectors, axis=1, keepdims=True)
    unit = (auxiliary.vectors / np.where(lengths == 0, 1, lengths)).astype(np.float64)
    origins = np.full(target.n, ORIGINS.index(Origin.FALLBACK), dtype=np.uint8)
    rules = np.full(target.n, RULES.index(Rule.NONE), dtype=np.uint8)
    entries: list[tuple[int, int, float, float]] = []
    for i in range(target.n):
        if i in copied:
            origins[i] = ORIGINS.index(Origin.COPIED)
            entries.append((i, copied[i], 1.0, np.nan))
        elif auxiliary.has_vector[i]:
            origins[i] = ORIGINS.index(Origin.COMBINED)
            cosines = np.round(unit[anchors] @ unit[i], 6)
            shares = sparsemax(cosines)
            entries += [(i, copied[anchors[j]], shares[j], cosines[j]) for j in np.flatnonzero(shares > 1e-9)]
    rules[overlap.target_ids] = overlap.rules
    return weight_matrix(entries, shape=(target.n, source.n), origins=origins, rules=rules)


def weight_matrix(
    entries: list[tuple[int, int, float, float]],
    *,
    shape: tuple[int, int],
    origins: np.ndarray,
    rules: np.ndarray,
) -> WeightMatrix:
    """Return ``W`` from (target id, source id, weight, similarity or NaN)."""
    entries = sorted(entries)
    rows, columns, weights, similarities = (np.array(values) for values in zip(*entries, strict=True))
    indptr = np.searchsorted(rows, np.arange(shape[0] + 1))
    matrix = scipy.sparse.csr_array((weights.astype(np.float32), columns.astype(np.int32), indptr), shape=shape)
    return WeightMatrix(matrix=matrix, similarities=similarities.astype(np.float32), origins=origins, rules=rules)


def toy_rows(weights: WeightMatrix, matrix: np.ndarray, statistics: dict[str, np.ndarray]) -> np.ndarray:
    """Return ``W @ E``, and for empty rows one seeded draw each, shape (n_target, d)."""
    rows = np.asarray(weights.matrix @ matrix, dtype=np.float32)
    random = np.random.default_rng(13)
    for i in np.flatnonzero(np.diff(weights.matrix.indptr) == 0):
        rows[i] = statistics["mean"] + statistics["std"] * random.normal(size=D_MODEL)
    return rows


def toy_frequency(target: Vocabulary) -> np.ndarray:
    """Return falling occurrences by id: 3 * (n - id); the tokens without a vector occur once."""
    frequency = 3 * (target.n - np.arange(target.n, dtype=np.int64))
    frequency[: len(SPECIALS)] = 0
    frequency[[target.tokens.index(token) for token in WITHOUT_VECTOR]] = 1
    return frequency


def write_toy_run(folder: Path | None = None, *, result: FocusResult | None = None) -> RunFolder:
    """Write a finished run and open it.

    Parameters
    ----------
    folder : Path, default=None
        A folder that does not exist; ``None`` takes a temporary one.
    result : FocusResult, default=None
        What to write; ``None`` takes `toy_result`.
    """
    folder = folder or Path(tempfile.mkdtemp()) / "toy"
    part = folder.with_name(f"{folder.name}.part")
    part.mkdir(parents=True)
    write_run(result or toy_result(), part)
    part.rename(folder)
    return open_run(folder)


def write_fuzzy_toy() -> RunFolder:
    """Write the toy with its vocabularies matched fuzzily, and open it: ``▁MILK`` is copied from ``▁milk``."""
    result = toy_result()
    overlap = match_vocabularies(result.source, result.target, mode=MatchMode.FUZZY)
    weights = toy_weights(result.source, result.target, overlap, result.auxiliary)
    return write_toy_run(result=dataclasses.replace(result, overlap=overlap, weights=weights))


def write_toy_with_zero_row(row: int) -> RunFolder:
    """Write the toy with a row of zeros, and open it."""
    result = toy_result()
    rows = result.embeddings["input"].clone()
    rows[row] = 0
    return write_toy_run(result=dataclasses.replace(result, embeddings={"input": rows}))


def altered(
    run: RunFolder, *, manifest: dict[str, Any] | None = None, columns: dict[str, np.ndarray | list[Any]] | None = None
) -> RunFolder:
    """Return the same run with other numbers, without writing them.

    Parameters
    ----------
    run : RunFolder
        The run to start from.
    manifest : dict, default=None
        Top-level keys of the manifest; a dictionary is merged into the one that is there.
    columns : dict of str to array, default=None
        ``table.column`` to its new values.
    """
    merged = dict(run.manifest)
    for key, value in (manifest or {}).items():
        merged[key] = {**merged[key], **value} if isinstance(value, dict) else value
    memory = {f"column {name}": np.asarray(values) for name, values in (columns or {}).items()}
    return RunFolder(path=run.path, manifest=merged, digest=run.digest, _memory=memory)


def id_of(run: RunFolder, token: str) -> int:
    """Return the target id of a native form."""
    return int(run.column("tokens", "token").tolist().index(token))


def source_id_of(run: RunFolder, token: str) -> int:
    """Return the source id of a native form."""
    return int(run.column("source_tokens", "token").tolist().index(token))
