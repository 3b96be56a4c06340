"""The probe of a run: a short training of its embeddings alone, at the learning rate that suits its method."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from focus_core.corpus.held_out import SECOND_SLICE
from focus_core.experiments.layout import PROBE, read_json, write_json
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.training.loop import DivergedError
from focus_core.training.options import Precision, TrainConfig, Trained
from focus_core.training.train import adapt_run, training_folder
from focus_core.types import ProgressHook

RATES = (1e-4, 5e-4, 2e-3, 8e-3)
"""Learning rates among which the first seed of a method chooses."""
BATCH_TOKENS, LENGTH, EVALUATIONS = 2048, 64, 4


def probe_config(tokens: int, rate: float, seed: int, *, device: str, threads: int) -> TrainConfig:
    """Return the options of a probe; nothing in them is left to a measurement, so that equal ones give equal bytes."""
    return TrainConfig(
        tokens=tokens,
        train=Trained.EMBEDDINGS,
        learning_rate=rate,
        batch_tokens=BATCH_TOKENS,
        max_seq_length=LENGTH,
        evaluations=EVALUATIONS,
        snapshots=0,
        precision=Precision.FLOAT32,
        seed=seed,
        device=device,
        threads=threads,
    )


def run_probe(
    run: RunFolder, text: Path, configs: Sequence[TrainConfig], kept: Path, *, source: str, progress: ProgressHook
) -> list[dict[str, Any]]:
    """Train a run by each of some options and keep the training that ends with the lowest held-out loss.

    What a killed process had finished is not trained again.

    Parameters
    ----------
    run : RunFolder
        The run; it gets ``training/probe``.
    text : Path
        What is trained on; its second held-out slice is what chooses.
    configs : sequence of TrainConfig
        Options that differ in the learning rate, the lowest first.
    kept : Path
        Where those that are done wait until the last one is; a file of notes lies beside it.
    source : str
        Where the source model is.
    progress : ProgressHook
        Told the progress of each.

    Returns
    -------
    list of dict
        ``learning_rate`` and ``held_out_loss`` of each, in order; ``None`` where the loss ran away.

    Raises
    ------
    DivergedError
        If it ran away at every rate.
    """
    target, notes = training_folder(run, PROBE), kept.with_suffix(".json")
    if notes.is_file() and target.is_dir():
        rates: list[dict[str, Any]] = read_json(notes)
        return rates
    found = [_one(run, text, config, kept / str(number), source, progress) for number, config in enumerate(configs)]
    losses = [math.inf if loss is None else loss for loss in found]
    best = losses.index(min(losses))
    if found[best] is None:
        tried = ", ".join(f"{config.learning_rate:g}" for config in configs)
        raise DivergedError(f"probe: expected a falling loss, got one that runs away at every rate ({tried})")
    rates = [
        {"learning_rate": one.learning_rate, "held_out_loss": loss} for one, loss in zip(configs, found, strict=True)
    ]
    write_json(notes, rates)
    target.parent.mkdir(exist_ok=True)
    (kept / str(best)).replace(target)
    shutil.rmtree(kept)
    return rates


def _one(
    run: RunFolder, text: Path, config: TrainConfig, kept: Path, source: str, progress: ProgressHook
) -> float | None:
    """Train by some options, unless that is done; return the held-out loss at the end, ``None`` where it ran away."""
    if (kept / "diverged").is_file():
        return None
    if not kept.is_dir():
        target = training_folder(run, PROBE)
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(target.with_name(f"{PROBE}.part"), ignore_errors=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            adapt_run(
                run,
                name=PROBE,
                corpus=[text],
                config=config,
                source=source,
                held_out_from=SECOND_SLICE,
                progress=progress,
            )
        except DivergedError:
            shutil.rmtree(target.with_name(f"{PROBE}.part"), ignore_errors=True)
            kept.mkdir()
            (kept / "diverged").touch()
            return None
        target.replace(kept)
    return _loss(kept)


def _loss(folder: Path) -> float:
    return float(read_json(folder / "manifest.json")["result"]["held_out_loss_end"])


def curve_of(training: TrainingFolder) -> list[dict[str, Any]]:
    """Return the held-out curve of a probe: ``tokens`` and ``held_out_loss`` in nats a token."""
    curve = training.curve()
    if curve is None:
        return []
    columns = (curve.column(name).to_pylist() for name in ("tokens", "held_out_loss"))
    return [{"tokens": tokens, "held_out_loss": loss} for tokens, loss in zip(*columns, strict=True)]
