"""Sequences a model reads while it is measured, in batches, and what their predictions cost in bits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.errors import FocusError
from focus_core.export.forward import out_of_memory
from focus_core.export.run_model import RunModel, evaluating
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import ProgressHook, no_progress

if TYPE_CHECKING:
    import torch

MAX_SCORES = 1 << 26
"""Predictions of a batch times the size of the vocabulary: 256 MiB of scores in float32."""
LINES_AT_ONCE = 1024
WORD = re.compile(r"\S+")

Span = tuple[int, int]
Spans = Sequence[Span]


@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """A sequence that fits into the model.

    Parameters
    ----------
    line : int
        The line it comes from.
    ids : ndarray of shape (length,), dtype int64
        What the model reads, special tokens and masks included.
    chosen : ndarray of shape (length,), dtype bool
        Positions whose prediction counts.
    targets : ndarray of shape (n_chosen,), dtype int64
        The right token at each of them.
    """

    line: int
    ids: np.ndarray
    chosen: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class LineScores:
    """What a model paid for each line; sums over lines are measures, and lines can be drawn anew for intervals.

    Parameters
    ----------
    bits : ndarray of shape (n_lines,), dtype float64
        ``-sum log2 p`` of the predicted tokens.
    characters : ndarray of shape (n_lines,), dtype int64
        Characters that these stand for; the same for every tokenizer.
    words, tokens, unknown : ndarray of shape (n_lines,), dtype int64
        Predicted words, predicted tokens, and those of them that are the unknown token.
    unknown_characters : ndarray of shape (n_lines,), dtype int64
        Those of ``characters`` for which there is only the unknown token, or none.
    warnings : tuple of str, default=()
        What the user should know.
    """

    bits: np.ndarray
    characters: np.ndarray
    words: np.ndarray
    tokens: np.ndarray
    unknown: np.ndarray
    unknown_characters: np.ndarray
    warnings: tuple[str, ...] = ()

    @property
    def nats_per_token(self) -> float:
        """Mean of ``-ln p`` over the predicted tokens; NaN where there is none."""
        return float(self.bits.sum() * np.log(2) / self.tokens.sum()) if self.tokens.sum() else float("nan")


def encode_lines(vocabulary: Vocabulary, lines: Sequence[str]) -> Iterator[tuple[int, np.ndarray, list[Span]]]:
    """Yield number, ids and offsets (characters of the line) of every line, whole and without special tokens."""
    backend = plain_backend(vocabulary.backend)
    for start in range(0, len(lines), LINES_AT_ONCE):
        part = list(lines[start : start + LINES_AT_ONCE])
        for place, encoding in enumerate(backend.encode_batch(part, add_special_tokens=False)):
            yield start + place, np.array(encoding.ids, np.int64), list(encoding.offsets)


def covered_characters(offsets: Spans, chosen: np.ndarray, n: int) -> np.ndarray:
    """Return which of a line's ``n`` characters lie in the spans of the chosen tokens."""
    covered = np.zeros(n, bool)
    for place in np.flatnonzero(chosen).tolist():
        covered[slice(*offsets[place])] = True
    return covered


def cut_at_words(offsets: Spans, line: str, room: int) -> list[tuple[int, int]]:
    """Cut a line's tokens into pieces of at most ``room``, between words wherever there is a place between words.

    Examples
    --------
    >>> cut_at_words([(0, 4), (4, 7), (7, 10), (10, 12)], "soko la sama", room=3)
    [(0, 2), (2, 4)]
    """
    n = len(offsets)
    if n <= room:
        return [(0, n)] if n else []
    opens = _opens_word(offsets, line)
    pieces, start = [], 0
    while n - start > room:
        places = np.flatnonzero(opens[start + 1 : start + room + 1])
        end = start + 1 + int(places[-1]) if len(places) else start + room
        pieces.append((start, end))
        start = end
    return [*pieces, (start, n)]


def _opens_word(offsets: Spans, line: str) -> np.ndarray:
    """Tell which tokens begin after a word has ended; the space before a word belongs to that word."""
    spans = np.array([word.span() for word in WORD.finditer(line)] or [(0, len(line))])
    begins, ends = np.array(offsets).T
    first = np.searchsorted(spans[:, 1], begins, side="right")
    last = np.maximum(np.searchsorted(spans[:, 0], ends, side="left") - 1, first)
    opens = np.ones(len(offsets), bool)
    opens[1:] = first[1:] > np.maximum.accumulate(last)[:-1]
    return opens


def measure_windows(
    model: RunModel,
    windows: Sequence[Window],
    n_lines: int,
    *,
    batch_tokens: int = 4096,
    progress: ProgressHook = no_progress,
) -> tuple[np.ndarray, list[str]]:
    """Return the bits of every line's predictions.

    Parameters
    ----------
    model : RunModel
        Read in evaluation mode, without gradients.
    windows : sequence of Window
        What it reads.
    n_lines : int
        Lines there are; one without a window costs nothing.
    batch_tokens : int, default=4096
        Tokens read together. Halved whenever memory runs out, and a warning says so.
    progress : ProgressHook, default=no_progress
        Told the windows done, of all windows, as stage ``measure``.

    Returns
    -------
    bits : ndarray of shape (n_lines,), dtype float64
        ``-sum log2 p`` of each line.
    warnings : list of str
        What happened on the way.

    Raises
    ------
    FocusError
        If memory does not suffice for a single sequence.
    """
    bits = np.zeros(n_lines)
    warnings: list[str] = []
    waiting = sorted((w for w in windows if len(w.targets)), key=lambda w: (len(w.ids), w.line))
    total = len(waiting)
    with evaluating(model.model):
        while waiting:
            batch = _next_batch(waiting, batch_tokens, model)
            try:
                costs = _costs(model, batch)
            except (MemoryError, RuntimeError) as reason:
                if not out_of_memory(reason):
                    raise
                batch_tokens = _half(batch)
                warnings = [f"Memory ran out; batches were made smaller, down to {batch_tokens:,} tokens."]
                continue
            del waiting[-len(batch) :]
            for window, cost in zip(batch, costs, strict=True):
                bits[window.line] += cost
            progress("measure", total - len(waiting), total)
    return bits, warnings


def _next_batch(waiting: list[Window], tokens: int, model: RunModel) -> list[Window]:
    """Return the last windows, which are the longest, as many as fit; at least one, and of one length if need be."""
    longest, scored, count = len(waiting[-1].ids), 0, 0
    for window in reversed(waiting):
        scored += len(window.targets) if model.reading.head_alone else longest
        full = (count + 1) * longest > tokens or scored * model.vocabulary.n > MAX_SCORES
        if count and (full or not (model.reading.padding or len(window.ids) == longest)):
            break
        count += 1
    return waiting[-count:]


def _half(batch: list[Window]) -> int:
    """Return the tokens of half a batch that did not fit."""
    longest = len(batch[-1].ids)
    if len(batch) == 1:
        raise FocusError(
            f"measuring: expected memory for one sequence of {longest} tokens, got too little",
            hint="free some memory, or measure on the CPU",
        )
    return len(batch) // 2 * longest


def _costs(model: RunModel, batch: list[Window]) -> list[float]:
    """Return the bits of each window of a batch."""
    import torch

    device: Any = next(model.model.parameters()).device
    width = max(len(window.ids) for window in batch)
    ids = np.full((len(batch), width), model.pad_id or 0, np.int64)
    chosen, there = np.zeros((2, len(batch), width), bool)
    for row, window in enumerate(batch):
        ids[row, : len(window.ids)] = window.ids
        chosen[row, : len(window.ids)] = window.chosen
        there[row, : len(window.ids)] = True
    read: torch.Tensor = torch.from_numpy(ids).to(device)
    attention = None if there.all() else torch.from_numpy(there.astype(np.int64)).to(device)
    logits = model.logits_at(read, torch.from_numpy(chosen).to(device), attention)
    targets = torch.from_numpy(np.concatenate([window.targets for window in batch])).to(device)
    nats = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none").double().cpu().numpy()
    ends = np.cumsum([len(window.targets) for window in batch])
    return [float(part.sum() / np.log(2)) for part in np.split(nats, ends[:-1])]
