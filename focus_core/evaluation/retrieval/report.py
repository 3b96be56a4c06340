"""How often runs, trainings and their sources find a sentence's translation, as one report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from focus_core.artifacts import dump_json, read_array
from focus_core.corpus.parallel import ParallelText, holds_read_line, read_parallel
from focus_core.corpus.readers import refuse
from focus_core.errors import bad_input
from focus_core.evaluation.bootstrap import DRAWS, difference_interval, ratio_interval
from focus_core.evaluation.report import seed_groups, settings_of, trained_tokens
from focus_core.evaluation.retrieval.accuracy import retrieval_hits
from focus_core.evaluation.targets import Target, open_target
from focus_core.export.sentence_encoder import SentenceEncoder, load_run_encoder, load_source_encoder
from focus_core.numerics.similarity import resolve_device
from focus_core.runs.log import growing_run
from focus_core.training.train import READ_LINES
from focus_core.types import ProgressHook, no_progress, tell_all

SCHEMA_VERSION = 1
FILE = "retrieval.json"
LEAST_PAIRS = 2
WAYS = ("to_target", "to_source", "both")
"""From a source line to its translation, from there to it, and the mean of the two."""


def evaluate_retrieval(
    targets: Sequence[str],
    *,
    parallel: str | Path,
    source_column: str | None = None,
    target_column: str | None = None,
    encoding: str | None = None,
    source: str | Path | None = None,
    device: str = "auto",
    seed: int = 0,
    progress: ProgressHook = no_progress,
) -> dict[str, Any]:
    """Measure how often the nearest sentence in the other language is the translation.

    Parameters
    ----------
    targets : sequence of str
        ``RUN``, or ``RUN:NAME`` for one of its trainings. Differences are taken to the first.
    parallel : str or Path
        Pairs of a source line and its translation; see `read_parallel`.
    source_column, target_column : str, default=None
        The columns of ``parallel``; ``None`` is right for two and three columns.
    encoding : str, default=None
        Encoding of the file; ``None`` is UTF-8.
    source : str or Path, default=None
        Where the source model is; ``None`` takes what each run's log remembers.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Where the models run.
    seed : int, default=0
        Of the bootstrap samples.
    progress : ProgressHook, default=no_progress
        Told the states done, of all, as stage ``evaluate``, and the sentences of each.

    Returns
    -------
    dict
        Ready to be written as JSON: ``parallel`` (``file``, ``digest``, ``n_pairs``, ``n_incomplete``, ``n_removed``,
        ``n_measured``), ``settings``, ``random`` (the accuracy of a guess), ``targets`` and ``sources`` (each with
        ``accuracy`` of three ways, with interval), ``differences`` and ``groups`` (targets that differ in the seed
        alone, together), both of the mean of the two ways, paired by pair.

    Raises
    ------
    InvalidInputError
        If an input cannot be used, a source encodes no sentences, or training has read all of the pairs.

    Notes
    -----
    Source lines are always read by the unchanged source under its own tokenizer, translations by the state that is
    measured. ``sources`` holds what the source finds that reads both. Pairs of which a distillation of any target has
    read a line are removed, so that all states answer the same questions.
    """
    if not targets:
        remedy = "name a run folder, or RUN:NAME for one of its trainings"
        raise bad_input("targets", expected="at least one run", got="none", remedy=remedy)
    opened = [open_target(str(name)) for name in targets]
    text = read_parallel(parallel, source_column=source_column, target_column=target_column, encoding=encoding)
    pairs = _unread(text, opened)
    bench = _Bench(pairs=pairs, source=source, device=resolve_device(device), seed=seed, progress=progress)
    for number, target in enumerate(opened):
        progress("evaluate", number, len(opened), target.name)
        bench.measure(target)
    progress("evaluate", len(opened), len(opened))
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "retrieval",
        "parallel": {
            "file": text.name,
            "digest": text.digest,
            "n_pairs": len(text.pairs),
            "n_incomplete": text.n_incomplete,
            "n_removed": len(text.pairs) - len(pairs),
            "n_measured": len(pairs),
        },
        "settings": {"seed": seed, "bootstrap_draws": DRAWS, "device": bench.device},
        "random": 1 / len(pairs),
        "targets": bench.entries,
        "sources": bench.references,
        "differences": bench.differences(),
        "groups": bench.groups(),
    }


def _unread(text: ParallelText, targets: Sequence[Target]) -> list[tuple[str, str]]:
    """Return the pairs of which no training has read a line; refuse where too few are left."""
    read = [target.training.path / READ_LINES for target in targets if target.training is not None]
    hashes = [read_array(path, "hashes") for path in read if path.is_file()]
    known = np.unique(np.concatenate(hashes)) if hashes else np.zeros(0, np.uint64)
    kept = [pair for pair, was in zip(text.pairs, holds_read_line(text.pairs, known), strict=True) if not was]
    if len(kept) < LEAST_PAIRS:
        expected = f"at least {LEAST_PAIRS} pairs of which no training has read a line"
        got = f"{len(kept)} of {len(text.pairs):,}"
        raise refuse(text.name, expected, got, "give pairs from elsewhere")
    return kept


@dataclass(kw_only=True, eq=False)
class _Bench:
    """The pairs, and what has been measured on them so far."""

    pairs: list[tuple[str, str]]
    source: str | Path | None
    device: str
    seed: int
    progress: ProgressHook
    entries: list[dict[str, Any]] = field(default_factory=list)
    references: list[dict[str, Any]] = field(default_factory=list)
    hits: list[np.ndarray] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    _sources: dict[str, tuple[np.ndarray, int]] = field(default_factory=dict)
    _reference_hits: list[np.ndarray] = field(default_factory=list)

    def measure(self, target: Target) -> None:
        """Add the entry of one target, and that of its source where that is new."""
        questions, _ = self._source_of(target)
        training = target.training.name if target.training else None
        encoder = load_run_encoder(target.run, trained=training, source=self.source, device=self.device)
        found = self._hits(questions, self._encode(encoder, side=1))
        self.hits.append(found)
        self.settings.append(settings_of(target))
        self.entries.append(
            {
                "target": target.name,
                "run": target.run.path.name,
                "training": training,
                "state": target.state,
                "method": target.initialisation["method"],
                "seed": target.initialisation["seed"],
                "trained_tokens": trained_tokens(target),
                "accuracy": self._accuracy(found),
            }
        )

    def _source_of(self, target: Target) -> tuple[np.ndarray, int]:
        """Return what the source makes of the source lines, and its place; measure a source when it is met first."""
        inputs = sorted(entry["sha256"] for entry in target.run.manifest["inputs"] if entry["role"] == "source_model")
        key = " ".join([*inputs, target.run.manifest["source"]["digest"]])
        if key not in self._sources:
            encoder = load_source_encoder(target.run, source=self.source, device=self.device)
            questions = self._encode(encoder, side=0)
            found = self._hits(questions, self._encode(encoder, side=1))
            self._sources[key] = questions, len(self.references)
            self._reference_hits.append(found)
            name = str(target.run.manifest["source"]["name"])
            self.references.append({"target": name, "accuracy": self._accuracy(found)})
        return self._sources[key]

    def _encode(self, encoder: SentenceEncoder, *, side: int) -> np.ndarray:
        return encoder.encode(encoder.ids_of([pair[side] for pair in self.pairs]), progress=self.progress)

    def _hits(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Return what was found, of shape (2, n_pairs): to the target's lines, and to the source's."""
        sources, targets = zip(*self.pairs, strict=True)
        there = retrieval_hits(questions, answers, lines=targets)
        return np.stack([there, retrieval_hits(answers, questions, lines=sources)]).astype(np.float64)

    def _accuracy(self, hits: np.ndarray) -> dict[str, Any]:
        found = (*hits, hits.mean(axis=0))
        return {way: dataclasses.asdict(self._interval(rows)) for way, rows in zip(WAYS, found, strict=True)}

    def _interval(self, rows: np.ndarray, others: np.ndarray | None = None) -> Any:
        """Return a share of pairs, or the difference of two, with its interval."""
        ones = np.ones(len(self.pairs), np.int64)
        if others is None:
            return ratio_interval(rows, ones, seed=self.seed)
        return difference_interval(rows, others, ones, seed=self.seed)

    def differences(self) -> list[dict[str, Any]]:
        """Return every target minus the first, and every target minus each source."""
        both = [hits.mean(axis=0) for hits in self.hits]
        found = [(number, self.entries[0]["target"], both[0]) for number in range(1, len(both))]
        for entry, hits in zip(self.references, self._reference_hits, strict=True):
            found += [(number, entry["target"], hits.mean(axis=0)) for number in range(len(both))]
        return [
            {
                "target": self.entries[number]["target"],
                "minus": minus,
                "both": dataclasses.asdict(self._interval(both[number], others)),
            }
            for number, minus, others in found
        ]

    def groups(self) -> list[dict[str, Any]]:
        """Return targets that differ in the seed alone, together, and their differences to the first group."""
        keys = ("method", "state", "trained_tokens")
        members = seed_groups(range(len(self.entries)), self.entries, self.settings, keys)
        rows = [np.stack([self.hits[n].mean(axis=0) for n in numbers]) for _, numbers in members]
        return [
            {
                **shared,
                "targets": [self.entries[n]["target"] for n in numbers],
                "both": dataclasses.asdict(self._interval(own)),
                "minus_first_group": None if own is rows[0] else dataclasses.asdict(self._interval(own, rows[0])),
            }
            for (shared, numbers), own in zip(members, rows, strict=True)
        ]


def retrieval_to_folder(
    targets: Sequence[str],
    output: str | Path,
    *,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
    **options: Any,
) -> Path:
    """Measure retrieval and keep the report in a new folder.

    Parameters
    ----------
    targets : sequence of str
        ``RUN``, or ``RUN:NAME`` for one of its trainings.
    output : str or Path
        The folder to make; it holds ``retrieval.json``, the report of `evaluate_retrieval`.
    terminal : file, default=None
        Where progress is printed; ``None`` prints none.
    progress : ProgressHook, default=no_progress
        Told the same; raising from it cancels.
    **options : Any
        Of `evaluate_retrieval`.

    Returns
    -------
    Path
        ``output``. Nothing is left where it was not finished.

    Raises
    ------
    InvalidInputError
        If ``output`` exists, or as `evaluate_retrieval`.
    """
    output = Path(output)
    with growing_run(output, terminal=terminal) as (part, log):
        report = evaluate_retrieval(targets, progress=tell_all(log, progress), **options)
        (part / FILE).write_text(dump_json(report) + "\n", encoding="utf-8", newline="\n")
    return output
