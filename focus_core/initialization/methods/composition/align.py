"""Align (Yamaguchi et al. 2025): a new token is made of the source tokens that cover its characters in the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from tokenizers import Encoding, Tokenizer

from focus_core.corpus.corpus import Corpus, iter_batches
from focus_core.errors import CorpusError, bad_input, phrase
from focus_core.initialization.methods.assembly import assemble_weights
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.copying import NO_ANCHORS
from focus_core.initialization.methods.parallel.rows import count_rows
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL

STAGE = "align"
LINES = 1024
"""Lines that are aligned at a time."""


def align(inputs: MethodInput) -> MethodOutput:
    """Copy shared tokens; make a new one of the source tokens that stand where it stands in the text.

    ``w[t, s] = N(t, s) / sum_s N(t, s)``, where ``N(t, s)`` counts the characters that both cover, over all
    occurrences of the new token ``t``: both tokenizers cut the same lines.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies, overlap, corpus; ``top_k`` of the options.

    Returns
    -------
    MethodOutput
        ``W``: rows of weights above 0 that sum to 1. A token that the text does not hold falls back, and one all of
        whose characters the source does not know.

    Raises
    ------
    CorpusError
        If there are no lines to align.
    """
    new = inputs.overlap.new_ids
    made = count_rows(count_covers(inputs), new[inputs.target.kinds[new] != SPECIAL], top_k=inputs.config.top_k)
    copied = np.arange(inputs.overlap.n_overlap)
    notes = {"n_aligned": len(made.rows)}
    return MethodOutput(weights=assemble_weights(inputs, copied, made), anchor_ids=NO_ANCHORS, notes=notes)


def check_lines(inputs: MethodInput) -> None:
    """Refuse to go on without lines: ready vectors say nothing of where tokens stand."""
    _corpus(inputs)


def _corpus(inputs: MethodInput) -> Corpus:
    """Return the text, or raise `CorpusError` where there is none."""
    if inputs.corpus is None:
        remedy = phrase("give {corpus}, or choose another {method}")
        raise bad_input("method align", "lines that both tokenizers cut", "none", remedy, CorpusError)
    return inputs.corpus


def count_covers(inputs: MethodInput) -> sparse.csr_array:
    """Return how many characters every pair of tokens covers in common, over the whole text.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_target, n_source), dtype float64
        Counts of new target tokens alone, at least 0; a character that several tokens of one side share, as the bytes
        of one do, counts a part for each.
    """
    corpus, source, target = _corpus(inputs), inputs.source, inputs.target
    wanted = np.zeros(target.n, bool)
    wanted[inputs.overlap.new_ids] = True
    backends = plain_backend(source.backend), plain_backend(target.backend)
    known = source.kinds != SPECIAL  # the unknown token among them: it says nothing
    counts = sparse.csr_array((target.n, source.n), dtype=np.float64)
    before = " " if source.marks.byte_level or target.marks.byte_level else ""
    read = 0

    def on_read(n_bytes: int) -> None:
        nonlocal read
        read += n_bytes

    for lines in iter_batches(corpus, lines_per_batch=LINES, on_read=on_read):
        texts = [before + line for line in lines]
        one, other = (_covers(backend, texts) for backend in backends)
        counts = counts + _common(one.of(known), other.of(wanted))
        inputs.progress(STAGE, min(read, corpus.n_bytes), corpus.n_bytes)
    return sparse.csr_array(counts)


class Covers:
    """Which token covers which character of some lines, every line after the one before.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array of shape (n_tokens, n_characters), dtype float64
        The part of each character that each token covers: a column sums to 1, or to 0 where no token covers it.
    ids : ndarray of shape (n_tokens,), dtype int64
        The tokens, one entry an occurrence.
    """

    def __init__(self, matrix: sparse.csr_array, ids: np.ndarray) -> None:
        self.matrix, self.ids = matrix, ids

    def of(self, wanted: np.ndarray) -> sparse.csr_array:
        """Return the covers by token, shape (n, n_characters): those that are wanted, of shape (n,), and no others."""
        kept = wanted[self.ids]
        places = np.flatnonzero(kept)
        chosen = sparse.csr_array(
            (np.ones(len(places)), (self.ids[places], places)), shape=(len(wanted), len(self.ids))
        )
        return sparse.csr_array(chosen @ self.matrix)


def _common(source: sparse.csr_array, target: sparse.csr_array) -> sparse.csr_array:
    """Return the characters in common, shape (n_target, n_source)."""
    return sparse.csr_array(target @ source.T)


def _covers(backend: Tokenizer, lines: Sequence[str]) -> Covers:
    """Encode lines and lay their tokens over their characters."""
    starts, stops, ids = [], [], []
    at = 0
    for line, encoding in zip(lines, backend.encode_batch(list(lines), add_special_tokens=False), strict=True):
        begins, ends = cover_spans(line, encoding)
        starts.append(begins + at)
        stops.append(ends + at)
        ids.append(np.array(encoding.ids, np.int64))
        at += len(line)
    begin, end = np.concatenate(starts), np.concatenate(stops)
    sizes = end - begin
    rows = np.repeat(np.arange(len(sizes)), sizes)
    columns = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(begin, sizes)
    shared = np.bincount(columns, minlength=at)
    matrix = sparse.csr_array((1 / shared[columns], (rows, columns)), shape=(len(sizes), at))
    return Covers(matrix, np.concatenate(ids))


def cover_spans(line: str, encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """Return where each token's characters begin and end, white space around them left out.

    Parameters
    ----------
    line : str
        What was encoded.
    encoding : tokenizers.Encoding
        Its tokens.

    Returns
    -------
    begins, ends : ndarray of shape (n_tokens,), dtype int64
        A token of white space alone keeps it: some tokenizers count the space before a word as a part of it, and
        others do not.
    """
    spans = np.array(encoding.offsets, np.int64).reshape(-1, 2)
    space = np.fromiter(map(str.isspace, line), bool, len(line))
    # for every place, the next one that is no space, and the end of the last one before it
    places = np.arange(len(line) + 1)
    after = np.minimum.accumulate(np.where(np.append(~space, True), places, len(line))[::-1])[::-1]
    until = np.maximum.accumulate(np.where(np.insert(~space, 0, True), places, 0))
    begins, ends = after[spans[:, 0]], until[spans[:, 1]]
    bare = begins >= ends
    return np.where(bare, spans[:, 0], begins), np.where(bare, spans[:, 1], ends)
