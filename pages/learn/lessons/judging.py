"""Chapters 7 and 8: what can go wrong with an initialisation, and what training makes of it."""

from __future__ import annotations

import numpy as np

from focus_core.analysis.comparison.lists import hub_anchors
from focus_core.analysis.provenance.change import ChangedTokens, changed_tokens
from focus_core.errors import RunFolderError
from focus_core.numerics.drift import K
from focus_core.runs.additions import TrainingFolder, list_trainings, open_training
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import frequency, frequent_words
from focus_core.types import Origin
from pages.learn.lessons.base import Chapter, Task, TaskKind, label, no_task, spellings

N_OPTIONS = 3
N_FREQUENT = 1000
BANDS = (("never", 0), ("1 to 9", 1), ("10 to 99", 10), ("100 to 999", 100), ("1,000 and more", 1000))
"""Bands of occurrences: a name and the least number."""


def origins_by_band(run: RunFolder) -> list[tuple[str, dict[str, int]]]:
    """Count combined and fallback rows by how often their tokens occur."""
    seen = np.nan_to_num(frequency(run))
    band = np.searchsorted([least for _, least in BANDS], seen, side="right") - 1
    origin = run.column("tokens", "origin")
    new = (Origin.COMBINED, Origin.FALLBACK)
    found = [(BANDS[b][0], {str(o): int(((band == b) & (origin == o)).sum()) for o in new}) for b in range(len(BANDS))]
    return [(name, sizes) for name, sizes in found if sum(sizes.values())]


def effective_contributors(run: RunFolder) -> np.ndarray:
    """Return by how many equal contributors each combined row could be replaced, shape (n_combined,)."""
    chosen: np.ndarray = run.column("tokens", "effective_contributors")[
        run.column("tokens", "origin") == Origin.COMBINED
    ].astype(np.float64)
    return chosen


def _task_hub(run: RunFolder) -> Task:
    hubs = hub_anchors(run, n=100)
    if not hubs:
        raise no_task("7", "combined embeddings")
    ties = [hub for hub in hubs if hub.n_fed == hubs[0].n_fed]
    n_new = run.manifest["counts"]["by_origin"]["combined"]
    names = " or ".join(label(run, "source_tokens", hub.id) for hub in ties[:3])
    return Task(
        kind=TaskKind.TOKEN,
        question="Find this run's greatest hub by number of tokens fed: which old token is part of most new "
        "embeddings?",
        answers=frozenset().union(*(spellings(run, "source_tokens", hub.id) for hub in ties)),
        hint="Choose Hubs above the picture: bars by number of tokens fed. Type the name of the longest.",
        explanation=(
            f"{names} is part of {hubs[0].n_fed:,} of {n_new:,} combined embeddings, {100 * hubs[0].n_fed / n_new:.1f} "
            "%. A hub in a large part of all embeddings would make unlike tokens alike."
        ),
    )


def own_training(run: RunFolder) -> TrainingFolder | None:
    """Return the training that chapter 8 looks at."""
    found = [training for name in list_trainings(run) if (training := _readable(run, name)) is not None]
    return min(found, key=lambda t: (t.manifest["run_digest"] != run.digest, t.name), default=None)


def _readable(run: RunFolder, name: str) -> TrainingFolder | None:
    try:
        training = open_training(run, name)
        usable = "input" in training.matrix_names() and training.tokens() is not None
    except RunFolderError:
        return None
    return training if usable else None


def stayed(kept: np.ndarray, *, k: int = K) -> np.ndarray:
    """Return how many of ``k`` neighbours stayed, where two lists of ``k`` have a Jaccard share.

    Examples
    --------
    >>> stayed(np.array([0.0, 3 / 17, 1.0])).tolist()
    [0.0, 3.0, 10.0]
    """
    numbers: np.ndarray = np.round(2 * k * kept / (1 + kept))
    return numbers


def compared_tokens(run: RunFolder) -> list[tuple[int, float]]:
    """Return the three tokens that chapter 8 asks about, with the share of neighbours that each kept."""
    training = own_training(run)
    if training is None:
        return []
    return run.remember(f"lesson changed {training.digest}", lambda: _compared(run, changed_tokens(run, training)))


def _compared(run: RunFolder, changed: ChangedTokens | None) -> list[tuple[int, float]]:
    if changed is None:
        return []
    frequent = np.argsort(-np.nan_to_num(changed.frequency), kind="stable")[:N_FREQUENT]
    ids, kept = changed.id[frequent], changed.kept[frequent]
    words = np.isin(ids, frequent_words(run, ids))
    if words.sum() >= N_OPTIONS:
        ids, kept = ids[words], kept[words]
    order = np.lexsort((ids, kept))
    if len(order) < N_OPTIONS:
        return []
    picked = [int(order[0]), int(order[len(order) // 2]), int(order[-1])]
    if len({round(float(kept[i]), 3) for i in picked}) < N_OPTIONS:
        return []
    return sorted((int(ids[i]), float(kept[i])) for i in picked)


def _task_change(run: RunFolder) -> Task:
    compared = compared_tokens(run)
    if not compared:
        raise no_task("8", "a training with its embeddings")
    names = {i: label(run, "tokens", i) for i, _ in compared}
    right, share = max(compared, key=lambda pair: pair[1])
    return Task(
        kind=TaskKind.CHOICE,
        question="Which of these three tokens kept most of its neighbours through training?",
        options=tuple(names[i] for i, _ in compared),
        answers=frozenset({names[right]}),
        hint="Choose each of them in the picture and count the neighbours that stand in both lists.",
        explanation=(
            f"{names[right]}: {stayed(np.array(share)):.0f} of its {K} neighbours stayed. Where few stay, training had "
            "to carry the token to other company."
        ),
    )


PITFALLS = Chapter(
    number=7,
    title="What goes wrong: rare tokens, hubs, a collapsed space",
    short="Pitfalls",
    words=(
        "Three kinds of trouble show in numbers before any training.\n\n**Rare tokens.** What the text does not hold "
        "gets no vector, so nothing can be compared; the embedding is drawn at random and marked *fallback*. What it "
        "holds once or twice gets one that says little. More text or a smaller vocabulary helps.\n\n**Hubs.** One old "
        "token lies near everything and flows into many new embeddings. It makes unlike tokens alike.\n\n**A collapsed "
        "space.** All vectors point the same way, as fastText's do where it was trained too briefly. Then hundreds of "
        "contributors share each embedding, and all are nearly the "
        "same mean. Train it longer, or count. The picture shows all three for this run."
    ),
    needs="combined embeddings",
    fits=lambda run: bool(hub_anchors(run, n=1)),
    task=_task_hub,
)

TRAINING = Chapter(
    number=8,
    title="Before and after training",
    short="Training",
    words=(
        "An initialisation is a start, not an end. **Continued pretraining** on the text lets the embeddings drift to "
        "where the text wants them.\n\nHow far one has drifted says little, since all may drift together. Better look "
        "at its **company**: which ten tokens are nearest before, and which after? Where most stay, the start was "
        "good, or the token too rare to drift. Where all change, training had to find the place anew, as it must for "
        "embeddings drawn at random.\n\nBelow you see how many neighbours stayed, for all tokens, and the two lists of "
        "the token that you choose. Compare the three."
    ),
    needs="a training that kept its embeddings",
    fits=lambda run: bool(compared_tokens(run)),
    task=_task_change,
)
