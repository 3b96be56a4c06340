"""The health of an auxiliary space: whether it tells tokens apart, and whether it covers the text.

Where vectors were trained too little, all point the same way: every similarity is nearly equal, sparsemax spreads
its weight over hundreds of anchors, and each new token silently becomes their mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from focus_core.initialization.auxiliary.vectors import COUNTED, AuxiliaryVectors
from focus_core.initialization.weights import COMBINED, WeightMatrix
from focus_core.numerics.formats import decimal, plain_percent, ratio

MAX_COSINE = 0.5
"""Mean cosine between new tokens and anchors above which the space has collapsed; sound spaces stay below 0.4, and
those of counts below 0.1, on little text below 0.3."""
MAX_SUPPORT = 100
"""Median number of contributors above which a row is no more than a mean."""
FEW_ANCHORS = 20
"""Fewer anchors than this leave nothing to choose: a sound embedding mixes 13 of thousands."""
MUCH_SMALLER = 1.5
"""A vocabulary so many times the size that its text supports is the first cause of missing vectors: a size is rough."""
MIN_OCCURRENCES = 0.9
"""Share of the new tokens' occurrences that should fall on tokens with a vector."""


def auxiliary_health(
    auxiliary: AuxiliaryVectors,
    weights: WeightMatrix,
    new_ids: np.ndarray,
    anchor_ids: np.ndarray,
    frequency: np.ndarray | None,
    *,
    is_byte: np.ndarray | None = None,
    is_special: np.ndarray | None = None,
    supported_size: Callable[[], int] | None = None,
) -> dict[str, Any]:
    """Report on the space that similarities were taken from.

    Parameters
    ----------
    auxiliary : AuxiliaryVectors
        The vectors, by target id.
    weights : WeightMatrix
        What was made of them.
    new_ids : ndarray of shape (n_new,)
        Target ids without overlap.
    anchor_ids : ndarray of shape (n_anchors,)
        Target ids of the overlapping tokens that have a vector.
    frequency : ndarray of shape (n_target,)
        Occurrences in the corpus; ``None`` where there was none.
    is_byte : ndarray of bool, shape (n_target,), default=None
        Which target tokens are single bytes, which are no anchors of any meaning; ``None``: none of them.
    is_special : ndarray of bool, shape (n_target,), default=None
        Which target tokens are special, so that they are no shared tokens of text; ``None``: none of them.
    supported_size : callable, default=None
        Returns the size of vocabulary that the corpus supports; called only where a smaller one is advised. ``None``
        where nobody knows, and then no size is named.

    Returns
    -------
    dict
        ``coverage_types`` and ``coverage_occurrences`` (shares of the new tokens, and of their occurrences, that
        have a vector), ``n_new_with_vector``, ``n_anchors``, ``mean_cosine`` (over all pairs of a new token with an
        anchor), ``median_support``, ``median_max_weight``, ``median_effective_contributors`` (over combined rows),
        ``collapsed`` (never told of fewer than `FEW_ANCHORS` anchors, whose mean direction is not the space's),
        ``remedy``, ``supported_size`` (where it was asked for) and ``warnings``. What cannot be known is ``None``.
        Coverage and mean cosine leave out what counts say of a token that never occurs: its spelling alone is in it.
    """
    own = _of_the_text(auxiliary, frequency)
    covered = own[new_ids]
    combined = np.flatnonzero(weights.origins == COMBINED)
    report: dict[str, Any] = {
        "n_anchors": len(anchor_ids),
        "n_new_with_vector": int(covered.sum()),
        "coverage_types": ratio(covered.sum(), covered.size),
        "coverage_occurrences": None
        if frequency is None
        else ratio(frequency[new_ids][covered].sum(), frequency[new_ids].sum()),
        "mean_cosine": _mean_cosine(auxiliary.vectors, new_ids[covered], anchor_ids[own[anchor_ids]]),
        "median_support": _median(weights.support[combined]),
        "median_max_weight": _median(weights.max_weight[combined]),
        "median_effective_contributors": _median(weights.effective_contributors[combined]),
    }
    byte = np.zeros(auxiliary.has_vector.size, bool) if is_byte is None else is_byte
    n_text = len(anchor_ids) - int(byte[anchor_ids].sum())
    few = len(new_ids) > 0 and n_text < FEW_ANCHORS
    no_text = byte if is_special is None else byte | is_special
    n_shared = int((~no_text).sum() - (~no_text[new_ids]).sum())
    report["collapsed"] = not few and _collapsed(report)
    report["remedy"] = _remedy(auxiliary) if report["collapsed"] else ""
    asked = auxiliary.is_own and ((few and n_shared >= FEW_ANCHORS) or _covers_little(report))
    report["supported_size"] = supported_size() if supported_size is not None and asked else None
    told = _warnings(auxiliary, report, len(new_ids))
    report["warnings"] = [_few_anchors(auxiliary, report, n_text, n_shared), *told] if few else told
    return report


def _of_the_text(auxiliary: AuxiliaryVectors, frequency: np.ndarray | None) -> np.ndarray:
    """Return which tokens have a vector that comes of more than their spelling, (n_target,) of bool."""
    if auxiliary.kind != COUNTED or frequency is None:
        return auxiliary.has_vector
    return np.asarray(auxiliary.has_vector & (frequency > 0))


def _median(values: np.ndarray) -> float | None:
    return float(np.median(values)) if values.size else None


def _mean_cosine(vectors: np.ndarray, new_ids: np.ndarray, anchor_ids: np.ndarray) -> float | None:
    """Return the mean over all pairs: the product of the two mean unit vectors, since the cosine is bilinear."""
    if not len(new_ids) or not len(anchor_ids):
        return None
    return float(_mean_direction(vectors[new_ids]) @ _mean_direction(vectors[anchor_ids]))


def _mean_direction(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray((vectors / np.maximum(lengths, 1e-12)).mean(axis=0, dtype=np.float64))


def _collapsed(report: dict[str, Any]) -> bool:
    cosine, support = report["mean_cosine"], report["median_support"]
    return (cosine is not None and cosine > MAX_COSINE) or (support is not None and support > MAX_SUPPORT)


def _remedy(auxiliary: AuxiliaryVectors) -> str:
    """Return what helps against a collapse."""
    settings = auxiliary.settings
    if not auxiliary.is_own:
        return "give vectors trained longer or on more text, or lower --temperature"
    if auxiliary.kind == COUNTED:
        return "give more text, or a smaller vocabulary"
    epochs, automatic = int(settings["epochs"]), int(settings["automatic"]["epochs"])
    if epochs < automatic:
        return f"leave --epochs at auto, which is {automatic} for this corpus"
    return f"raise --epochs to {2 * epochs}, or give more text"


def much_smaller(supported: int | None, n_target: int) -> int | None:
    """Return the size that a text supports where a vocabulary is clearly larger, so that a smaller one helps first.

    Parameters
    ----------
    supported : int or None
        ``supported_size`` of a health report; ``None`` where nobody asked.
    n_target : int
        The vocabulary.

    Returns
    -------
    int or None
        ``None`` where the vocabulary is not clearly larger.

    Examples
    --------
    >>> much_smaller(101, 237), much_smaller(200, 237), much_smaller(None, 237)
    (101, None, None)
    """
    return supported if supported and supported * MUCH_SMALLER <= n_target else None


def _covers_little(report: dict[str, Any]) -> bool:
    """Return whether the vectors cover too few of the new tokens, or of their occurrences."""
    types, occurrences = report["coverage_types"], report["coverage_occurrences"]
    return types is not None and (types < 0.5 or (occurrences is not None and occurrences < MIN_OCCURRENCES))


def _warnings(auxiliary: AuxiliaryVectors, report: dict[str, Any], n_new: int) -> list[str]:
    """Return what the user should know, one sentence each."""
    found = []
    if report["collapsed"]:
        cosine = decimal(report["mean_cosine"], 2, unknown="unknown")
        support = decimal(report["median_support"], 0, unknown="unknown")
        found.append(
            f"The auxiliary space has collapsed: nearly all vectors point the same way (mean cosine "
            f"{cosine}, half of the new tokens mix {support} "
            f"source tokens or more), so new embeddings are little more than a mean; {report['remedy']}."
        )
    occurrences = report["coverage_occurrences"]
    if auxiliary.is_own and _covers_little(report):
        found.append(_too_large(auxiliary, report["n_new_with_vector"], n_new, report["supported_size"]))
    elif occurrences is not None and occurrences < MIN_OCCURRENCES:
        found.append(
            f"{plain_percent(1 - occurrences, digits=0)} of the occurrences of new tokens fall on tokens without an "
            "auxiliary vector; give vectors that cover this vocabulary, or let them be made from the corpus."
        )
    return found


def _few_anchors(auxiliary: AuxiliaryVectors, report: dict[str, Any], n_anchors: int, n_shared: int) -> str:
    if n_shared >= FEW_ANCHORS:
        are = "is an anchor" if n_anchors == 1 else "are anchors"
        return (
            f"Only {n_anchors} of {n_shared:,} shared tokens of text {are}: the others have no auxiliary vector; "
            f"{_more_vectors(auxiliary, report)} would make anchors of more."
        )
    only = "1 shared token of text is an anchor" if n_anchors == 1 else f"{n_anchors} shared tokens of text are anchors"
    return (
        f"Only {only}, so new embeddings are little more than mixtures of these; take a source model that knows the "
        "language or its script, name pairs by --map, or take a method that needs no shared tokens (--method "
        "multivariate-normal)."
    )


def _more_vectors(auxiliary: AuxiliaryVectors, report: dict[str, Any]) -> str:
    """Return what gives more shared tokens a vector, and nothing that is done already."""
    if not auxiliary.is_own:
        return "vectors that cover them, or vectors made from a text,"
    size = much_smaller(report["supported_size"], auxiliary.has_vector.size)
    smaller = [f"a vocabulary of about {size:,} tokens (it has {auxiliary.has_vector.size:,})"] if size else []
    lower = ["a lower --min-count"] if int(auxiliary.settings.get("min_count") or 0) > 1 else []
    return f"{', '.join([*smaller, 'more text', *lower])} or vectors that cover them"


def _too_large(auxiliary: AuxiliaryVectors, n_with: int, n_new: int, supported: int | None) -> str:
    settings = auxiliary.settings
    n_tokens, min_count = int(settings["n_tokens"]), int(settings["min_count"])
    n_vocabulary = auxiliary.has_vector.size
    size = n_vocabulary if supported is None else supported
    lower = "" if min_count <= int(settings["automatic"]["min_count"]) else f", a lower --min-count (it is {min_count})"
    smaller = f" or a vocabulary of about {size:,} tokens" if size < n_vocabulary else ""
    others = "have their spelling alone" if settings.get("ngrams") and min_count == 1 else "take the fallback"
    return (
        f"This corpus of {n_tokens:,} tokens is small for its vocabulary: only {n_with:,} of {n_new:,} new tokens "
        f"occur often enough to get a vector, the others {others}; more text{lower}{smaller} would help."
    )
