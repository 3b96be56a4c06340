"""Read what a source model knows about its tokens: input embeddings, output embeddings and bias.

They are read from safetensors by name. Which tensors they are is found from the architecture, built without memory for
its weights; no code that a folder brings along is ever run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.errors import ModelError, bad_input, phrase
from focus_core.models.architectures import file_names, load_config, meta_model, model_class
from focus_core.models.hub import locate_model
from focus_core.models.positions import PositionTable, find_positions
from focus_core.models.refusals import (
    other_kind,
    refuse_adapter_tensors,
    refuse_file,
    refuse_other_kinds,
    refuse_quantised,
    refuse_unknown_class,
)
from focus_core.models.sentence_modules import check_modules, model_folder
from focus_core.models.tensors import (
    TensorFiles,
    check_tensor,
    open_tensor_files,
    open_tensor_folder,
    read_json,
    read_npy,
    to_float,
)
from focus_core.models.vocabulary_read import COPIES, read_vocabulary
from focus_core.models.vocabulary_tensors import VocabularyLayout, find_vocabulary

if TYPE_CHECKING:
    import torch

STATIC = "static"
STATIC_NAMES = ("embeddings", "embedding.weight")
PADDED_TO, PADDED_SHARE = 1024, 0.05
HEADS = ("LMHead", "ForMaskedLM", "ForCausalLM", "ForPreTraining", "ForConditionalGeneration")


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceModel:
    """What a source model knows about its tokens.

    Parameters
    ----------
    name : str
        How messages and the manifest call it; never an absolute path.
    input : torch.Tensor of shape (n_rows, d)
        The input matrix. Integers have become float32, any other type is kept.
    output : torch.Tensor of shape (n_rows, d), default=None
        The output matrix; ``None`` where it is the input matrix or where there is no head.
    bias : torch.Tensor of shape (n_rows,), default=None
        The bias of the output; ``None`` where there is none.
    digest : str
        SHA-256 of the weights' file; of several, of their names and digests.
    n_bytes : int
        Size of the files.
    spec : str
        What was asked for, to find the model again; it belongs into a log, not into a manifest.
    folder : Path, default=None
        Where weights and configuration lie; ``None`` for a file with nothing but a matrix.
    root : Path, default=None
        The folder that was named: another one where sentence-transformers keeps the model in a folder inside.
    config : mapping, default=None
        The content of ``config.json``; ``None`` where there is none.
    model_type : str, default="static"
        The architecture as ``config.json`` names it; ``static``: embeddings without a backbone.
    extra : mapping of str to torch.Tensor
        Every other tensor that follows the vocabulary, by its name in the model; one of its axes has n_rows entries.
    layout : VocabularyLayout, default=None
        Which tensors of the model follow the vocabulary, and along which axis; ``None`` without a backbone.
    positions : tuple of PositionTable
        The position tables that count from the padding id.
    tensor_names : mapping of str to tuple of str
        The names in the files behind ``input``, ``output``, ``bias`` and each of `extra`; under ``copies`` those of
        tied copies, which transformers makes when it loads, and under ``unused`` those that the model has no place for.
    file_of : mapping of str to str
        The name in the files of every tensor of the model, by its name there.
    has_head : bool, default=False
        Whether the architecture predicts tokens.
    messages : tuple of str
        What the user should know about the reading, one sentence each.
    """

    name: str
    input: torch.Tensor
    output: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    digest: str
    n_bytes: int
    spec: str
    folder: Path | None = None
    root: Path | None = None
    config: Mapping[str, Any] | None = None
    model_type: str = STATIC
    extra: Mapping[str, torch.Tensor] = field(default_factory=dict)
    layout: VocabularyLayout | None = None
    positions: tuple[PositionTable, ...] = ()
    tensor_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file_of: Mapping[str, str] = field(default_factory=dict)
    has_head: bool = False
    messages: tuple[str, ...] = ()

    @property
    def tied(self) -> bool:
        """Whether there is no output matrix of its own."""
        return self.output is None

    @property
    def has_backbone(self) -> bool:
        """Whether there is a model around the embeddings."""
        return self.model_type != STATIC

    @property
    def n_rows(self) -> int:
        """Number of rows of the input matrix."""
        return int(self.input.shape[0])

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """Everything that has an entry a token, by the names that a run gives it; what is absent is left out."""
        own = {"input": self.input, "output": self.output, "bias": self.bias}
        return {**{name: tensor for name, tensor in own.items() if tensor is not None}, **self.extra}

    def axis_of(self, name: str) -> int:
        """Return the axis along which one of `tensors` has an entry a token."""
        return self.layout.tensors[name].axis if self.layout is not None and name in self.extra else 0

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The entry of the manifest's list of inputs."""
        role = "source_embeddings" if self.folder is None else "source_model"
        return [{"role": role, "name": self.name, "sha256": self.digest, "bytes": self.n_bytes}]


def load_source(spec: str | Path) -> SourceModel:
    """Read input matrix, output matrix and bias of a model.

    Parameters
    ----------
    spec : str or Path
        A model folder or a Hub id.

    Returns
    -------
    SourceModel
        ``output`` is ``None`` where the output matrix is tied or absent.

    Raises
    ------
    ModelError
        If the folder holds something else than a whole model in safetensors, is quantised, brings its own code, or a
        matrix has the wrong rank or a value that is not finite.
    """
    if Path(spec).expanduser().is_file():
        raise refuse_file(Path(spec))
    root = locate_model(str(spec))
    local = Path(spec).expanduser().exists()
    check_modules(root)
    folder = model_folder(root)
    refuse_other_kinds(folder, fetched=not local)
    config = read_json(folder / "config.json")
    refuse_quantised(folder, config or {})
    files = open_tensor_folder(folder)
    name = root.resolve().name if local else str(spec)
    common = {"name": name, "spec": str(spec), "folder": folder, "root": root, "config": config}
    if _is_static(files):
        return _static_source(files, common)
    if config is None:
        raise bad_input(folder.name, "config.json beside the weights", "none", "fetch the whole folder", ModelError)
    refuse_unknown_class(folder, config)
    return _model_source(files, config, common)


def _is_static(files: TensorFiles) -> bool:
    """Whether a folder holds static embeddings: one matrix under a known name and no layer."""
    matrices = [name for name, shape in files.shapes.items() if len(shape) == 2]
    return len(matrices) == 1 and matrices[0] in STATIC_NAMES


def _static_source(files: TensorFiles, common: dict[str, Any]) -> SourceModel:
    """Read static embeddings, one row an id."""
    others = sorted(set(files.where) - set(STATIC_NAMES))
    if others:
        got = f"rows that {', '.join(others[:3])} assign to ids"
        remedy = "save the embeddings unquantised, one for every id"
        raise bad_input(common["name"], "one embedding for every token id", got, remedy, ModelError)
    (tensor,) = files.where
    matrix, messages = to_float(files.read(tensor), tensor)
    check_tensor("the embedding matrix", matrix)
    return SourceModel(
        input=matrix,
        digest=files.digest,
        n_bytes=files.n_bytes,
        tensor_names={"input": (tensor,)},
        messages=messages,
        **common,
    )


def _model_source(files: TensorFiles, config: Mapping[str, Any], common: dict[str, Any]) -> SourceModel:
    """Read what follows the vocabulary of a model, by the names that its architecture gives."""
    folder: Path = common["folder"]
    known = load_config(folder)
    kind = model_class(folder, known, files.where)
    layout = find_vocabulary(kind, known, name=folder.name)
    renamed = file_names(meta_model(kind, known), files.where)
    file_of = {key: name for name, key in sorted(renamed.items(), reverse=True)}
    again = [name for name, key in renamed.items() if file_of[key] != name and key in layout.tensors]
    found = read_vocabulary(files, layout, file_of, says_tied=config.get("tie_word_embeddings"), name=folder.name)
    return SourceModel(
        input=found.input,
        output=found.output,
        bias=found.bias,
        extra=found.extra,
        digest=files.digest,
        n_bytes=files.n_bytes,
        model_type=str(config.get("model_type", "")),
        layout=layout,
        positions=find_positions(kind, known),
        tensor_names={**found.names, COPIES: (*found.names.get(COPIES, ()), *sorted(again))},
        file_of=file_of,
        has_head=any(head in kind.__name__ for head in HEADS),
        messages=found.messages,
        **common,
    )


def load_embeddings_file(path: str | Path, tensor: str | None = None) -> SourceModel:
    """Read a source matrix from a file.

    Parameters
    ----------
    path : str or Path
        A ``.safetensors`` or ``.npy`` file.
    tensor : str, default=None
        The tensor's name; ``None`` where the file holds one.

    Returns
    -------
    SourceModel
        With ``input`` alone.

    Raises
    ------
    ModelError
        If the file is missing, of another kind, lies about its size, leaves the choice of tensor open, or the
        matrix has the wrong rank or a value that is not finite.
    """
    import numpy as np
    import torch

    path = Path(path)
    if not path.is_file() or path.suffix not in {".safetensors", ".npy"}:
        raise _no_matrix_file(path)
    files = open_tensor_files((path,)) if path.suffix == ".safetensors" else None
    refuse_adapter_tensors(path.name, files.where if files else ())
    name = _one_tensor(path, files, tensor) if files else "input"
    raw = files.read(name) if files else torch.from_numpy(np.array(read_npy(path)))
    matrix, messages = to_float(raw, path.name)
    check_tensor(path.name, matrix)
    source = files or TensorFiles(files=(path,), where={}, shapes={}, dtypes={})
    return SourceModel(
        name=path.name,
        input=matrix,
        digest=source.digest,
        n_bytes=source.n_bytes,
        spec=str(path),
        tensor_names={"input": (name,)},
        messages=messages,
    )


def _no_matrix_file(path: Path) -> ModelError:
    """Return the error of what is no file that holds a matrix."""
    got, remedy = "no such file", "check the path"
    if path.is_dir():
        got, remedy = "a folder", phrase("name the file in it, or give a whole model with {source}")
    elif path.exists():
        got = (other_kind(path.name) or (f"a file ending in {path.suffix!r}",))[0]
        remedy = "save the matrix as one, a row for every id of the tokenizer"
    return bad_input(path.name, "a .safetensors or .npy file", got, remedy, ModelError)


def _one_tensor(path: Path, files: TensorFiles, tensor: str | None) -> str:
    """Return the tensor's name; the only one where none was given."""
    if tensor is None and len(files.where) == 1:
        return next(iter(files.where))
    if tensor in files.where:
        return str(tensor)
    matrices = {name: shape for name, shape in files.shapes.items() if len(shape) == 2}
    largest = sorted(matrices, key=lambda n: (-math.prod(matrices[n]), n))[:5]
    got = ", ".join(f"{name} {' × '.join(map(str, matrices[name]))}" for name in largest) or "no matrix"
    expected = f"a tensor {tensor!r}" if tensor else "one tensor"
    raise bad_input(path.name, expected=expected, got=got, remedy=phrase("name one with {tensor}"), error=ModelError)


def most_rows(n_ids: int) -> int:
    """Return the most rows that a model's matrix has, with padding, where its tokenizer has ``n_ids`` ids."""
    # Rows are padded to a multiple of up to 1,024 (8 devices of 128 rows); of released models none has more than that
    # or 3 % besides (decision 0037).
    return max(-(-n_ids // PADDED_TO) * PADDED_TO, int(n_ids * (1 + PADDED_SHARE)))


def fit_to_vocabulary(source: SourceModel, n_ids: int) -> SourceModel:
    """Return the model with exactly one row for every id.

    Rows after the last id are padding that many released models carry; they are left out, and a message
    says so. More of them than any model is known to have are another model's rows. Fewer rows than ids is an error:
    which token would go without cannot be guessed.

    Parameters
    ----------
    source : SourceModel
        Matrices of at least ``n_ids`` rows.
    n_ids : int
        Highest id of the source vocabulary, plus one.

    Returns
    -------
    SourceModel
        ``input`` of shape (n_ids, d), ``output`` and ``bias`` likewise.

    Raises
    ------
    ModelError
        If a matrix has fewer rows than there are ids, or far more.
    """
    if source.n_rows < n_ids:
        raise bad_input(
            f"the input embeddings of {source.name}",
            expected=f"at least {n_ids} embeddings, one for every id of the source tokenizer",
            got=f"shape {tuple(source.input.shape)}",
            remedy="give the tokenizer that belongs to these embeddings",
            error=ModelError,
        )
    short = any(tensor.shape[source.axis_of(key)] < n_ids for key, tensor in source.extra.items())
    if source.n_rows == n_ids and not short:
        return source
    extra = source.n_rows - n_ids
    most = most_rows(n_ids)
    if source.n_rows > most:
        raise bad_input(
            f"the input embeddings of {source.name}",
            expected=f"{n_ids:,} embeddings, one for every id of the source tokenizer, or up to {most:,} with padding",
            got=f"{source.n_rows:,}, as many as another tokenizer has",
            remedy="give the tokenizer that belongs to these embeddings; if this one does, save the matrix without the "
            "rows after its last id",
            error=ModelError,
        )
    told = f"The source has {extra} padding embeddings after its last id ({n_ids - 1}); they are ignored."
    return dataclasses.replace(
        source,
        input=source.input[:n_ids],
        output=None if source.output is None else source.output[:n_ids],
        bias=None if source.bias is None else source.bias[:n_ids],
        extra={key: _first_ids(source, key, n_ids) for key in source.extra},
        messages=(*source.messages, told) if extra else source.messages,
    )


def _first_ids(source: SourceModel, key: str, n_ids: int) -> torch.Tensor:
    """Return the entries of the first ids of a further tensor."""
    import torch

    tensor, axis = source.extra[key], source.axis_of(key)
    n = tensor.shape[axis]
    if n >= n_ids:
        return tensor.narrow(axis, 0, n_ids)
    # Gemma 3n reads entry 0 of its per-layer table for every id beyond it (modeling_gemma3n.py, get_per_layer_inputs)
    return torch.cat([tensor, tensor.narrow(axis, 0, 1).expand(*_sizes(tensor, axis, n_ids - n))], axis)


def _sizes(tensor: torch.Tensor, axis: int, n: int) -> list[int]:
    """Return the shape of a tensor with another number of entries along one axis."""
    return [n if i == axis else size for i, size in enumerate(tensor.shape)]
