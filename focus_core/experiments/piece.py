"""One piece of a comparison: a method with a seed, initialised, measured, trained a little, measured again.

Everything happens in one process, so that libraries and text are loaded once. What a killed piece had finished is
taken as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.api import run_to_folder
from focus_core.artifacts import staged, write_arrays
from focus_core.corpus.dictionary import read_dictionary
from focus_core.corpus.parallel import named_columns
from focus_core.errors import ModelError, bad_input, option
from focus_core.evaluation.causal import score_causal
from focus_core.evaluation.fertility import measure_segmentation
from focus_core.evaluation.masked import score_masked
from focus_core.evaluation.windows import LineScores
from focus_core.experiments.children import own_cost
from focus_core.experiments.layout import PROBE, SOURCE, Layout, piece_name, read_json, write_json
from focus_core.experiments.lines import FIT, GIVEN_PAIRS, HELD_OUT, PROBE_TEXT, read_lines, stream_lines
from focus_core.experiments.measures import (
    ListedPairs,
    count_characters,
    find_listed,
    measure_retrieval,
    unigram_bits,
)
from focus_core.experiments.probe import RATES, curve_of, probe_config, run_probe
from focus_core.experiments.request import ComparisonRequest
from focus_core.export.forward import MLM
from focus_core.export.run_model import RunModel, load_model_folder, load_run_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.embedded_ids import without_rowless_tokens
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.initialization.supplied import FIELD_OF
from focus_core.models.source import load_source
from focus_core.numerics.similarity import resolve_device
from focus_core.runs.additions import open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import Need, ProgressHook, SpecialTokenType, no_progress


def run_piece(folder: Path, method: str, seed: int, *, progress: ProgressHook = no_progress) -> None:
    """Make and measure one method with one seed.

    Parameters
    ----------
    folder : Path
        The growing comparison, with its request and its lines.
    method : str
        A name of the registry.
    seed : int
        Of fallback, order of the probe, and masked words. The first one chooses the learning rate for all.
    progress : ProgressHook, default=no_progress
        Told the stages.

    Raises
    ------
    InvalidInputError
        If an input cannot be used by this method.
    """
    layout, piece = Layout(root=folder), piece_name(method, seed)
    request = ComparisonRequest.from_dict(read_json(layout.request))
    device = _prepare(request)
    run = _initialised(layout, request, method, seed, progress)
    lines = read_lines(layout.text / HELD_OUT)
    pairs = _pairs(layout, request, run)
    model = load_run_model(run, source=request.source, device=device)
    start = score(model, lines, seed, progress)
    del model
    rates = _probed(layout, request, run, method, seed, progress)
    training = open_training(run, PROBE)
    end = score(load_run_model(run, trained=PROBE, source=request.source, device=device), lines, seed, progress)
    facts: dict[str, Any] = {
        "method": method,
        "seed": seed,
        "rates": rates,
        "learning_rate": training.manifest["config"]["learning_rate"],
        "tokens": training.manifest["result"]["tokens"],
        "curve": curve_of(training),
        "counts": run.manifest["counts"]["by_origin"],
        "config": run.manifest["config"],
        "retrieval": None if pairs is None else {
            "start": measure_retrieval(pairs, run.embeddings(), seed=seed),
            "probe": measure_retrieval(pairs, training.embeddings(), seed=seed),
        },
        "notes": list(dict.fromkeys((*start.warnings, *end.warnings))),
    }  # fmt: skip
    write_json(layout.facts(piece), facts)
    write_json(layout.own_cost(piece), own_cost())
    arrays = {"start_bits": start.bits, "probe_bits": end.bits, "characters": start.characters, "words": start.words}
    _write_arrays(layout.arrays(piece), arrays)


def run_source(folder: Path, *, progress: ProgressHook = no_progress) -> None:
    """Measure the source model under its own tokenizer, on the same lines and words as every method.

    Parameters
    ----------
    folder : Path
        The growing comparison, with its request and its lines.
    progress : ProgressHook, default=no_progress
        Told the stages.

    Raises
    ------
    ModelError
        If the source predicts masked words and the target tokenizer has no mask.
    """
    layout = Layout(root=folder)
    request = ComparisonRequest.from_dict(read_json(layout.request))
    device = _prepare(request)
    source, target = load_source(request.source), load_vocabulary(request.target_tokenizer)
    model = load_model_folder(Path(source.folder or request.source))
    if model.objective == MLM and SpecialTokenType.MASK not in target.special_token_types:
        got, remedy = "none", "give a tokenizer with a mask token, for the source predicts masked words"
        raise bad_input(option("target_tokenizer"), "a mask token", got, remedy, ModelError)
    model.model.to(device)
    lines = read_lines(layout.text / HELD_OUT)
    scores = [score(model, lines, seed, progress) for seed in request.seed_numbers]
    vocabulary = without_rowless_tokens(model.vocabulary, source.n_rows)
    facts = {
        "objective": model.objective,
        "source": _segmentation(vocabulary, lines),
        "target": _segmentation(target, lines),
        "predicted": _predicted(scores),
        "notes": list(dict.fromkeys(note for one in scores for note in one.warnings)),
    }
    write_json(layout.facts(SOURCE), facts)
    write_json(layout.own_cost(SOURCE), own_cost())
    columns = ("bits", "characters", "words")
    arrays = {name: np.stack([getattr(one, name) for one in scores]) for name in columns}
    counts, masked = count_characters(stream_lines(layout.text / FIT)), model.objective == MLM
    without = [unigram_bits(counts, lines, seed=seed if masked else None) for seed in request.seed_numbers]
    _write_arrays(layout.arrays(SOURCE), arrays | {"unigram_bits": np.stack(without)})


def score(model: RunModel, lines: list[str], seed: int, progress: ProgressHook) -> LineScores:
    """Return what a model pays for each line; a masked one for the words that a seed masks."""
    if model.objective == MLM:
        return score_masked(model, lines, seed=seed, progress=progress)
    return score_causal(model, lines, progress=progress)


def _prepare(request: ComparisonRequest) -> str:
    """Fix the number of threads, on which sums depend to the last bit; return the device."""
    import torch

    torch.set_num_threads(request.threads)
    return resolve_device(request.device)


def _initialised(
    layout: Layout, request: ComparisonRequest, method: str, seed: int, progress: ProgressHook
) -> RunFolder:
    """Return the run of a piece, made where it is not there."""
    path = layout.run(piece_name(method, seed))
    if path.is_dir():
        return open_run(path)
    config = InitConfig(
        method=method,
        seed=seed,
        match=request.match,
        auxiliary_space=request.auxiliary_space,
        device=request.device,
        threads=request.threads,
    )
    asked = InitRequest(
        source=request.source,
        target_tokenizer=request.target_tokenizer,
        corpus=(layout.text / FIT,),
        **_further(layout, request, method),
        config=config,
    )
    return run_to_folder(asked, path, progress=progress)


def _further(layout: Layout, request: ComparisonRequest, method: str) -> dict[str, Any]:
    """Return what a method reads beside the text; of a dictionary, the pairs that retrieval does not measure."""
    given = {
        Need.DICTIONARY: layout.text / GIVEN_PAIRS,
        Need.PARALLEL: request.parallel,
        Need.SOURCE_VECTORS: request.vectors,
        Need.DONOR: request.donor,
    }
    wanted = set(METHODS[method].inputs) & set(request.given)
    columns = named_columns(request.source_column, request.target_column) if Need.PARALLEL in wanted else {}
    return {FIELD_OF[need]: value for need, value in given.items() if need in wanted} | columns


def _probed(
    layout: Layout, request: ComparisonRequest, run: RunFolder, method: str, seed: int, progress: ProgressHook
) -> list[dict[str, Any]]:
    """Train the probe of a piece: the first seed at every rate, the others at the one that it chose."""
    piece, first = piece_name(method, seed), request.seed_numbers[0]
    rates = RATES if seed == first else (read_json(layout.facts(piece_name(method, first)))["learning_rate"],)
    tokens = request.probe_of(method)
    configs = [probe_config(tokens, rate, seed, device=request.device, threads=request.threads) for rate in rates]
    text, kept = layout.text / PROBE_TEXT, layout.kept(piece)
    return run_probe(run, text, configs, kept, source=request.source, progress=progress)


def _pairs(layout: Layout, request: ComparisonRequest, run: RunFolder) -> ListedPairs | None:
    """Return the pairs of words that no method was given; ``None`` without a dictionary."""
    if request.dictionary is None:
        return None
    given = (layout.text / GIVEN_PAIRS).is_file()
    source = load_source(request.source)
    words = read_dictionary(request.dictionary).pairs
    vocabulary = without_rowless_tokens(load_vocabulary(request.source), source.n_rows)
    target = load_vocabulary(request.target_tokenizer)
    return find_listed(vocabulary, target, words, source.input.float().numpy(), match=request.match, given=given)


def _segmentation(vocabulary: Vocabulary, lines: list[str]) -> dict[str, Any]:
    found = measure_segmentation(vocabulary, lines)
    return {"name": vocabulary.name, "digest": vocabulary.digest, "n": vocabulary.n, **dataclasses.asdict(found)}


def _predicted(scores: Sequence[LineScores]) -> dict[str, int]:
    """Return how much was predicted, and how much of it is unknown to the tokenizer and so easy to predict."""
    columns = {"n_tokens": "tokens", "n_unknown": "unknown", "n_characters": "characters"}
    columns["n_unknown_characters"] = "unknown_characters"
    return {name: sum(int(getattr(one, column).sum()) for one in scores) for name, column in columns.items()}


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged(path, replace=True) as part:
        write_arrays(part, arrays)
