"""What is in a source model and what will therefore be possible, found before a run in a process of its own.

``python -m focus_core.jobs.source_summary`` reads the source as a run would, tokenizer included, within limits of
memory and time: what a run would refuse is refused here, in the same words.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus_core.errors import ModelError, bad_input
from focus_core.export.forward import objective_of
from focus_core.initialization.embedded_ids import without_rowless_tokens
from focus_core.jobs.limited import GRANTED, MEMORY_BYTES, SECONDS, answer, ask
from focus_core.models.architectures import load_config, model_class
from focus_core.models.sentence_modules import read_modules
from focus_core.models.source import SourceModel, fit_to_vocabulary, load_embeddings_file, load_source
from focus_core.models.tensors import open_tensor_folder
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.validation import typed_fields

MODULE = "focus_core.jobs.source_summary"
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "depth")
"""What architectures call the number of their layers."""
LICENCES = ("LICENSE*", "LICENCE*")


@dataclass(frozen=True, kw_only=True)
class SourceSummary:
    """What is in a source model.

    Parameters
    ----------
    whole : bool
        Whether there is a model around the embeddings.
    objective : str
        What its head predicts: ``mlm``, ``clm``, or "" where it cannot be trained and evaluated here.
    architecture : str
        The class of transformers; "" for embeddings alone.
    n_layers : int or None
        Layers of its body; ``None`` where the configuration does not say.
    n_parameters : int
        Numbers in all its weights.
    n_rows, width : int
        Shape of the input embeddings.
    n_tokens : int
        Tokens of its tokenizer.
    family : str
        The tokenizer's kind.
    generation : bool
        Whether it brings a generation configuration.
    modules : tuple of str
        What follows it in a folder of sentence-transformers.
    licence : str
        The name of its licence file; "" where there is none.
    messages : tuple of str
        What the reading of it had to say, one sentence each.
    """

    whole: bool
    objective: str
    architecture: str
    n_layers: int | None
    n_parameters: int
    n_rows: int
    width: int
    n_tokens: int
    family: str
    generation: bool
    modules: tuple[str, ...]
    licence: str
    messages: tuple[str, ...]


def summarise_source(
    source: str | None, tokenizer: str | None = None, embeddings: str | None = None, tensor: str | None = None
) -> SourceSummary:
    """Read a source as a run would, and say what is in it.

    Parameters
    ----------
    source : str or None
        A model folder; ``None`` where a tokenizer and a matrix are given.
    tokenizer : str, default=None
        The tokenizer; ``None`` takes the folder's.
    embeddings, tensor : str, default=None
        A file with a matrix, and the matrix's name in it.

    Returns
    -------
    SourceSummary
        What is in it.

    Raises
    ------
    InvalidInputError
        If it cannot be used.
    """
    model = load_source(source) if source is not None else load_embeddings_file(str(embeddings), tensor)
    vocabulary = without_rowless_tokens(load_vocabulary(tokenizer or str(source)), model.n_rows)
    fit_to_vocabulary(model, vocabulary.n)
    folder, known = model.folder, None
    architecture = ""
    if model.has_backbone and folder is not None:
        known = load_config(folder)
        architecture = model_class(folder, known, model.file_of.values()).__name__
    return SourceSummary(
        whole=model.has_backbone,
        objective=objective_of(architecture)
        if model.has_head and not getattr(known, "is_encoder_decoder", False)
        else "",
        architecture=architecture,
        n_layers=None if known is None else _layers(known.to_dict()),
        n_parameters=_parameters(model),
        n_rows=model.n_rows,
        width=int(model.input.shape[1]),
        n_tokens=vocabulary.n,
        family=str(vocabulary.family),
        generation=folder is not None and (folder / "generation_config.json").is_file(),
        modules=tuple(module.kind for module in read_modules(model.root)[1:]) if model.root is not None else (),
        licence=_licence(model.root or folder),
        messages=model.messages,
    )


def _layers(config: Mapping[str, Any]) -> int | None:
    """Return the number of layers that a configuration names, itself or in its part for text."""
    for part in (config, config.get("text_config") or {}):
        for name in LAYERS:
            if isinstance(part.get(name), int):
                return int(part[name])
    return None


def _parameters(model: SourceModel) -> int:
    """Return how many numbers the weights have."""
    if model.folder is None:
        return model.input.numel()
    return sum(math.prod(shape) for shape in open_tensor_folder(model.folder).shapes.values())


def _licence(folder: Path | None) -> str:
    found = [] if folder is None else sorted(path.name for pattern in LICENCES for path in folder.glob(pattern))
    return found[0] if found else ""


def summarise_in_child(
    source: str | None,
    tokenizer: str | None = None,
    embeddings: str | None = None,
    tensor: str | None = None,
    *,
    seconds: float = SECONDS,
    command: Sequence[str] = (),
) -> SourceSummary:
    """Do the same in a child process that may neither hang nor take all memory.

    Parameters
    ----------
    source : str or None
        As `summarise_source`.
    tokenizer, embeddings, tensor : str, default=None
        Likewise.
    seconds : float, default=SECONDS
        How long to wait.
    command : sequence of str, default=()
        What to run instead of this module.

    Returns
    -------
    SourceSummary
        What is in it.

    Raises
    ------
    ModelError
        If it cannot be used, or the child did not answer in time.
    """

    def silent(got: str) -> ModelError:
        subject = Path(str(source or embeddings)).name
        return bad_input(subject, "a model that can be read quickly", got, "give another model", ModelError)

    request = {"source": source, "tokenizer": tokenizer, "embeddings": embeddings, "tensor": tensor}
    room = {GRANTED: MEMORY_BYTES + 2 * _bytes(source or embeddings)}  # files are mapped, and a matrix is read
    found = ask(MODULE, request | room, seconds=seconds, error=ModelError, silent=silent, command=command)
    return SourceSummary(**typed_fields(SourceSummary, found, where="summary"))


def _bytes(spec: str | None) -> int:
    path = Path(str(spec))
    files = path.glob("*.safetensors") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _reply(request: Mapping[str, Any]) -> dict[str, Any]:
    wanted = (request[name] for name in ("source", "tokenizer", "embeddings", "tensor"))
    return dataclasses.asdict(summarise_source(*wanted))


if __name__ == "__main__":
    raise SystemExit(answer(_reply))
