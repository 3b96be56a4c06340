"""What would a combined embedding be made of under other settings: one, recomputed from the run's auxiliary vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focus_core.analysis.provenance.simplex import SimplexMap, cut_score, map_row
from focus_core.errors import RunFolderError, bad_input
from focus_core.initialization.methods.registry import METHODS
from focus_core.numerics.similarity import normalise_rows
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import anchors
from focus_core.types import MethodName, Origin
from focus_core.validation import check_range

N_RANKED = 300
TOLERANCE = 1e-5
"""How far recomputed weights may lie from the stored ones: a run computes in float32, divided by the temperature."""


@dataclass(frozen=True, kw_only=True)
class WhatIfSettings:
    """What turns similarities into weights.

    Parameters
    ----------
    temperature : float, default=1.0
        Divides the similarities.
    top_k : int, default=None
        Let only the ``top_k`` most similar anchors take part; ``None``: all.
    map : SimplexMap, default="sparsemax"
        How the scores become weights.

    Raises
    ------
    InvalidInputError
        If the temperature lies outside 1e-4 to 1e4 or ``top_k`` is below 1.
    """

    temperature: float = 1.0
    top_k: int | None = None
    map: SimplexMap = SimplexMap.SPARSEMAX

    def __post_init__(self) -> None:
        check_range("temperature", self.temperature, low=1e-4, high=1e4)
        check_range("top-k", 1 if self.top_k is None else self.top_k, low=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class WhatIf:
    """A combined row under some settings, beside the stored one.

    Parameters
    ----------
    settings : WhatIfSettings
        The settings.
    is_stored : bool
        Whether these are the run's own settings.
    n_anchors : int
        Anchors that the token was compared with.
    target_ids, source_ids : ndarray of shape (n_ranked,), dtype int64
        The most similar anchors, most similar first, and the source tokens whose rows they copied.
    similarities, weights : ndarray of shape (n_ranked,), dtype float64
        Their cosines with the token, and their weights.
    threshold : float or None
        Similarity at and below which an anchor has no weight, which is ``temperature * tau``; ``None`` for softmax.
    contributors : dict of int to float
        Weight by source id, largest first; anchors that copied one source row are added up.
    stored : dict of int to float
        The same as the run holds it.
    effective_contributors : float
        ``exp(entropy)`` of the weights.
    shared : float
        What both have in common: the sum, over source ids, of the smaller of the two weights; 1 where they are equal.
    embedding_cosine : float or None
        Cosine of the row that these weights give with the stored row; ``None`` where one of them is zero.
    length_ratio : float or None
        Length of that row over the length of the stored one; ``None`` where that is zero.
    """

    settings: WhatIfSettings
    is_stored: bool
    n_anchors: int
    target_ids: np.ndarray
    source_ids: np.ndarray
    similarities: np.ndarray
    weights: np.ndarray
    threshold: float | None
    contributors: dict[int, float]
    stored: dict[int, float]
    effective_contributors: float
    shared: float
    embedding_cosine: float | None
    length_ratio: float | None

    @property
    def n_contributors(self) -> int:
        """Source tokens with a weight."""
        return len(self.contributors)


def stored_settings(run: RunFolder) -> WhatIfSettings:
    """Return the settings that a run was made with.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    WhatIfSettings
        Sparsemax at its temperature and top-k.
    """
    config = run.manifest["config"]
    return WhatIfSettings(temperature=float(config["temperature"]), top_k=config["top_k"])


def anchor_ids(run: RunFolder) -> np.ndarray:
    """Return the target tokens that others are combined from: copied ones with an auxiliary vector.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    ndarray of shape (n_anchors,), dtype int64
        By source id, then by target id, as the method orders them; empty where the run has no auxiliary vectors.
    """
    return run.remember("anchors", lambda: _anchor_ids(run))


def _anchor_ids(run: RunFolder) -> np.ndarray:
    vectors = run.auxiliary()
    if vectors is None:
        return np.zeros(0, np.int64)
    ids = np.flatnonzero(anchors(run))
    ids = ids[(vectors[ids] != 0).any(axis=1)]
    order = np.lexsort((ids, run.column("tokens", "source_id")[ids]))
    return np.asarray(ids[order], dtype=np.int64)


def nothing_to_recompute(run: RunFolder, target_id: int) -> str:
    """Say why a token's weights cannot be recomputed.

    Parameters
    ----------
    run : RunFolder
        The run.
    target_id : int
        The token.

    Returns
    -------
    str
        The reason, to stand after a colon; empty where they can be.
    """
    origin = run.column("tokens", "origin")[target_id]
    if origin == Origin.COPIED:
        return "this embedding is a copy, no weights were computed for it."
    if origin == Origin.FALLBACK:
        return "this token was not compared with any other, its embedding is a fallback."
    if run.manifest["config"]["method"] != MethodName.FOCUS:
        return _of_another_method(run, target_id)
    if run.auxiliary() is None:
        return "this run keeps no auxiliary vectors."
    if run.scale("input") is not None:
        return "the embeddings of this run were scaled after they were combined."
    similarities = _similarities(run, target_id)
    settings = stored_settings(run)
    if not len(similarities) or _difference(run, target_id, similarities) > TOLERANCE / min(1.0, settings.temperature):
        return "this run does not hold every anchor that its weights came from."
    return ""


def _of_another_method(run: RunFolder, target_id: int) -> str:
    """Return why the weights of another method than FOCUS are not recomputed: what they are, as far as it is known."""
    name = str(run.manifest["config"]["method"])
    if name in METHODS and (METHODS[name].sparsemax or METHODS[name].joint):
        return f"what {name} compares its tokens by is not kept with a run."
    if np.isnan(run.column("contributions", "similarity")[run.contributor_range(target_id)]).all():
        return "the weights of this method come from no similarity."
    return f"only weights that are a sparsemax can be, and those of {name} are none: they have no threshold to move."


def what_if(run: RunFolder, target_id: int, settings: WhatIfSettings) -> WhatIf:
    """Weigh the anchors of one combined token anew.

    Parameters
    ----------
    run : RunFolder
        A run of FOCUS with its auxiliary vectors.
    target_id : int
        A combined token.
    settings : WhatIfSettings
        Temperature, top-k and map.

    Returns
    -------
    WhatIf
        Exact: every anchor is compared. At the run's own settings the weights are the stored ones.

    Raises
    ------
    RunFolderError
        If there is nothing to recompute; the message says why.
    """
    reason = nothing_to_recompute(run, target_id)
    if reason:
        expected, remedy = "a token whose weights can be recomputed", "choose a combined token of a FOCUS run"
        raise bad_input(f"#{target_id}", expected=expected, got=reason, remedy=remedy, error=RunFolderError)
    compared, similarities = anchor_ids(run), _similarities(run, target_id)
    scores = similarities / settings.temperature
    weights = map_row(scores, settings.map, top_k=settings.top_k)
    cut = cut_score(scores, weights, settings.map)
    contributors, stored = _by_source(run, compared, weights), _stored(run, target_id)
    cosine, ratio = _compare_rows(run, target_id, compared, weights)
    ranked, shares = np.argsort(-similarities, kind="stable")[:N_RANKED], np.array([*contributors.values()])
    return WhatIf(
        settings=settings,
        is_stored=settings == stored_settings(run),
        n_anchors=len(compared),
        target_ids=compared[ranked],
        source_ids=run.column("tokens", "source_id")[compared[ranked]].astype(np.int64),
        similarities=similarities[ranked],
        weights=weights[ranked],
        threshold=None if cut is None else cut * settings.temperature,
        contributors=contributors,
        stored=stored,
        effective_contributors=float(np.exp(-(shares * np.log(shares)).sum())),
        shared=sum(min(weight, stored.get(source, 0.0)) for source, weight in contributors.items()),
        embedding_cosine=cosine,
        length_ratio=ratio,
    )


def _similarities(run: RunFolder, target_id: int) -> np.ndarray:
    """Return the cosines of a token with every anchor, in the order of `anchor_ids`."""
    vectors = run.auxiliary()
    if vectors is None:
        return np.zeros(0)
    unit = normalise_rows(vectors[target_id : target_id + 1])[0]
    return np.asarray(run.remember("unit anchors", lambda: normalise_rows(vectors[anchor_ids(run)])) @ unit, np.float64)


def _by_source(run: RunFolder, anchors: np.ndarray, weights: np.ndarray) -> dict[int, float]:
    """Return the weights by source id, largest first, lower ids first among equals."""
    kept = np.flatnonzero(weights > 0)
    ids, places = np.unique(run.column("tokens", "source_id")[anchors[kept]].astype(np.int64), return_inverse=True)
    sums = np.bincount(places.reshape(-1), weights=weights[kept])
    order = np.argsort(-sums, kind="stable")
    return dict(zip(ids[order].tolist(), sums[order].tolist(), strict=True))


def _stored(run: RunFolder, target_id: int) -> dict[int, float]:
    rows = run.contributor_range(target_id)
    ids, weights = (run.column("contributions", name)[rows].tolist() for name in ("source_id", "weight"))
    return dict(zip(ids, weights, strict=True))


def _difference(run: RunFolder, target_id: int, similarities: np.ndarray) -> float:
    """Return by how much the weights at the run's own settings differ from the stored ones, at most."""
    own = stored_settings(run)
    weights = map_row(similarities / own.temperature, own.map, top_k=own.top_k)
    made, stored = _by_source(run, anchor_ids(run), weights), _stored(run, target_id)
    return max(abs(made.get(source, 0.0) - stored.get(source, 0.0)) for source in made.keys() | stored.keys())


def _compare_rows(
    run: RunFolder, target_id: int, anchors: np.ndarray, weights: np.ndarray
) -> tuple[float | None, float | None]:
    """Compare the row that weights give with the stored one; an anchor's row in the run is its source's own."""
    kept = np.flatnonzero(weights > 0)
    row = weights[kept] @ run.rows("input", anchors[kept])
    stored = run.rows("input", [target_id])[0].astype(np.float64)
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(stored))
    ratio = lengths[0] / lengths[1] if lengths[1] else None
    return (float(row @ stored) / (lengths[0] * lengths[1]) if all(lengths) else None), ratio
