"""One run against another: counts by origin, tokens whose embedding comes from elsewhere, how far embeddings turned."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import by_frequency, frequency
from focus_core.types import Origin, Rule

BLOCK = 8192
SAME = 1e-6
"""Rows are the same where one minus their cosine is no more than this: float32 cannot tell closer ones apart."""
KINDS = (
    *(str(rule) for rule in (Rule.EXACT, Rule.FUZZY, Rule.SPECIAL, Rule.SYMBOL, Rule.USER)),
    str(Origin.COMBINED),
    str(Origin.FALLBACK),
)
"""Where a row comes from: the rule that matched a copied one, else the origin."""


@dataclass(frozen=True, kw_only=True)
class OriginCount:
    """How many rows come from one place."""

    kind: str
    before: int
    after: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangedOrigins:
    """The tokens whose row comes from elsewhere in the second run, most frequent first."""

    id: np.ndarray
    before: np.ndarray
    after: np.ndarray
    frequency: np.ndarray
    cosine: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ChangedGroup:
    """Tokens that changed together: same origin before, same origin after, same script.

    Parameters
    ----------
    before, after : str
        Where their rows come from in each run, one of ``KINDS``.
    script : str
        Their script.
    n : int
        How many.
    occurrences : float
        How often they occur in the first run's corpus, together; NaN where it had none.
    median_cosine : float
        Of their two rows; NaN where rows cannot be compared.
    ids : tuple of int
        Their target ids, the most frequent first.
    """

    before: str
    after: str
    script: str
    n: int
    occurrences: float
    median_cosine: float
    ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class RunComparison:
    """What differs between two runs.

    Parameters
    ----------
    origins : tuple of OriginCount
        Rows by origin in both, in the order of ``KINDS``; those that neither has are left out.
    same_vocabulary : bool
        Whether both have the same target vocabulary, so that their tokens can be compared one by one.
    limits : tuple of str
        What cannot be compared and why, in plain sentences.
    changed : ChangedOrigins or None
        ``None`` without a common vocabulary.
    groups : tuple of ChangedGroup
        Tokens whose origin or row changed: first those of another origin, then the largest groups.
    cosine : ndarray of shape (n_target,), dtype float64, or None
        Between the two rows of each token, 1 exactly where they are equal bit for bit, NaN where a row is absent or
        zero; ``None`` where rows cannot be compared.
    turned : ndarray of shape (n_turned,), dtype int64
        The tokens whose rows point elsewhere, the smallest cosine first; empty where rows cannot be compared.
    n_equal : int
        Rows that are equal bit for bit.
    """

    origins: tuple[OriginCount, ...]
    same_vocabulary: bool
    limits: tuple[str, ...]
    changed: ChangedOrigins | None = None
    groups: tuple[ChangedGroup, ...] = ()
    cosine: np.ndarray | None = None
    turned: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    n_equal: int = 0


def embedding_kinds(run: RunFolder) -> np.ndarray:
    """Return where every row comes from.

    Parameters
    ----------
    run : RunFolder
        A finished run.

    Returns
    -------
    ndarray of shape (n_target,), dtype object
        One of ``KINDS``; "" where the id holds no token.
    """
    origin, rule = (run.column("tokens", name) for name in ("origin", "rule"))
    kinds = np.where(origin == str(Origin.COPIED), rule, origin)
    return np.where(np.isin(kinds.astype(str), KINDS), kinds, "").astype(object)


def compare_runs(first: RunFolder, second: RunFolder) -> RunComparison:
    """Compare two runs, token by token where their target vocabulary is the same.

    Parameters
    ----------
    first, second : RunFolder
        Finished runs.

    Returns
    -------
    RunComparison
        ``limits`` says what could not be compared.
    """
    kinds = embedding_kinds(first), embedding_kinds(second)
    origins = tuple(
        OriginCount(kind=kind, before=int((kinds[0] == kind).sum()), after=int((kinds[1] == kind).sum()))
        for kind in KINDS
        if any((found == kind).any() for found in kinds)
    )
    if first.manifest["target"]["digest"] != second.manifest["target"]["digest"]:
        limit = (
            "The two runs have different target vocabularies: a token of one need not exist in the other, and ids "
            "mean different tokens. Tokens, embeddings and origins are not compared one by one; the distributions "
            "and the counts are."
        )
        return RunComparison(origins=origins, same_vocabulary=False, limits=(limit,))
    limit = _rows_apart(first, second)
    cosine, equal = (None, np.zeros(len(kinds[0]), dtype=bool)) if limit else _cosines(first, second, kinds[0] != "")
    known = np.full(len(kinds[0]), np.nan) if cosine is None else cosine
    turned = np.flatnonzero(np.nan_to_num(1 - known) > SAME)
    return RunComparison(
        origins=origins,
        same_vocabulary=True,
        limits=(limit,) if limit else (),
        changed=_changed(first, kinds, known),
        groups=_groups(first, kinds, known, turned),
        cosine=cosine,
        turned=turned[np.argsort(known[turned], kind="stable")],
        n_equal=int(equal.sum()),
    )


def _rows_apart(first: RunFolder, second: RunFolder) -> str:
    """Return why the rows of two runs cannot be compared, "" where they can."""
    widths = [run.rows("input", [0]).shape[1] for run in (first, second)]
    if widths[0] != widths[1]:
        return (
            f"Embeddings are not compared: they have {widths[0]:,} dimensions in one run, {widths[1]:,} in the other."
        )
    if _same_source(first, second):
        return ""
    return "Embeddings are not compared: they come from different source models, and these do not share a space."


def _same_source(first: RunFolder, second: RunFolder) -> bool:
    """Tell whether both runs began from the same model: by its digest, else by the mean and spread of its rows."""
    named = [_model_digest(run) for run in (first, second)]
    if all(named):
        return named[0] == named[1]
    one, other = first.statistics(), second.statistics()
    return all(np.array_equal(one[name], other[name]) for name in one.keys() & other.keys())


def _model_digest(run: RunFolder) -> str:
    return next((str(e["sha256"] or "") for e in run.manifest["inputs"] if e["role"] == "source_model"), "")


def _cosines(first: RunFolder, second: RunFolder, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosine between the two rows of every id, and which are equal bit for bit."""
    n = len(present)
    cosine, equal = np.full(n, np.nan), np.zeros(n, dtype=bool)
    for start in range(0, n, BLOCK):
        block = slice(start, min(start + BLOCK, n))
        one, other = (run.rows("input", block).astype(np.float64) for run in (first, second))
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine[block] = np.clip(np.einsum("ij,ij->i", one, other) / lengths, -1.0, 1.0)
        equal[block] = (one == other).all(axis=1)
        cosine[block][equal[block] & (lengths > 0)] = 1.0
    cosine[~present] = np.nan
    return cosine, equal & present


def _changed(first: RunFolder, kinds: tuple[np.ndarray, np.ndarray], cosine: np.ndarray) -> ChangedOrigins:
    ids = by_frequency(first, np.flatnonzero(kinds[0] != kinds[1]))
    seen = frequency(first)[ids]
    return ChangedOrigins(id=ids, before=kinds[0][ids], after=kinds[1][ids], frequency=seen, cosine=cosine[ids])


def _groups(
    first: RunFolder, kinds: tuple[np.ndarray, np.ndarray], cosine: np.ndarray, turned: np.ndarray
) -> tuple[ChangedGroup, ...]:
    """Put the tokens whose origin or row changed together by both origins and script."""
    changed = np.union1d(np.flatnonzero(kinds[0] != kinds[1]), turned)
    scripts = first.column("tokens", "script")
    members: dict[tuple[str, str, str], list[int]] = {}
    for i in changed.tolist():
        members.setdefault((str(kinds[0][i]), str(kinds[1][i]), str(scripts[i])), []).append(i)
    groups = [_group(first, key, np.array(ids), cosine) for key, ids in members.items()]
    order = sorted(groups, key=lambda g: (g.before == g.after, -g.n, g.before, g.after, g.script))
    return tuple(order)


def _group(run: RunFolder, key: tuple[str, str, str], ids: np.ndarray, cosine: np.ndarray) -> ChangedGroup:
    known = cosine[ids][np.isfinite(cosine[ids])]
    seen = frequency(run)[ids]
    return ChangedGroup(
        before=key[0],
        after=key[1],
        script=key[2],
        n=len(ids),
        occurrences=float(seen.sum()),
        median_cosine=float(np.median(known)) if len(known) else float("nan"),
        ids=tuple(by_frequency(run, ids).tolist()),
    )
