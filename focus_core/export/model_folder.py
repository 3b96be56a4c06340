"""Export a run as a model folder that ``from_pretrained`` loads.

The weights of the backbone are copied from safetensors to safetensors, tensor by tensor, so that they stay what they
are, bit for bit; what belongs to tokens is replaced by name. No model is resized, and nothing is drawn. The result is
then loaded with transformers and asked for a forward pass before the folder gets its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.artifacts import dump_json, staged, write_arrays
from focus_core.errors import InvalidInputError, ModelError, RunFolderError, bad_input, phrase
from focus_core.export.config import adapt_config
from focus_core.export.loading import load_checked, verify_export
from focus_core.export.model_card import write_card
from focus_core.export.side_files import copy_side_files
from focus_core.export.states import BARE_ROLE, ModelState
from focus_core.models.architectures import architecture_config, architecture_defaults
from focus_core.models.source import SourceModel, load_embeddings_file, load_source
from focus_core.models.tensors import INDEX, TensorFiles, open_tensor_files, open_tensor_folder, read_json
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.layout import EMBEDDINGS, OWN_ARRAYS, TARGET_TOKENIZER
from focus_core.tokenization.vocabulary import load_vocabulary

if TYPE_CHECKING:
    import torch

WEIGHT_ROLES = ("source_model", BARE_ROLE)
BARE_NAME = "embeddings"


def export_model(
    run: str | Path | RunFolder,
    destination: str | Path,
    *,
    source: str | Path | None = None,
    state: ModelState | None = None,
) -> Path:
    """Write a model folder from a run.

    Parameters
    ----------
    run : str, Path or RunFolder
        A finished run.
    destination : str or Path
        The folder to make.
    source : str or Path, default=None
        The source model's folder, file or Hub id; ``None`` takes the one that the run's log remembers.
    state : ModelState, default=None
        The state of the run that the card is about, whose weights the caller puts in; ``None`` is the initialisation.

    Returns
    -------
    Path
        ``destination``: weights, configuration, tokenizer and model card. For a source of embeddings alone, the
        matrix and the tokenizer.

    Raises
    ------
    InvalidInputError
        If ``destination`` exists, the run is no run, the source is gone, is not the one that the run was made
        from, or the result does not load.
    """
    folder = run if isinstance(run, RunFolder) else open_run(run)
    destination = Path(destination)
    with staged(destination, folder=True) as part:
        model = find_source(folder, source)
        arrays = _read_run(folder, model)
        shutil.copytree(folder.path / TARGET_TOKENIZER, part, dirs_exist_ok=True)
        notes, architectures = [], None
        if model is None or not model.has_backbone:
            _write_static(model, arrays, part)
        else:
            parts = _model_parts(folder, model, arrays)
            _write_model(parts, part)
            notes, architectures = parts.notes, parts.config.get("architectures") or [model.model_type]
            verify_export(part, arrays)
        if model is not None:
            notes = [*notes, *_copy_side_files(folder, model, part)]
        card = write_card(folder.manifest, architectures=architectures, notes=notes, state=state)
        (part / "README.md").write_text(card, encoding="utf-8", newline="\n")
    return destination


def build_model(run: RunFolder, *, source: str | Path | None = None) -> Any:
    """Return the model that `export_model` writes, in float32, without writing it; checked in the same way.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    source : str or Path, default=None
        As `export_model`.

    Returns
    -------
    transformers.PreTrainedModel or None
        ``None`` for a source of embeddings alone.

    Raises
    ------
    InvalidInputError
        As `export_model`, but for a destination.
    """
    import torch

    found = find_source(run, source)
    if found is None or not found.has_backbone:
        return None
    arrays = _read_run(run, found)
    parts = _model_parts(run, found, arrays)
    config = architecture_config(parts.folder, parts.config)
    state = {name: parts.read(name) for name in parts.home}
    return load_checked(parts.folder, arrays, None, config=config, state_dict=state, dtype=torch.float32)


def find_source(run: RunFolder, source: str | Path | None) -> SourceModel | None:
    """Load the source of a run again, from where the caller or the run's log says it is.

    Parameters
    ----------
    run : RunFolder
        The run.
    source : str, Path or None
        The source model's folder, file or Hub id; ``None`` takes the one that the run's log remembers.

    Returns
    -------
    SourceModel or None
        ``None`` where the run was made from nothing but a matrix and nobody says where that is.

    Raises
    ------
    InvalidInputError
        If the source is gone, cannot be read, or is not the one that the run was made from.
    """
    roles = {entry["role"] for entry in run.manifest["inputs"]}
    if source is None and BARE_ROLE in roles:
        return None
    spec = _remembered(run) if source is None else str(source)
    path = Path(spec).expanduser()
    try:
        model = load_embeddings_file(path) if path.is_file() else load_source(spec)
    except InvalidInputError as reason:
        if path.exists() or source is not None:
            raise
        raise _gone(run, f"{path.name}, which is gone") from reason
    _check_same(run, model)
    return model


def _remembered(run: RunFolder) -> str:
    """Return the source's location from the run's log."""
    note = read_json(run.path / "log" / "source.json")
    if not note or not isinstance(note.get("spec"), str):
        raise _gone(run, "no note of it")
    return str(note["spec"])


def _gone(run: RunFolder, got: str) -> RunFolderError:
    subject, remedy = f"the source model of run {run.path.name}", phrase("say where it is now with {source}")
    return bad_input(subject, "its location in log/source.json", got, remedy, RunFolderError)


def _check_same(run: RunFolder, model: SourceModel) -> None:
    """Refuse a source whose weights are not those that the run was made from."""
    digests = {entry["sha256"] for entry in run.manifest["inputs"] if entry["role"] in WEIGHT_ROLES}
    if model.digest not in digests:
        expected = f"weights with SHA-256 {', '.join(sorted(d[:12] for d in digests)) or 'of the run'}"
        remedy = phrase("give the model that the run was made from with {source}")
        raise bad_input(f"the source model {model.name}", expected, model.digest[:12], remedy, ModelError)


def _read_run(run: RunFolder, model: SourceModel | None) -> dict[str, torch.Tensor]:
    """Return the run's arrays, which must be those that the source has."""
    files = open_tensor_files((run.path / EMBEDDINGS,))
    extra = run.extra_names()
    if extra:
        raise bad_input(
            f"run {run.path.name}",
            expected=f"no tensors but {', '.join(OWN_ARRAYS)}, which alone can be exported",
            got=", ".join(extra),
            remedy="export a run without them, or read them from the run's folder",
            error=RunFolderError,
        )
    arrays = {name: files.read(name) for name in files.where}
    expected = {"input"}
    if model is not None:
        matrices = {"input": model.input, "output": model.output, "bias": model.bias}
        expected = {name for name, tensor in matrices.items() if tensor is not None}
    n_target = run.manifest["target"]["n"]
    if set(arrays) != expected or any(len(tensor) != n_target for tensor in arrays.values()):
        got = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in sorted(arrays.items()))
        subject, remedy = f"run {run.path.name}", "make the run again"
        raise bad_input(
            subject, f"{', '.join(sorted(expected))} with {n_target} embeddings", got, remedy, RunFolderError
        )
    return arrays


def _copy_side_files(run: RunFolder, model: SourceModel, part: Path) -> list[str]:
    """Copy what belongs to the source beside weights and configuration; return what to say about it."""
    tokenizer = load_vocabulary(run.path / TARGET_TOKENIZER).backend
    rule = tokenizer.normalizer.normalize_str if tokenizer.normalizer else str
    return copy_side_files(model, part, extended=bool(run.manifest["config"].get("extend")), normalize=rule)


# --- embeddings without a backbone ----------------------------------------------------------------------------------


def _write_static(model: SourceModel | None, arrays: Mapping[str, torch.Tensor], part: Path) -> None:
    """Write the matrix under the name it had, and the small files beside it."""
    names = model.tensor_names["input"] if model is not None and model.folder is not None else (BARE_NAME,)
    write_arrays(part / "model.safetensors", {names[0]: arrays["input"]})
    shutil.copymode(part / "tokenizer.json", part / "model.safetensors")
    if model is not None and model.config is not None:
        config = {key: value for key, value in model.config.items() if key != "tokenizer_name"}
        _write_json(part / "config.json", config)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(dump_json(value, indent=2) + "\n", encoding="utf-8", newline="\n")


# --- models -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class _ModelParts:
    """What a model is made of: files of its source, tensors in place of theirs, configurations, words for the card."""

    folder: Path
    files: TensorFiles
    replaced: Mapping[str, torch.Tensor]
    home: Mapping[str, Path]
    config: dict[str, Any]
    generation: dict[str, Any] | None
    notes: list[str]

    def read(self, name: str) -> torch.Tensor:
        """Return a tensor of the model."""
        return self.replaced[name] if name in self.replaced else self.files.read(name)


def _model_parts(run: RunFolder, model: SourceModel, arrays: Mapping[str, torch.Tensor]) -> _ModelParts:
    """Put together what a run makes of its source."""
    folder = model.folder
    if folder is None or model.config is None:
        raise _gone(run, "a file")
    files = open_tensor_folder(folder)
    extended = bool(run.manifest["config"].get("extend"))
    options: dict[str, Any] = {
        "n_rows": model.n_rows,
        "n_target": len(arrays["input"]),
        "source_special_types": run.manifest["source"]["roles"],
        "target_special_types": run.manifest["target"]["roles"],
        "extended": extended,
    }
    config = adapt_config(model.config, defaults=architecture_defaults(folder), **options)
    config["tie_word_embeddings"] = model.tied
    replaced = _replacements(model, arrays)
    notes = _move_positions(files, model, config, replaced) if "position" in model.tensor_names else []
    generation = read_json(folder / "generation_config.json")
    return _ModelParts(
        folder=folder,
        files=files,
        replaced=replaced,
        home=_homes(files, model, replaced),
        config=config,
        generation=None if generation is None else adapt_config(generation, **options),
        notes=notes,
    )


def _write_model(parts: _ModelParts, part: Path) -> None:
    """Write weights and configurations."""
    _write_weights(parts, part)
    _write_json(part / "config.json", parts.config)
    if parts.generation is not None:
        _write_json(part / "generation_config.json", parts.generation)


def _replacements(model: SourceModel, arrays: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the new tensor of every name that belongs to tokens."""
    # subtle: an untied masked-LM head of transformers 5 holds its bias twice, and files of older releases once; the one
    # beside the output matrix is the one in effect, so it is always written.
    names = dict(model.tensor_names)
    if not model.tied and "bias" in names:
        beside = names["output"][0].removesuffix("weight") + "bias"
        names["bias"] = tuple(dict.fromkeys((*names["bias"], beside)))
    given = [(kind, arrays[kind]) for kind in ("input", "output", "bias") if kind in arrays]
    return {
        name: tensor.clone() if again else tensor  # two parameters never lie in one place
        for kind, tensor in given
        for again, name in enumerate(names[kind])
    }


def _homes(files: TensorFiles, model: SourceModel, replaced: Mapping[str, torch.Tensor]) -> dict[str, Path]:
    """Return the file of every tensor but tied copies of the input matrix, which transformers makes when it loads."""
    tied = model.tensor_names.get("output", ()) if model.tied else ()
    names = sorted({*files.where, *replaced} - {name for name in tied if name not in replaced})
    return {name: files.where.get(name, files.files[-1]) for name in names}


def _move_positions(
    files: TensorFiles, model: SourceModel, config: dict[str, Any], replaced: dict[str, torch.Tensor]
) -> list[str]:
    """Move the position matrix to where the new padding id makes the model look for it."""
    # RoBERTa numbers positions from its padding id on: the first token has position ``pad + 1``. Another padding id
    # therefore means other rows, unless the rows move along. Without a padding token the id -1 does what is needed: no
    # token is padding, and positions start at 0.
    import torch

    (name,) = model.tensor_names["position"]
    old = files.read(name)
    before = (model.config or {}).get("pad_token_id", 1)
    after = config["pad_token_id"] = -1 if config.get("pad_token_id") is None else config["pad_token_id"]
    if before is None or before == after:
        return []
    moved = torch.zeros((len(old) + after - before, old.shape[1]), dtype=old.dtype)
    moved[after + 1 :] = old[before + 1 :]
    if before >= 0 and after >= 0:
        moved[after] = old[before]
    replaced[name] = moved
    config["max_position_embeddings"] = len(moved)
    moved_on = (
        f"The architecture counts positions from the padding id, which moved from {before} to {after}; "
        f"the position embeddings moved along ({len(old)} before, {len(moved)} now)."
    )
    remark = "There is no padding token; transformers remarks on the id -1 when it loads the model, which is harmless."
    return [moved_on, remark] if after < 0 else [moved_on]


def _write_weights(parts: _ModelParts, part: Path) -> None:
    """Write every file of weights again, with the new tensors in it."""
    where: dict[str, str] = {}
    total = 0
    for path in parts.files.files:
        tensors = {name: parts.read(name) for name, home in parts.home.items() if home == path}
        write_arrays(part / path.name, tensors, metadata={"format": "pt"})
        shutil.copymode(part / "tokenizer.json", part / path.name)  # the format's own writer keeps files to their owner
        where |= dict.fromkeys(tensors, path.name)
        total += sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if len(parts.files.files) > 1:
        _write_json(part / INDEX, {"metadata": {"total_size": total}, "weight_map": where})
