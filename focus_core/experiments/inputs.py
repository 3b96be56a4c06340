"""What a comparison is made from, read and checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from focus_core.artifacts import sha256_file
from focus_core.corpus.corpus import Corpus, open_corpus
from focus_core.corpus.dictionary import Dictionary, read_dictionary
from focus_core.corpus.parallel import named_columns, read_parallel
from focus_core.errors import ModelError, bad_input, option, phrase
from focus_core.experiments.measures import is_given
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.auxiliary.words import read_word_vectors
from focus_core.initialization.embedded_ids import without_rowless_tokens
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.supplied import lack, load_donor
from focus_core.models.source import SourceModel, load_source
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import Need

REPLACED = ("source", "target_tokenizer", "corpus", "dictionary", "parallel", "vectors", "donor")
"""Options that name a place; what lies there, and not where, makes two requests the same."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """What a request names, opened.

    Parameters
    ----------
    request : ComparisonRequest
        The request.
    corpus : Corpus
        The text.
    source : SourceModel
        With a backbone and a head.
    source_vocabulary, target : Vocabulary
        The two tokenizers.
    texts : mapping of str to tuple of str
        Lines that a method may read beside the text, by the option that names their file.
    given_pairs : tuple of (str, str), default=None
        The pairs of the dictionary that methods read: of half of its words, where a method reads it at all. Retrieval
        is measured on the others.
    files : tuple of dict
        Role, name, SHA-256 and size of every input, as in the manifest of a run.
    methods : tuple of str
        Methods that have all they need.
    missing : mapping of str to tuple of Need
        What each of the others lacks.
    """

    request: ComparisonRequest
    corpus: Corpus
    source: SourceModel
    source_vocabulary: Vocabulary
    target: Vocabulary
    texts: Mapping[str, tuple[str, ...]]
    files: tuple[dict[str, Any], ...]
    methods: tuple[str, ...]
    missing: Mapping[str, tuple[Need, ...]]
    given_pairs: tuple[tuple[str, str], ...] | None = None

    def identity(self) -> dict[str, Any]:
        """Return what makes two requests the same: options, and the contents of what they name, without a path."""
        options = {name: value for name, value in self.request.to_dict().items() if name not in REPLACED}
        named = [*self.request.chosen()] if self.request.methods else []
        return options | {"methods": named, "inputs": list(self.files)}


def read_inputs(request: ComparisonRequest) -> Inputs:
    """Open everything that a request names.

    Parameters
    ----------
    request : ComparisonRequest
        The request.

    Returns
    -------
    Inputs
        What runs, and what is missing.

    Raises
    ------
    InvalidInputError
        If an input cannot be used, or a method that is named lacks one.
    """
    missing = _missing(request)
    methods = tuple(name for name in request.chosen() if name not in missing)
    corpus = open_corpus(request.corpus, field=request.field, encoding=request.encoding)
    source = load_source(request.source)
    if not (source.has_backbone and source.has_head):
        got = "one without a head that predicts tokens" if source.has_backbone else "a matrix without a backbone"
        remedy = "give a model whose loss can be measured"
        raise bad_input(option("source"), "a model with backbone and head", got, remedy, ModelError)
    vocabulary = without_rowless_tokens(load_vocabulary(request.source), source.n_rows)
    target = load_vocabulary(request.target_tokenizer)
    dictionary = None if request.dictionary is None else read_dictionary(request.dictionary)
    texts, files = _given_files(request, dictionary, target)
    own = [
        *source.inputs,
        {"role": "source_tokenizer", "name": vocabulary.name, "sha256": vocabulary.digest, "bytes": None},
        {"role": "target_tokenizer", "name": target.name, "sha256": target.digest, "bytes": None},
        {"role": "corpus", "name": ", ".join(corpus.names), "sha256": corpus.digest, "bytes": corpus.n_bytes},
    ]
    return Inputs(
        request=request,
        corpus=corpus,
        source=source,
        source_vocabulary=vocabulary,
        target=target,
        texts=texts,
        files=(*own, *files),
        methods=methods,
        missing=missing,
        given_pairs=_given_pairs(dictionary, methods),
    )


def _missing(request: ComparisonRequest) -> dict[str, tuple[Need, ...]]:
    """Return what each method lacks; one that was named may lack nothing."""
    given = (*request.given, Need.BODY)  # a source without a body is refused altogether
    found = {name: lacks for name in request.chosen() if (lacks := METHODS[name].lacks(given))}
    if request.methods and found:
        name, needs = next(iter(found.items()))
        raise lack(name, needs[0], phrase("leave the method out of {methods}"))
    if len(found) == len(request.chosen()):
        raise bad_input(option("methods"), "one that has what it needs", "none", "give more inputs")
    return found


def _given_pairs(dictionary: Dictionary | None, methods: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
    """Return the pairs that methods read; ``None`` where none of them reads a dictionary."""
    if dictionary is None or not any(Need.DICTIONARY in METHODS[name].inputs for name in methods):
        return None
    found = tuple(pair for pair in dictionary.pairs if is_given(pair[0]))
    if not found:
        got, remedy = f"{len(dictionary.pairs):,}", "give more pairs"
        raise bad_input(dictionary.name, "pairs enough that methods may read half of the words", got, remedy)
    return found


def _given_files(
    request: ComparisonRequest, dictionary: Dictionary | None, target: Vocabulary
) -> tuple[dict[str, tuple[str, ...]], list[dict[str, Any]]]:
    """Check the inputs that only some methods need; return their lines and their entries in the manifest."""
    texts: dict[str, tuple[str, ...]] = {}
    files: list[dict[str, Any]] = []
    if request.parallel is not None:
        columns = named_columns(request.source_column, request.target_column)
        texts["parallel"] = tuple(chain.from_iterable(read_parallel(request.parallel, **columns).pairs))
        files.append(_file("parallel", request.parallel) | columns)
    if dictionary is not None and request.dictionary is not None:
        texts["dictionary"] = tuple(chain.from_iterable(dictionary.pairs))
        files.append(_file("dictionary", request.dictionary))
    if request.vectors is not None:
        found = read_word_vectors(request.vectors)  # one that is no number is found before anything runs
        entry = {"role": "vectors", "name": request.vectors.name, "sha256": found.digest, "bytes": found.n_bytes}
        files.append(entry)
    if request.donor is not None:
        donor = load_donor(request.donor, target)
        files.append({"role": "donor", "name": donor.name, "sha256": donor.digest, "bytes": donor.model.n_bytes})
    return texts, files


def _file(role: str, path: Path) -> dict[str, Any]:
    return {"role": role, "name": path.name, "sha256": sha256_file(path), "bytes": path.stat().st_size}
