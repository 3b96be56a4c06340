"""From inputs to a result, in named steps: match, read the corpus, make vectors, combine, embed, judge.

A method that compares no auxiliary vectors makes none, and may do without a corpus. The only copy of the flow
is `run_focus`; `focus_core.api` turns names into the objects that it works on.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.corpus.corpus import Corpus
from focus_core.errors import bad_input, option, phrase
from focus_core.initialization.auxiliary.counted import WINDOW, count_auxiliary
from focus_core.initialization.auxiliary.token_stream import TokenStream, stream_warnings, tokenise_corpus
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors, train_auxiliary
from focus_core.initialization.config import InitConfig
from focus_core.initialization.extend import extend_result
from focus_core.initialization.foresight import Heed, foresee_overlap, foresee_parallel
from focus_core.initialization.health import auxiliary_health
from focus_core.initialization.methods.base import Method, MethodInput, MethodOutput
from focus_core.initialization.methods.fallback import initialise_tensor
from focus_core.initialization.methods.low_rank.embed import fit_rank, initialise_cut, is_cut
from focus_core.initialization.methods.registry import METHODS, like_method
from focus_core.initialization.methods.sides import INPUT, OUTPUT, scale_rows, side_of
from focus_core.initialization.overlap.id_map import id_map
from focus_core.initialization.overlap.matching import Overlap, match_vocabularies
from focus_core.initialization.overlap.statistics import overlap_statistics
from focus_core.initialization.result import FocusResult
from focus_core.initialization.supplied import NOTHING, Supplied, lack, unused_words
from focus_core.initialization.weights import WeightMatrix
from focus_core.models.source import SourceModel, fit_to_vocabulary
from focus_core.surgery.child import prove_apart
from focus_core.surgery.proof import Copies, cut_proof, extended_copies
from focus_core.tokenization.corpus_statistics import corpus_statistics, suggest_size
from focus_core.tokenization.identity import BYTE, SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import AuxiliarySpace, MatchMode, Need, ProgressHook, no_progress, stage_of

if TYPE_CHECKING:
    import torch

CUT = ("input", "output")
"""The tensors that a rank cuts."""


def run_focus(
    *,
    source: Vocabulary,
    target: Vocabulary,
    model: SourceModel,
    corpus: Corpus | None = None,
    auxiliary: AuxiliaryVectors | None = None,
    user_map: Mapping[int, int] | None = None,
    supplied: Supplied = NOTHING,
    config: InitConfig | None = None,
    progress: ProgressHook = no_progress,
    heed: Heed | None = None,
) -> FocusResult:
    """Initialise the embeddings of a target vocabulary.

    Parameters
    ----------
    source, target : Vocabulary
        The two vocabularies.
    model : SourceModel
        The source's matrices, at least one row for every source id.
    corpus : Corpus, default=None
        Text in the target language; ``None``: FOCUS needs ``auxiliary``, and nothing is known about frequencies.
    auxiliary : AuxiliaryVectors, default=None
        Ready vectors, one row a target id; ``None`` trains them on the corpus where the method needs them. A method
        that needs none leaves them out, and says so.
    user_map : mapping of int to int, default=None
        Target id to source id; comes before every rule.
    supplied : Supplied, default=NOTHING
        What some methods need beside text.
    config : InitConfig, default=None
        The options; ``None`` is the default preset.
    progress : callable, default=no_progress
        Receives progress; raising from it cancels.
    heed : callable, default=None
        Told before vectors are made that too few tokens are shared; raising from it stops the run.

    Returns
    -------
    FocusResult
        Weights, matrices and everything that explains them.

    Raises
    ------
    AuxiliaryError
        If the method needs vectors and there is neither a corpus nor ready ones, or no anchor has one.
    InvalidInputError
        If the method lacks an input, or inputs contradict one another; the message names which.
    """
    config = config or InitConfig()
    method = method_named(config.method)
    _refuse_lacks(method, supplied, model)
    config = method.resolve(config)
    model = fit_to_vocabulary(model, source.n)
    config = fit_rank(config, model, method.rank)
    _refuse_rank(method, config, model)
    with stage_of(progress, "match"):
        overlap = match_vocabularies(source, target, mode=config.match, user_map=user_map)
    if heed is not None and (foreseen := foresee_overlap(overlap, target, method)) is not None:
        heed(foreseen)
    known = MethodInput(
        source=source,
        target=target,
        overlap=overlap,
        config=config,
        corpus=corpus,
        dictionary=supplied.dictionary,
        parallel=supplied.parallel,
        source_vectors=supplied.source_vectors,
        donor=supplied.donor,
        target_vectors=supplied.target_vectors,
        model=model,
        progress=progress,
    )
    if method.check is not None:
        method.check(known)
    pairs = supplied.parallel
    if heed is not None and pairs is not None and (swapped := foresee_parallel(pairs, source, target)) is not None:
        heed(swapped)
    proof = _prove(source, target, model, overlap, config, progress)
    unused = auxiliary is not None and not method.compares_tokens
    stream, auxiliary = _read(source, target, corpus, None if unused else auxiliary, config, progress)
    given = dataclasses.replace(known, auxiliary=auxiliary, frequency=stream.frequency if stream else None)
    output = method(given)
    warnings = list(dict.fromkeys((*source.notes, *target.notes, *unused_words(supplied.unused, method.name))))
    if unused:
        warnings.append(f"the auxiliary vectors were not used: {method.name} compares none")
    warnings += output.warnings
    result = _judge(_collect(given, output, model, stream, corpus, supplied, warnings), output, corpus, progress)
    if config.extend:
        plain = config.match == MatchMode.EXACT and not user_map
        result = extend_result(result, exact=overlap if plain else None)
    notes = {"proof": proof, "method": dict(output.notes)}
    result = dataclasses.replace(result, notes=result.notes | {name: note for name, note in notes.items() if note})
    return _embed(result, model, progress)


def _refuse_lacks(method: Method, supplied: Supplied, model: SourceModel) -> None:
    """Refuse a method that lacks an input; where vectors are missing is found when they are wanted."""
    given = (Need.TEXT, *supplied.needs, *([Need.BODY] if model.has_backbone else []))
    for need in method.lacks(given):
        raise lack(method.name, need, phrase("choose another {method}"))


def _refuse_rank(method: Method, config: InitConfig, model: SourceModel) -> None:
    """Refuse to cut embeddings that are no sums of source embeddings."""
    if method.beyond and is_cut(config, model.input.shape[1]):
        expected = phrase("none beside {method} {}, whose embeddings are more than weights", method.name)
        raise bad_input(option("rank"), expected, str(config.rank), "leave one of the two out")


def _prove(
    source: Vocabulary,
    target: Vocabulary,
    model: SourceModel,
    overlap: Overlap,
    config: InitConfig,
    progress: ProgressHook,
) -> dict[str, Any] | None:
    """Prove, before anything is spent, that copied tokens will compute as before; refuse a model where they do not."""
    if model.folder is None or not model.has_backbone:
        return None
    ordinary = source.kinds[overlap.source_ids] != SPECIAL
    with stage_of(progress, "prove"):
        copies = Copies(
            target_ids=overlap.target_ids[ordinary],
            source_ids=overlap.source_ids[ordinary],
            ids=id_map(source, target, overlap, model.n_rows),
        )
        chosen = extended_copies(copies, source.n) if config.extend else copies
        proof = prove_apart(model, chosen, poll=lambda: progress("prove", 0, 1))
        return (cut_proof(proof, config.rank) if is_cut(config, model.input.shape[1]) else proof).to_dict()


def method_named(name: str) -> Method:
    """Return a method of the registry.

    Parameters
    ----------
    name : str
        What ``--method`` was given.

    Returns
    -------
    Method
        The method.

    Raises
    ------
    InvalidInputError
        If there is none of that name.
    """
    if name not in METHODS:
        raise bad_input(option("method"), expected=", ".join(METHODS), got=repr(name), remedy=like_method(name))
    return METHODS[name]


def _read(
    source: Vocabulary,
    target: Vocabulary,
    corpus: Corpus | None,
    auxiliary: AuxiliaryVectors | None,
    config: InitConfig,
    progress: ProgressHook,
) -> tuple[TokenStream | None, AuxiliaryVectors | None]:
    """Read the corpus where there is one; return ready vectors, or make them from it where the method needs them."""
    if corpus is None:
        return None, auxiliary
    wanted = auxiliary is None and method_named(config.method).compares_tokens
    trains = wanted and config.auxiliary_space == AuxiliarySpace.FASTTEXT
    with tempfile.TemporaryDirectory(prefix="focus-lab-") as folder:
        stream = tokenise_corpus(
            corpus,
            target,
            Path(folder) / "stream.txt" if trains else None,
            window=WINDOW if wanted and not trains else 0,
            source=source,
            examples=config.examples,
            progress=progress,
        )
        if wanted:
            auxiliary = (_train if trains else _count)(stream, target, config, progress)
    return dataclasses.replace(stream, path=None, pairs=None), auxiliary  # what is large has served


def _train(stream: TokenStream, target: Vocabulary, config: InitConfig, progress: ProgressHook) -> AuxiliaryVectors:
    return train_auxiliary(
        stream,
        target,
        dim=config.dim,
        epochs=config.epochs,
        min_count=config.min_count,
        threads=config.threads,
        seed=config.seed,
        keep_eos=config.keep_eos_vector,
        progress=progress,
    )


def _count(stream: TokenStream, target: Vocabulary, config: InitConfig, progress: ProgressHook) -> AuxiliaryVectors:
    return count_auxiliary(
        stream, target, dim=config.dim, min_count=config.min_count, threads=config.threads, progress=progress
    )


def _collect(
    given: MethodInput,
    output: MethodOutput,
    model: SourceModel,
    stream: TokenStream | None,
    corpus: Corpus | None,
    supplied: Supplied,
    warnings: list[str],
) -> FocusResult:
    """Gather what is known before any embedding is made."""
    return FocusResult(
        source=given.source,
        target=given.target,
        overlap=given.overlap,
        auxiliary=given.auxiliary,
        weights=output.weights,
        output_weights=output.output_weights,
        input_scale=output.input_scale,
        output_scale=output.output_scale,
        embeddings={},
        statistics={},
        config=given.config,
        tied=model.tied,
        frequency=given.frequency,
        source_frequency=stream.source_frequency if stream else None,
        examples=stream.examples if stream and given.config.examples else None,
        corpus=_describe(corpus, stream) if corpus and stream else None,
        learned=output.learned,
        overlap_statistics=overlap_statistics(given.source, given.target, given.overlap, given.frequency),
        inputs=[*model.inputs, *_corpus_inputs(corpus), *supplied.inputs],
        warnings=[*warnings, *model.messages, *(stream_warnings(stream, given.target) if stream else [])],
    )


def _describe(corpus: Corpus, stream: TokenStream) -> dict[str, Any]:
    """Return the manifest's numbers about the corpus."""
    return {
        "files": list(corpus.names),
        "digest": corpus.digest,
        "n_lines": stream.n_lines,
        "n_characters": stream.n_characters,
        "n_bytes": stream.n_bytes,
        "n_tokens": stream.n_tokens,
        "n_tokens_seen": int((stream.frequency > 0).sum()),
        "unknown_share": stream.unknown_share,
        "characters_per_token": stream.characters_per_token,
    }


def _corpus_inputs(corpus: Corpus | None) -> list[dict[str, Any]]:
    """Return the manifest's entries of the corpus files."""
    if corpus is None:
        return []
    files = zip(corpus.names, corpus.digests, corpus.sizes, strict=True)
    return [{"role": "corpus", "name": name, "sha256": digest, "bytes": size} for name, digest, size in files]


def _judge(result: FocusResult, output: MethodOutput, corpus: Corpus | None, progress: ProgressHook) -> FocusResult:
    """Add the health report of the auxiliary space, where there is one, and the shares of occurrences."""
    with stage_of(progress, "judge"):
        health: dict[str, Any] = {}
        if result.auxiliary is not None:
            health = auxiliary_health(
                result.auxiliary,
                result.weights,
                result.overlap.new_ids,
                output.anchor_ids,
                result.frequency,
                is_byte=result.target.kinds == BYTE,
                is_special=result.target.kinds == SPECIAL,
                supported_size=partial(_supported_size, corpus, result.target) if corpus else None,
            )
        told = None if result.corpus is None else result.corpus | result.occurrence_shares
    return dataclasses.replace(
        result, health=health, corpus=told, warnings=[*result.warnings, *health.get("warnings", [])]
    )


def _supported_size(corpus: Corpus, target: Vocabulary) -> int:
    """Return the size that the app suggests for a text and a tokenizer of this kind."""
    return suggest_size(corpus_statistics(corpus), target.family)


def _embed(result: FocusResult, model: SourceModel, progress: ProgressHook) -> FocusResult:
    """Apply ``W`` to every tensor of the model that follows the vocabulary."""
    given = model.tensors
    made: dict[str, torch.Tensor] = {}
    statistics: dict[str, np.ndarray] = {}
    fallbacks: dict[str, dict[str, int]] = {}
    errors: dict[str, float] = {}
    residual: np.ndarray | None = None
    for done, (name, matrix) in enumerate(given.items()):
        progress("embed", done, len(given), name)
        parts: dict[str, Any] = {"source": result.source, "target": result.target, "config": result.config}
        weights, scale = _of_side(result, name, side_of(name, matrix, model.axis_of(name)))
        if name in CUT and is_cut(result.config, matrix.shape[1]):
            one, factors = initialise_cut(weights, matrix, name=name, progress=progress, **parts)
            errors[name], statistics[f"primitives_{name}"] = factors.error, factors.primitives
        else:
            one = initialise_tensor(weights, matrix, model.axis_of(name), name=name, **parts)
        if scale is not None:
            scale_rows(one.rows, scale)
        made[name], fallbacks[name] = one.rows, dict(one.fallbacks)
        beyond = None if result.learned is None else result.learned.put(name, one.rows, model.axis_of(name))
        if name == "input":
            residual = _spread(result, beyond)
            statistics |= {"mean": one.statistics.mean, "std": one.statistics.std}
    progress("embed", len(given), len(given))
    return dataclasses.replace(
        result,
        embeddings={name: tensor for name, tensor in made.items() if name not in model.extra},
        extra_tensors={name: tensor for name, tensor in made.items() if name in model.extra},
        statistics=statistics,
        residual=residual,
        notes=result.notes | {"fallbacks": fallbacks} | _low_rank(result.config, model, errors),
    )


def _spread(result: FocusResult, shares: np.ndarray | None) -> np.ndarray | None:
    """Return what learned rows have beside their weights, one number a target id."""
    if shares is None or result.learned is None:
        return None
    residual = np.zeros(result.target.n, np.float32)
    residual[result.learned.ids] = shares
    return residual


def _of_side(result: FocusResult, name: str, side: str) -> tuple[WeightMatrix, np.ndarray | None]:
    """Return ``W`` of a tensor's side, and what its rows are multiplied by: the two matrices alone have a scale."""
    own = result.output_weights if side == OUTPUT else None
    scales = {INPUT: result.input_scale, OUTPUT: result.output_scale}
    return own or result.weights, scales.get(name)


def _low_rank(config: InitConfig, model: SourceModel, errors: Mapping[str, float]) -> dict[str, Any]:
    """Return the manifest's note on a rank: whether it cut anything, and what was lost."""
    if config.rank is None:
        return {}
    told = {"rank": config.rank, "width": int(model.input.shape[1]), "factorization": str(config.factorization)}
    return {"low_rank": told | {"copies_equal": not errors, "error": dict(errors)}}
