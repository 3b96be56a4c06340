"""Trans-Tokenization (Remy et al., COLM 2024): links of words in parallel text become weights of tokens."""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse

from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS, copied_positions
from focus_core.initialization.methods.parallel.alignment import align_sides, linked_often, made_ids
from focus_core.initialization.methods.parallel.rows import count_rows
from focus_core.initialization.methods.parallel.smoothing import smooth, spelled
from focus_core.initialization.methods.parallel.spreading import spread_links, summed
from focus_core.initialization.methods.parallel.words import read_words
from focus_core.initialization.methods.subwords import subword_ids
from focus_core.tokenization.identity import NORMAL, SPECIAL

MIN_LINKS, N_ITER = 1, 7
"""How often two words must be linked, and iterations of the aligner (the authors' own)."""
NUMBER = re.compile(r"[0-9]{1,4}")


def trans_tokenization(inputs: MethodInput) -> MethodOutput:
    """Make a new token of the source tokens of the words that its words are linked with.

    ``p(s | t) = C[t, s] / sum_s C[t, s]``. Two words linked n times give every piece of the target word n, half of it
    to all pieces of the source word, half to those that lie where it lies (`piece_shares`). A shared token counts once
    more, as does the first source subword of a number. A token without a count borrows from the linked tokens whose
    text begins with its own, and from the longest ones within it (`smooth`).

    Parameters
    ----------
    inputs : MethodInput
        Overlap, parallel text and options.

    Returns
    -------
    MethodOutput
        ``W``: rows of weights above 0 that sum to 1. A token that is neither linked nor alike falls back.

    Raises
    ------
    CorpusError
        If no two words are linked often enough.
    """
    words, links = align_sides(inputs, read_words, n_iter=N_ITER)
    shape = (inputs.target.n, inputs.source.n)
    often = linked_often(inputs, links, MIN_LINKS)
    linked = spread_links(often, words[0].pieces, words[1].pieces, shape=shape)
    counts = sparse.csr_array(linked + _shared(inputs, shape) + _numbers(inputs, shape))
    positions = copied_positions(inputs)
    made = made_ids(inputs, positions)
    wanted = made[np.diff(counts.indptr)[made] == 0]
    borrowed = smooth(counts, spelled(inputs.target), wanted.tolist(), np.asarray(inputs.source.word_start))
    rows = count_rows(sparse.csr_array(counts + borrowed), made, top_k=inputs.config.top_k)
    has_links = np.diff(linked.indptr) > 0
    notes = {
        "n_links": int(links.counts.sum()),
        "n_word_pairs": len(often.counts),
        "n_linked": int(has_links[rows.rows].sum()),
        "n_smoothed": int(np.isin(rows.rows, wanted).sum()),
    }
    return MethodOutput(weights=assemble_weights(inputs, positions, rows), anchor_ids=NO_ANCHORS, notes=notes)


def _shared(inputs: MethodInput, shape: tuple[int, int]) -> sparse.csr_array:
    """Count every shared token of text once, as its own translation."""
    overlap = inputs.overlap
    text = inputs.target.kinds[overlap.target_ids] != SPECIAL
    rows, columns = overlap.target_ids[text].tolist(), overlap.source_ids[text].tolist()
    return summed(rows, columns, [1.0] * len(rows), shape=shape)


def _numbers(inputs: MethodInput, shape: tuple[int, int]) -> sparse.csr_array:
    """Count the first source subword of every new token that is a number of up to four digits once."""
    target, rows, columns = inputs.target, [], []
    for i in inputs.overlap.new_ids.tolist():
        if target.kinds[i] == NORMAL and NUMBER.fullmatch(target.texts[i]):
            first = subword_ids(i, source=inputs.source, target=target)[:1]
            rows += [i] * len(first)
            columns += first
    return summed(rows, columns, [1.0] * len(rows), shape=shape)
