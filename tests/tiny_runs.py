"""Run folders small enough to derive by hand: overlapping rows copied, every other row a known number.

Made without the pipeline, so that a test of the export says nothing about how a run was computed.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from focus_core.artifacts import write_arrays
from focus_core.domain import MatchMode
from focus_core.extension import extend_tokenizer
from focus_core.models import SourceModel, fit_to_vocabulary, load_source
from focus_core.overlap import match_vocabularies
from focus_core.run_folder import RunFolder
from focus_core.tokenizer_files import save_tokenizer_folder
from focus_core.vocabulary import Vocabulary, load_vocabulary


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
        "roles": {str(role): index for role, index in vocabulary.roles.items()},
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
    matrices = {"input": model.input, "output": model.output, "bias": model.bias}
    arrays = {name: new_rows(m, target, copied) for name, m in matrices.items() if m is not None}
    folder.mkdir()
    write_arrays(folder / "embeddings.safetensors", arrays)
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
