"""Next-token loss over all characters of a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.evaluation.windows import (
    WORD,
    LineScores,
    Window,
    covered_characters,
    encode_lines,
    measure_windows,
)
from focus_core.export.run_model import RunModel
from focus_core.types import ProgressHook, SpecialTokenType, no_progress


def score_causal(
    model: RunModel,
    lines: Sequence[str],
    *,
    batch_tokens: int = 4096,
    progress: ProgressHook = no_progress,
) -> LineScores:
    """Return what a causal model pays for every line: ``bits = -sum log2 p(token | the tokens before it)``.

    Parameters
    ----------
    model : RunModel
        A causal language model.
    lines : sequence of str
        Text. Each line stands alone, after the token that opens a text (or else the one that closes it).
    batch_tokens : int, default=4096
        Tokens that the model reads together.
    progress : ProgressHook, default=no_progress
        See `measure_windows`.

    Returns
    -------
    LineScores
        One entry a line, over all its characters. A line longer than the model's positions is read in overlapping
        pieces: every token is predicted once, after the first piece from at least half of the positions. Where the
        vocabulary has no token to begin with, a line's first token costs ``log2`` of the number of tokens.

    Raises
    ------
    FocusError
        If memory does not suffice for a single sequence.
    """
    opening = model.bos_id if model.bos_id is not None else model.eos_id
    windows: list[Window] = []
    tokens, unknown, lost = np.zeros((3, len(lines)), np.int64)
    for number, ids, offsets in encode_lines(model.vocabulary, lines):
        is_unknown = ids == model.vocabulary.special_token_types.get(SpecialTokenType.UNK, -1)
        tokens[number], unknown[number] = len(ids), is_unknown.sum()
        lost[number] = covered_characters(offsets, is_unknown, len(lines[number])).sum()
        windows += _windows(number, ids, opening, model.n_positions)
    bits, warnings = measure_windows(model, windows, len(lines), batch_tokens=batch_tokens, progress=progress)
    if opening is None:
        bits[tokens > 0] += np.log2(model.vocabulary.n_present)
    return LineScores(
        bits=bits,
        characters=np.array([len(line) for line in lines], np.int64),
        words=np.array([len(WORD.findall(line)) for line in lines], np.int64),
        tokens=tokens,
        unknown=unknown,
        unknown_characters=lost,
        warnings=tuple(warnings),
    )


def _windows(line: int, ids: np.ndarray, opening: int | None, n_positions: int) -> list[Window]:
    """Cut a line so that each token is predicted once; a later piece repeats half of the positions as context."""
    front = np.array([] if opening is None else [opening], np.int64)
    room = n_positions - len(front)
    windows, done = [], 0 if opening is not None else 1
    while done < len(ids):
        begin = max(0, done - room // 2) if done >= room else 0
        end = min(len(ids), begin + room)
        read = np.concatenate([front, ids[begin:end]])
        chosen = np.zeros(len(read), bool)
        places = np.arange(done, end) - begin + len(front) - 1  # token i is predicted at the place before it
        chosen[places] = True
        windows.append(Window(line=line, ids=read, chosen=chosen, targets=ids[done:end]))
        done = end
    return windows
