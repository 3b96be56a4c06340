"""The states of a run that a model can be made of: right after initialisation, after each training, imported.

Says of each what it is, in the words of a model card, and of one that is no whole model why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from focus_core.errors import RunFolderError, bad_input, phrase
from focus_core.export.abilities import abilities_of
from focus_core.export.parameters import BACKBONE
from focus_core.runs.additions import IMPORTED, TRAINED, TrainingFolder, list_trainings, open_training, readable
from focus_core.runs.folder import RunFolder

DISTILL = "distill"
DISTANCE = "held-out squared distance to the source's sentence embeddings"
TRAIN_AGAIN = "train it again with `adapt`, under another name"
IMPORT_AGAIN = phrase("import the checkpoint folder with {whole}, under another name")


class Kind(StrEnum):
    """What made the weights of a state; its values are those of the option ``train``, where it has one."""

    INITIALISED = "initialised"
    EMBEDDINGS = "embeddings"
    EMBEDDINGS_FIRST = "embeddings-first"
    ALL = "all"
    IMPORTED_EMBEDDINGS = "imported embeddings"
    IMPORTED_WHOLE = "imported whole"


_UNKNOWN = "how it was trained is not known"
MADE: Mapping[Kind, str] = {
    Kind.INITIALISED: "and **not trained since**",
    Kind.EMBEDDINGS: "and then **trained further**, the backbone frozen",
    Kind.EMBEDDINGS_FIRST: "and then **trained further**: the embeddings alone at first, then every weight",
    Kind.ALL: "and then **trained further**, together with every other weight",
    Kind.IMPORTED_EMBEDDINGS: f"and then **trained elsewhere**; the trained matrix was imported, {_UNKNOWN}",
    Kind.IMPORTED_WHOLE: f"and then **trained elsewhere**; the trained model was imported whole, {_UNKNOWN}",
}
"""What happened to the embeddings after they were initialised."""

LEFT_ALONE = frozenset({Kind.INITIALISED, Kind.EMBEDDINGS, Kind.IMPORTED_EMBEDDINGS})
"""Kinds whose every other weight is the source's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelState:
    """A state of a run.

    Parameters
    ----------
    run : RunFolder
        The run.
    training : TrainingFolder or None
        One of its trainings; ``None`` is the run as it was initialised.
    kind : Kind
        What made its weights.
    lack, remedy : str, default=""
        Why no model can be made of it, and what to do; empty where one can.
    began_elsewhere : bool, default=False
        Whether its training began from the embeddings of another run, so that the run's records are not its own.
    """

    run: RunFolder
    training: TrainingFolder | None
    kind: Kind
    lack: str = ""
    remedy: str = ""
    began_elsewhere: bool = False

    @property
    def name(self) -> str | None:
        """The name of the training; ``None`` for the initialisation."""
        return None if self.training is None else self.training.name

    @property
    def made(self) -> str:
        """What happened to the embeddings after they were initialised, for the model card."""
        return MADE[self.kind]

    @property
    def leaves_backbone(self) -> bool:
        """Whether every other weight is the source's."""
        return self.kind in LEFT_ALONE

    @property
    def has_own_backbone(self) -> bool:
        """Whether the training keeps a backbone that takes the place of the source's."""
        return self.training is not None and (self.training.path / BACKBONE).is_file()

    def facts(self) -> dict[str, Any]:
        """Return what a model card says about the training; empty for the initialisation.

        Returns
        -------
        dict of str to any
            Names and values, as the training's manifest has them.
        """
        if self.training is None:
            return {}
        manifest = self.training.manifest
        config, result = ({**(manifest.get(part) or {})} for part in ("config", "result"))
        named = {
            "name in the run": self.training.name,
            "trained": {Kind.EMBEDDINGS: "embeddings alone", Kind.EMBEDDINGS_FIRST: "embeddings first, then all"}.get(
                self.kind, "everything" if self.kind is Kind.ALL else "not known"
            ),
            "objective": config.get("objective"),
            "steps": result.get("steps"),
            "tokens seen": result.get("tokens"),
            "learning rate": config.get("learning_rate"),
            "held-out bits per character at start": _rounded(result.get("held_out_bits_start")),
            "held-out bits per character at end": _rounded(result.get("held_out_bits_end")),
        }
        if config.get("objective") == DISTILL:
            for when in ("start", "end"):
                named[f"{DISTANCE} at {when}"] = _rounded(result.get(f"held_out_loss_{when}"))
        text = (manifest.get("corpus") or {}).get("digest")
        for entry in manifest.get("inputs") or []:
            named[f"imported from {entry['name']}"] = f"SHA-256 {entry['sha256']}"
        named["digest of the text"] = text
        return {name: value for name, value in named.items() if value is not None}

    @property
    def why_not(self) -> str:
        """Why it cannot be exported; empty where it can."""
        return self.lack or ("one that began from another run's embeddings" if self.began_elsewhere else "")

    def check(self, *, to_measure: bool = False) -> None:
        """Refuse a state of which no model can be made.

        Parameters
        ----------
        to_measure : bool, default=False
            Whether nothing is said of where the state came from, so that it may have begun from another run's.

        Raises
        ------
        RunFolderError
            Says what it lacks and what to do.
        """
        lack = self.lack if to_measure else self.why_not
        if lack:
            remedy = self.remedy if self.lack else "export it from that run"
            raise bad_input(f"training {self.name}", "one that keeps a whole model", lack, remedy, RunFolderError)


def _rounded(value: Any) -> float | None:
    return round(float(value), 3) if isinstance(value, int | float) else None


def state_of(run: RunFolder, trained: str | TrainingFolder | None) -> ModelState:
    """Return a state of a run.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    trained : str, TrainingFolder or None
        One of its trainings; ``None`` is the run as it was initialised.

    Returns
    -------
    ModelState
        What it is, and whether it can be exported.

    Raises
    ------
    RunFolderError
        If there is no such training, or it is damaged.
    """
    if trained is None:
        return ModelState(run=run, training=None, kind=Kind.INITIALISED)
    training = open_training(run, trained) if isinstance(trained, str) else trained
    kind = _kind(training)
    lack = _lack(run, training, kind)
    return ModelState(
        run=run,
        training=training,
        kind=kind,
        lack=lack,
        remedy=IMPORT_AGAIN if training.manifest["kind"] == IMPORTED else TRAIN_AGAIN,
        began_elsewhere=training.manifest["run_digest"] != run.digest,
    )


def _kind(training: TrainingFolder) -> Kind:
    if training.manifest["kind"] == IMPORTED:
        return Kind.IMPORTED_WHOLE if (training.path / BACKBONE).is_file() else Kind.IMPORTED_EMBEDDINGS
    named = (training.manifest.get("config") or {}).get("train")
    return Kind(named) if named in set(Kind) else Kind.ALL


def _lack(run: RunFolder, training: TrainingFolder, kind: Kind) -> str:
    """Return what a training lacks to be a whole model; an empty text where nothing."""
    if not (training.path / TRAINED).is_file():
        return "a table and a curve alone, no embeddings"
    if (training.path / BACKBONE).is_file() or kind is Kind.EMBEDDINGS or not abilities_of(run).whole:
        return ""
    return "embeddings alone, without the backbone that they were trained with"


def model_states(run: RunFolder) -> list[TrainingFolder]:
    """Return the trainings of a run whose whole model can be made.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    list of TrainingFolder
        By name; those that cannot be read are left out.
    """
    return [s.training for s in _trained_states(run) if s.training is not None and not s.why_not]


def states_left_out(run: RunFolder) -> list[ModelState]:
    """Return the states of a run of which no model can be made; each says why.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    list of ModelState
        By name.
    """
    return [state for state in _trained_states(run) if state.why_not]


def _trained_states(run: RunFolder) -> list[ModelState]:
    found, _ = readable(list_trainings(run), partial(open_training, run))
    return [state_of(run, training) for training in found]
