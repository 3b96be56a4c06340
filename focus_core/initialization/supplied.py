"""What a method may be given beside text: a dictionary, parallel text, vectors of words, a donor.

Owns their reading and their checks. What a method does not use is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import sha256_file
from focus_core.corpus.dictionary import Dictionary, read_dictionary
from focus_core.corpus.parallel import ParallelText, named_columns, read_parallel
from focus_core.errors import (
    InvalidInputError,
    ModelError,
    VocabularyError,
    bad_input,
    option,
    phrase,
)
from focus_core.initialization.auxiliary.words import WordVectors, read_word_vectors
from focus_core.initialization.request import InitRequest
from focus_core.models.source import SourceModel, fit_to_vocabulary, load_source
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import NEED_SUMMARIES, Need

FIELD_OF = {
    Need.DICTIONARY: "dictionary",
    Need.PARALLEL: "parallel",
    Need.SOURCE_VECTORS: "source_vectors",
    Need.DONOR: "donor",
}
"""The field of a request by which each need is met; text and the source are fields of their own."""
OPTION_OF = {**FIELD_OF, Need.TEXT: "corpus", Need.SOURCE_VECTORS: "vectors", Need.BODY: "source"}
"""The option of the command line by which each need is met."""
ROLES = {"target_vectors": "auxiliary"}
"""Roles in the manifest that are not called as their fields."""
WORDS = {
    Need.DICTIONARY: ("the dictionary was", "no dictionary"),
    Need.PARALLEL: ("the parallel text was", "no parallel text"),
    Need.SOURCE_VECTORS: ("the vectors of the source language were", "none"),
    Need.DONOR: ("the donor was", "none"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Donor:
    """A model that has the target tokenizer already.

    Parameters
    ----------
    name : str
        How messages and the manifest call it.
    digest : str
        SHA-256 of its weights.
    model : SourceModel
        Its matrices, one row for every target id.
    vocabulary : Vocabulary
        Its own tokenizer; the same token at every id as the target's.
    """

    name: str
    digest: str
    model: SourceModel
    vocabulary: Vocabulary

    @cached_property
    def embeddings(self) -> np.ndarray:
        """Its input embeddings, shape (n_target, d_donor), dtype float32; read-only."""
        return rows_of(self.model)


@dataclass(frozen=True, kw_only=True, eq=False)
class Supplied:
    """What a request gave beside text, read.

    Parameters
    ----------
    dictionary : Dictionary, default=None
        Pairs of words.
    parallel : ParallelText, default=None
        Pairs of sentences.
    source_vectors : WordVectors, default=None
        Vectors of the source language's words.
    donor : Donor, default=None
        A model that has the target tokenizer.
    target_vectors : WordVectors, default=None
        Ready vectors of the target language's words, for a method that compares words.
    inputs : tuple of dict, default=()
        Role, name, SHA-256 and size of each, for the manifest.
    unused : tuple of Need, default=()
        What was given and the method does not use: it was not read.
    """

    dictionary: Dictionary | None = None
    parallel: ParallelText | None = None
    source_vectors: WordVectors | None = None
    donor: Donor | None = None
    target_vectors: WordVectors | None = None
    inputs: tuple[dict[str, Any], ...] = ()
    unused: tuple[Need, ...] = ()

    @property
    def needs(self) -> tuple[Need, ...]:
        """Which needs are met by it."""
        return tuple(need for need, name in FIELD_OF.items() if getattr(self, name) is not None)


NOTHING = Supplied()
"""Nothing beside text."""


def rows_of(model: SourceModel) -> np.ndarray:
    """Return a model's input embeddings, shape (n_rows, d), as a read-only float32 array."""
    rows: np.ndarray = model.input.detach().float().numpy().view()
    rows.setflags(write=False)
    return rows


def given_needs(request: InitRequest) -> tuple[Need, ...]:
    """Return the needs that a request meets beside text, by what it names."""
    return tuple(need for need, name in FIELD_OF.items() if getattr(request, name) is not None)


def lack(method: str, need: Need, way_out: str) -> InvalidInputError:
    """Return the error of a method that cannot run without an input.

    Parameters
    ----------
    method : str
        Its name.
    need : Need
        What it lacks.
    way_out : str
        What to do where it cannot be given.

    Returns
    -------
    InvalidInputError
        Says where to get it, and by which option to give it.
    """
    remedy = phrase("give it by {}, or {}", option(OPTION_OF[need]), way_out)
    return bad_input(f"method {method}", expected=NEED_SUMMARIES[need], got="none", remedy=remedy)


def read_supplied(
    request: InitRequest, used: Collection[Need], target: Vocabulary, *, dim: int, own_vectors: bool = False
) -> Supplied:
    """Read what a request gives beside text and the method uses.

    Parameters
    ----------
    request : InitRequest
        Names the files.
    used : collection of Need
        What the method uses.
    target : Vocabulary
        The target tokenizer, which a donor must have.
    dim : int
        Length of vectors that are counted in a text of the source's language.
    own_vectors : bool, default=False
        Whether ready vectors are of words: the method compares no tokens.

    Returns
    -------
    Supplied
        What was given and is not used is named there, and was not read.

    Raises
    ------
    InvalidInputError
        If a file cannot be used.
    """
    given, columns = given_needs(request), named_columns(request.source_column, request.target_column)
    readers: Mapping[Need, Callable[[], Any]] = {
        Need.DICTIONARY: lambda: read_dictionary(Path(str(request.dictionary))),
        Need.PARALLEL: lambda: read_parallel(Path(str(request.parallel)), **columns),
        Need.SOURCE_VECTORS: lambda: read_word_vectors(Path(str(request.source_vectors)), dim=dim),
        Need.DONOR: lambda: load_donor(str(request.donor), target),
    }
    found = {FIELD_OF[need]: readers[need]() for need in given if need in used}
    specs = {name: getattr(request, name) for name in found}
    if own_vectors and request.auxiliary is not None:
        found["target_vectors"] = read_word_vectors(request.auxiliary)
        specs["target_vectors"] = request.auxiliary
    inputs = tuple(
        _entry(ROLES.get(name, name), value, specs[name]) | (columns if name == "parallel" else {})
        for name, value in found.items()
    )
    return Supplied(**found, inputs=inputs, unused=tuple(need for need in given if need not in used))


def _entry(role: str, value: Any, spec: Path | str) -> dict[str, Any]:
    """Return an entry of the manifest's inputs."""
    if isinstance(value, Donor):
        return {"role": role, "name": value.name, "sha256": value.digest, "bytes": value.model.n_bytes}
    if isinstance(value, WordVectors):
        return {"role": role, "name": Path(spec).name, "sha256": value.digest, "bytes": value.n_bytes}
    path = Path(spec)
    return {"role": role, "name": path.name, "sha256": sha256_file(path), "bytes": path.stat().st_size}


def unused_words(unused: Collection[Need], method: str) -> list[str]:
    """Return a warning for everything that was given and not used.

    Examples
    --------
    >>> unused_words([Need.DONOR], "focus")
    ['the donor was not used: focus needs none']
    """
    return [f"{WORDS[need][0]} not used: {method} needs {WORDS[need][1]}" for need in unused]


def load_donor(spec: str, target: Vocabulary) -> Donor:
    """Read a donor, which must have the target tokenizer.

    Parameters
    ----------
    spec : str
        Model folder or Hub id.
    target : Vocabulary
        The target tokenizer.

    Returns
    -------
    Donor
        The same token at every id as the target.

    Raises
    ------
    ModelError
        If it is no model, has no tokenizer, or another one; the first token that differs is named.
    """
    model = load_source(spec)
    try:
        vocabulary = load_vocabulary(spec)
    except VocabularyError as reason:
        raise _other_tokenizer("a folder without one that can be read") from reason
    got = _first_difference(vocabulary, target)
    if got:
        raise _other_tokenizer(got)
    return Donor(name=model.name, digest=model.digest, model=fit_to_vocabulary(model, target.n), vocabulary=vocabulary)


def _other_tokenizer(got: str) -> ModelError:
    remedy = phrase("give one that has it, or its tokenizer as {target_tokenizer}")
    return bad_input(option("donor"), "a model with the target tokenizer", got, remedy, ModelError)


def _first_difference(donor: Vocabulary, target: Vocabulary) -> str:
    """Say which is the first id with another token; empty where there is none."""
    one, other = _tokens_by_id(donor), _tokens_by_id(target)
    differing = sorted(i for i in one.keys() | other.keys() if one.get(i) != other.get(i))
    if not differing:
        return ""
    first = differing[0]
    theirs, ours = (repr(tokens[first]) if first in tokens else "none" for tokens in (one, other))
    return f"another one: token {first:,} is {theirs} there and {ours} in the target"


def _tokens_by_id(vocabulary: Vocabulary) -> dict[int, str]:
    return {i: token for i, token in enumerate(vocabulary.tokens) if vocabulary.present[i]}
