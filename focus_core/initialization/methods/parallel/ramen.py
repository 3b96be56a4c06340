"""RAMEN (Tran 2020, arXiv 2002.07306) from parallel text: links of tokens become weights, the bias' too."""

from __future__ import annotations

from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS, copied_positions
from focus_core.initialization.methods.parallel.alignment import align_sides, linked_often, made_ids
from focus_core.initialization.methods.parallel.rows import count_rows
from focus_core.initialization.methods.parallel.spreading import spread_links
from focus_core.initialization.methods.parallel.words import read_tokens

MIN_LINKS, N_ITER = 1, 10
"""How often two tokens must be linked, and iterations of the aligner (the author's own)."""


def ramen(inputs: MethodInput) -> MethodOutput:
    """Make a new token of the source tokens that it is linked with.

    ``p(s | t) = n(s, t) / sum_s n(s, t)``, where n counts the links of the two tokens; embeddings, and the bias of the
    output layer, become ``sum_s p(s | t)`` times those of the source.

    Parameters
    ----------
    inputs : MethodInput
        Overlap, parallel text and options.

    Returns
    -------
    MethodOutput
        ``W``: rows of weights above 0 that sum to 1. A token that is not linked falls back.

    Raises
    ------
    CorpusError
        If no two tokens are linked often enough.
    """
    tokens, links = align_sides(inputs, read_tokens, n_iter=N_ITER)
    often = linked_often(inputs, links, MIN_LINKS)
    shape = (inputs.target.n, inputs.source.n)
    counts = spread_links(often, tokens[0].pieces, tokens[1].pieces, shape=shape)
    positions = copied_positions(inputs)
    rows = count_rows(counts, made_ids(inputs, positions), top_k=inputs.config.top_k)
    notes = {"n_links": int(links.counts.sum()), "n_token_pairs": len(often.counts), "n_linked": len(rows.rows)}
    return MethodOutput(weights=assemble_weights(inputs, positions, rows), anchor_ids=NO_ANCHORS, notes=notes)
