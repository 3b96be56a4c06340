"""A run, or the source of one, as an encoder of sentences: body, tokenizer, and the pooling after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.errors import ModelError, bad_input
from focus_core.export.asking import stated_positions
from focus_core.export.forward import MOST_POSITIONS, inputs_of, out_of_memory, run_or_refuse
from focus_core.export.model_folder import build_model, find_source
from focus_core.export.parameters import TokenParameters
from focus_core.export.pooling import SentenceHead, read_head
from focus_core.export.run_model import LOADS, READS, evaluating, put_trained
from focus_core.export.side_files import LOWER
from focus_core.export.states import state_of
from focus_core.models.sentence_modules import MODEL_SETTINGS
from focus_core.models.source import SourceModel
from focus_core.models.tensors import read_json
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import OWN_ARRAYS, SOURCE_TOKENIZER, TARGET_TOKENIZER
from focus_core.surgery.loading import load_float32
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import ProgressHook, SpecialTokenType, no_progress

if TYPE_CHECKING:
    import torch

LENGTH = "max_seq_length"
TEXTS_AT_ONCE = 1024
EQUAL = 1e-4
"""Share of the largest number within which a sentence beside a longer one is what it is alone."""

ENCODES = "a model that gives each token of a text a state"
REMEDY = "make the run from a model that encodes sentences, such as one of sentence-transformers"


@dataclass(frozen=True, kw_only=True, eq=False)
class SentenceEncoder(TokenParameters):
    """An encoder of sentences.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In float32, in evaluation mode.
    vocabulary : Vocabulary
        Whose ids it reads.
    head : SentenceHead
        How the states of its tokens become one vector.
    pad_id : int
        What is put after a short sentence.
    n_positions : int
        Most tokens of one sentence, special ones included; a longer sentence is cut.
    lower : bool, default=False
        Whether texts are lower-cased before the tokenizer reads them.
    names : tuple of str, default=OWN_ARRAYS
        What the run calls the tensors that belong to tokens.
    """

    model: Any
    vocabulary: Vocabulary
    head: SentenceHead
    pad_id: int
    n_positions: int
    lower: bool = False
    names: tuple[str, ...] = OWN_ARRAYS

    def ids_of(self, texts: Sequence[str], *, length: int | None = None) -> list[np.ndarray]:
        """Return the ids of each text, with the special tokens that its tokenizer puts around it.

        Parameters
        ----------
        texts : sequence of str
            Sentences.
        length : int, default=None
            Most tokens of one; ``None`` is what the model reads.

        Returns
        -------
        list of ndarray, dtype int32
            At least one id each: a text of which nothing is left is the padding token.
        """
        from tokenizers import Tokenizer

        backend = Tokenizer.from_str(plain_backend(self.vocabulary.backend).to_str())
        backend.enable_truncation(min(length or self.n_positions, self.n_positions))
        found: list[np.ndarray] = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            part = [text.lower() if self.lower else text for text in texts[start : start + TEXTS_AT_ONCE]]
            encodings = backend.encode_batch_fast(part)
            found += [np.array(e.ids or [self.pad_id], np.int32) for e in encodings]
        return found

    def embed(self, sequences: Sequence[np.ndarray]) -> torch.Tensor:
        """Return the embeddings of some sentences; gradients flow where they are on.

        Parameters
        ----------
        sequences : sequence of ndarray
            Their ids.

        Returns
        -------
        torch.Tensor of shape (n, d_sentence)
            On the model's device.

        Raises
        ------
        ModelError
            If the model raises anything but that memory ran out.
        """
        import torch

        device: Any = next(self.model.parameters()).device
        ids = np.full((len(sequences), max(map(len, sequences))), self.pad_id, np.int64)
        attention = np.zeros_like(ids)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)], attention[row, : len(sequence)] = sequence, 1
        mask = torch.from_numpy(attention).to(device)
        with run_or_refuse(self.vocabulary.name, expected=READS, remedy=REMEDY):
            states = token_states(self.model, torch.from_numpy(ids).to(device), mask)
        return self.head.apply(states, mask)

    def encode(
        self,
        sequences: Sequence[np.ndarray],
        *,
        batch_tokens: int = 8192,
        write: Callable[[np.ndarray, np.ndarray], None] | None = None,
        progress: ProgressHook = no_progress,
    ) -> np.ndarray:
        """Return the embeddings of many sentences, without gradients.

        Parameters
        ----------
        sequences : sequence of ndarray
            Their ids.
        batch_tokens : int, default=8192
            Tokens read together, padding included.
        write : callable, default=None
            Told the numbers and embeddings of each batch, in place of what is returned.
        progress : ProgressHook, default=no_progress
            Told the sentences done, of all, as stage ``encode``.

        Returns
        -------
        ndarray of shape (n, d_sentence), dtype float32
            In the order of ``sequences``; of no rows where ``write`` is given.
        """
        lengths = np.array([len(sequence) for sequence in sequences])
        order, done = np.argsort(lengths, kind="stable"), 0
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        take = write or (lambda numbers, rows: kept.append((numbers, rows)))
        with evaluating(self.model):
            for numbers in _batches(order, lengths, batch_tokens):
                take(numbers, self.embed([sequences[i] for i in numbers.tolist()]).float().cpu().numpy())
                done += len(numbers)
                progress("encode", done, len(sequences))
        if not kept:
            return np.zeros((0, 0), np.float32)
        found = np.empty((len(sequences), kept[0][1].shape[1]), np.float32)
        for numbers, rows in kept:
            found[numbers] = rows
        return found


def _batches(order: np.ndarray, lengths: np.ndarray, tokens: int) -> list[np.ndarray]:
    """Cut numbers, shortest sentence first, where a batch with its padding would be too large."""
    found, start = [], 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or (end + 1 - start) * lengths[order[end]] > tokens
        if full:
            found.append(order[start:end])
            start = end
    return found


def token_states(model: Any, ids: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
    """Return the last state of every token.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With or without a head; the head is not run.
    ids, attention : torch.Tensor of shape (n, length), dtype int64
        Sentences, and 0 at their padding.

    Returns
    -------
    torch.Tensor of shape (n, length, d)
        As its base model returns them.
    """
    base = model.base_model
    names, takes_any = inputs_of(type(base))
    options: dict[str, Any] = {"use_cache": False} if takes_any or "use_cache" in names else {}
    if takes_any or "attention_mask" in names:
        options["attention_mask"] = attention
    found = base(input_ids=ids, **options)
    states: torch.Tensor = found[0] if getattr(found, "last_hidden_state", None) is None else found.last_hidden_state
    return states


def load_run_encoder(
    run: RunFolder, *, trained: str | None = None, source: str | Path | None = None, device: str = "cpu"
) -> SentenceEncoder:
    """Put the model of a run together as an encoder of sentences under the target tokenizer.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    trained : str, default=None
        A training of it; ``None`` is the model right after initialisation.
    source : str or Path, default=None
        Where the source model is; ``None`` takes what the run's log remembers.
    device : str, default="cpu"
        Where the model is put.

    Returns
    -------
    SentenceEncoder
        Pooled as the source's modules say; the mean over tokens where there are none.

    Raises
    ------
    InvalidInputError
        If the source is gone or encodes no sentences, or the training does not hold what is needed.
    """
    state = state_of(run, trained)
    state.check(to_measure=True)
    found = _source(run, source)
    with run_or_refuse(f"run {run.path.name}", expected=LOADS):
        model = build_model(run, source=source)
    put_trained(state, model)
    vocabulary = load_vocabulary(run.path / TARGET_TOKENIZER)
    extended = bool(run.manifest["config"].get("extend"))
    return _described(found, model, vocabulary, device, lowers=extended, names=run.matrix_names())


def load_source_encoder(run: RunFolder, *, source: str | Path | None = None, device: str = "cpu") -> SentenceEncoder:
    """Load the source of a run as an encoder of sentences under its own tokenizer.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    source : str or Path, default=None
        Where the source model is; ``None`` takes what the run's log remembers.
    device : str, default="cpu"
        Where the model is put.

    Returns
    -------
    SentenceEncoder
        As it is.

    Raises
    ------
    InvalidInputError
        If the source is gone or encodes no sentences.
    """
    found = _source(run, source)
    vocabulary = load_vocabulary(run.path / SOURCE_TOKENIZER)
    with run_or_refuse(found.name, expected=LOADS):
        model = load_float32(Path(str(found.folder))).eval()
    return _described(found, model, vocabulary, device, lowers=True)


def _source(run: RunFolder, source: str | Path | None) -> SourceModel:
    """Return the source of a run; refuse one that has no encoder."""
    found = find_source(run, source)
    if found is None or not found.has_backbone or found.folder is None:
        raise no_encoder(f"the source of run {run.path.name}", "embeddings without a backbone")
    if (found.config or {}).get("is_encoder_decoder"):
        raise no_encoder(found.name, "an encoder-decoder, which predicts one text from another")
    return found


def no_encoder(subject: str, got: str) -> ModelError:
    """Return the error of what encodes no sentences."""
    return bad_input(subject, ENCODES, got, REMEDY, ModelError)


def _described(
    source: SourceModel,
    model: Any,
    vocabulary: Vocabulary,
    device: str,
    *,
    lowers: bool,
    names: tuple[str, ...] = OWN_ARRAYS,
) -> SentenceEncoder:
    """Find out how an encoder is fed, and try it."""
    folder = Path(str(source.folder))
    settings: dict[str, Any] = {}
    for path in sorted(folder.glob(MODEL_SETTINGS)):
        settings |= read_json(path) or {}
    stated, own = settings.get(LENGTH), min(stated_positions(model), MOST_POSITIONS)
    found = SentenceEncoder(
        model=model,
        vocabulary=vocabulary,
        head=read_head(source.root or folder, device=device),
        pad_id=vocabulary.special_token_types.get(SpecialTokenType.PAD, 0),
        n_positions=min(stated, own) if isinstance(stated, int) and stated > 0 else own,
        lower=lowers and bool(settings.get(LOWER)),
        names=names,
    )
    model.to(device).eval()
    _try(source.name, found)
    return found


def _try(subject: str, encoder: SentenceEncoder) -> None:
    """Refuse a model that gives no states, or other ones to a sentence that stands beside a longer one."""
    vocabulary = encoder.vocabulary
    ordinary = np.flatnonzero(vocabulary.present & (vocabulary.kinds != SPECIAL))
    long = ordinary[np.arange(8) * len(ordinary) // 8]
    try:
        with evaluating(encoder.model), run_or_refuse(subject, expected=ENCODES, remedy=REMEDY):
            alone, beside = encoder.embed([long[:5]])[0], encoder.embed([long, long[:5]])[1]
    except (MemoryError, RuntimeError) as reason:
        if not out_of_memory(reason):
            raise
        return  # a batch of its own says what to do about memory
    if alone.ndim != 1 or bool((alone - beside).abs().max() > EQUAL * alone.abs().max()):
        got = "one whose states change when a sentence stands beside a longer one"
        raise bad_input(subject, "an encoder that reads padded sentences", got, REMEDY, ModelError)
