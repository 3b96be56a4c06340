"""Chapters 4 and 5: which tokens are used alike, and how similarities become few weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from focus_core.analysis.provenance.neighbours import Neighbour, auxiliary_neighbours
from focus_core.analysis.worked_examples import worked_tokens
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import anchors
from focus_core.types import Origin
from pages.learn.lessons.base import Chapter, Task, TaskKind, label, no_task, spellings

N_NEAR = 10
N_SIMILARITIES = 3
EQUAL = 1e-6


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What sparsemax makes of some similarities."""

    weights: tuple[float, ...]
    threshold: float


def alike(run: RunFolder, target_id: int) -> list[Neighbour]:
    """Return the tokens that are used most like one token."""
    return run.remember(f"lesson near {target_id}", lambda: auxiliary_neighbours(run, target_id, k=N_NEAR))


def asked_alike(run: RunFolder) -> int:
    """Return the token that chapter 4 asks about: one whose ten nearest hold a copied token, best not as the first."""
    asked = _asked_alike(run)
    if asked is None:
        raise no_task("4", "auxiliary vectors and copied tokens")
    return asked


def _asked_alike(run: RunFolder) -> int | None:
    return run.remember("lesson alike", lambda: _find_alike(run))


def _find_alike(run: RunFolder) -> int | None:
    if run.auxiliary() is None:
        return None
    copied = {i: [n.origin == Origin.COPIED for n in alike(run, i)] for i in worked_tokens(run)}
    fitting = [i for i, found in copied.items() if any(found)]
    return next((i for i in fitting if not copied[i][0]), fitting[0] if fitting else None)


def _task_alike(run: RunFolder) -> Task:
    asked = asked_alike(run)
    name = label(run, "tokens", asked)
    near = [n for n in alike(run, asked) if n.origin == Origin.COPIED]
    ties = [n for n in near if n.cosine >= near[0].cosine - EQUAL]
    names = " or ".join(label(run, "tokens", n.id) for n in ties)
    return Task(
        kind=TaskKind.TOKEN,
        question=f"Which copied token is used most like {name}? Type it as the picture shows it.",
        answers=frozenset().union(*(spellings(run, "tokens", n.id) for n in ties)),
        hint=f"Let the picture show {name} and take the longest bar in the colour of copied tokens.",
        explanation=f"{names}, with a cosine of {near[0].cosine:.2f}: its embedding is known, so it can lend some "
        "of it.",
    )


def sparsemax_of(similarities: Sequence[float]) -> Weights:
    """Turn a few similarities into weights, as a textbook does it.

    Examples
    --------
    >>> found = sparsemax_of([0.8, 0.6, 0.1])
    >>> [round(weight, 3) for weight in found.weights], round(found.threshold, 3)
    ([0.6, 0.4, 0.0], 0.2)
    """
    scores = np.asarray(similarities, dtype=np.float64)
    falling = np.sort(scores)[::-1]
    taus = (np.cumsum(falling) - 1) / np.arange(1, len(falling) + 1)
    tau = float(taus[np.flatnonzero(falling > taus)[-1]])
    return Weights(weights=tuple(np.maximum(scores - tau, 0).tolist()), threshold=tau)


def first_similarities(run: RunFolder) -> list[tuple[str, float]]:
    """Return three copied tokens that are used like a new one, with their similarities to two digits."""
    return run.remember("lesson similarities", lambda: _similarities(run))


def asked_similarities(run: RunFolder) -> int:
    """Return the new token whose similarities chapter 5 begins with."""
    return worked_tokens(run)[0]


def _similarities(run: RunFolder) -> list[tuple[str, float]]:
    vectors = run.auxiliary()
    if vectors is None or not worked_tokens(run):
        return []
    ids = np.flatnonzero(anchors(run))
    query, rows = vectors[asked_similarities(run)], vectors[ids]
    cosines = rows @ query / np.maximum(np.linalg.norm(rows, axis=1) * np.linalg.norm(query), 1e-12)
    order = np.argsort(-cosines, kind="stable")[:N_SIMILARITIES]
    return [(label(run, "tokens", int(ids[i])), round(float(cosines[i]), 2)) for i in order]


def _task_sparsemax(run: RunFolder) -> Task:
    first, second = (similarity for _, similarity in first_similarities(run)[:2])
    tau = sparsemax_of([first, second]).threshold
    return Task(
        kind=TaskKind.NUMBER,
        question=(
            f"Leave the first two similarities at {first:.2f} and {second:.2f} and move the third down. At which "
            "similarity does its weight become 0? Two digits."
        ),
        number=tau,
        tolerance=0.02,
        hint="Move the third slider down until its bar is gone, and read the dashed line then.",
        explanation=(
            f"Below τ = {tau:.2f} it has no weight: the others then share 1 without it, and a smaller third one "
            "changes nothing more."
        ),
    )


ALIKE = Chapter(
    number=4,
    title="An auxiliary space: which tokens are used alike",
    short="Alike",
    words=(
        "To make an embedding for a new token, FOCUS asks: which tokens that we know are **used like it**? The old "
        "model cannot tell, for it has never seen the new token.\n\nSo the text is read in new tokens, and from what "
        "stands before and after each one, copied or new, comes a vector: the **auxiliary space**. Tokens that stand "
        "in the same company get vectors that point the same way. The cosine of two vectors "
        "says how much alike: 1 is the same direction, 0 nothing in common. The vectors serve for this comparison only "
        "and never enter the model."
    ),
    needs="auxiliary vectors",
    fits=lambda run: _asked_alike(run) is not None,
    task=_task_alike,
)

SPARSEMAX = Chapter(
    number=5,
    title="Sparsemax: few weights that sum to 1",
    short="Sparsemax",
    words=(
        "Thousands of similarities are too many for one embedding: a mean of everything is nothing. **Sparsemax** "
        "lowers a bar, τ, until what stands above it adds up to exactly 1. A similarity above τ becomes a weight, the "
        "part that stands out; all others become a true **zero**.\n\nSoftmax would leave each of them a little weight, "
        "and the crowd of strangers would drown the few good ones. Drag the three similarities: push one up and the "
        "others lose; let one sink below the dashed line and it is out."
    ),
    needs="auxiliary vectors",
    fits=lambda run: len(first_similarities(run)) == N_SIMILARITIES,
    task=_task_sparsemax,
)
