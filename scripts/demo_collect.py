"""Put what the comparison made into the demo's run folders: FOCUS whole, of every other method curve and table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from demo_compare import NAME, SEEDS, Piece, demo_run

from focus_core.artifacts import map_array, tensor_names, to_float32, write_arrays
from focus_core.runs.writer import write_manifest

TRAINED = "trained.safetensors"


def collect(work: Path, languages: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Write the trainings of the methods in ``training/`` of every demo run anew."""
    for language in languages:
        folder = demo_run(language) / "training"
        for seed in SEEDS:
            for method in methods:
                piece = Piece(language=language, method=method, seed=seed, work=work)
                place(piece, folder)


def place(piece: Piece, folder: Path) -> None:
    """Copy one training: FOCUS's first with its matrices in half precision, of the others what a chart needs."""
    main = piece.method == "focus" and piece.seed == SEEDS[0]
    target = folder / (NAME if main else f"{piece.method}-{piece.seed}")
    shutil.rmtree(target, ignore_errors=True)
    copy_training(piece.trained(), target, matrices=main, of_run=digest_of(piece) if main else None)


def digest_of(piece: Piece) -> str:
    """Return the digest of the demo's run; refuse one of other files than those that the piece began with."""
    demo, own = (
        json.loads((path / "manifest.json").read_text("utf-8")) for path in (demo_run(piece.language), piece.run)
    )
    if demo["files"] != own["files"]:
        raise SystemExit(f"{piece.run}: not the run of {demo_run(piece.language)}; train it again")
    return str(demo["digest"])


def copy_training(source: Path, target: Path, *, matrices: bool, of_run: str | None) -> None:
    """Copy a training without its backbone, its snapshots, its times and, mostly, its matrices; name its run."""
    target.mkdir(parents=True)
    manifest: dict[str, Any] = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    names = ["curve.parquet"]
    if manifest["config"]["seed"] == SEEDS[0]:
        names.append("tokens.parquet")
    for name in names:
        shutil.copyfile(source / name, target / name)
    if matrices:
        write_arrays(target / TRAINED, halved(source / TRAINED))
    manifest |= {"name": target.name, "has_body": False, "matrices": manifest["matrices"] if matrices else []}
    manifest |= {} if of_run is None else {"run_digest": of_run}  # a newer version may say more of an equal run
    write_manifest(target, manifest)


def halved(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file in half precision."""
    return {name: to_float32(*map_array(path, name)).astype(np.float16) for name in sorted(tensor_names(path))}
