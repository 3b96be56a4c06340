"""Tik-to-Tok (Remy et al. 2023, arXiv 2310.03477): translations by a dictionary, and near ones for what it lacks.

A target token with one translation becomes that source token. Every other one becomes a mean of the three source tokens
nearest to it in a bilingual space that is made of the dictionary alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import sparse

from focus_core.errors import bad_input
from focus_core.initialization.auxiliary.counted import positive_information
from focus_core.initialization.auxiliary.svd import truncated_svd
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS, copied_positions, not_copied
from focus_core.initialization.methods.dictionary.nearest import nearest_sources
from focus_core.initialization.weights import SparseRows, stacked
from focus_core.tokenization.identity import NORMAL
from focus_core.tokenization.vocabulary import Vocabulary

FIRST, SECOND, SPREAD, NEIGHBOURS = 0.4, 0.2, 0.4, 3
"""Weights of the nearest two, and what all three share."""
SIZES = (3, 4, 5, 6)
"""Characters of the n-grams of the bilingual space."""
MOST_WORD = 48


def tik_to_tok(inputs: MethodInput) -> MethodOutput:
    """Give every target token its row of weights over source tokens.

    A token that is a word of the dictionary, and of whose translations one is a source token, takes that row. Another
    one with n-grams of the dictionary becomes ``.533 e_1 + .333 e_2 + .133 e_3`` of its three nearest source tokens.

    Parameters
    ----------
    inputs : MethodInput
        The dictionary.

    Returns
    -------
    MethodOutput
        Shared tokens are copied where the option says so. Tokens without a known n-gram fall back.

    Raises
    ------
    InvalidInputError
        If the dictionary says nothing of any token.
    """
    if inputs.dictionary is None:
        raise bad_input("dictionary", "pairs of words", "none", "give one")
    pairs, copied = inputs.dictionary.pairs, copied_positions(inputs)
    free = not_copied(inputs, copied) & (inputs.target.kinds == NORMAL)
    translated = {t: s for t, s in one_to_one(inputs, pairs).items() if free[t]}
    free[list(translated)] = False
    near, n_ties = _near_rows(inputs, pairs, free)
    combined = _joined(translated, near)
    if not len(combined.rows) and free.any():
        got = f"{len(pairs):,} pairs read, none of which says anything of a target token"
        raise bad_input(inputs.dictionary.name, "words of both vocabularies", got, "give one of these languages")
    notes = {"n_read": len(pairs), "n_translated": len(translated), "n_near": len(near.rows), "n_ties": n_ties}
    return MethodOutput(weights=assemble_weights(inputs, copied, combined), anchor_ids=NO_ANCHORS, notes=notes)


def words_of_tokens(vocabulary: Vocabulary) -> dict[str, int]:
    """Return tokens that begin a word by their text in lower case; of equal ones the lowest id."""
    found: dict[str, int] = {}
    for i in np.flatnonzero(vocabulary.present & vocabulary.word_start & (vocabulary.kinds == NORMAL)).tolist():
        found.setdefault(vocabulary.texts[i].strip().lower(), i)
    return found


def one_to_one(inputs: MethodInput, pairs: Iterable[tuple[str, str]]) -> dict[int, int]:
    """Return the source token of every target token that has one translation in the source vocabulary."""
    sources, targets = words_of_tokens(inputs.source), words_of_tokens(inputs.target)
    found: dict[int, set[int]] = {}
    for one, other in pairs:
        s, t = sources.get(one.lower()), targets.get(other.lower())
        if s is not None and t is not None:
            found.setdefault(t, set()).add(s)
    return {t: next(iter(options)) for t, options in found.items() if len(options) == 1}


def near_weights() -> np.ndarray:
    """Return the weights of the three nearest source tokens, the nearest first.

    Examples
    --------
    >>> near_weights().round(3).tolist()
    [0.533, 0.333, 0.133]
    """
    return np.array([FIRST, SECOND, 0.0]) + SPREAD / NEIGHBOURS


def _near_rows(inputs: MethodInput, pairs: tuple[tuple[str, str], ...], free: np.ndarray) -> tuple[SparseRows, int]:
    """Return the rows of free target tokens from their nearest source tokens, and how often a rule broke a tie."""
    source, target = bilingual_space(inputs.source, inputs.target, pairs, dim=inputs.config.dim)
    rows = np.flatnonzero(free & target.any(axis=1)).astype(np.int32)
    ids = np.flatnonzero(source.any(axis=1) & inputs.source.present).astype(np.int32)
    if len(ids) < NEIGHBOURS:
        rows = rows[:0]
    weights = near_weights().astype(np.float32)
    if not len(rows):
        nothing = np.zeros(0, np.float32)
        empty = SparseRows(rows=rows, indptr=np.zeros(1, np.int64), source_ids=ids[:0], weights=nothing,
                           similarities=nothing)  # fmt: skip
        return empty, 0
    found = nearest_sources(
        target[rows], source[ids], ids, k=NEIGHBOURS, new_starts=inputs.target.word_start[rows],
        source_starts=inputs.source.word_start[ids], progress=inputs.progress,
    )  # fmt: skip
    made = SparseRows(
        rows=rows,
        indptr=np.arange(len(rows) + 1, dtype=np.int64) * NEIGHBOURS,
        source_ids=found.source_ids.ravel(),
        weights=np.tile(weights, len(rows)),
        similarities=found.cosines.ravel(),
    )
    return made, found.n_ties


def bilingual_space(
    source: Vocabulary, target: Vocabulary, pairs: tuple[tuple[str, str], ...], *, dim: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of the tokens of both vocabularies in one space that a dictionary makes.

    Parameters
    ----------
    source, target : Vocabulary
        The vocabularies.
    pairs : tuple of (str, str)
        Source word and target word.
    dim : int
        Length of the vectors at most.

    Returns
    -------
    source, target : ndarray of shape (n, dim), dtype float32
        Means of the vectors of a token's n-grams; zero where the dictionary has none of them.

    Notes
    -----
    The n-grams of a source word and those of its translations all come with that source word: the positive pointwise
    mutual information of n-grams and source words, factorised. So n-grams of either language that mean alike lie alike.
    """
    columns = {word: i for i, word in enumerate(dict.fromkeys(one.lower() for one, _ in pairs))}
    grams: tuple[dict[str, int], dict[str, int]] = ({}, {})
    entries: tuple[set[tuple[int, int]], set[tuple[int, int]]] = (set(), set())
    for one, other in pairs:
        for side, word in enumerate((one.lower(), other.lower())):
            for gram in marked_ngrams(f"<{word[:MOST_WORD]}>"):
                entries[side].add((grams[side].setdefault(gram, len(grams[side])), columns[one.lower()]))
    stacked = sparse.vstack([_counts(found, (len(g), len(columns))) for found, g in zip(entries, grams, strict=True)])
    information = positive_information(sparse.csr_array(stacked), 0.75)
    u, s = truncated_svd([information], dim)
    vectors = (u * s**0.5).astype(np.float32)
    cut = len(grams[0])
    return _means(source, grams[0], vectors[:cut]), _means(target, grams[1], vectors[cut:])


def _counts(entries: set[tuple[int, int]], shape: tuple[int, int]) -> sparse.csr_array:
    rows, columns = np.array(sorted(entries), np.int64).reshape(-1, 2).T
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _means(vocabulary: Vocabulary, grams: dict[str, int], vectors: np.ndarray) -> np.ndarray:
    """Return the mean vector of every token's n-grams."""
    found = np.zeros((vocabulary.n, vectors.shape[1]), np.float32)
    for i in np.flatnonzero(vocabulary.present & (vocabulary.kinds == NORMAL)).tolist():
        text = vocabulary.texts[i].strip().lower()
        marked = f"<{text[:MOST_WORD]}" if vocabulary.word_start[i] else text[:MOST_WORD]
        rows = [grams[gram] for gram in marked_ngrams(marked) if gram in grams]
        if rows:
            found[i] = vectors[rows].mean(axis=0)
    return found


def marked_ngrams(text: str) -> Iterator[str]:
    """Yield the n-grams of a text, and the text itself.

    Examples
    --------
    >>> list(marked_ngrams("<na>"))
    ['<na', 'na>', '<na>']
    """
    for n in SIZES:
        yield from (text[i : i + n] for i in range(len(text) - n + 1))
    if len(text) not in SIZES and text:
        yield text


def _joined(translated: dict[int, int], near: SparseRows) -> SparseRows:
    """Return both kinds of rows together."""
    ids = np.array(sorted(translated), np.int32)
    one = SparseRows.copies(ids, np.array([translated[int(i)] for i in ids], np.int32))
    return stacked([one, near])
