"""A run as a model that can be trained or measured: the source's backbone under the run's embeddings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.artifacts import map_array, staged, tensor_names, to_float32
from focus_core.errors import ModelError, RunFolderError, bad_input
from focus_core.export.model_card import write_card
from focus_core.export.model_folder import build_model, export_model
from focus_core.models.architectures import quiet_transformers
from focus_core.runs.additions import TRAINED, TrainingFolder, open_training
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import TARGET_TOKENIZER
from focus_core.surgery.loading import check_arrays, load_float32, load_whole
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import SpecialTokenType

if TYPE_CHECKING:
    import torch

MLM, CLM = "mlm", "clm"
BACKBONE = "body.safetensors"
MOST_POSITIONS = 512
COUNTED_FROM_PADDING = (
    "roberta",
    "xlm-roberta",
    "camembert",
    "xlm-roberta-xl",
    "roberta-prelayernorm",
    "data2vec-text",
)
"""Architectures whose first position is the padding id plus one, so that they have that many fewer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RunModel:
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
    """

    model: Any
    vocabulary: Vocabulary
    objective: str
    mask_id: int | None
    pad_id: int | None
    bos_id: int | None
    eos_id: int | None
    n_positions: int

    def matrices(self) -> dict[str, Any]:
        """Return the parameters that belong to tokens, as in a run: ``input`` and, where apart, ``output``, ``bias``.

        Returns
        -------
        dict of str to torch.nn.Parameter
            The live parameters of the model.
        """
        inside, outside = self.model.get_input_embeddings().weight, self.model.get_output_embeddings()
        found = {"input": inside}
        if outside is not None and outside.weight is not inside:
            found["output"] = outside.weight
        if getattr(outside, "bias", None) is not None:
            found["bias"] = outside.bias
        return found

    def backbone(self) -> dict[str, Any]:
        """Return all other parameters by their names in the model.

        Returns
        -------
        dict of str to torch.nn.Parameter
            The live parameters.
        """
        own = {id(parameter) for parameter in self.matrices().values()}
        return {name: p for name, p in self.model.named_parameters() if id(p) not in own}

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

        Notes
        -----
        The head works position by position, so it may as well see the chosen positions alone: a hook on the backbone
        hands it those. With a few masked tokens a line this saves most of the product with the output matrix.
        """

        def keep_chosen(module: Any, arguments: Any, output: Any) -> Any:
            del module, arguments
            output.last_hidden_state = output.last_hidden_state[chosen].unsqueeze(0)
            return output

        backbone = self.model.base_model
        handle = backbone.register_forward_hook(keep_chosen)
        try:
            logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits[0]
        finally:
            handle.remove()
        return logits


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
    training = None if trained is None else _open_kept(run, trained)
    found = _describe(run, build_model(run, source=source))
    if training is not None:
        _put_trained(training, found)
    found.model.to(device).eval()
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
    model = load_float32(Path(folder)).eval()
    return _described(str(Path(folder).name), model, load_vocabulary(Path(folder)))


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
    if trained is None:
        return export_model(run, destination, source=source)
    training = _open_kept(run, trained)
    with staged(Path(destination), folder=True) as part:
        with tempfile.TemporaryDirectory(prefix="focus-lab-model-") as name:
            folder = export_model(run, Path(name) / "model", source=source)
            found = _describe(run, load_float32(folder) if (folder / "config.json").is_file() else None)
            _put_trained(training, found)
            with quiet_transformers():
                found.model.save_pretrained(part)
            for path in sorted(folder.iterdir()):
                if not (part / path.name).exists() and ".safetensors" not in path.name:
                    path.rename(part / path.name)
        names = {id(p): name for name, p in found.model.named_parameters()}
        trained_arrays = {names[id(p)]: p.detach() for p in found.matrices().values()}
        check_arrays(load_whole(part, part, dtype="auto"), trained_arrays)
        notes = [f"These weights were trained further; the training is called {trained!r} in the run."]
        card = write_card(run.manifest, architectures=found.model.config.architectures, notes=notes)
        (part / "README.md").write_text(card, encoding="utf-8", newline="\n")
    return Path(destination)


def objective_of(class_name: str) -> str:
    """Return what a class of transformers is trained to predict here: masked tokens, the next one, or "" for neither.

    Parameters
    ----------
    class_name : str
        Its name.

    Returns
    -------
    str
        ``mlm``, ``clm`` or "".

    Examples
    --------
    >>> [objective_of(name) for name in ("BertForMaskedLM", "GPT2LMHeadModel", "BertModel")]
    ['mlm', 'clm', '']
    """
    if "MaskedLM" in class_name:
        return MLM
    return CLM if "CausalLM" in class_name or "LMHead" in class_name else ""


def _describe(run: RunFolder, model: Any | None) -> RunModel:
    """Describe the model of a run; embeddings alone are none."""
    if model is None:
        raise _no_head(f"run {run.path.name}", "embeddings without a backbone")
    return _described(f"run {run.path.name}", model, load_vocabulary(run.path / TARGET_TOKENIZER))


def _described(subject: str, model: Any, vocabulary: Vocabulary) -> RunModel:
    """Find out what the model predicts and which ids it needs."""
    name, types = type(model).__name__, vocabulary.special_token_types
    objective = objective_of(name)
    if not objective or model.get_output_embeddings() is None:
        raise _no_head(subject, name)
    mask = types.get(SpecialTokenType.MASK)
    if objective == MLM and mask is None:
        raise bad_input(subject, "a mask token", "none", "give a target tokenizer with a mask token", ModelError)
    return RunModel(
        model=model,
        vocabulary=vocabulary,
        objective=objective,
        mask_id=mask,
        pad_id=types.get(SpecialTokenType.PAD),
        bos_id=types.get(SpecialTokenType.CLS, types.get(SpecialTokenType.BOS)),
        eos_id=types.get(SpecialTokenType.SEP, types.get(SpecialTokenType.EOS)),
        n_positions=_positions(model.config),
    )


def _positions(config: Any) -> int:
    """Return the length of the longest sequence, at most ``MOST_POSITIONS``."""
    n = int(getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", 0) or MOST_POSITIONS)
    if config.model_type in COUNTED_FROM_PADDING:
        n -= int(-1 if config.pad_token_id is None else config.pad_token_id) + 1
    return min(n, MOST_POSITIONS)


def _no_head(subject: str, got: str) -> ModelError:
    remedy = "make the run from a model with a language-model head"
    return bad_input(subject, "a model that predicts tokens, masked or next", got, remedy, ModelError)


def _put_trained(training: TrainingFolder, found: RunModel) -> None:
    """Replace the parameters of the initialised model by those that a training ended with."""
    _copy_into(found.matrices(), training.path / TRAINED)
    if (training.path / BACKBONE).is_file():
        _copy_into(found.backbone(), training.path / BACKBONE)


def keeps_backbone(training: TrainingFolder) -> bool:
    """Whether the backbone of a training is known: it was kept, or never trained."""
    config = training.manifest.get("config") or {}
    return (training.path / BACKBONE).is_file() or config.get("train") == "embeddings"


def _open_kept(run: RunFolder, trained: str) -> TrainingFolder:
    """Open a training; refuse one of which too little was kept to make a model."""
    training = open_training(run, trained)
    for kept, expected, got in (
        ((training.path / TRAINED).is_file(), "its embeddings were kept", "a table and a curve alone"),
        (keeps_backbone(training), "its backbone was kept, or never trained", "embeddings alone"),
    ):
        if not kept:
            remedy = "train it again with `adapt`, under another name"
            raise bad_input(f"training {trained}", f"a training of which {expected}", got, remedy, RunFolderError)
    return training


def _copy_into(parameters: Mapping[str, Any], path: Path) -> None:
    """Read the named arrays of a file into parameters of the same shape."""
    import numpy as np
    import torch

    shapes = {name: shape for name, (_, shape) in tensor_names(path).items()}
    expected = {name: tuple(p.shape) for name, p in parameters.items()}
    if shapes != expected:
        odd = sorted(name for name in shapes.keys() | expected.keys() if shapes.get(name) != expected.get(name))[0]
        raise bad_input(
            f"{path.parent.name}/{path.name}",
            expected=f"{odd} of shape {expected.get(odd, 'none')}",
            got=f"{shapes.get(odd, 'none')}",
            remedy="it belongs to another run",
            error=RunFolderError,
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(np.array(to_float32(*map_array(path, name)))))


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
