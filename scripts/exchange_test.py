"""Find rows that were exchanged among all the real drift of a training: which measures of change can, which cannot.

Usage: ``python scripts/exchange_test.py RUN TRAINING [--share 0.1] [--seed 0] [--method umap]``.

A tenth of the trained rows is permuted among itself, so that each of these tokens has the row of another one; the
others keep what training made of them. Every way to see drift ranks all tokens, and its AUC says how well the
exchanged ones stand on top: 1 is perfect, 0.5 is chance. The ways are the measures of the original space, the distance
in the plane where both matrices were laid out together, and where each was laid out by itself, as it is and after the
rotation, reflection, scaling and shift that fits the two layouts best (Procrustes). UMAP starts from the principal
plane, as ours does, or from its own spectral start. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from focus_core.numerics.drift import change_score, token_change
from focus_core.numerics.neighbors import nearest_embeddings
from focus_core.projection.pca import principal_components
from focus_core.projection.umap import joint_umap
from focus_core.runs.additions import open_training
from focus_core.runs.folder import open_run

Layout = Callable[[np.ndarray], np.ndarray]
OWN_START = "its own start"
K = 15


def exchange(trained: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give each of some rows the place of another.

    Parameters
    ----------
    trained : ndarray of shape (n, d)
        The rows.
    share : float
        How many of them.
    seed : int
        Which of them.

    Returns
    -------
    rows : ndarray of shape (n, d)
        The same rows, a share of them elsewhere.
    exchanged : ndarray of shape (n,), dtype bool
        Which; none of these stays where it was.
    """
    n = max(2, round(share * len(trained)))
    chosen = np.random.default_rng(seed).permutation(len(trained))[:n]
    rows, exchanged = np.array(trained), np.zeros(len(trained), bool)
    rows[chosen], exchanged[chosen] = trained[np.roll(chosen, 1)], True
    return rows, exchanged


def procrustes(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Rotate, reflect, scale and shift points so that they come as near to others as they can."""
    moved, still = points.astype(np.float64), onto.astype(np.float64)
    centre = still.mean(axis=0)
    moved, still = moved - moved.mean(axis=0), still - centre
    left, sizes, right = np.linalg.svd(moved.T @ still)
    return np.asarray(moved @ (left @ right) * (sizes.sum() / np.square(moved).sum()) + centre)


def displacement(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return how far points lie apart in two layouts, or in two members of one, shape (n,), float64."""
    apart: np.ndarray = np.linalg.norm(np.asarray(after, np.float64) - np.asarray(before, np.float64), axis=1)
    return apart


def auc(scores: np.ndarray, positives: np.ndarray) -> float:
    """Return how well a score tells two groups apart; rows without a score are left out."""
    from sklearn.metrics import roc_auc_score

    known = ~np.isnan(scores)
    return float(roc_auc_score(positives[known], scores[known]))


def together(layout: Layout, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return displacements in one layout of both."""
    points = layout(np.concatenate([before, after]))
    return displacement(points[: len(before)], points[len(before) :])


def apart(layout: Layout, before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return displacements between two layouts, as they are and after fitting the one onto the other."""
    first, second = layout(before), layout(after)
    return displacement(first, second), displacement(first, procrustes(second, first))


def compare(
    before: np.ndarray, after: np.ndarray, exchanged: np.ndarray, layouts: dict[str, Layout]
) -> dict[str, float]:
    """Return the AUC of every way to see drift.

    Parameters
    ----------
    before, after : ndarray of shape (n, d)
        Initialised rows, and trained ones of which some were exchanged.
    exchanged : ndarray of shape (n,), dtype bool
        Which.
    layouts : dict of str to callable
        From rows to coordinates; those that have "own start" in their name are not fitted jointly.

    Returns
    -------
    dict of str to float
        By description, in the order of the table.
    """
    change = token_change(before, after, present=np.ones(len(before), bool))
    scores = {
        "original space: (1 − cosine) × (1 − neighbour overlap)": change_score(change.cosine, change.kept),
        "original space: 1 − cosine": 1 - change.cosine,
        "original space: 1 − neighbour overlap": 1 - change.kept,
    }
    for name, layout in layouts.items():
        if OWN_START not in name:
            scores[f"distance in one joint {name}"] = together(layout, before, after)
    for name, layout in layouts.items():
        raw, fitted = apart(layout, before, after)
        scores[f"distance between two separate layouts, {name}"] = raw
        scores[f"distance between two separate layouts, {name}, after Procrustes"] = fitted
    return {name: auc(score, exchanged) for name, score in scores.items()}


def umap_alone(rows: np.ndarray, seed: int) -> np.ndarray:
    """Lay rows out as umap-learn does it by itself, from its spectral start; only the neighbours are given."""
    ids, cosines = nearest_embeddings(rows, rows, k=K, skip=np.arange(len(rows)))
    indices = np.hstack([np.arange(len(rows), dtype=np.int32)[:, None], ids])
    distances = np.hstack([np.zeros((len(rows), 1), np.float32), np.maximum(1 - cosines, 0)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        fit = umap.UMAP(
            n_neighbors=K + 1, metric="cosine", precomputed_knn=(indices, distances), random_state=seed, n_jobs=1
        )
        return np.asarray(fit.fit_transform(rows))


def layouts_of(method: str, seed: int) -> dict[str, Layout]:
    """Return the layouts to compare: PCA, and UMAP unless only PCA is wanted."""
    found: dict[str, Layout] = {"PCA": lambda rows: principal_components(rows)[0]}
    if method == "pca":
        return found
    ours: dict[str, Layout] = {"UMAP": lambda rows: joint_umap(rows, seed=seed)}
    return {**ours, f"UMAP from {OWN_START}": lambda rows: umap_alone(rows, seed), **found}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("training")
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--method", choices=["umap", "pca"], default="umap", help="pca leaves UMAP out")
    options = parser.parse_args()
    run = open_run(options.run)
    before, trained = run.embeddings(), open_training(run, options.training).embeddings()
    present = np.array([kind is not None for kind in run.column("tokens", "kind")])
    ids = np.flatnonzero(present & before.any(axis=1) & trained.any(axis=1))
    after, exchanged = exchange(trained[ids], options.share, options.seed)
    drift = token_change(before[ids], trained[ids], present=np.ones(len(ids), bool))
    found = compare(np.asarray(before[ids]), after, exchanged, layouts_of(options.method, options.seed))
    print(
        f"{exchanged.sum():,} of {len(ids):,} tokens exchanged; what training did to them all: mean cosine "
        f"{np.nanmean(drift.cosine):.3f}, mean neighbour overlap {np.nanmean(drift.kept):.3f}.\n"
    )
    print("| how drift is seen | AUC |\n|---|---:|")
    for name, value in found.items():
        print(f"| {name} | {value:.3f} |")


if __name__ == "__main__":
    main()
