"""What has been measured: one JSON line each, its bits a line beside it, so that nothing is measured twice."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import atomic_write_bytes, read_array, write_arrays
from focus_core.evaluation.bootstrap import difference_interval, ratio_interval
from scripts.auxiliary_space.bench import Scores
from scripts.auxiliary_space.spaces import COUNTS, FASTTEXT, UNDRAWN

REFERENCES = {"minus_fasttext": FASTTEXT, "minus_counts": COUNTS, "minus_undrawn": UNDRAWN}
"""What the differences are called, and to what they are."""


@dataclasses.dataclass(frozen=True, kw_only=True, order=True)
class Point:
    """One measurement: what was measured, on which text, with which seed, after how much training.

    Parameters
    ----------
    language : str
        The language.
    size : float
        Megabytes of text; 0 is all of it.
    tokens : int
        Tokens of training before the measurement; 0 is at once.
    variant : str
        A key of `spaces.VARIANTS`.
    seed : int
        Of fastText, of random rows and of the training.
    lines, masks : int
        Measured lines, and choices of masked words in each.
    """

    language: str
    size: float
    tokens: int
    variant: str
    seed: int
    lines: int
    masks: int

    @property
    def group(self) -> tuple[Any, ...]:
        """What points that differ in the seed alone have in common, without the variant."""
        return self.language, self.size, self.tokens, self.lines, self.masks

    @property
    def key(self) -> str:
        """Name of the file with the bits."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Results:
    """Measurements in a folder.

    Parameters
    ----------
    folder : Path
        Holds ``results.jsonl`` and ``bits/``; made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._bits = folder / "results.jsonl", folder / "bits"
        self._bits.mkdir(parents=True, exist_ok=True)
        self.notes: dict[Point, dict[str, Any]] = {}
        for line in self._whole_lines():
            row = json.loads(line)
            self.notes[Point(**row["point"])] = row["notes"]

    def _whole_lines(self) -> list[str]:
        """Return the lines; what a killed process left of the last one is cut off."""
        text = self._path.read_text(encoding="utf-8") if self._path.is_file() else ""
        whole, _, rest = text.rpartition("\n")
        if rest:
            atomic_write_bytes(self._path, f"{whole}\n".encode() if whole else b"")
        return whole.splitlines()

    def add(self, point: Point, scores: Scores, notes: dict[str, Any]) -> None:
        """Keep a measurement; its bits are written first, so that a line without bits cannot be."""
        write_arrays(self._bits / f"{point.key}.safetensors", {"bits": scores.bits, "characters": scores.characters})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"point": dataclasses.asdict(point), "notes": notes}) + "\n")
        self.notes[point] = notes

    def missing(self, points: Iterable[Point]) -> list[Point]:
        """Return the points that are not measured yet."""
        return [point for point in points if point not in self.notes]

    def scores(self, point: Point) -> Scores:
        """Return the bits of a measurement."""
        path = self._bits / f"{point.key}.safetensors"
        return Scores(bits=read_array(path, "bits"), characters=read_array(path, "characters"))


def summarise(results: Results, points: Iterable[Point]) -> list[dict[str, Any]]:
    """Return a row for every variant of every group of points, with its differences to fastText and to the default.

    Parameters
    ----------
    results : Results
        The measurements.
    points : iterable of Point
        Which of them.

    Returns
    -------
    list of dict
        Sorted as the points; where a reference was not measured on the same lines, there is no difference to it.
    """
    groups: dict[tuple[Any, ...], dict[str, list[Point]]] = {}
    for point in sorted(set(points) & set(results.notes)):
        groups.setdefault(point.group, {}).setdefault(point.variant, []).append(point)
    return [
        _row(results, own, {name: variants.get(reference, []) for name, reference in REFERENCES.items()})
        for variants in groups.values()
        for own in variants.values()
    ]


def _row(results: Results, own: list[Point], references: dict[str, list[Point]]) -> dict[str, Any]:
    bits, characters = _stack(results.scores, own)
    row = dataclasses.asdict(own[0])
    row = {key: value for key, value in row.items() if key != "seed"} | {"seeds": [p.seed for p in own]}
    row["bits_per_character"] = _rounded(ratio_interval(bits, characters))
    for name, reference in references.items():
        if reference and reference != own:
            others, same = _stack(results.scores, reference)
            if not np.array_equal(same, characters):
                raise ValueError(f"{own[0]}: the lines differ from those that {reference[0].variant} was measured on")
            row[name] = _rounded(difference_interval(bits, others, characters))
    return row | {"random_rows": float(np.mean([results.notes[point]["random_rows"] for point in own]))}


def _stack(scores: Callable[[Point], Scores], points: list[Point]) -> tuple[np.ndarray, np.ndarray]:
    found = [scores(point) for point in points]
    return np.stack([one.bits for one in found]), found[0].characters


def _rounded(interval: Any) -> dict[str, float]:
    return {name: round(value, 5) for name, value in dataclasses.asdict(interval).items()}
