"""The sum behind a row, written with its own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from focus_core.domain import Fallback, Origin
from focus_core.run_folder import RunFolder
from focus_core.token_text import show_token

if TYPE_CHECKING:
    from focus_core.provenance.explanation import Candidate, Contributor, Explanation

MAX_TERMS = 5


def formula_of(explanation: Explanation, run: RunFolder) -> str:
    """Return one line that says how the row came to be.

    Parameters
    ----------
    explanation : Explanation
        The token's facts.
    run : RunFolder
        The run, for its options and the scripts of its source tokens.

    Returns
    -------
    str
        A copy, a weighted sum (its largest five terms spelled out), or the distribution it was drawn from.
    """
    left = f"e({explanation.display})"
    if explanation.contributors:
        return f"{left} = {_sum(explanation.contributors, exact=explanation.origin == Origin.COPIED)}"
    config = run.manifest["config"]
    if config["fallback"] == Fallback.MEAN:
        return f"{left} = the mean source row"
    if config["fallback"] == Fallback.MULTIVARIATE:
        scale = "" if config["covariance_scale"] == 1 else f"{config['covariance_scale']:g} "
        return f"{left} ~ N(mean, {scale}Σ) of the source rows, Σ their covariance, seed {config['seed']}"
    rows = "the source rows"
    if config["fallback"] == Fallback.SCRIPT and _has_rows(run, explanation.script):
        rows = f"{explanation.script} source rows"
    return f"{left} ~ N(mean, std) of {rows}, per dimension, seed {config['seed']}"


def _has_rows(run: RunFolder, script: str) -> bool:
    """Say whether a script has the two source rows that a deviation needs."""
    return int((run.column("source_tokens", "script") == script).sum()) > 1


def _sum(contributors: tuple[Contributor, ...], *, exact: bool) -> str:
    if exact and len(contributors) == 1:
        return f"e({_name(contributors[0])}), bit for bit"
    terms = [f"{_number(c.weight)} e({_name(c)})" for c in contributors[:MAX_TERMS]]
    rest = contributors[MAX_TERMS:]
    if rest:
        terms.append(f"{_number(sum(c.weight for c in rest))} over {len(rest)} more")
    return " + ".join(terms)


def _number(weight: float) -> str:
    """Return a weight with two digits, or with one significant digit where these would be zero."""
    return f"{weight:.2f}" if abs(weight) >= 0.005 else f"{weight:.1g}"


def _name(contributor: Contributor) -> str:
    return show_contributor(contributor, limit=24)


def show_contributor(contributor: Contributor | Candidate, *, limit: int = 80) -> str:
    """Return a source token as a visible line.

    Parameters
    ----------
    contributor : Contributor or Candidate
        The source token.
    limit : int, default=80
        Longest text, as for `show_token`.

    Returns
    -------
    str
        With a leading ``▁`` where it begins a word.
    """
    return show_token(contributor.text, word_start=contributor.word_start, limit=limit)
