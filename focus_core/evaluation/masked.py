"""Whole-word masked loss: the same words are hidden whichever tokenizer reads the line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.corpus.word_masking import covered_tokens, masked_words
from focus_core.evaluation.windows import (
    LineScores,
    Window,
    covered_characters,
    cut_at_words,
    encode_lines,
    measure_windows,
)
from focus_core.export.run_model import RunModel
from focus_core.types import ProgressHook, SpecialTokenType, no_progress


def score_masked(
    model: RunModel,
    lines: Sequence[str],
    *,
    seed: int = 0,
    batch_tokens: int = 4096,
    progress: ProgressHook = no_progress,
) -> LineScores:
    """Return what a masked model pays for the masked words of every line.

    Every token that shares a character with a masked word is replaced by the mask, and all of them are predicted at
    once: ``bits = -sum log2 p(token | the line without its masked words)``. Divided by the characters of the masked
    words this compares models with different vocabularies, for the words, and so the characters, are the same.

    Parameters
    ----------
    model : RunModel
        A masked language model.
    lines : sequence of str
        Text.
    seed : int, default=0
        Which words are masked; see `focus_core.corpus.word_masking.masked_words`.
    batch_tokens : int, default=4096
        Tokens that the model reads together.
    progress : ProgressHook, default=no_progress
        See `measure_windows`.

    Returns
    -------
    LineScores
        One entry a line. A line longer than the model's positions is read in pieces, cut between words: nothing is
        left out.

    Raises
    ------
    FocusError
        If memory does not suffice for a single sequence.
    """
    windows: list[Window] = []
    characters, words, tokens, unknown, lost = np.zeros((5, len(lines)), np.int64)
    silent, room = 0, model.n_positions - (model.bos_id is not None) - (model.eos_id is not None)
    for number, ids, offsets in encode_lines(model.vocabulary, lines):
        chosen_words = masked_words(lines[number], seed=seed)
        covered = covered_tokens(offsets, chosen_words)
        characters[number] = sum(end - begin for begin, end in chosen_words)
        words[number], tokens[number] = len(chosen_words), covered.sum()
        is_unknown = ids == model.vocabulary.special_token_types.get(SpecialTokenType.UNK, -1)
        unknown[number] = is_unknown[covered].sum()
        without = [word for word in chosen_words if not covered_tokens(offsets, [word]).any()]
        of_unknown = covered_characters(offsets, is_unknown, len(lines[number]))
        lost[number] = sum(of_unknown[begin:end].sum() for begin, end in chosen_words)
        lost[number] += sum(end - begin for begin, end in without)
        silent += len(without)
        windows += _windows(model, number, ids, covered, cut_at_words(offsets, lines[number], room))
    bits, warnings = measure_windows(model, windows, len(lines), batch_tokens=batch_tokens, progress=progress)
    return LineScores(
        bits=bits,
        characters=characters,
        words=words,
        tokens=tokens,
        unknown=unknown,
        unknown_characters=lost,
        warnings=(*_warnings(model, silent, int(tokens.sum()), int(unknown.sum())), *warnings),
    )


def _windows(
    model: RunModel, line: int, ids: np.ndarray, covered: np.ndarray, pieces: list[tuple[int, int]]
) -> list[Window]:
    """Return the pieces of a line in which something is masked, with special tokens around them."""
    front = [] if model.bos_id is None else [model.bos_id]
    back = [] if model.eos_id is None else [model.eos_id]
    windows = []
    for begin, end in pieces:
        hidden = covered[begin:end]
        if hidden.any():
            text = np.where(hidden, -1 if model.mask_id is None else model.mask_id, ids[begin:end])
            chosen = np.concatenate([np.zeros(len(front), bool), hidden, np.zeros(len(back), bool)])
            read = np.concatenate([front, text, back]).astype(np.int64)
            windows.append(Window(line=line, ids=read, chosen=chosen, targets=ids[begin:end][hidden]))
    return windows


def _warnings(model: RunModel, silent: int, n_tokens: int, n_unknown: int) -> list[str]:
    """Say what makes the loss look better than it is."""
    name, found = model.vocabulary.name, []
    if silent:
        found.append(f"{name} has no token for {silent:,} masked words; they cost it nothing.")
    if n_unknown > 0.01 * n_tokens:
        share = 100 * n_unknown / n_tokens
        found.append(
            f"{share:.1f} % of the tokens predicted under {name} are the unknown token, which is easy to predict."
        )
    return found
