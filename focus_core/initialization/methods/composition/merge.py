"""Merge (Yamaguchi et al. 2025): a new token is composed of the parts that the target's own tokenizer makes it of."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from tokenizers import models

from focus_core.errors import VocabularyError, bad_input, phrase
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.composition.rows import Row, mixed, sparse_rows
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import Family

Pair = tuple[str, str]
WITH_MERGES = (Family.BPE, Family.BYTE_LEVEL_BPE)
UNKNOWN = 0
"""The id of what cannot be cut, in a model of shared tokens."""


def merge(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; compose a new one of its parts, down to shared tokens.

    BPE: ``e(t) = mean over the merges (a, b) that make t of (e(a) + e(b)) / 2``; Unigram and WordPiece, which have no
    merges: the mean over the best cut of ``t`` into shared tokens by the target's own model.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies and overlap.

    Returns
    -------
    MethodOutput
        ``W``: rows of weights above 0 that sum to 1. A token that no merge makes, or that cannot be cut, falls back.
    """
    check_parts(inputs)
    target, overlap = inputs.target, inputs.overlap
    ids = zip(overlap.target_ids.tolist(), overlap.source_ids.tolist(), strict=True)
    shared: dict[str, Row] = {target.tokens[t]: {s: 1.0} for t, s in ids if target.kinds[t] != SPECIAL}
    new = [i for i in overlap.new_ids.tolist() if target.kinds[i] != SPECIAL]
    model = json.loads(target.backend.to_str())["model"]
    compose = _by_merges if target.family in WITH_MERGES else _by_cuts
    found = compose(target, model, shared, [target.tokens[i] for i in new])
    made = sparse_rows({i: found[target.tokens[i]] for i in new if target.tokens[i] in found})
    weights = assemble_weights(inputs, np.arange(overlap.n_overlap), made)
    return MethodOutput(weights=weights, anchor_ids=NO_ANCHORS, notes={"n_composed": len(made.rows)})


def check_parts(inputs: MethodInput) -> None:
    """Refuse a target tokenizer whose tokens have no parts.

    Raises
    ------
    VocabularyError
        If it takes whole words.
    """
    if inputs.target.family is Family.WORDLEVEL:
        got, remedy = "one of whole words, which have no parts", phrase("choose another {method}")
        expected = "a tokenizer with merges, or one that cuts words"
        raise bad_input(f"the tokenizer {inputs.target.name}", expected, got, remedy, VocabularyError)


def _by_merges(
    target: Vocabulary, model: Mapping[str, Any], shared: Mapping[str, Row], new: list[str]
) -> dict[str, Row]:
    """Compose tokens of their merges, the shorter first: parts are shorter than what is made of them."""
    makers = merges_by_token(model)
    prefix, suffix = target.marks.continuation, target.marks.word_end
    found = dict(shared)
    for token in sorted(new, key=lambda name: len(name.removeprefix(prefix).removesuffix(suffix))):
        whole = [pair for pair in makers.get(token, ()) if pair[0] in found and pair[1] in found]
        if whole:
            found[token] = mixed([mixed([found[left], found[right]]) for left, right in whole])
    return found


def merges_by_token(model: Mapping[str, Any]) -> dict[str, list[Pair]]:
    """Return the merges of a BPE model by the token that they make.

    Parameters
    ----------
    model : mapping
        The ``model`` of a ``tokenizer.json``.

    Returns
    -------
    dict of str to list of (str, str)
        In their order, the earliest first.
    """
    prefix = model.get("continuing_subword_prefix") or ""
    found: dict[str, list[Pair]] = {}
    for merge in model["merges"]:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        found.setdefault(left + right.removeprefix(prefix), []).append((left, right))
    return found


def _by_cuts(target: Vocabulary, model: Mapping[str, Any], shared: Mapping[str, Row], new: list[str]) -> dict[str, Row]:
    """Compose tokens of their best cut into shared tokens."""
    cut = _best_cuts(model, shared) if target.family is Family.UNIGRAM else _longest_cuts(target, shared)
    cuts = {token: cut(token) for token in new}
    return {token: mixed([shared[part] for part in parts]) for token, parts in cuts.items() if parts}


def _best_cuts(model: Mapping[str, Any], shared: Collection[str]) -> Callable[[str], Sequence[str]]:
    """Return what cuts a token into the most probable shared tokens; into none where one is lacking."""
    scored = [(token, score) for token, score in model["vocab"] if token in shared]
    least = min((score for _, score in scored), default=0.0)
    known = models.Unigram([("", least), *scored], unk_id=UNKNOWN)

    def cut(token: str) -> list[str]:
        parts = known.tokenize(token)
        return [] if any(part.id == UNKNOWN for part in parts) else [part.value for part in parts]

    return cut


def _longest_cuts(target: Vocabulary, shared: Collection[str]) -> Callable[[str], Sequence[str]]:
    """Return what cuts a token into shared tokens, from its start the longest first, as WordPiece does."""
    prefix = target.marks.continuation

    def cut(token: str) -> list[str]:
        inside = bool(prefix) and token.startswith(prefix) and token != prefix
        text, mark, parts = token.removeprefix(prefix) if inside else token, prefix if inside else "", []
        while text:
            size = next((n for n in range(len(text), 0, -1) if mark + text[:n] in shared), 0)
            if not size:
                return []
            parts.append(mark + text[:size])
            text, mark = text[size:], prefix
        return parts

    return cut
