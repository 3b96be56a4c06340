"""What a comparison is made from, read and checked before anything runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from focus_core.artifacts import sha256_file
from focus_core.corpus.corpus import Corpus, open_corpus
from focus_core.corpus.parallel import read_parallel
from focus_core.errors import AuxiliaryError, InvalidInputError, ModelError, VocabularyError, bad_input, option, phrase
from focus_core.evaluation.dictionary import read_dictionary
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.auxiliary.loading import read_vec
from focus_core.initialization.embedded_ids import without_rowless_tokens
from focus_core.initialization.methods.registry import METHODS
from focus_core.models.source import SourceModel, load_source
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import NEED_SUMMARIES, Need

OPTION_OF = {
    Need.TEXT: "corpus",
    Need.DICTIONARY: "dictionary",
    Need.PARALLEL: "parallel",
    Need.SOURCE_VECTORS: "vectors",
    Need.DONOR: "donor",
    Need.BODY: "source",
}
"""The option by which each need is met."""
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
    corpus = open_corpus(request.corpus, field=request.field, encoding=request.encoding)
    source = load_source(request.source)
    if not (source.has_backbone and source.has_head):
        got = "one without a head that predicts tokens" if source.has_backbone else "a matrix without a backbone"
        remedy = "give a model whose loss can be measured"
        raise bad_input(option("source"), "a model with backbone and head", got, remedy, ModelError)
    vocabulary = without_rowless_tokens(load_vocabulary(request.source), source.n_rows)
    target = load_vocabulary(request.target_tokenizer)
    texts, files = _given_files(request, target)
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
        methods=tuple(name for name in request.chosen() if name not in missing),
        missing=missing,
    )


def _missing(request: ComparisonRequest) -> dict[str, tuple[Need, ...]]:
    """Return what each method lacks; one that was named may lack nothing."""
    given = (*request.given, Need.BODY)  # a source without a body is refused altogether
    found = {name: lacks for name in request.chosen() if (lacks := METHODS[name].lacks(given))}
    if request.methods and found:
        name, needs = next(iter(found.items()))
        raise bad_input(
            f"method {name}",
            expected=NEED_SUMMARIES[needs[0]],
            got="none",
            remedy=phrase("give it by {}, or leave the method out of {methods}", option(OPTION_OF[needs[0]])),
        )
    if len(found) == len(request.chosen()):
        raise bad_input(option("methods"), "one that has what it needs", "none", "give more inputs")
    return found


def _given_files(
    request: ComparisonRequest, target: Vocabulary
) -> tuple[dict[str, tuple[str, ...]], list[dict[str, Any]]]:
    """Check the inputs that only some methods need; return their lines and their entries in the manifest."""
    texts: dict[str, tuple[str, ...]] = {}
    files: list[dict[str, Any]] = []
    if request.parallel is not None:
        texts["parallel"] = tuple(chain.from_iterable(read_parallel(request.parallel).pairs))
        files.append(_file("parallel", request.parallel))
    if request.dictionary is not None:
        texts["dictionary"] = tuple(chain.from_iterable(read_dictionary(request.dictionary).pairs))
        files.append(_file("dictionary", request.dictionary))
    if request.vectors is not None:
        _check_vectors(request.vectors)
        files.append(_file("vectors", request.vectors))
    if request.donor is not None:
        files.append(_donor(request.donor, target))
    return texts, files


def _file(role: str, path: Path) -> dict[str, Any]:
    return {"role": role, "name": path.name, "sha256": sha256_file(path), "bytes": path.stat().st_size}


def _check_vectors(path: Path) -> None:
    """Read all vectors once: one that is no number is found before anything runs."""
    if not path.is_file():
        raise bad_input(str(path), "a file of vectors", "nothing there", "check the path", AuxiliaryError)
    if path.suffix.lower() != ".vec":
        got = f"the suffix {path.suffix!r}"
        raise bad_input(path.name, "static vectors as .vec", got, "save them in fastText's text format", AuxiliaryError)
    deque(read_vec(path), maxlen=0)


def _donor(spec: str, target: Vocabulary) -> dict[str, Any]:
    """Return the entry of a donor; it must have the target tokenizer."""
    model = load_source(spec)
    try:
        digest = load_vocabulary(spec).digest
    except VocabularyError as reason:
        raise _no_donor("a folder without a tokenizer") from reason
    if digest != target.digest:
        raise _no_donor("another one")
    return {"role": "donor", "name": model.name, "sha256": model.digest, "bytes": model.n_bytes}


def _no_donor(got: str) -> InvalidInputError:
    remedy = phrase("give one that has it, or its tokenizer as {target_tokenizer}")
    return bad_input(option("donor"), "a model with the target tokenizer", got, remedy, ModelError)
