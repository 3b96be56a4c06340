"""Run folders small enough to derive by hand: overlapping rows copied, every other row a known number.

Made without the pipeline, so that a test of the export says nothing about how a run was computed; trainings and
projections likewise, without training or projecting anything.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from focus_core.artifacts import write_arrays
from focus_core.initialization.overlap.extension import extend_tokenizer
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.models.source import SourceModel, fit_to_vocabulary, load_source
from focus_core.numerics.drift import token_change
from focus_core.runs.additions import ProjectionFolder, TrainingFolder, open_projection, open_training
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import COLUMNS
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary, save_tokenizer_folder
from focus_core.types import MatchMode


def new_rows(tensor: torch.Tensor, target: Vocabulary, copied: dict[int, int]) -> torch.Tensor:
    """Return the new tensor: row ``t`` is source row ``copied[t]``, and ``0.01 * (t % 7)`` where ``t`` is new."""
    shape = (target.n, *tensor.shape[1:])
    numbers = 0.01 * (torch.arange(target.n) % 7)
    rows = numbers.reshape(-1, *[1] * (tensor.ndim - 1)).expand(shape).to(tensor.dtype).clone()
    for row, source_row in copied.items():
        rows[row] = tensor[source_row]
    return rows


def summary(vocabulary: Vocabulary) -> dict[str, object]:
    """Return what a manifest says about a vocabulary."""
    return {
        "name": vocabulary.name,
        "family": str(vocabulary.family),
        "n": vocabulary.n,
        "digest": vocabulary.digest,
        "roles": {str(role): index for role, index in vocabulary.special_token_types.items()},
    }


def tiny_run(
    folder: Path, model_folder: Path, target_folder: Path, *, extend: bool = False, warnings: tuple[str, ...] = ()
) -> tuple[RunFolder, SourceModel, dict[int, int]]:
    """Write the part of a run that the export reads; return it, its source, and which row was copied from where."""
    source_vocabulary = load_vocabulary(model_folder)
    target = load_vocabulary(target_folder)
    if extend:
        target = extend_tokenizer(source_vocabulary, target).vocabulary
        copied = {i: i for i in range(source_vocabulary.n)}
    else:
        overlap = match_vocabularies(source_vocabulary, target, mode=MatchMode.EXACT)
        copied = dict(zip(overlap.target_ids.tolist(), overlap.source_ids.tolist(), strict=True))
    model = fit_to_vocabulary(load_source(model_folder), source_vocabulary.n)
    arrays = {name: new_rows(tensor, target, copied) for name, tensor in model.tensors.items()}
    folder.mkdir()
    write_arrays(folder / "embeddings.safetensors", arrays)
    write_tokens(folder, target, copied)
    save_tokenizer_folder(target, folder / "target_tokenizer")
    (folder / "log").mkdir()
    (folder / "log" / "source.json").write_text(json.dumps({"spec": str(model_folder)}))
    manifest = {
        "config": {"method": "focus", "extend": extend, "seed": 42, "temperature": 1.0},
        "inputs": model.inputs,
        "source": summary(source_vocabulary),
        "target": summary(target),
        "counts": {"by_origin": {"copied": len(copied), "combined": 0, "fallback": target.n - len(copied)}},
        "warnings": list(warnings),
    }
    return RunFolder(path=folder, manifest=manifest, digest="0" * 64), model, copied


def write_tokens(folder: Path, target: Vocabulary, copied: dict[int, int]) -> None:
    """Write ``tokens.parquet``: what each token is and which one it copies; nothing of the rest."""
    kinds = [str(target.kind_of(i)) if target.present[i] else None for i in range(target.n)]
    sources = [copied.get(i, -1) for i in range(target.n)]
    known = {"id": range(target.n), "token": target.tokens, "text": target.texts, "kind": kinds, "source_id": sources}
    nothing = [None] * target.n
    pq.write_table(
        pa.table({name: pa.array(list(known.get(name, nothing))) for name in COLUMNS["tokens"]}),
        folder / "tokens.parquet",
    )


def add_training(
    run: RunFolder,
    name: str,
    *,
    method: str = "focus",
    seed: int = 1,
    losses: tuple[float, ...] = (6.0, 5.0, 4.5),
    trained: np.ndarray | None = None,
    changes: dict[str, np.ndarray] | None = None,
    **entries: Any,
) -> TrainingFolder:
    """Write a finished training into a run, as a trainer would, without training anything.

    Parameters
    ----------
    run : RunFolder
        The run; its folder gets ``training/NAME``.
    name : str
        The training's name.
    method, seed
        Of the initialisation; ``focus`` takes the run's own digest, another method one of zeros.
    losses : tuple of float
        Held-out losses, one every 100 tokens from 0 on; bits per character are half of them.
    trained : ndarray of shape (n_target, d), default=None
        The trained input matrix; ``None`` keeps none.
    changes : dict of str to ndarray, default=None
        Columns ``cosine``, ``norm_ratio``, ``kept`` of ``tokens.parquet``; ``None`` writes no such table.
    **entries
        Keys of the manifest to replace.
    """
    folder = run.path / "training" / name
    folder.mkdir(parents=True)
    steps = np.arange(len(losses), dtype=np.int64)
    held_out = np.array(losses, dtype=np.float64)
    curve = {
        "step": steps,
        "tokens": steps * 100,
        "loss": pa.array(held_out + 0.1, mask=steps == 0),
        "held_out_loss": held_out,
        "held_out_bits": held_out / 2,
        "learning_rate": np.full(len(losses), 0.001),
    }
    pq.write_table(pa.table(curve), folder / "curve.parquet")
    if trained is not None:
        write_arrays(folder / "trained.safetensors", {"input": trained})
    if changes is not None:
        write_changes(folder, changes)
    manifest = {
        "schema_version": 1,
        "kind": "training",
        "name": name,
        "run_digest": run.digest if method == "focus" else "0" * 64,
        "initialisation": {"method": method, "seed": seed},
        "config": {"objective": "mlm", "train": "embeddings-first", "learning_rate": 0.001, "seed": seed},
        "corpus": {"files": [], "digest": "0" * 64, "n_lines": 900, "n_held_out_lines": 90, "n_tokens": 9000},
        "result": {
            "steps": len(losses) - 1,
            "tokens": 100 * (len(losses) - 1),
            "stopped": "finished",
            "held_out_loss_start": losses[0],
            "held_out_loss_end": losses[-1],
            "held_out_bits_start": losses[0] / 2,
            "held_out_bits_end": losses[-1] / 2,
        },
        "movement": {"foreseen": 0.5, "mean_cosine": 0.8, "mean_kept": 0.4},
        "matrices": [] if trained is None else ["input"],
        "has_body": False,
        "versions": {},
        "warnings": [],
        **entries,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return open_training(run, name)


def write_changes(folder: Path, changes: dict[str, np.ndarray]) -> None:
    """Write ``tokens.parquet`` of a training; NaN becomes null."""
    columns = {
        name: pa.array(changes[name].astype(np.float32), mask=np.isnan(changes[name]), type=pa.float32())
        for name in ("cosine", "norm_ratio", "kept")
    }
    ids = np.arange(len(changes["kept"]), dtype=np.int32)
    pq.write_table(pa.table({"id": ids, **columns}), folder / "tokens.parquet")


def add_projection(
    run: RunFolder, name: str, members: dict[str, np.ndarray], ids: np.ndarray, **entries: Any
) -> ProjectionFolder:
    """Write a finished projection into a run.

    Parameters
    ----------
    run : RunFolder
        The run.
    name : str
        The projection's name.
    members : dict of str to ndarray of shape (n_ids, 2)
        Coordinates by member's key.
    ids : ndarray of int
        The target ids.
    **entries
        Keys of the manifest to replace.
    """
    folder = run.path / "projection" / name
    folder.mkdir(parents=True)
    stacked = np.concatenate(list(members.values())).astype(np.float32)
    keys = [key for key in members for _ in ids]
    columns = {
        "member": pa.array(keys).dictionary_encode(),
        "id": np.tile(ids.astype(np.int32), len(members)),
        "x": stacked[:, 0].copy(),
        "y": stacked[:, 1].copy(),
    }
    pq.write_table(pa.table(columns), folder / "points.parquet")
    manifest = {
        "schema_version": 1,
        "kind": "projection",
        "name": name,
        "run_digest": run.digest,
        "members": [{"key": key, "title": key, "digest": "0" * 64} for key in members],
        "method": "umap",
        "seed": 42,
        "n_sampled": len(ids),
        "n_total": int(run.tokens().num_rows),
        "k": 15,
        "trustworthiness": 0.91,
        "settings": {},
        "versions": {},
        **entries,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return open_projection(run, name)


def train_toy(run: RunFolder) -> np.ndarray:
    """Give a run trainings from FOCUS (two seeds, one with its matrix) and from random, and a projection.

    Returns
    -------
    ndarray of shape (n_target, d)
        The trained input matrix: the run's rows, turned by noise that grows with the id.
    """
    rows = run.embeddings()
    share = np.linspace(0.1, 1.5, len(rows), dtype=np.float32)[:, None]
    trained = rows + share * np.random.default_rng(17).normal(size=rows.shape).astype(np.float32)
    present = np.array([kind is not None for kind in run.column("tokens", "kind")])
    change = token_change(rows, trained, present=present)
    columns = {"cosine": change.cosine, "norm_ratio": change.norm_ratio, "kept": change.kept}
    add_training(run, "focus-seed-1", trained=trained, changes=columns)
    add_training(run, "focus-seed-2", seed=2, losses=(6.2, 5.2, 4.7), run_digest="0" * 64)
    add_training(run, "random-seed-1", method="random", losses=(10.0, 8.0, 7.0), changes=columns)
    plane = rows[:, :2], trained[:, :2]
    members = dict(zip(("initialised", "trained:focus-seed-1"), plane, strict=True))
    add_projection(run, "umap-focus-seed-1", members, np.flatnonzero(present))
    return trained
