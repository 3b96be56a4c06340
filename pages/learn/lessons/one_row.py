"""Chapter 6: one new embedding, computed, with the weights of the run as they were stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.analysis.provenance.explanation import contributors_of
from focus_core.analysis.worked_examples import worked_tokens
from focus_core.runs.folder import RunFolder
from pages.learn.lessons.base import Chapter, Task, TaskKind, label

N_TERMS = 3
N_DIMENSIONS = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class RowSum:
    """One new row as the sum it is."""

    label: str
    names: tuple[str, ...]
    weights: np.ndarray
    rows: np.ndarray
    rest_weight: float
    rest: np.ndarray
    stored: np.ndarray

    @property
    def terms(self) -> np.ndarray:
        """Weights times rows, then the rest, shape (n_names + 1, d)."""
        return np.concatenate([self.weights[:, None] * self.rows, self.rest[None]])

    @property
    def largest_error(self) -> float:
        """How far the sum lies from the stored row, in the worst dimension."""
        return float(np.abs(self.terms.sum(axis=0) - self.stored).max())


def summed_tokens(run: RunFolder) -> list[int]:
    """Return worked tokens whose every contributor was copied, so that the run holds all rows of the sum."""
    return run.remember("lesson sums", lambda: [i for i in worked_tokens(run) if _all_copied(run, i)])


def _all_copied(run: RunFolder, target_id: int) -> bool:
    sources = run.column("contributions", "source_id")[run.contributor_range(target_id)]
    return bool(len(sources) and (run.column("source_tokens", "target_id")[sources] >= 0).all())


def row_sum(run: RunFolder, target_id: int, *, n_terms: int = 6) -> RowSum:
    """Take one new row apart."""
    parts = contributors_of(run, target_id)
    copies = run.column("source_tokens", "target_id")[[c.source_id for c in parts]].tolist()
    weights = np.array([c.weight for c in parts])
    rows = run.rows("input", copies).astype(np.float64)
    return RowSum(
        label=label(run, "tokens", target_id),
        names=tuple(label(run, "source_tokens", c.source_id) for c in parts[:n_terms]),
        weights=weights[:n_terms],
        rows=rows[:n_terms],
        rest_weight=float(weights[n_terms:].sum()),
        rest=weights[n_terms:] @ rows[n_terms:],
        stored=run.rows("input", [target_id])[0].astype(np.float64),
    )


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """Three terms of a sum in one dimension, rounded as they are shown."""

    id: int
    dimension: int
    terms: tuple[tuple[str, float, float], ...]

    @property
    def answer(self) -> float:
        """What the terms add up to."""
        return sum(weight * value for _, weight, value in self.terms)


def exercise_of(run: RunFolder) -> Exercise:
    """Return the sum that chapter 6 asks for."""
    target_id = summed_tokens(run)[0]
    found = row_sum(run, target_id)
    terms = found.weights[:N_TERMS, None] * found.rows[:N_TERMS]
    place = int(np.abs(terms.sum(axis=0)[:N_DIMENSIONS]).argmax())
    numbers = zip(found.names, found.weights[:N_TERMS].tolist(), found.rows[:N_TERMS, place].tolist(), strict=False)
    shown = tuple((name, round(weight, 3), float(f"{value:.3g}")) for name, weight, value in numbers)
    return Exercise(id=target_id, dimension=place + 1, terms=shown)


def _task_sum(run: RunFolder) -> Task:
    asked = exercise_of(run)
    name = label(run, "tokens", asked.id)
    products = " + ".join(f"{weight:.3f} × {value:.3g}" for _, weight, value in asked.terms)
    n = len(asked.terms)
    whose = "its only contributor adds" if n == 1 else f"its {n} largest contributors add"
    return Task(
        kind=TaskKind.NUMBER,
        question=(
            f"Take {name}, dimension {asked.dimension}. What do {whose} to the new embedding there? Multiply each "
            "weight by the value beside it, and add up."
        ),
        number=asked.answer,
        tolerance=max(0.0005, 0.02 * abs(asked.answer)),
        hint="The table gives weight and value of each: weight times value, row by row, then the sum.",
        explanation=f"{products} = {asked.answer:.4f}; every dimension of the embedding is made in the same way.",
    )


ONE_ROW = Chapter(
    number=6,
    title="One new embedding, computed",
    short="One embedding",
    words=(
        "Now the embedding itself. Take the **old embeddings** of the tokens that kept a weight, multiply each by its "
        "weight, and add them up, dimension by dimension. The weights are positive and sum to 1, so the new one lies "
        "among its contributors, if a little shorter: in a region where the rest of the model knows what to do with "
        "it.\n\nNothing is learnt in this step, and nothing is hidden: the picture shows each term of the sum, and "
        "the last line is the embedding as it stands in the run."
    ),
    needs="embeddings that are sums of copied ones",
    fits=lambda run: bool(summed_tokens(run)),
    task=_task_sum,
)
