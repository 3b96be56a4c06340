"""Import a checkpoint: put embeddings that were trained elsewhere beside a run's own.

Pickles are refused, since loading one runs its code; embeddings that fit no run are named with what was expected.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.artifacts import link_file, staged, write_arrays
from focus_core.errors import ModelError, VocabularyError, bad_input, option, phrase
from focus_core.export.abilities import abilities_of
from focus_core.export.forward import run_or_refuse
from focus_core.export.parameters import BACKBONE, backbone_parameters
from focus_core.models.refusals import other_kind, refuse_adapter_tensors
from focus_core.models.source import load_source, most_rows
from focus_core.models.tensors import TensorFiles, check_tensor, open_tensor_files, to_float
from focus_core.runs.additions import IMPORTED, TRAINED, TRAINING, new_addition
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.layout import OWN_ARRAYS
from focus_core.runs.writer import write_manifest
from focus_core.surgery.loading import load_float32
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.training.drift import measure_change, write_change
from focus_core.training.writer import manifest_of
from focus_core.types import ProgressHook, no_progress, stage_of

if TYPE_CHECKING:
    import torch


MAX_LISTED = 5
PADDING = "There are {} padding embeddings after the last id of the run ({}); they are ignored."


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """What a file or a folder gave: arrays as in a run, the source's entry in a manifest, and what to say about it."""

    arrays: dict[str, torch.Tensor]
    entry: dict[str, Any]
    warnings: tuple[str, ...] = ()
    backbone: Mapping[str, torch.Tensor] | None = None


def import_checkpoint(
    run: RunFolder,
    path: str | Path,
    *,
    name: str,
    tensor: str | None = None,
    whole: bool = False,
    shown_name: str | None = None,
    progress: ProgressHook = no_progress,
) -> Path:
    """Add trained embeddings to a run, with the measures of how far every token drifted.

    Parameters
    ----------
    run : RunFolder
        The run that they were trained from; it gets ``training/NAME/``.
    path : str or Path
        A checkpoint folder (``config.json`` and safetensors), or one ``.safetensors`` file.
    name : str
        What the training shall be called.
    tensor : str, default=None
        The input matrix in a file; ``None`` takes ``input`` where the file has it, else the only matrix of the run's
        shape, else the only one there is.
    whole : bool, default=False
        Whether the backbone of a checkpoint folder is kept too, so that the state can be measured and exported; it
        takes the memory of the whole model.
    shown_name : str, default=None
        How messages and the manifest call the source; ``None`` takes the path's own name.
    progress : ProgressHook, default=no_progress
        Receives progress.

    Returns
    -------
    Path
        The new folder. Nothing is left where it was not finished.

    Raises
    ------
    ModelError
        If it is no such folder or file, is not the run's model where ``whole`` is asked for, leaves the choice of
        tensor open, or a matrix has other rows or another width than the run's, or a value that is not finite.
    VocabularyError
        If the checkpoint brings a tokenizer with other tokens.
    RunFolderError
        If the name is none, or is taken.
    """
    folder = new_addition(run.path, TRAINING, name)
    shown = shown_name or Path(path).name
    with stage_of(progress, "read"):
        found = _read(run, Path(path).expanduser(), shown, tensor, whole=whole)
    change, drift = measure_change(run, found.arrays["input"].float().numpy(), progress)
    with staged(folder, folder=True) as part:
        write_change(part, change)
        write_arrays(part / TRAINED, found.arrays)
        if found.backbone is not None:
            write_arrays(part / BACKBONE, found.backbone)
        content = {
            **{key: {} for key in ("config", "corpus", "result")},  # nothing is known of how they were trained
            "inputs": [found.entry],
            "movement": drift,
            "matrices": sorted(found.arrays),
            "has_body": found.backbone is not None,
            "warnings": list(found.warnings),
        }
        write_manifest(part, manifest_of(run, name, content, kind=IMPORTED))
    return folder


def copy_run(run: RunFolder, destination: str | Path) -> RunFolder:
    """Copy a run, so that trainings and projections can be added without touching the original.

    Parameters
    ----------
    run : RunFolder
        The run.
    destination : str or Path
        The folder to make.

    Returns
    -------
    RunFolder
        The copy. Its files are hard links where the file system allows: a run's own files never change.

    Raises
    ------
    InvalidInputError
        If the destination exists.
    """
    with staged(Path(destination), folder=True) as part:
        shutil.copytree(run.path, part, copy_function=link_file, ignore=_unfinished, dirs_exist_ok=True)
    return open_run(destination)


def _unfinished(folder: str, names: list[str]) -> list[str]:
    """Return what a copy leaves out: hidden names, growing folders, links."""
    return [n for n in names if n.startswith(".") or n.endswith(".part") or (Path(folder) / n).is_symlink()]


# --- reading ----------------------------------------------------------------------------------------------------


def _read(run: RunFolder, path: Path, shown: str, tensor: str | None, *, whole: bool) -> _Found:
    """Read what a path names and check it against the run; padding after the last id is left out."""
    if path.is_dir():
        found = _read_checkpoint(run, path, shown)
    elif whole:
        raise bad_input(option("whole"), "a checkpoint folder", shown, "name the folder, or leave it out", ModelError)
    elif path.is_file() and path.suffix == ".safetensors":
        found = _read_file(run, path, shown, tensor)
    else:
        raise _no_source(path, shown)
    arrays, notes = _without_padding(_shape(run)[0], found.arrays)
    for name, array in arrays.items():
        _check_array(run, shown, name, array)
    backbone = _read_backbone(run, path, shown, arrays) if whole else None
    return dataclasses.replace(found, arrays=arrays, warnings=(*found.warnings, *notes), backbone=backbone)


def _read_backbone(
    run: RunFolder, path: Path, shown: str, arrays: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Read every other weight of a checkpoint, which must hold all that the run has of tokens."""
    lacking = sorted(set(run.matrix_names()) - arrays.keys())
    if lacking or not abilities_of(run).whole:
        got = "a run of embeddings alone" if not lacking else f"no {' and no '.join(lacking)} apart"
        remedy = phrase("import it without {whole}")
        raise bad_input(shown, "a checkpoint of the run's whole model", got, remedy, ModelError)
    with run_or_refuse(shown, expected="a model that transformers loads", remedy=phrase("import it without {whole}")):
        model = load_float32(path)
    return {name: tensor.detach() for name, tensor in backbone_parameters(model, run.matrix_names()).items()}


def _without_padding(n: int, arrays: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """Leave out the rows after the last of ``n`` ids that many trained models carry, and say so."""
    padded = {name for name, array in arrays.items() if array.ndim and n < len(array) <= most_rows(n)}
    kept = {name: array[:n] if name in padded else array for name, array in arrays.items()}
    extra = max((len(arrays[name]) - n for name in padded), default=0)
    return kept, (PADDING.format(extra, n - 1),) if extra else ()


def _no_source(path: Path, shown: str) -> ModelError:
    got = (other_kind(shown) or other_kind(path.name) or ("something else",))[0]
    expected = "a checkpoint folder or a .safetensors file"
    remedy = "save it as safetensors" if path.exists() else "name one that exists"
    return bad_input(shown, expected, got if path.exists() else "no such file or folder", remedy, ModelError)


def _read_checkpoint(run: RunFolder, path: Path, shown: str) -> _Found:
    """Read the matrices of a model folder; where it brings a tokenizer, that must have the run's tokens."""
    model = load_source(path)  # first: what is no model is named as what it is
    warnings = _check_tokenizer(run, path, shown)
    arrays = {"input": model.input, "output": model.output, "bias": model.bias, **model.extra}
    kept, notes = _fit(run, {name: array for name, array in arrays.items() if array is not None})
    entry = {"role": "trained_model", "name": shown, "sha256": model.digest, "bytes": model.n_bytes}
    return _Found(arrays=kept, entry=entry, warnings=(*warnings, *model.messages, *notes))


def _check_tokenizer(run: RunFolder, path: Path, shown: str) -> tuple[str, ...]:
    """Compare a checkpoint's own tokenizer with the run's tokens; say so where it brings none that can be read."""
    try:
        tokens = load_vocabulary(path).tokens
    except VocabularyError:
        return (
            "The checkpoint brings no tokenizer to compare: its embeddings are taken in the order of the run's ids.",
        )
    own = run.column("tokens", "token").tolist()
    equal = sum(a == b for a, b in zip(tokens, own, strict=False))
    if not equal == len(tokens) == len(own):
        got = f"{len(tokens):,} tokens, {equal:,} of them the same at the same id"
        remedy = "import a checkpoint that was trained from this run"
        raise bad_input(f"the tokenizer of {shown}", f"the run's {len(own):,} tokens", got, remedy, VocabularyError)
    return ()


def _read_file(run: RunFolder, path: Path, shown: str, tensor: str | None) -> _Found:
    """Read one matrix, or the arrays of a run's form, from a safetensors file."""
    files = open_tensor_files((path,))
    refuse_adapter_tensors(shown, files.where)
    entry = {"role": "trained_embeddings", "name": shown, "sha256": files.digest, "bytes": files.n_bytes}
    chosen = tensor if tensor is not None else _only_matrix(run, files, shown)
    if chosen not in files.where:
        raise _choose(files, shown, f"a tensor {chosen!r}")
    names = {n: n for n in OWN_ARRAYS if n in files.where} if chosen == "input" else {}
    read = {name: to_float(files.read(where), where) for name, where in (names | {"input": chosen}).items()}
    kept, notes = _fit(run, {name: array for name, (array, _) in read.items()})
    messages = tuple(message for _, said in read.values() for message in said)
    return _Found(arrays=kept, entry={**entry, "tensor": chosen}, warnings=(*messages, *notes))


def _only_matrix(run: RunFolder, files: TensorFiles, shown: str) -> str:
    """Return the tensor that can be meant: ``input``, else the only one of the run's shape, else the only matrix."""
    if "input" in files.where:
        return "input"
    matrices = [name for name, shape in files.shapes.items() if len(shape) == 2]
    fitting = [name for name in matrices if files.shapes[name] == _shape(run)]
    for names in (fitting, matrices):
        if len(names) == 1:
            return names[0]
    rows, width = _shape(run)
    raise _choose(files, shown, f"one matrix of {rows:,} rows and {width:,} columns")


def _choose(files: TensorFiles, shown: str, expected: str) -> ModelError:
    """Return the error that lists the matrices of a file, largest first."""
    shapes = {n: s for n, s in files.shapes.items() if len(s) == 2}
    largest = sorted(shapes, key=lambda n: (-shapes[n][0] * shapes[n][1], n))[:MAX_LISTED]
    listed = ", ".join(f"{n} {shapes[n][0]} × {shapes[n][1]}" for n in largest) or "no matrix"
    return bad_input(shown, expected, listed, "name the tensor of the input embeddings", ModelError)


def _fit(run: RunFolder, arrays: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """Keep the arrays that the run has too, and say which one the two do not share."""
    own = run.matrix_names()
    kept = {name: array for name, array in arrays.items() if name in own}
    notes = [f"The run has no {name} of its own; the one that was given is left out." for name in arrays.keys() - own]
    notes += [f"There is no {name} apart; the run's own was not trained here." for name in set(own) - arrays.keys()]
    return kept, tuple(sorted(notes))


def _check_array(run: RunFolder, shown: str, name: str, array: torch.Tensor) -> None:
    """Refuse rows or columns other than the run's, and values that are not finite."""
    shape = run.shapes()[name]
    if tuple(array.shape) != shape:
        got = " × ".join(f"{size:,}" for size in array.shape) or "a single number"
        expected = f"{shape[0]:,} embeddings, one for each token of the run" + (
            f", and {shape[1]:,} columns" if len(shape) == 2 else ""
        )
        remedy = "import embeddings that were trained from this run, with its vocabulary and its width"
        raise bad_input(f"{name} of {shown}", expected=expected, got=got, remedy=remedy, error=ModelError)
    check_tensor(f"{name} of {shown}", array if array.ndim == 2 else array.reshape(1, -1))


def _shape(run: RunFolder) -> tuple[int, int]:
    rows, width = run.shapes()["input"]
    return rows, width
