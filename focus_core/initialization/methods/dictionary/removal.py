"""The removal loop of Dictionaries to the Rescue (Findings of ACL 2025): large tokens first, then what they hide.

The entries of a dictionary are cut by both tokenizers and their tokens aligned. Target tokens that found a partner are
taken out of the tokenizer, which then cuts the entries into smaller ones, and so on until nothing new is found.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from focus_core.errors import bad_input
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS, copied_positions
from focus_core.initialization.weights import SparseRows
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary

STAGE = "map tokens"
ITERATIONS = 5
"""Of expectation and maximisation of the aligner."""
MOST_ROUNDS = 64
Cut = list[list[int]]


def removal_loop(inputs: MethodInput) -> MethodOutput:
    """Give every target token that the dictionary reaches the weighted mean of the source tokens aligned with it.

    ``e_t = sum_s C[t][s] e_s / sum_s C[t][s]``, where ``C`` counts alignments over all rounds.

    Parameters
    ----------
    inputs : MethodInput
        The dictionary.

    Returns
    -------
    MethodOutput
        Shared tokens are copied where the option says so. Tokens that no round reaches fall back.

    Raises
    ------
    InvalidInputError
        If nothing could be aligned.
    """
    if inputs.dictionary is None:
        raise bad_input("dictionary", "pairs of words", "none", "give one")
    counts, n_rounds = count_alignments(inputs)
    if not counts:
        got = f"{len(inputs.dictionary.pairs):,} pairs read, none of which could be aligned"
        raise bad_input(inputs.dictionary.name, "words of both vocabularies", got, "give one of these languages")
    copied = copied_positions(inputs)
    taken = set(inputs.overlap.target_ids[copied].tolist())
    combined = _shares({t: row for t, row in counts.items() if t not in taken})
    notes = {"n_read": len(inputs.dictionary.pairs), "n_rounds": n_rounds, "n_mapped": len(counts)}
    return MethodOutput(weights=assemble_weights(inputs, copied, combined), anchor_ids=NO_ANCHORS, notes=notes)


def count_alignments(inputs: MethodInput) -> tuple[dict[int, Counter[int]], int]:
    """Return how often each target token was aligned with each source token, and in how many rounds."""
    pairs = inputs.dictionary.pairs if inputs.dictionary is not None else ()
    source = _cut_source(inputs.source, [one for one, _ in pairs])
    counts: dict[int, Counter[int]] = {}
    content = json.loads(inputs.target.backend.to_str())
    removed: set[str] = set()
    for number in range(MOST_ROUNDS):
        inputs.progress(STAGE, number, 0)
        cut = _cut(inputs.target, without_tokens(content, removed), [other for _, other in pairs])
        fresh = align_tokens(source, [[t for t in row if t not in counts] for row in cut])
        if not fresh:
            return counts, number
        counts |= fresh
        removed |= {inputs.target.tokens[t] for t in fresh}
    return counts, MOST_ROUNDS


def align_tokens(source: Cut, target: Cut) -> dict[int, Counter[int]]:
    """Align the tokens of pairs by IBM model 1 and count the links.

    Parameters
    ----------
    source, target : list of list of int
        Ids of the tokens of each pair.

    Returns
    -------
    dict of int to Counter of int
        For each target token, how often each source token was the most probable partner of an occurrence; of equally
        probable ones the first of the entry.
    """
    pairs = [(s, t) for s, t in zip(source, target, strict=True) if s and t]
    probability: dict[tuple[int, int], float] = {(a, b): 1.0 for s, t in pairs for a in s for b in t}
    for _ in range(ITERATIONS):
        expected: defaultdict[tuple[int, int], float] = defaultdict(float)
        totals: defaultdict[int, float] = defaultdict(float)
        for s, t in pairs:
            for b in t:
                whole = sum(probability[a, b] for a in s)
                for a in s:
                    share = probability[a, b] / whole
                    expected[a, b] += share
                    totals[a] += share
        probability = {(a, b): value / totals[a] for (a, b), value in expected.items()}
    counts: dict[int, Counter[int]] = {}
    for s, t in pairs:
        for b in t:
            counts.setdefault(b, Counter())[max(s, key=lambda a: probability[a, b])] += 1
    return counts


def _shares(counts: dict[int, Counter[int]]) -> SparseRows:
    """Return counts as rows that sum to 1."""
    rows = sorted(counts)
    entries = [(s, n / counts[t].total()) for t in rows for s, n in sorted(counts[t].items())]
    sizes = [len(counts[t]) for t in rows]
    return SparseRows(
        rows=np.array(rows, np.int32),
        indptr=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        source_ids=np.array([s for s, _ in entries], np.int32),
        weights=np.array([share for _, share in entries], np.float32),
        similarities=np.full(len(entries), np.nan, np.float32),
    )


def _cut_source(vocabulary: Vocabulary, words: Sequence[str]) -> Cut:
    return _cut(vocabulary, plain_backend(vocabulary.backend), words)


def _cut(vocabulary: Vocabulary, backend: Any, words: Sequence[str]) -> Cut:
    """Return the ids of each word's tokens, as after a space, control tokens left out."""
    encoded = backend.encode_batch([f" {word}" for word in words], add_special_tokens=False)
    ids = vocabulary.ids_of_tokens
    found = ([ids[token] for token in one.tokens if token in ids] for one in encoded)
    return [[i for i in row if vocabulary.kinds[i] != SPECIAL] for row in found]


def without_tokens(content: dict[str, Any], removed: Collection[str]) -> Any:
    """Return a tokenizer without some tokens, and without every merge that names one.

    Parameters
    ----------
    content : dict
        A whole ``tokenizer.json``.
    removed : collection of str
        Tokens in their native form.

    Returns
    -------
    tokenizers.Tokenizer
        Its ids say nothing; the names of its tokens do.
    """
    from tokenizers import Tokenizer

    model = dict(content["model"])
    if isinstance(model["vocab"], list):
        unknown = model["vocab"][model["unk_id"]][0] if model.get("unk_id") is not None else None
        model["vocab"] = [entry for entry in model["vocab"] if entry[0] not in removed]
        if unknown is not None:
            model["unk_id"] = next(i for i, entry in enumerate(model["vocab"]) if entry[0] == unknown)
    else:
        kept = [token for token, _ in sorted(model["vocab"].items(), key=lambda e: e[1]) if token not in removed]
        model["vocab"] = {token: i for i, token in enumerate(kept)}
    if model.get("merges"):
        merges = ((merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"])
        model["merges"] = [m for m in merges if not {m[0], m[1], _merged(m, model)} & set(removed)]
    plain = {**content, "model": model, "added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
    return Tokenizer.from_str(json.dumps(plain))


def _merged(merge: Sequence[str], model: dict[str, Any]) -> str:
    """Return what a merge makes: its parts, without the mark of a continuation in between."""
    mark = model.get("continuing_subword_prefix") or ""
    return merge[0] + merge[1].removeprefix(mark)
