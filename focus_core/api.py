"""From names to objects: what a user typed becomes vocabularies, matrices, a corpus and vectors.

Owns the reading of what a request names and the growing of a run folder. Holds no step of the method: that is
`pipeline.run_focus`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from focus_core.artifacts import sha256_file
from focus_core.corpus.corpus import Corpus, open_corpus
from focus_core.errors import option, phrase
from focus_core.initialization.auxiliary.loading import load_auxiliary
from focus_core.initialization.auxiliary.token_stream import tokenise_corpus
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.embedded_ids import without_rowless_tokens
from focus_core.initialization.foresight import Foreseen, Heed, foresee_text, refuse
from focus_core.initialization.methods.base import Method
from focus_core.initialization.methods.joint.size_search import search_size
from focus_core.initialization.methods.low_rank.embed import fit_rank
from focus_core.initialization.overlap.matching import match_vocabularies, read_user_map
from focus_core.initialization.pipeline import method_named, run_focus
from focus_core.initialization.reading import read_lines
from focus_core.initialization.request import TRAINABLE, InitRequest, missing
from focus_core.initialization.result import FocusResult
from focus_core.initialization.supplied import given_needs, lack, read_supplied
from focus_core.models.source import SourceModel, fit_to_vocabulary, load_embeddings_file, load_source
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.log import RunLog, growing_run
from focus_core.runs.writer import write_run
from focus_core.tokenization.corpus_statistics import first_lines
from focus_core.tokenization.segments import with_segments
from focus_core.tokenization.text_form import read_text_form, text_form
from focus_core.tokenization.training import train_tokenizer
from focus_core.tokenization.trimming.trim import trim_vocabulary
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import MatchMode, Need, Normalization, ProgressHook, VocabSize, no_progress, stage_of, tell_all

KEEPS_MORE = "the source reads {}, the new tokenizer {}: fewer tokens are shared; take {normalization} inherit"


def _load_model(request: InitRequest) -> SourceModel:
    if request.source_embeddings:
        return load_embeddings_file(request.source_embeddings, request.tensor)
    return load_source(str(request.source))


def _load_target(
    request: InitRequest, source: Vocabulary, corpus: Corpus | None, progress: ProgressHook
) -> tuple[Vocabulary, dict[str, Any]]:
    """Read, trim or train the target tokenizer; return it with the manifest's note on its making."""
    if request.target_tokenizer:
        return load_vocabulary(request.target_tokenizer), {}
    if corpus is not None and request.trims:
        return _trimmed(request, source, corpus, progress)
    if corpus is None or request.train_tokenizer is None or request.vocab_size is None:
        raise missing(option("target_tokenizer"), phrase("or {train_tokenizer} with {vocab_size} and {corpus}"))
    family, form = TRAINABLE[request.train_tokenizer], text_form(request.normalizes, source.backend.normalizer)
    if request.vocab_size == VocabSize.AUTO:
        found = search_size(corpus, form=form, progress=progress)
        return found.vocabulary, {"vocabulary_size": found.to_dict()}
    made = train_tokenizer(corpus, family=family, vocab_size=request.known_size, form=form, progress=progress)
    return made, {}


def _trimmed(
    request: InitRequest, source: Vocabulary, corpus: Corpus, progress: ProgressHook
) -> tuple[Vocabulary, dict[str, Any]]:
    """Cut the source's tokenizer to the tokens that the corpus uses."""

    def tell(stage: str, done: float, total: float, note: str = "") -> None:
        progress("trim tokenizer", done, total, note)

    counted = tokenise_corpus(corpus, source, examples=False, progress=tell)
    bounds = {"vocab_size": request.known_size or None, "min_frequency": request.min_frequency}
    trimmed = trim_vocabulary(source, counted.frequency, **bounds)
    return trimmed.vocabulary, {"trimming": dict(trimmed.report)}


def _normalization(request: InitRequest, source: Vocabulary, target: Vocabulary) -> tuple[dict[str, Any], list[str]]:
    """Return the manifest's note on what a trained tokenizer does to text, and a warning where it keeps more."""
    if request.train_tokenizer is None or request.trims:
        return {}, []
    old, new = (read_text_form(vocabulary.backend.normalizer) for vocabulary in (source, target))
    note = {"asked": str(request.normalizes), "source": old.words, "target": new.words}
    warnings = [str(phrase(KEEPS_MORE, old.words, new.words))] if new.keeps_more_than(old) else []
    return {"normalization": note}, warnings


def _inputs(
    request: InitRequest, source: Vocabulary, target: Vocabulary, auxiliary: AuxiliaryVectors | None
) -> list[dict[str, Any]]:
    """Return the manifest's entries of tokenizers, ready vectors and the user's map."""
    entries: list[dict[str, Any]] = [
        {"role": "source_tokenizer", "name": source.name, "sha256": source.digest, "bytes": None},
        {"role": "target_tokenizer", "name": target.name, "sha256": target.digest, "bytes": None},
    ]
    known = {} if auxiliary is None else {request.auxiliary: auxiliary.settings["sha256"]}  # large: not hashed again
    ready = None if auxiliary is None else request.auxiliary
    for role, path in (("auxiliary", ready), ("user_map", request.user_map)):
        if path:
            digest = known.get(path) or sha256_file(path)
            entries.append({"role": role, "name": path.name, "sha256": digest, "bytes": path.stat().st_size})
    return entries


def _foresee(corpus: Corpus, source: Vocabulary, request: InitRequest) -> Foreseen | None:
    """Look at the first lines as the source's tokenizer reads them, where the method depends on it."""
    method = method_named(request.config.method)
    return foresee_text(read_lines(source, first_lines(corpus)), method, has_map=request.user_map is not None)


def _refuse_lacks(request: InitRequest, method: Method) -> None:
    """Refuse a method that lacks an input, by what the request names alone."""
    text = [Need.TEXT] if request.corpus or (request.auxiliary and not method.reads_lines) else []
    body = [Need.BODY] if request.source else []  # what lies there is seen when it is read
    for need in method.lacks((*text, *body, *given_needs(request))):
        if need is Need.TEXT and not method.reads_lines:
            raise missing(option("corpus"), phrase("to make auxiliary vectors from, or ready ones by {auxiliary}"))
        raise lack(method.name, need, phrase("choose another {method}"))


def run_request(request: InitRequest, *, progress: ProgressHook = no_progress, heed: Heed | None = None) -> FocusResult:
    """Read what a request names and initialise.

    Parameters
    ----------
    request : InitRequest
        Names and options.
    progress : callable, default=no_progress
        Receives progress.
    heed : callable, default=None
        Told what is foreseen before anything is trained; raising from it stops the run.

    Returns
    -------
    FocusResult
        In memory; nothing is written.

    Raises
    ------
    InvalidInputError
        If the method is unknown or lacks what it needs, before anything is read, or an input cannot be used.
    """
    config = request.config
    method = method_named(config.method)
    _refuse_lacks(request, method)
    resolved = method.resolve(config)
    progress("read", 0, 1)
    corpus = open_corpus(request.corpus, field=request.field, encoding=request.encoding) if request.corpus else None
    model = _load_model(request)  # first: what is no model is named as what it is
    source = without_rowless_tokens(load_vocabulary(request.source_tokenizer or str(request.source)), model.n_rows)
    model = fit_to_vocabulary(model, source.n)
    fit_rank(resolved, model, method.rank)
    if heed is not None and corpus is not None and (foreseen := _foresee(corpus, source, request)) is not None:
        heed(foreseen)
    loaded, making = _load_target(request, source, corpus, progress)
    target = with_segments(loaded, source)
    ready = None if method.own_vectors else request.auxiliary
    auxiliary = load_auxiliary(ready, target, kind=request.auxiliary_kind) if ready else None
    user_map = read_user_map(request.user_map, source, target) if request.user_map else None
    ready_words = method.own_vectors and not method.reads_lines
    supplied = read_supplied(request, method.inputs, target, dim=resolved.dim, own_vectors=ready_words)
    progress("read", 1, 1)
    inputs = _inputs(request, source, target, auxiliary)
    result = run_focus(
        source=source,
        target=target,
        model=model,
        corpus=corpus,
        auxiliary=auxiliary,
        user_map=user_map,
        supplied=supplied,
        config=config,
        progress=progress,
        heed=heed,
    )
    used = [entry for entry in inputs if entry["role"] != "auxiliary" or result.auxiliary is not None]
    notes, warnings = _normalization(request, source, target)
    if method.joint and request.auxiliary is not None:
        warnings.append(f"the auxiliary vectors were not used: {method.name} counts both tokenizers' cuts of the text")
    return dataclasses.replace(
        result,
        inputs=[*used, *result.inputs],
        notes=notes | making | result.notes,
        warnings=[*warnings, *result.warnings],
    )


def run_to_folder(
    request: InitRequest,
    output: Path,
    *,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
    strict: bool = False,
) -> RunFolder:
    """Initialise and write the run folder; on any error nothing stays behind.

    Parameters
    ----------
    request : InitRequest
        Names and options.
    output : Path
        The run folder to make; it must not exist.
    terminal : file, default=None
        Where progress, and what is foreseen before anything is trained, is printed; ``None`` prints none.
    progress : ProgressHook, default=no_progress
        Told the same; raising from it cancels.
    strict : bool, default=False
        Whether what is foreseen stops the run.

    Returns
    -------
    RunFolder
        The finished run.

    Raises
    ------
    RunFolderError
        If ``output`` exists.
    InvalidInputError
        If an input cannot be used, or ``strict`` and something is foreseen.
    """
    _run_and_save(request, output, terminal=terminal, progress=progress, strict=strict)
    return open_run(output)


def _run_and_save(
    request: InitRequest,
    output: Path,
    *,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
    strict: bool = False,
) -> FocusResult:
    """Initialise in a growing folder and write it; progress goes to its log and to the caller."""
    with growing_run(output, terminal=terminal) as (part, log):
        heed = refuse if strict else lambda foreseen: log.warn(foreseen.words)
        result = run_request(request, progress=tell_all(log, progress), heed=heed)
        save_result(result, part, log, spec=request.source)
    return result


def save_result(result: FocusResult, part: Path, log: RunLog, *, spec: str | None) -> None:
    """Write a result into a growing folder, and where the source model lies into its log."""
    with stage_of(log, "write"):
        write_run(result, part)
        local = spec is not None and Path(spec).expanduser().exists()
        log.write("source.json", {"spec": str(Path(str(spec)).expanduser().resolve()) if local else spec})


def run_focus_from_pretrained(
    *,
    source: str | Path,
    target_tokenizer: str | Path | None = None,
    corpus: Sequence[str | Path] = (),
    auxiliary: str | Path | None = None,
    train_tokenizer: str | None = None,
    vocab_size: int | str | None = None,
    min_frequency: int | None = None,
    normalization: Normalization | None = None,
    dictionary: str | Path | None = None,
    parallel: str | Path | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    source_vectors: str | Path | None = None,
    donor: str | Path | None = None,
    output: str | Path | None = None,
    config: InitConfig | None = None,
    progress: ProgressHook = no_progress,
) -> FocusResult:
    """Initialise from names: a model, a tokenizer and a corpus.

    Parameters
    ----------
    source : str or Path
        Model folder or Hub id.
    target_tokenizer : str or Path, default=None
        Tokenizer folder, file or Hub id; ``None`` trains one.
    corpus : sequence of str or Path, default=()
        Files or folders of text in the target language.
    auxiliary : str or Path, default=None
        Ready vectors; ``None`` makes them from the corpus, where the method needs them.
    train_tokenizer : str, default=None
        ``unigram``, ``bpe`` or ``wordpiece``, with ``vocab_size``; ``trim`` cuts the source's own to the text.
    vocab_size : int or str, default=None
        Size of the tokenizer to train, special tokens included, or the most tokens that ``trim`` keeps; ``auto``
        searches one, for ``unigram``.
    min_frequency : int, default=None
        Occurrences below which ``trim`` drops a token; ``None`` is 2.
    normalization : Normalization, default=None
        What it does to text: ``inherit`` from the source, ``none``, ``nfc`` or ``nfkc``; ``None`` is the preset's.
    dictionary : str or Path, default=None
        Pairs of words as a table; for methods that read one.
    parallel : str or Path, default=None
        Pairs of sentences as a table.
    source_column, target_column : str, default=None
        Its columns, by name or by number from 1; ``None`` where it has no others.
    source_vectors : str or Path, default=None
        Static vectors of the source language's words, as ``.vec``.
    donor : str or Path, default=None
        A model that has the target tokenizer.
    output : str or Path, default=None
        Run folder to write as well; ``None`` writes nothing.
    config : InitConfig, default=None
        The options; ``None`` is the default preset.
    progress : callable, default=no_progress
        Receives progress.

    Returns
    -------
    FocusResult
        Weights, matrices and everything that explains them.

    Raises
    ------
    InvalidInputError
        If an input cannot be used; the message names subject, expected, got and remedy.
    """
    request = InitRequest(
        source=str(source),
        target_tokenizer=None if target_tokenizer is None else str(target_tokenizer),
        train_tokenizer=train_tokenizer,
        vocab_size=VocabSize(vocab_size) if isinstance(vocab_size, str) else vocab_size,
        min_frequency=min_frequency,
        normalization=normalization,
        corpus=tuple(Path(path) for path in corpus),
        auxiliary=_path(auxiliary),
        dictionary=_path(dictionary),
        parallel=_path(parallel),
        source_column=source_column,
        target_column=target_column,
        source_vectors=_path(source_vectors),
        donor=None if donor is None else str(donor),
        config=config or InitConfig(),
    )
    if output is None:
        return run_request(request, progress=progress)
    return _run_and_save(request, Path(output), progress=progress)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def count_overlap(
    source_tokenizer: str, target_tokenizer: str, *, mode: MatchMode = MatchMode.EXACT, user_map: Path | None = None
) -> dict[str, Any]:
    """Count the tokens that two vocabularies share.

    Parameters
    ----------
    source_tokenizer, target_tokenizer : str
        Folder, tokenizer file or Hub id.
    mode : MatchMode, default="exact"
        Which tokens count as the same.
    user_map : Path, default=None
        TSV of the user's own pairs.

    Returns
    -------
    dict
        ``n_source, n_target, n_overlap, n_new, by_rule``.

    Raises
    ------
    VocabularyError
        If one of them cannot be read.
    """
    source, target = load_vocabulary(source_tokenizer), load_vocabulary(target_tokenizer)
    pairs = read_user_map(user_map, source, target) if user_map else None
    overlap = match_vocabularies(source, target, mode=mode, user_map=pairs)
    return {
        "n_source": overlap.n_source,
        "n_target": overlap.n_target,
        "n_overlap": overlap.n_overlap,
        "n_new": overlap.n_new,
        "by_rule": overlap.by_rule,
    }
