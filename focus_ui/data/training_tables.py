"""What the trainings of a run have to show: curves, starts, configurations, and the tokens that drifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.analysis.provenance.change import ChangedTokens
from focus_core.errors import FocusError
from focus_core.numerics.formats import count
from focus_core.runs.additions import IMPORTED, TrainingFolder, list_trainings, open_training, readable
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import METHOD_LOOKS, Method, method_of
from focus_ui.charts.csv_export import as_columns
from focus_ui.data.tables import token_table
from focus_ui.data.training_curves import manifest_part, measured_lines

if TYPE_CHECKING:
    import pandas as pd

NATS, BITS, DISTANCE = "nats per token", "bits per character", "squared distance of sentence embeddings"
UNITS = {BITS: "held_out_bits", NATS: "held_out_loss", DISTANCE: "held_out_loss"}
"""What the loss on held-out text is given in, and the column of the curve that holds it."""

UNIT_COLUMNS = {BITS: "bits", NATS: "loss", DISTANCE: "distance"}
"""What the columns of a summary are called in each unit."""

TRAINED_PARTS = {
    "embeddings": "the embeddings alone, the backbone frozen",
    "embeddings-first": "the embeddings first, then everything",
    "all": "everything",
}
DISTILL = "distill"
OBJECTIVES = {
    "mlm": "predicting masked tokens",
    "clm": "predicting the next token",
    DISTILL: "learning the source's sentence embeddings from pairs",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """The course of one training."""

    name: str
    method: Method
    seed: int | None
    tokens: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class MethodCurves:
    """All curves of one method, and their mean where every seed was measured at the same points."""

    method: Method
    curves: tuple[Curve, ...]
    mean: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class Start:
    """The loss of one method before any training."""

    method: Method
    mean: float
    low: float
    high: float
    n_seeds: int


def readable_trainings(run: RunFolder) -> tuple[list[TrainingFolder], list[FocusError]]:
    """Open every finished training of a run."""
    found, errors = readable(list_trainings(run), partial(open_training, run))
    own = run.digest

    def place(training: TrainingFolder) -> tuple[bool, bool, bool, str]:
        manifest = training.manifest
        strange = manifest["run_digest"] != own
        return strange, not training.matrix_names(), manifest["kind"] != IMPORTED, training.name

    return sorted(found, key=place), errors


def with_matrix(trainings: Sequence[TrainingFolder]) -> list[TrainingFolder]:
    """Return those that kept the trained input matrix."""
    return [training for training in trainings if "input" in training.matrix_names()]


def with_changes(trainings: Sequence[TrainingFolder]) -> list[TrainingFolder]:
    """Return those that recorded how far every token drifted."""
    return [training for training in trainings if (training.path / "tokens.parquet").is_file()]


def began_elsewhere(run: RunFolder, training: TrainingFolder) -> bool:
    """Whether a training began from the rows of another initialisation of the same vocabulary."""
    return bool(training.manifest["run_digest"] != run.digest)


def training_label(training: TrainingFolder) -> str:
    """Return how a training is listed, plain text: its method and seed, and its name."""
    method, seed = _initialisation(training)
    if training.manifest["kind"] == IMPORTED:
        return f"{training.name} · imported"
    return f"{training.name} · {method.label}" + ("" if seed is None else f", seed {seed}")


def _initialisation(training: TrainingFolder) -> tuple[Method, int | None]:
    known = manifest_part(training, "initialisation")
    seed = known.get("seed")
    return method_of(str(known.get("method", "unknown"))), seed if isinstance(seed, int) else None


def curves(trainings: Sequence[TrainingFolder], unit: str) -> list[MethodCurves]:
    """Return the curves of all methods, in the order of ``METHOD_LOOKS``."""
    grouped: dict[str, list[Curve]] = {}
    for training in trainings:
        curve = _curve(training, unit)
        if curve is not None:
            grouped.setdefault(curve.method.key, []).append(curve)
    order = {key: place for place, key in enumerate(METHOD_LOOKS)}
    keys = sorted(grouped, key=lambda key: (order.get(key, len(order)), key))
    return [_together(sorted(grouped[key], key=lambda c: (c.seed or 0, c.name))) for key in keys]


def is_distilled(training: TrainingFolder) -> bool:
    """Whether a training learned sentence embeddings, so that its loss is a distance and not one of predictions."""
    return manifest_part(training, "config").get("objective") == DISTILL


def units_of(trainings: Sequence[TrainingFolder]) -> list[str]:
    """Return the units in which the losses of some trainings can be shown."""
    distilled = {is_distilled(training) for training in trainings}
    return [unit for unit in UNITS if (unit == DISTANCE) in (distilled or {False})]


def _curve(training: TrainingFolder, unit: str) -> Curve | None:
    if is_distilled(training) != (unit == DISTANCE):
        return None
    curve = training.measured(UNITS[unit])
    if curve is None:
        return None
    method, seed = _initialisation(training)
    return Curve(name=training.name, method=method, seed=seed, tokens=curve[0], values=curve[1])


def _together(found: list[Curve]) -> MethodCurves:
    same = all(np.array_equal(curve.tokens, found[0].tokens) for curve in found)
    mean = np.mean([curve.values for curve in found], axis=0) if same else None
    return MethodCurves(method=found[0].method, curves=tuple(found), mean=mean)


def curve_points(groups: Sequence[MethodCurves], unit: str) -> dict[str, list[Any]]:
    """Return every point of every curve, one a row."""
    points = [
        (curve.name, group.method.label, curve.seed, int(tokens), float(value))
        for group in groups
        for curve in group.curves
        for tokens, value in zip(curve.tokens, curve.values, strict=True)
    ]
    return as_columns(("training", "initialised by", "seed", "tokens", f"loss in {unit}"), points)


def starts(groups: Sequence[MethodCurves]) -> list[Start]:
    """Return every method's loss right after initialisation, the lowest first."""
    found = []
    for group in groups:
        first = [float(curve.values[0]) for curve in group.curves if curve.tokens[0] == 0]
        if first:
            low, high, mean = min(first), max(first), float(np.mean(first))
            found.append(Start(method=group.method, mean=mean, low=low, high=high, n_seeds=len(first)))
    return sorted(found, key=lambda start: start.mean)


def summary_rows(trainings: Sequence[TrainingFolder]) -> dict[str, list[Any]]:
    """Return one row per training: what it was and what came out."""
    names = (
        "training", "initialised by", "seed", "tokens", "loss at start", "loss at end", "bits at start", "bits at end",
        "distance at start", "distance at end", "foreseen", "neighbour overlap", "trained", "ended",
    )  # fmt: skip
    rows = []
    for training in trainings:
        method, seed = _initialisation(training)
        result, drift = (manifest_part(training, key) for key in ("result", "movement"))
        kind = manifest_part(training, "config").get("train")
        loss = [result.get(f"held_out_loss_{when}") for when in ("start", "end")]
        nats, distance = ([None, None], loss) if is_distilled(training) else (loss, [None, None])
        rows.append((
            training.name, method.label, seed, result.get("tokens"), *nats,
            result.get("held_out_bits_start"), result.get("held_out_bits_end"), *distance,
            drift.get("foreseen"), drift.get("mean_kept"), TRAINED_PARTS.get(str(kind)),
            "imported" if training.manifest["kind"] == IMPORTED else result.get("stopped"),
        ))  # fmt: skip
    return as_columns(names, rows)


def summary_for_unit(rows: dict[str, list[Any]], unit: str) -> tuple[dict[str, list[Any]], str]:
    """Return the columns of `summary_rows` that a narrow page has room for, and what holds for every training."""
    left_out = {f"{name} at {when}" for u, name in UNIT_COLUMNS.items() if u != unit for when in ("start", "end")}
    columns = {name: values for name, values in rows.items() if name not in left_out}
    shared: dict[str, Any] = {}
    for name in ("tokens", "trained", "ended"):
        values = columns[name]
        if len(values) > 1 and len(set(values)) == 1:
            shared[name] = columns.pop(name)[0]
    words = [
        f"{count(value)} tokens" if name == "tokens" else f"{name}: {value}" for name, value in shared.items() if value
    ]
    return columns, f"All of them: {'; '.join(words)}." if words else ""


def training_words(training: TrainingFolder) -> str:
    """Return in one sentence what a training was; plain text."""
    if training.manifest["kind"] == IMPORTED:
        sources = [str(entry.get("name", "")) for entry in training.manifest.get("inputs") or [] if entry]
        return f"Imported from {', '.join(sources) or 'a file'}; how it was trained is not known here."
    config, result = (manifest_part(training, key) for key in ("config", "result"))
    words = [f"{count(result['tokens'])} tokens"] if result.get("tokens") else []
    if config.get("objective") in OBJECTIVES:
        words.append(OBJECTIVES[config["objective"]])
    if config.get("train") in TRAINED_PARTS:
        words.append(f"training {TRAINED_PARTS[config['train']]}")
    if config.get("learning_rate"):
        words.append(f"learning rate {config['learning_rate']:g}")
    if measured_lines(training):
        words.append(f"loss taken on {measured_lines(training)}")
    if result.get("stopped") == "diverged":
        words.append("stopped because it diverged; the last good state was kept")
    return ", ".join(words).capitalize() + "." if words else ""


def change_table(run: RunFolder, changed: ChangedTokens) -> pd.DataFrame:
    """Return the tokens that a training has measures of, most changed first, beside what the run says of them."""
    import pandas as pd

    moved = pd.DataFrame({name: getattr(changed, name) for name in ("id", "cosine", "norm_ratio", "kept", "score")})
    return moved.merge(token_table(run), on="id", how="inner", sort=False)


def most_changed(frame: pd.DataFrame, *, category: str = "", min_frequency: int = 0) -> pd.DataFrame:
    """Return the rows of one origin that occur often enough, most changed first."""
    kept = frame[frame["frequency"] >= min_frequency]
    return kept[kept["category"] == category] if category else kept


def state_names(trainings: Sequence[TrainingFolder]) -> dict[str, str]:
    """Return how trainings are listed, by their names."""
    return {training.name: training_label(training) for training in trainings}
