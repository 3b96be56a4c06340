"""Everything that can be measured of runs and trainings on one text, as one report."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from focus_core.artifacts import digest_json
from focus_core.corpus.dictionary import Dictionary, read_dictionary
from focus_core.corpus.word_masking import SHARE
from focus_core.errors import bad_input, sentence
from focus_core.evaluation.alignment import find_pairs, measure_alignment
from focus_core.evaluation.bootstrap import DRAWS, difference_interval, ratio_interval
from focus_core.evaluation.causal import score_causal
from focus_core.evaluation.comparable import comparable, why_not_comparable
from focus_core.evaluation.drift import summarise_change
from focus_core.evaluation.fertility import measure_segmentation
from focus_core.evaluation.masked import score_masked
from focus_core.evaluation.targets import Target, load_reference, open_source, open_target, why_no_model
from focus_core.evaluation.text import MeasuredText, read_measured_text
from focus_core.evaluation.windows import LineScores
from focus_core.export.forward import MLM
from focus_core.export.model_folder import WEIGHT_ROLES
from focus_core.export.run_model import RunModel, load_run_model
from focus_core.models.source import SourceModel
from focus_core.numerics.similarity import resolve_device
from focus_core.runs.layout import SOURCE_TOKENIZER, TARGET_TOKENIZER
from focus_core.tokenization.text_form import read_text_form
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.training.options import with_current_names
from focus_core.types import ProgressHook, no_progress

T = TypeVar("T")
SCHEMA_VERSION = 1


def evaluate_runs(
    targets: Sequence[str],
    *,
    corpus: str | Path | Sequence[str | Path],
    field: str = "text",
    encoding: str | None = None,
    dictionary: str | Path | None = None,
    source: str | Path | None = None,
    all_lines: bool = False,
    device: str = "auto",
    seed: int = 0,
    progress: ProgressHook = no_progress,
) -> dict[str, Any]:
    """Measure runs right after initialisation, and after training, on the same lines and words.

    Parameters
    ----------
    targets : sequence of str
        ``RUN``, or ``RUN:NAME`` for one of its trainings. Differences are taken to the first.
    corpus : str, Path or sequence of them
        Text, one sentence a line.
    field : str, default="text"
        Field or column that holds the text.
    encoding : str, default=None
        Encoding of the files; ``None`` is UTF-8.
    dictionary : str or Path, default=None
        Source word, tab, target word on each line; ``None`` measures no alignment.
    source : str or Path, default=None
        Where the source model is; ``None`` takes what each run's log remembers.
    all_lines : bool, default=False
        Whether to measure on every line, and not only on those that trainings keep aside.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where the models run.
    seed : int, default=0
        Chooses the masked words, the bootstrap samples and the shuffled pairs.
    progress : ProgressHook, default=no_progress
        Told the targets done, of all targets and sources, as stage ``evaluate``, and the windows of each.

    Returns
    -------
    dict
        Ready to be written as JSON; what does not apply or is not known is ``None``. ``corpus`` (``files``,
        ``digest``, ``n_lines``, ``n_measured_lines``, ``percent``), ``settings``, ``targets`` and ``sources`` (see
        Notes), ``differences`` (each target's bits per character minus the first target's, paired by line) and
        ``groups`` (targets that differ in nothing but the seed, together).

    Raises
    ------
    InvalidInputError
        If an input cannot be used; a training that keeps no backbone is named.

    Notes
    -----
    An entry of ``targets`` has ``target``, ``run``, ``training``, ``state``, ``method``, ``seed``, ``objective``,
    ``loss`` (``nats_per_token``, ``bits_per_character`` with ``value``, ``low`` and ``high``, ``n_tokens``,
    ``n_words``, ``n_characters``, ``n_unknown``, ``n_unknown_characters``, and ``not_comparable``, which is empty or
    says why the first two are ``None``), ``segmentation`` (``tokens_per_word``, ``continued_words``,
    ``characters_per_token`` and counts), ``change`` (see `summarise_change`), ``alignment`` (see
    `measure_alignment`) and ``notes``. ``sources`` holds the same for each source model under its own tokenizer.
    """
    if not targets:
        remedy = "name a run folder, or RUN:NAME for one of its trainings"
        raise bad_input("targets", expected="at least one run", got="none", remedy=remedy)
    opened = [open_target(str(name)) for name in targets]
    most = min((target.held_out_percent for target in opened), default=100)
    text = read_measured_text(corpus, field=field, encoding=encoding, all_lines=all_lines, most_percent=most)
    words = None if dictionary is None else read_dictionary(dictionary)
    bench = _Bench(text=text, words=words, source=source, device=resolve_device(device), seed=seed, progress=progress)
    sources = [bench.source_of(target) for target in opened]
    reasons = [why_no_model(target, found) for target, found in zip(opened, sources, strict=True)]
    total = len(opened) + len({found.digest for found in sources if found is not None})
    for number, target in enumerate(opened):
        progress("evaluate", number, total, target.name)
        bench.measure(target, sources[number], reasons[number])
    bench.measure_sources(opened, sources, total)
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "evaluation",
        "corpus": {
            "files": list(text.files),
            "digest": text.digest,
            "n_lines": text.n_lines,
            "n_measured_lines": len(text.lines),
            "percent": text.percent,
        },
        "dictionary": None if words is None else {"name": words.name, "sha256": words.digest, "n": len(words.pairs)},
        "settings": {"seed": seed, "mask_share": SHARE, "bootstrap_draws": DRAWS, "device": bench.device},
        "targets": bench.entries,
        "sources": bench.references,
        "differences": bench.differences(),
        "groups": bench.groups(),
    }


@dataclass(kw_only=True, eq=False)
class _Bench:
    """The text, and what has been measured on it so far."""

    text: MeasuredText
    words: Dictionary | None
    source: str | Path | None
    device: str
    seed: int
    progress: ProgressHook
    entries: list[dict[str, Any]] = field(default_factory=list)
    references: list[dict[str, Any]] = field(default_factory=list)
    scores: list[LineScores | None] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    _kept: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def _once(self, key: tuple[object, ...], build: Callable[[], T]) -> T:
        """Return what was built the first time that it was asked for under this key."""
        if key not in self._kept:
            self._kept[key] = build()
        kept: T = self._kept[key]
        return kept

    def source_of(self, target: Target) -> SourceModel | None:
        """Load the source of a run, once for all runs made from it."""
        inputs = target.run.manifest["inputs"]
        key = (*sorted(e["sha256"] for e in inputs if e["role"] in WEIGHT_ROLES), target.run.manifest["source"]["n"])
        return self._once(("source", *key), lambda: open_source(target.run, self.source))

    def vocabulary(self, target: Target, folder: str) -> Vocabulary:
        """Load one of the two tokenizers of a run, once."""
        digest = target.run.manifest["target" if folder == TARGET_TOKENIZER else "source"]["digest"]
        return self._once(("vocabulary", digest), lambda: load_vocabulary(target.run.path / folder))

    def measure(self, target: Target, source: SourceModel | None, reason: str) -> None:
        """Add the entry of one target."""
        training = target.training.name if target.training else None
        model = reason or load_run_model(target.run, trained=training, source=self.source, device=self.device)
        own, (scores, objective, notes) = target.initialisation, self._score(model)
        loss = self._loss(scores)
        why = why_not_comparable(loss)
        self.scores.append(None if why else scores)
        self.settings.append(settings_of(target))
        self.entries.append(
            {
                "target": target.name,
                "run": target.run.path.name,
                "training": training,
                "state": target.state,
                "method": own["method"],
                "seed": own["seed"],
                "trained_tokens": trained_tokens(target),
                "objective": objective,
                "loss": loss,
                "segmentation": self._segmentation(self.vocabulary(target, TARGET_TOKENIZER)),
                "change": summarise_change(target, progress=self.progress),
                "alignment": self._alignment(target, source),
                "notes": _notes(notes, why),
            }
        )

    def measure_sources(self, targets: list[Target], sources: list[SourceModel | None], total: int) -> None:
        """Add the entry of each source model, under its own tokenizer, on the same lines and words."""
        done: set[str] = set()
        for target, source in zip(targets, sources, strict=True):
            if source is None or source.digest in done:
                continue
            self.progress("evaluate", len(targets) + len(done), total, source.name)
            done.add(source.digest)
            whole = source.has_backbone and source.has_head
            scores, objective, notes = self._score(load_reference(target.run, source, self.device) if whole else "")
            loss = self._loss(scores)
            self.references.append(
                {
                    "target": source.name,
                    "objective": objective,
                    "loss": loss,
                    "segmentation": self._segmentation(self.vocabulary(target, SOURCE_TOKENIZER)),
                    "notes": _notes(notes, why_not_comparable(loss)),
                }
            )
        self.progress("evaluate", total, total)

    def _score(self, model: RunModel | str) -> tuple[LineScores | None, str | None, list[str]]:
        """Return scores, objective and notes of a model, or of the reason why there is none."""
        if isinstance(model, str):
            return None, None, [model] if model else []
        if model.objective == MLM:
            scores = score_masked(model, self.text.lines, seed=self.seed, progress=self.progress)
        else:
            scores = score_causal(model, self.text.lines, progress=self.progress)
        return scores, model.objective, [*scores.warnings, *text_form_notes(model.vocabulary)]

    def _loss(self, scores: LineScores | None) -> dict[str, Any] | None:
        if scores is None or not scores.characters.sum():
            return None
        found = {
            "nats_per_token": _number(scores.nats_per_token),
            "bits_per_character": dataclasses.asdict(ratio_interval(scores.bits, scores.characters, seed=self.seed)),
            "n_tokens": int(scores.tokens.sum()),
            "n_words": int(scores.words.sum()),
            "n_characters": int(scores.characters.sum()),
            "n_unknown": int(scores.unknown.sum()),
            "n_unknown_characters": int(scores.unknown_characters.sum()),
        }
        return comparable(found)

    def _segmentation(self, vocabulary: Vocabulary) -> dict[str, Any]:
        key = ("segmentation", vocabulary.digest)
        found = self._once(key, lambda: measure_segmentation(vocabulary, self.text.lines))
        ratios = ("tokens_per_word", "continued_words", "characters_per_token")
        measures = {name: _number(getattr(found, name)) for name in ratios}
        return {"tokenizer": vocabulary.name, **measures, **dataclasses.asdict(found)}

    def _alignment(self, target: Target, source: SourceModel | None) -> dict[str, Any] | None:
        """Return alignment and retrieval of one target, ``None`` without a dictionary or the source's matrix."""
        words = self.words
        if words is None or source is None:
            return None
        left, right = self.vocabulary(target, SOURCE_TOKENIZER), self.vocabulary(target, TARGET_TOKENIZER)
        pairs = self._once(("pairs", left.digest, right.digest), lambda: find_pairs(left, right, words.pairs))
        rows = (target.training or target.run).embeddings("input")
        found = measure_alignment(pairs, source.input.float().numpy(), rows, seed=self.seed)
        return {"n_listed": pairs.n_listed, **found}

    def differences(self) -> list[dict[str, Any]]:
        """Return every target's bits per character minus the first one's, where both predict the same words."""
        found = []
        for number in range(1, len(self.entries)):
            interval = self._difference([number], [0])
            if interval is not None:
                names = {"target": self.entries[number]["target"], "minus": self.entries[0]["target"]}
                found.append(names | {"bits_per_character": interval})
        return found

    def groups(self) -> list[dict[str, Any]]:
        """Return targets that differ in the seed alone, together, and their differences to the first group."""
        keys = ("method", "state", "trained_tokens", "objective")
        scored = [number for number, scores in enumerate(self.scores) if scores is not None]
        found = seed_groups(scored, self.entries, self.settings, keys)
        return [self._group(numbers, found[0][1], shared) for shared, numbers in found]

    def _group(self, numbers: list[int], first: list[int], shared: dict[str, Any]) -> dict[str, Any]:
        bits, characters = self._bits(numbers)
        return {
            **shared,
            "targets": [self.entries[number]["target"] for number in numbers],
            "bits_per_character": dataclasses.asdict(ratio_interval(bits, characters, seed=self.seed)),
            "minus_first_group": None if numbers is first else self._difference(numbers, first),
        }

    def _bits(self, numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
        chosen = [scores for n in numbers if (scores := self.scores[n]) is not None]
        return np.stack([scores.bits for scores in chosen]), chosen[0].characters

    def _difference(self, numbers: list[int], others: list[int]) -> dict[str, float] | None:
        """Return the paired difference of two groups, ``None`` where they do not predict the same words."""
        used = [self.scores[n] for n in (*numbers, *others)]
        objectives = {self.entries[n]["objective"] for n in (*numbers, *others)}
        if None in used or len(objectives) > 1:
            return None
        (bits, characters), (base, _) = self._bits(numbers), self._bits(others)
        if not characters.sum():
            return None
        return dataclasses.asdict(difference_interval(bits, base, characters, seed=self.seed))


def _notes(notes: list[str], why: str) -> list[str]:
    """Return what the user should know, and first why a loss has no numbers."""
    return [f"{sentence(why)} That token is easy to predict.", *notes] if why else notes


def seed_groups(
    numbers: Iterable[int], entries: Sequence[dict[str, Any]], settings: Sequence[str], keys: Sequence[str]
) -> list[tuple[dict[str, Any], list[int]]]:
    """Return which entries differ in nothing but the seed.

    Parameters
    ----------
    numbers : iterable of int
        Places of the entries that count.
    entries : sequence of dict
        Entries of a report.
    settings : sequence of str
        The settings of each, as `settings_of` returns them.
    keys : sequence of str
        What in an entry must be equal too.

    Returns
    -------
    list of (dict, list of int)
        What a group shares, by key, and its places, in the order of their first; none where every group has one member.
    """
    members: dict[tuple[Any, ...], list[int]] = {}
    for number in numbers:
        key = (*(entries[number][name] for name in keys), settings[number])
        members.setdefault(key, []).append(number)
    if all(len(group) == 1 for group in members.values()):
        return []
    return [(dict(zip(keys, key, strict=False)), group) for key, group in members.items()]


def settings_of(target: Target) -> str:
    """Return what targets must share to be repetitions of each other: vocabularies and training, less the seeds."""
    manifest = target.run.manifest
    config = with_current_names(target.training.manifest.get("config") or {}) if target.training else {}
    for name in ("seed", "device", "threads", "precision"):
        config.pop(name, None)
    return digest_json([manifest["source"]["digest"], manifest["target"]["digest"], config])


def trained_tokens(target: Target) -> int | None:
    """Return the tokens that a training has seen; ``None`` of an initialisation, or where it does not say."""
    if target.training is None:
        return None
    tokens = (target.training.manifest.get("result") or {}).get("tokens")
    return None if tokens is None else int(tokens)


def text_form_notes(vocabulary: Vocabulary) -> list[str]:
    """Say so where a tokenizer reads text without capitals or accents, which then need not be predicted."""
    form = read_text_form(vocabulary.backend.normalizer)
    if not form.lower and not form.strips_accents:
        return []
    return [f"Its tokenizer reads {form.words}: what is not read costs no bits. Compare it with what reads the same."]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
