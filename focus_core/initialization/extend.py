"""Carry a result over to an extended source tokenizer.

The source's own ids keep their embeddings, appended ids take those that the method made for their target tokens.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.overlap.extension import Extension, extend_tokenizer
from focus_core.initialization.overlap.matching import Candidates, Overlap
from focus_core.initialization.result import FocusResult
from focus_core.initialization.weights import COPIED, FALLBACK, SparseRows, WeightMatrix, assemble
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import RULES, Rule

EXACT, NONE = RULES.index(Rule.EXACT), RULES.index(Rule.NONE)


def extend_result(result: FocusResult, *, exact: Overlap | None = None) -> FocusResult:
    """Return the result for the source tokenizer extended by the target's new tokens; see `extend_tokenizer`."""
    extension = extend_tokenizer(result.source, result.target, exact=exact)
    places = np.full(result.target.n, -1, np.int64)
    places[extension.target_ids] = extension.extended_ids
    n, own = extension.vocabulary.n, result.output_weights
    warnings = list(result.warnings)
    if len(extension.left_out):
        warnings.append(
            f"{len(extension.left_out):,} target tokens have no place in the extended tokenizer and were left out"
        )
    return dataclasses.replace(
        result,
        target=extension.vocabulary,
        overlap=_overlap(result, extension),
        auxiliary=None if result.auxiliary is None else _vectors(result.auxiliary, places, n),
        weights=_weights(result.weights, result.source, extension),
        learned=None if result.learned is None else result.learned.moved(_appended(result, extension)),
        output_weights=None if own is None else _weights(own, result.source, extension),
        input_scale=_scale(result.input_scale, extension),
        output_scale=_scale(result.output_scale, extension),
        frequency=None if result.frequency is None else _counts(result.frequency, places, n),
        examples=None
        if result.examples is None
        else sorted((int(places[i]), line) for i, line in result.examples if places[i] >= 0),
        notes=result.notes | {"extension": extension.report},
        warnings=warnings,
    )


def _overlap(result: FocusResult, extension: Extension) -> Overlap:
    """Return the overlap in which every source id is itself and every appended id is new."""
    ids = np.flatnonzero(result.source.present).astype(np.int32)
    rules = np.full(len(ids), EXACT, np.uint8)
    return Overlap(
        n_source=len(ids),
        n_target=int(extension.vocabulary.present.sum()),
        target_ids=ids,
        source_ids=ids.copy(),
        rules=rules,
        candidates=Candidates(
            target_id=ids.copy(), source_id=ids.copy(), rule=rules.copy(), rank=np.zeros(len(ids), np.uint16)
        ),
        new_ids=np.sort(extension.extended_ids[extension.appended]).astype(np.int32),
    )


def _scale(made: np.ndarray | None, extension: Extension) -> np.ndarray | None:
    """Return 1 for the source's ids, and for the appended ones what their rows are multiplied by."""
    if made is None:
        return None
    scale = np.ones(extension.vocabulary.n, np.float32)
    scale[extension.extended_ids[extension.appended]] = made[extension.target_ids[extension.appended]]
    return scale


def _weights(made: WeightMatrix, source: Vocabulary, extension: Extension) -> WeightMatrix:
    """Return copies for the source's ids and the method's rows for the appended ones."""
    ids = np.flatnonzero(source.present)
    appended = extension.target_ids[extension.appended]
    moved = made.moved(appended, extension.extended_ids[extension.appended])
    n = extension.vocabulary.n
    origins, rules = np.full(n, FALLBACK, np.uint8), np.full(n, NONE, np.uint8)
    origins[ids], rules[ids] = COPIED, EXACT
    origins[moved.rows], rules[moved.rows] = made.origins[appended], made.rules[appended]
    shape = (n, source.n)
    return assemble([SparseRows.copies(ids, ids), moved], shape=shape, origins=origins, rules=rules)


def _appended(result: FocusResult, extension: Extension) -> np.ndarray:
    """Return the id of every target token that was appended, -1 for all others."""
    places = np.full(result.target.n, -1, np.int64)
    places[extension.target_ids[extension.appended]] = extension.extended_ids[extension.appended]
    return places


def _vectors(auxiliary: AuxiliaryVectors, places: np.ndarray, n: int) -> AuxiliaryVectors:
    """Move the target tokens' vectors to their places."""
    here = np.flatnonzero((places >= 0) & auxiliary.has_vector)  # two tokens of one place: the one that has a vector
    vectors = np.zeros((n, auxiliary.vectors.shape[1]), np.float32)
    has_vector = np.zeros(n, bool)
    vectors[places[here]], has_vector[places[here]] = auxiliary.vectors[here], auxiliary.has_vector[here]
    return dataclasses.replace(auxiliary, vectors=vectors, has_vector=has_vector)


def _counts(frequency: np.ndarray, places: np.ndarray, n: int) -> np.ndarray:
    """Move occurrences to their places."""
    counts = np.zeros(n, np.int64)
    here = places >= 0
    np.add.at(counts, places[here], frequency[here])  # a byte token and its character have one place
    return counts
