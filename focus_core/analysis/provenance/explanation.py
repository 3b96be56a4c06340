"""What a run holds on a token: its contributors, the threshold, candidates, examples; the form of an explanation."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from focus_core.analysis.provenance.neighbours import Neighbour, TokenText, embedding_neighbours
from focus_core.errors import RunFolderError, bad_input
from focus_core.initialization.methods.registry import METHODS
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import RESIDUAL, SCALES
from focus_core.runs.weights import read_weights, source_norm
from focus_core.tokenization.display import show_token
from focus_core.types import Origin


@dataclass(frozen=True, kw_only=True)
class Contributor(TokenText):
    """A source token with its share in a target row.

    Parameters
    ----------
    source_id : int
        The source token's id.
    token, text, kind, script : str
        Its native form, readable text, kind and script.
    word_start : bool
        Whether it begins a word.
    weight : float
        Its entry of ``W``.
    similarity : float or None
        Cosine of the two auxiliary vectors; ``None`` where the weight is no function of one.
    """

    source_id: int
    kind: str
    script: str
    weight: float
    similarity: float | None


@dataclass(frozen=True, kw_only=True)
class Candidate(TokenText):
    """A source token that could have been copied.

    Parameters
    ----------
    source_id : int
        The source token's id.
    token, text : str
        Its native form and its readable text.
    word_start : bool
        Whether it begins a word.
    rule : str
        The rule by which it fits.
    rank : int
        0 for the best one, which was copied unless the method copies none.
    """

    source_id: int
    rule: str
    rank: int


@dataclass(frozen=True, kw_only=True)
class Fed(TokenText):
    """A target token that a source token fed.

    Parameters
    ----------
    target_id : int
        The target token's id.
    token, text : str
        Its native form and its readable text.
    word_start : bool
        Whether it begins a word.
    origin : str
        Where its row came from.
    weight : float
        The source token's weight in it.
    similarity : float or None
        Cosine of the auxiliary vectors, where the weight came from one.
    """

    target_id: int
    origin: str
    weight: float
    similarity: float | None


class Tone(StrEnum):
    """How a verdict is meant."""

    GOOD = "good"
    NOTE = "note"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One thing worth knowing about a row.

    Parameters
    ----------
    text : str
        A sentence with its number.
    tone : Tone, default="note"
        How it is meant.
    advice : str, default=""
        What to do, a sentence; empty where nothing need be done.
    """

    text: str
    tone: Tone = Tone.NOTE
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.advice}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything a run knows about one target token.

    Parameters
    ----------
    id : int
        The target id.
    token, text, display : str
        Native form, readable text, and the text made visible by `show_token`.
    kind, script, origin, rule : str
        As in ``tokens.parquet``.
    word_start, has_auxiliary : bool
        As in ``tokens.parquet``.
    source_id : int or None
        The source token whose row was copied.
    frequency : int or None
        Occurrences in the corpus.
    norm, source_norm : float
        Length of the row, and the root mean square length of the source's rows.
    n_contributors : int
        Non-zero entries of the row of ``W``.
    max_weight, effective_contributors : float
        Largest weight, and exp of the entropy of the weights.
    temperature : float
        What similarities were divided by.
    threshold : float or None
        Sparsemax's tau: a contributor's weight is ``similarity / temperature - tau``, and whatever lies below
        has none. ``None`` where the weights are no sparsemax of similarities.
    residual : float, default=0.0
        How long the part of the embedding is that the weights do not say, as a share of the embedding's length.
    formula : str, default=""
        The sum with this token's numbers.
    verdicts : tuple of Verdict, default=()
        What is worth knowing, in plain sentences.
    contributors : tuple of Contributor
        Largest weight first, negative ones by their size.
    output_formula : str, default=""
        The same for the output embedding, where it is made by weights of its own.
    output_contributors : tuple of Contributor, default=()
        What the output embedding is made of, where that differs; those above are the input's.
    candidates : tuple of Candidate
        By rank.
    examples : tuple of str
        Corpus lines.
    neighbours : tuple of Neighbour, default=()
        Nearest rows of the new matrix, where they were asked for.
    """

    id: int
    token: str
    text: str
    display: str
    kind: str
    script: str
    word_start: bool
    origin: str
    rule: str
    source_id: int | None
    frequency: int | None
    has_auxiliary: bool
    norm: float
    source_norm: float
    n_contributors: int
    max_weight: float
    effective_contributors: float
    temperature: float
    threshold: float | None
    residual: float = 0.0
    formula: str = ""
    verdicts: tuple[Verdict, ...] = ()
    contributors: tuple[Contributor, ...]
    output_formula: str = ""
    output_contributors: tuple[Contributor, ...] = ()
    candidates: tuple[Candidate, ...]
    examples: tuple[str, ...]
    neighbours: tuple[Neighbour, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON values; tuples as lists."""
        values = dataclasses.asdict(self).items()
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def facts_of(run: RunFolder, target_id: int, *, n_neighbours: int = 0) -> Explanation:
    """Return what a run holds on one target token: an explanation that has no formula and no verdicts yet."""
    row = _token_row(run, target_id)
    contributors = contributors_of(run, target_id)
    temperature = float(run.manifest["config"]["temperature"])
    return Explanation(
        **row,
        display=show_token(row["text"], word_start=row["word_start"]),
        source_norm=source_norm(run),
        temperature=temperature,
        threshold=_threshold(run, contributors, temperature),
        contributors=contributors,
        output_contributors=() if row["origin"] == Origin.COPIED else output_contributors_of(run, target_id),
        candidates=_candidates_of(run, target_id),
        examples=_examples_of(run, target_id),
        neighbours=tuple(embedding_neighbours(run, target_id, k=n_neighbours)) if n_neighbours else (),
    )


def _token_row(run: RunFolder, target_id: int) -> dict[str, Any]:
    """Return one row of the table of tokens as Python values, without NaN."""
    n_target = run.tokens().num_rows
    if not 0 <= target_id < n_target:
        raise _no_token(target_id, f"ids from 0 to {n_target - 1}")
    row = {name: value for name, value in run.token_rows([target_id])[0].items() if name not in SCALES}
    row.setdefault(RESIDUAL, 0.0)
    if row["kind"] is None:
        raise _no_token(target_id, "an id without a token")
    row["source_id"] = row["source_id"] if row["source_id"] >= 0 else None
    for name in ("max_weight", "effective_contributors", "norm"):
        row[name] = row[name] if math.isfinite(row[name]) else 0.0
    return row


def _no_token(target_id: int, got: str) -> Exception:
    return bad_input(f"#{target_id}", "the id of a target token", got, "choose another", RunFolderError)


def contributors_of(run: RunFolder, target_id: int) -> tuple[Contributor, ...]:
    """Return the source tokens in a row of ``W``.

    Parameters
    ----------
    run : RunFolder
        The run.
    target_id : int
        The token.

    Returns
    -------
    tuple of Contributor
        Largest weight first, negative ones by their size; empty for a fallback row without weights.
    """
    rows = run.contributor_range(target_id)
    return _listed(run, *(run.column("contributions", name)[rows] for name in ("source_id", "weight", "similarity")))


def output_contributors_of(run: RunFolder, target_id: int) -> tuple[Contributor, ...]:
    """Return the source tokens in a row of the output side's own ``W``; empty where the sides do not differ."""
    if not run.sides_differ:
        return ()
    return _listed(run, *read_weights(run, "output").contributors(target_id))


def _listed(
    run: RunFolder, source_ids: np.ndarray, weights: np.ndarray, similarities: np.ndarray
) -> tuple[Contributor, ...]:
    found = (
        Contributor(
            source_id=row["id"],
            **{name: row[name] for name in ("token", "text", "kind", "script", "word_start")},
            weight=weight,
            similarity=None if math.isnan(similarity) else similarity,
        )
        for row, weight, similarity in zip(
            run.source_rows(source_ids.tolist()), weights.tolist(), similarities.tolist(), strict=True
        )
    )
    return tuple(sorted(found, key=lambda c: -abs(c.weight)))


def _threshold(run: RunFolder, contributors: tuple[Contributor, ...], temperature: float) -> float | None:
    """Return tau from the largest weight: sparsemax gives ``w = s / T - tau`` to every contributor."""
    method = METHODS.get(str(run.manifest["config"]["method"]))
    if method is None or not method.sparsemax or not contributors or contributors[0].similarity is None:
        return None
    return contributors[0].similarity / temperature - contributors[0].weight


def _candidates_of(run: RunFolder, target_id: int) -> tuple[Candidate, ...]:
    first, last = np.searchsorted(run.column("candidates", "target_id"), [target_id, target_id + 1]).tolist()
    found = run.candidates().slice(first, last - first).to_pydict()
    return tuple(
        Candidate(
            source_id=row["id"],
            **{name: row[name] for name in ("token", "text", "word_start")},
            rule=rule,
            rank=rank,
        )
        for row, rule, rank in zip(run.source_rows(found["source_id"]), found["rule"], found["rank"], strict=True)
    )


def _examples_of(run: RunFolder, target_id: int) -> tuple[str, ...]:
    table = run.examples()
    if table is None:
        return ()
    first, last = np.searchsorted(run.column("examples", "target_id"), [target_id, target_id + 1]).tolist()
    return tuple(table.column("line").slice(first, last - first).to_pylist())


def fed_by(run: RunFolder, source_id: int, *, limit: int | None = None) -> list[Fed]:
    """Return the target tokens that a source token fed, its copies included.

    Parameters
    ----------
    run : RunFolder
        The run.
    source_id : int
        The source token.
    limit : int, default=None
        Most entries; ``None`` returns all.

    Returns
    -------
    list of Fed
        Largest weight first, negative ones by their size, then by target id.
    """
    rows = np.flatnonzero(run.column("contributions", "source_id") == source_id)
    order = np.argsort(-np.abs(run.column("contributions", "weight")[rows]), kind="stable")
    rows = rows[order][:limit]
    targets, weights, similarities = (
        run.column("contributions", name)[rows].tolist() for name in ("target_id", "weight", "similarity")
    )
    return [
        Fed(
            target_id=row["id"],
            **{name: row[name] for name in ("token", "text", "word_start", "origin")},
            weight=weight,
            similarity=None if math.isnan(similarity) else similarity,
        )
        for row, weight, similarity in zip(run.token_rows(targets), weights, similarities, strict=True)
    ]
