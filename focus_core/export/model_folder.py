"""Export a run as a model folder that ``from_pretrained`` loads.

The weights of the backbone are copied from safetensors to safetensors, tensor by tensor, so that they stay what they
are, bit for bit; what belongs to tokens is replaced by name. No model is resized, and nothing is drawn. The result is
then loaded with transformers and asked for a forward pass before the folder gets its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.artifacts import dump_json, staged, write_arrays
from focus_core.errors import InvalidInputError, ModelError, RunFolderError, bad_input, phrase
from focus_core.export.abilities import BARE_ROLE
from focus_core.export.model_card import write_card
from focus_core.export.side_files import copy_side_files
from focus_core.export.states import ModelState
from focus_core.models.architectures import architecture_config
from focus_core.models.source import SourceModel, fit_to_vocabulary, load_embeddings_file, load_source
from focus_core.models.tensors import INDEX, open_tensor_files, read_json
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.layout import EMBEDDINGS, TARGET_TOKENIZER
from focus_core.surgery.child import prove_apart
from focus_core.surgery.config import IdMap
from focus_core.surgery.loading import check_arrays, load_whole, verify_folder
from focus_core.surgery.parts import ModelParts, keys_of, model_parts
from focus_core.surgery.proof import Copies, Proof, proof_words
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import TokenKind

if TYPE_CHECKING:
    import torch

WEIGHT_ROLES = ("source_model", BARE_ROLE)
BARE_NAME = "embeddings"


def export_model(run: str | Path | RunFolder, destination: str | Path, *, source: str | Path | None = None) -> Path:
    """Write a model folder from a run.

    Parameters
    ----------
    run : str, Path or RunFolder
        A finished run.
    destination : str or Path
        The folder to make.
    source : str or Path, default=None
        The source model's folder, file or Hub id; ``None`` takes the one that the run's log remembers.

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
    return export_initialised(folder, destination, source=source)


def export_initialised(
    folder: RunFolder, destination: str | Path, *, source: str | Path | None = None, state: ModelState | None = None
) -> Path:
    """Write the model folder of a run as it was initialised, with the card of one of its states.

    Parameters
    ----------
    folder : RunFolder
        A finished run.
    destination : str or Path
        The folder to make.
    source : str or Path, default=None
        As `export_model`.
    state : ModelState, default=None
        The state that the card is about, whose weights the caller puts in; ``None`` is the initialisation.

    Returns
    -------
    Path
        ``destination``.

    Raises
    ------
    InvalidInputError
        As `export_model`.
    """
    destination = Path(destination)
    with staged(destination, folder=True) as part:
        model = find_source(folder, source)
        arrays = _read_run(folder, model)
        shutil.copytree(folder.path / TARGET_TOKENIZER, part, dirs_exist_ok=True)
        notes, architectures = [], None
        if model is None or not model.has_backbone:
            _write_static(model, arrays, part)
        else:
            parts = run_parts(folder, model, arrays)
            _write_model(parts, part)
            notes, architectures = parts.notes, parts.config.get("architectures") or [model.model_type]
            notes = [*notes, _sentence(prove_export(folder, model, part, arrays), state)]
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
    parts = run_parts(run, found, arrays)
    config = architecture_config(parts.folder, parts.config)
    state = {name: parts.read(name) for name in parts.home}
    model = load_whole(parts.folder, None, config=config, state_dict=state, dtype=torch.float32)
    check_arrays(model, keys_of(found, arrays))
    return model


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
    arrays = {name: files.read(name) for name in files.where}
    expected = {"input"}
    if model is not None:
        expected = set(model.tensors)
    n_target = run.manifest["target"]["n"]
    if set(arrays) != expected or any(n_target not in tensor.shape for tensor in arrays.values()):
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


def run_parts(run: RunFolder, model: SourceModel, arrays: Mapping[str, torch.Tensor]) -> ModelParts:
    """Put together what a run makes of its source.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    model : SourceModel
        Its source, with a backbone.
    arrays : mapping of str to torch.Tensor
        Every tensor of the run.

    Returns
    -------
    ModelParts
        What `model_parts` makes of them.

    Raises
    ------
    ModelError
        As `model_parts`.
    """
    if model.folder is None or model.config is None:
        raise _gone(run, "a file")
    return model_parts(model, arrays, copies_of_run(run).ids)


def copies_of_run(run: RunFolder) -> Copies:
    """Return which tokens a run copies.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    Copies
        Ordinary tokens pairwise, and where every id of the source's configuration goes.
    """
    sources, kinds = run.column("tokens", "source_id"), run.column("tokens", "kind")
    targets = np.flatnonzero(sources >= 0)
    ordinary = targets[kinds[targets] != str(TokenKind.SPECIAL)]
    manifest = run.manifest
    ids = IdMap(
        n_rows=manifest["source"]["n"],
        n_target=manifest["target"]["n"],
        copied={int(sources[i]): int(i) for i in targets[::-1]},
        source_special_types=manifest["source"]["roles"],
        target_special_types=manifest["target"]["roles"],
        extended=bool(manifest["config"].get("extend")),
    )
    return Copies(target_ids=ordinary, source_ids=sources[ordinary].astype(np.int64), ids=ids)


def prove_export(run: RunFolder, model: SourceModel, folder: Path, arrays: Mapping[str, torch.Tensor]) -> Proof:
    """Load a folder that was written as a user would, and prove that copied tokens compute as in the source.

    Parameters
    ----------
    run : RunFolder
        The run that the folder was made from.
    model : SourceModel
        Its source.
    folder : Path
        The model folder.
    arrays : mapping of str to torch.Tensor
        The tensors of the run, by their names there.

    Returns
    -------
    Proof
        What was proven.

    Raises
    ------
    ModelError
        If weights are missing or have another shape, if a tensor differs in any bit, or if copied tokens compute
        anything else than in the source.
    """
    verify_folder(folder, model, arrays)
    if run.cut_rank is not None:  # what was found before the cut is what can be known
        return Proof(**run.manifest["notes"]["proof"])
    fitted = fit_to_vocabulary(model, run.manifest["source"]["n"])
    return prove_apart(fitted, copies_of_run(run), folder=folder)


def _sentence(proof: Proof, state: ModelState | None) -> str:
    """Return what was proven, as a sentence of the card; of a trained state, of what its training began from."""
    when = "when this was exported" if state is None or state.training is None else "as initialised, before training"
    return f"Checked {when}: {proof_words(proof.to_dict())}."


def _write_model(parts: ModelParts, part: Path) -> None:
    """Write weights and configurations."""
    _write_weights(parts, part)
    _write_json(part / "config.json", parts.config)
    if parts.generation is not None:
        _write_json(part / "generation_config.json", parts.generation)


def _write_weights(parts: ModelParts, part: Path) -> None:
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
