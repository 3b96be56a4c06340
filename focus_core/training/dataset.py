"""Text for a training: read once, a part held out, the rest tokenized into sequences of one length.

The order of sequences and which of their tokens are predicted depend on the seed and the step alone, so that a training
goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from focus_core.corpus.corpus import Corpus, iter_batches
from focus_core.corpus.held_out import held_out_percent, is_held_out, too_small
from focus_core.corpus.word_masking import covered_tokens, masked_words
from focus_core.errors import CorpusError, bad_input, phrase
from focus_core.export.run_model import RunModel
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL
from focus_core.types import ProgressHook, no_progress

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

HELD_OUT_LINES = 400
"""Most lines that the curve is measured on; `evaluate` measures on all that are kept aside."""

_STEP_STRIDE = 1_000_003


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOut:
    """Lines kept aside, ready to be measured on."""

    sequences: list[np.ndarray]
    chosen: list[np.ndarray]
    n_characters: int
    n_lines: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingText:
    """The text of a training.

    Parameters
    ----------
    blocks : ndarray of shape (n_blocks, length), dtype int32
        Sequences, each opened by the vocabulary's first special token where it has one.
    held_out : HeldOut
        What is kept aside.
    n_lines, n_tokens : int
        Lines and tokens that are trained on, in one pass.
    percent : int
        How many lines in a hundred are kept aside.
    ordinary : ndarray of shape (n_ordinary,), dtype int64
        Ids that may be masked or put in at random: all tokens but special ones.
    first : int, default=0
        Which slice of the lines was kept aside.
    """

    blocks: np.ndarray
    held_out: HeldOut
    n_lines: int
    n_tokens: int
    percent: int
    ordinary: np.ndarray
    first: int = 0

    def batch(self, step: int, n_rows: int, seed: int) -> np.ndarray:
        """Return the sequences (n_rows, length) of a step: passes over the text, each in an order of its own."""
        numbers = np.arange(step * n_rows, (step + 1) * n_rows)
        passes, places = np.divmod(numbers, len(self.blocks))
        rows = np.empty(n_rows, np.int64)
        for number in np.unique(passes).tolist():
            order = order_of_pass(seed, number, len(self.blocks))
            rows[passes == number] = order[places[passes == number]]
        return self.blocks[rows].astype(np.int64)


@lru_cache(maxsize=2)  # a step lies in one pass or two; steps follow one another
def order_of_pass(seed: int, number: int, n_blocks: int) -> np.ndarray:
    """Return the order of all sequences in one pass over the text."""
    order = np.random.default_rng((seed, number)).permutation(n_blocks)
    order.setflags(write=False)
    return order


def read_text(
    corpus: Corpus, model: RunModel, *, length: int, first: int = 0, progress: ProgressHook = no_progress
) -> TrainingText:
    """Read a corpus for a training.

    Parameters
    ----------
    corpus : Corpus
        The text, one sentence a line.
    model : RunModel
        Whose vocabulary reads it.
    length : int
        Tokens of one sequence.
    first : int, default=0
        Which slice of the lines is kept aside; see `focus_core.corpus.held_out.is_held_out`.
    progress : ProgressHook, default=no_progress
        Told the lines encoded, of all lines, as stage ``tokenise``.

    Returns
    -------
    TrainingText
        Sequences to train on and lines to measure on.

    Raises
    ------
    CorpusError
        If the text has fewer than a hundred different lines, nothing of it can be kept aside, or what is left fills
        no sequence.
    """
    lines = list(dict.fromkeys(line.strip() for batch in iter_batches(corpus) for line in batch))
    percent = held_out_percent(len(lines))
    kept: list[str] = []
    aside: list[str] = []
    for line in lines:
        (aside if is_held_out(line, percent, first=first) else kept).append(line)
    held_out = encode_held_out(aside, model, length=min(length, model.n_positions))
    if not held_out.sequences:
        raise too_small(len(lines))
    stream = _stream(kept, model, progress)
    blocks = _cut(stream, length=length, open_id=model.bos_id)
    if not len(blocks):
        expected = f"at least one sequence of {length} tokens"
        remedy = phrase("give more text, or a smaller {max_seq_length}")
        raise bad_input("corpus", expected, f"{len(stream)} tokens", remedy, CorpusError)
    vocabulary = model.vocabulary
    ordinary = np.flatnonzero(vocabulary.present & (vocabulary.kinds != SPECIAL))
    return TrainingText(
        blocks=blocks,
        held_out=held_out,
        n_lines=len(kept),
        n_tokens=len(stream),
        percent=percent,
        ordinary=ordinary,
        first=first,
    )


def _stream(lines: list[str], model: RunModel, progress: ProgressHook) -> np.ndarray:
    """Return one stream of ids, every line closed by the vocabulary's last special token where it has one."""
    close = [] if model.eos_id is None else [model.eos_id]
    parts: list[np.ndarray] = []
    backend = plain_backend(model.vocabulary.backend)
    for start in range(0, len(lines), 4096):
        encodings = backend.encode_batch_fast(lines[start : start + 4096], add_special_tokens=False)
        parts.extend(np.array([*encoding.ids, *close], np.int32) for encoding in encodings)
        progress("tokenise", min(start + 4096, len(lines)), len(lines))
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _cut(stream: np.ndarray, *, length: int, open_id: int | None) -> np.ndarray:
    """Cut a stream into rows; what is left over at its end is dropped."""
    width = length - (open_id is not None)
    body = stream[: len(stream) // width * width].reshape(-1, width)
    return body if open_id is None else np.insert(body, 0, open_id, axis=1)


def encode_held_out(lines: list[str], model: RunModel, *, length: int) -> HeldOut:
    """Encode lines to measure on, at most ``HELD_OUT_LINES`` of them, evenly over all."""
    step = -(-len(lines) // HELD_OUT_LINES) if lines else 1
    backend = plain_backend(model.vocabulary.backend)
    sequences, chosen, characters = [], [], 0
    for line in lines[::step]:
        ids, marks, n = _encode_line(line, model, backend, length)
        if marks.any():
            sequences.append(ids)
            chosen.append(marks)
            characters += n
    return HeldOut(sequences=sequences, chosen=chosen, n_characters=characters, n_lines=len(lines))


def _encode_line(line: str, model: RunModel, backend: Tokenizer, length: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return ids, which of them are predicted, and the characters that these stand for."""
    encoding = backend.encode(line, add_special_tokens=False)
    front = [] if model.bos_id is None else [model.bos_id]
    back = [] if model.eos_id is None else [model.eos_id]
    room = length - len(front) - len(back)
    ids, offsets = encoding.ids[:room], encoding.offsets[:room]
    masked = model.objective == "mlm"
    words = [word for word in masked_words(line) if offsets and word[1] <= offsets[-1][1]] if masked else []
    marks = covered_tokens(offsets, words) if masked else np.ones(len(ids), bool)
    if not front and not masked:
        marks[:1] = False  # nothing comes before the first token
    n = sum(end - begin for begin, end in words) if masked else (offsets[-1][1] if offsets else 0)
    whole = np.concatenate([np.zeros(len(front), bool), marks, np.zeros(len(back), bool)])
    return np.array([*front, *ids, *back], np.int64), whole, n


def mask_tokens(
    blocks: torch.Tensor, *, mask_id: int, ordinary: np.ndarray, share: float, seed: int, step: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Choose the tokens that a step predicts, and hide them (Devlin et al. 2019).

    Parameters
    ----------
    blocks : torch.Tensor of shape (n, length), dtype int64
        Token ids.
    mask_id : int
        Id of the mask.
    ordinary : ndarray of shape (n_ordinary,), dtype int64
        Ids that may be chosen or put in at random.
    share : float
        The part of tokens to choose.
    seed, step : int
        Name the draw: equal ones choose equal tokens.

    Returns
    -------
    inputs : torch.Tensor of shape (n, length), dtype int64
        Of the chosen tokens 80 % are the mask, 10 % a token drawn at random, 10 % themselves.
    chosen : torch.Tensor of shape (n, length), dtype bool
        The chosen tokens.
    """
    import torch

    generator = torch.Generator().manual_seed(seed * _STEP_STRIDE + step)
    may = torch.zeros(int(max(ordinary.max(), int(blocks.max()))) + 1, dtype=torch.bool)
    may[torch.from_numpy(ordinary)] = True
    chosen = (torch.rand(blocks.shape, generator=generator) < share) & may[blocks]
    kind = torch.rand(blocks.shape, generator=generator)
    noise = torch.from_numpy(ordinary)[torch.randint(len(ordinary), blocks.shape, generator=generator)]
    hidden = torch.where(chosen & (kind < 0.8), mask_id, blocks)
    return torch.where(chosen & (kind >= 0.9), noise, hidden), chosen
