"""What is evaluated: runs and trainings by the names a person gives, and the source behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus_core.errors import VocabularyError
from focus_core.export.model_folder import find_source
from focus_core.export.run_model import RunModel, load_model_folder
from focus_core.export.states import Kind, state_of
from focus_core.initialization.embedded_ids import without_rowless_tokens
from focus_core.models.source import SourceModel, fit_to_vocabulary
from focus_core.runs.additions import TrainingFolder, open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.targets import split_target
from focus_core.tokenization.vocabulary import load_vocabulary


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """A run right after initialisation, or after one of its trainings.

    Parameters
    ----------
    name : str
        As the user wrote it.
    run : RunFolder
        The run.
    training : TrainingFolder or None
        The training.
    """

    name: str
    run: RunFolder
    training: TrainingFolder | None

    @property
    def state(self) -> str:
        """``initialised`` or ``trained``."""
        return "trained" if self.training else "initialised"

    @property
    def initialisation(self) -> dict[str, Any]:
        """Method and seed of what was there before any training."""
        config = self.run.manifest["config"]
        own = {"method": config["method"], "seed": config["seed"]}
        given = self.training.manifest.get("initialisation") if self.training else None
        return own | (given if isinstance(given, dict) else {})

    @property
    def held_out_percent(self) -> int:
        """How many lines in a hundred the training kept aside of its text; 100 where nothing was trained."""
        corpus = (self.training.manifest.get("corpus") if self.training else None) or {}
        return int(corpus.get("held_out_percent") or 100)

    @property
    def is_own(self) -> bool:
        """Whether a training began from this run's rows, and not from another initialisation's."""
        return self.training is None or self.training.manifest["run_digest"] == self.run.digest


def open_target(name: str) -> Target:
    """Open what ``RUN`` or ``RUN:NAME`` names."""
    path, trained = split_target(name)
    run = open_run(path)
    return Target(name=name, run=run, training=None if trained is None else open_training(run, trained))


def why_no_model(target: Target, source: SourceModel | None) -> str:
    """Return why no model can be assembled for a target, in a sentence; empty where its loss can be measured."""
    if source is None or not source.has_backbone:
        return "The source is a matrix of embeddings without a backbone, so there is no loss to measure."
    if not source.has_head:
        return "The source has no head that predicts tokens, so there is no loss to measure."
    state = state_of(target.run, target.training)
    if state.lack and state.kind is Kind.IMPORTED_EMBEDDINGS:
        return "These embeddings were imported without a backbone, so there is no loss to measure."
    state.check(to_measure=True)
    return ""


def open_source(run: RunFolder, source: str | Path | None) -> SourceModel | None:
    """Load a run's source, fitted to its vocabulary; ``None`` if it was a bare matrix and nobody says where that is."""
    found = find_source(run, source)
    return None if found is None else fit_to_vocabulary(found, run.manifest["source"]["n"])


def load_reference(run: RunFolder, source: SourceModel, device: str) -> RunModel | str:
    """Load the source model itself, to measure it under its own tokenizer; or return why there is none."""
    folder = Path(source.folder or source.spec)
    try:
        digest = without_rowless_tokens(load_vocabulary(folder), source.n_rows).digest
    except VocabularyError:
        return f"The folder of {source.name} holds no tokenizer, so its own loss was not measured."
    if digest != run.manifest["source"]["digest"]:
        return f"The folder of {source.name} holds another tokenizer than the run read; its loss was not measured."
    model = load_model_folder(folder)
    model.model.to(device).eval()
    return model
