"""The sum behind a row, written with its own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from focus_core.domain import Fallback, Origin
from focus_core.token_text import show_token

if TYPE_CHECKING:
    from focus_core.provenance.explanation import Candidate, Contributor, Explanation

MAX_TERMS = 5


def formula_of(explanation: Explanation, config: Mapping[str, Any]) -> str:
    """Return one line that says how the row came to be.

    Parameters
    ----------
    explanation : Explanation
        The token's facts.
    config : mapping
        The manifest's ``config``.

    Returns
    -------
    str
        A copy, a weighted sum (its largest five terms spelled out), or the distribution it was drawn from.
    """
    left = f"e({explanation.display})"
    if explanation.contributors:
        return f"{left} = {_sum(explanation.contributors, exact=explanation.origin == Origin.COPIED)}"
    if config["fallback"] in {Fallback.NORMAL, Fallback.SCRIPT}:
        rows = "the source rows" if config["fallback"] == Fallback.NORMAL else f"{explanation.script} source rows"
        return f"{left} ~ N(mean, std) of {rows}, per dimension, seed {config['seed']}"
    return f"{left} = the mean source row"


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
