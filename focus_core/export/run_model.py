"""A run as a model that can be trained or measured: the source's backbone under the run's embeddings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.artifacts import staged, tensor_names, write_arrays
from focus_core.errors import ModelError, bad_input
from focus_core.export.abilities import abilities_of
from focus_core.export.asking import ask, no_head
from focus_core.export.forward import MLM, PLAIN, Reading, run_or_refuse, scores_at
from focus_core.export.model_folder import build_model, export_initialised, export_model
from focus_core.export.parameters import (
    BACKBONE,
    TokenParameters,
    backbone_parameters,
    by_key,
    put_back,
    vocabulary_parameters,
)
from focus_core.export.states import ModelState, state_of
from focus_core.models.architectures import refusing
from focus_core.runs.additions import TRAINED
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import OWN_ARRAYS, TARGET_TOKENIZER
from focus_core.surgery.loading import check_arrays, load_float32, load_whole
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import SpecialTokenType

if TYPE_CHECKING:
    import torch

WEIGHTS = "model.safetensors"
LOADS = "a model that transformers loads and runs"
READS = "a model that reads these tokens"
OTHER_MODEL = "make the run from a model that transformers loads"
OTHER_TEXT = "give shorter lines, or a run of another model"


@dataclass(frozen=True, kw_only=True, eq=False)
class RunModel(TokenParameters):
    """A model and what one must know to feed it.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        In float32, in evaluation mode.
    vocabulary : Vocabulary
        Whose ids it reads.
    objective : {"mlm", "clm"}
        What its head predicts: masked tokens, or the next one.
    mask_id, pad_id, bos_id, eos_id : int or None
        Ids of special tokens: ``bos`` is ``cls`` where the vocabulary has that, ``eos`` likewise ``sep``.
    n_positions : int
        Most tokens of one sequence.
    names : tuple of str, default=OWN_ARRAYS
        What the run calls the tensors that belong to tokens; those that the model has not got apart are left out.
    reading : Reading, default=PLAIN
        How the model is fed and asked.
    """

    model: Any
    vocabulary: Vocabulary
    objective: str
    mask_id: int | None
    pad_id: int | None
    bos_id: int | None
    eos_id: int | None
    n_positions: int
    names: tuple[str, ...] = OWN_ARRAYS
    reading: Reading = PLAIN

    def logits_at(
        self, input_ids: torch.Tensor, chosen: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the scores of all tokens at some positions; the head runs at no others.

        Parameters
        ----------
        input_ids : torch.Tensor of shape (n, length), dtype int64
            Sequences.
        chosen : torch.Tensor of shape (n, length), dtype bool
            Where predictions are wanted.
        attention_mask : torch.Tensor of shape (n, length), default=None
            0 at padding; ``None`` where there is none.

        Returns
        -------
        torch.Tensor of shape (n_chosen, n_target)
            In the order of ``chosen.nonzero()``.

        Raises
        ------
        ModelError
            If the model raises anything but that memory ran out.

        Notes
        -----
        The scores are those of the model's own pass; the output matrix sees no other positions where that gives the
        same.
        """
        with run_or_refuse(self.vocabulary.name, expected=READS, remedy=OTHER_TEXT):
            return scores_at(self.model, self.reading, input_ids, chosen, attention_mask)


def load_run_model(
    run: RunFolder, *, trained: str | None = None, source: str | Path | None = None, device: str = "cpu"
) -> RunModel:
    """Put the model of a run together.

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
    RunModel
        In float32 and evaluation mode.

    Raises
    ------
    InvalidInputError
        If the source is gone, has no backbone or no language-model head, or if the training does not hold what is
        needed.
    """
    state = state_of(run, trained)
    state.check(to_measure=True)
    subject = f"run {run.path.name}"
    with run_or_refuse(subject, expected=LOADS):
        model = build_model(run, source=source)
    if model is None:
        raise no_head(subject, "embeddings without a backbone")
    found = _described(subject, model, load_vocabulary(run.path / TARGET_TOKENIZER), names=run.matrix_names())
    put_trained(state, model)
    model.to(device).eval()
    return found


def load_model_folder(folder: str | Path) -> RunModel:
    """Load a model folder as it is, such as the source of a run, for comparison.

    Parameters
    ----------
    folder : str or Path
        Holds weights, ``config.json`` and a tokenizer.

    Returns
    -------
    RunModel
        In float32 and evaluation mode.

    Raises
    ------
    InvalidInputError
        If it has no language-model head or no tokenizer.
    """
    subject = Path(folder).name
    with run_or_refuse(subject, expected=LOADS):
        model = load_float32(Path(folder)).eval()
    return _described(subject, model, load_vocabulary(Path(folder)))


def export_state(
    run: RunFolder, trained: str | None, destination: str | Path, *, source: str | Path | None = None
) -> Path:
    """Write the model folder of a trained state, as `export_model` does for the initialised one.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    trained : str or None
        One of its trainings; ``None`` is the run as it was initialised.
    destination : str or Path
        The folder to make.
    source : str or Path, default=None
        Where the source model is; ``None`` takes what the run's log remembers.

    Returns
    -------
    Path
        ``destination``.

    Raises
    ------
    InvalidInputError
        As `load_run_model` and `export_model`.
    """
    state = state_of(run, trained)
    state.check()
    if state.training is None:
        return export_model(run, destination, source=source)
    with staged(Path(destination), folder=True) as part, tempfile.TemporaryDirectory(prefix="focus-lab-model-") as name:
        folder = export_initialised(run, Path(name) / "model", source=source, state=state)
        write = _write_trained if abilities_of(run).whole else _write_embeddings
        write(state, folder, part)
        for path in sorted(folder.iterdir()):
            if not (part / path.name).exists() and ".safetensors" not in path.name:
                shutil.move(path, part / path.name)
    return Path(destination)


def _write_trained(state: ModelState, folder: Path, part: Path) -> None:
    """Write the model of a folder with what a training ended with in place of the initialised weights."""
    model = load_float32(folder)
    put_trained(state, model)
    with refusing(f"training {state.name}", LOADS, OTHER_MODEL):
        model.save_pretrained(part)
    check_arrays(
        load_whole(part, part, dtype="auto"), by_key(model, vocabulary_parameters(model, state.run.matrix_names()))
    )


def _write_embeddings(state: ModelState, folder: Path, part: Path) -> None:
    """Write the trained matrix under the name that it has in a folder of embeddings alone."""
    (name,) = tensor_names(folder / WEIGHTS)
    if state.training is not None:
        write_arrays(part / WEIGHTS, {name: state.training.embeddings()})
        shutil.copymode(folder / WEIGHTS, part / WEIGHTS)


def _described(subject: str, model: Any, vocabulary: Vocabulary, *, names: tuple[str, ...] = OWN_ARRAYS) -> RunModel:
    """Find out what the model predicts and which ids it needs."""
    types = vocabulary.special_token_types
    pad = types.get(SpecialTokenType.PAD)
    ordinary = (vocabulary.present & (vocabulary.kinds != SPECIAL)).nonzero()[0].tolist()
    reading = ask(subject, model, ordinary=ordinary, n_tokens=vocabulary.n, pad_id=pad)
    mask = types.get(SpecialTokenType.MASK)
    if reading.objective == MLM and mask is None:
        raise bad_input(subject, "a mask token", "none", "give a target tokenizer with a mask token", ModelError)
    return RunModel(
        model=model,
        vocabulary=vocabulary,
        objective=reading.objective,
        mask_id=mask,
        pad_id=pad,
        bos_id=types.get(SpecialTokenType.CLS, types.get(SpecialTokenType.BOS)),
        eos_id=types.get(SpecialTokenType.SEP, types.get(SpecialTokenType.EOS)),
        n_positions=reading.n_positions,
        names=names,
        reading=reading,
    )


def put_trained(state: ModelState, model: Any) -> None:
    """Replace the weights of the initialised model by those that a training ended with.

    Parameters
    ----------
    state : ModelState
        A state of the run; of the initialisation nothing is replaced.
    model : transformers.PreTrainedModel
        The initialised model; written in place.
    """
    if state.training is None:
        return
    put_back(vocabulary_parameters(model, state.run.matrix_names()), state.training.path / TRAINED)
    if state.has_own_backbone:
        put_back(backbone_parameters(model, state.run.matrix_names()), state.training.path / BACKBONE)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Put a model into evaluation mode and back.

    Parameters
    ----------
    model : torch.nn.Module
        The model.

    Yields
    ------
    None
        While it is in evaluation mode, without gradients.
    """
    import torch

    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was)
