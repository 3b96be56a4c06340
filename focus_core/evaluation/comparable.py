"""Whether a loss can stand beside others: not where most of what was predicted is the unknown token.

That token is one and the same for every word that a tokenizer does not know, so it is easy to predict, and the loss of
a model that knows nothing of a text looks better than that of one that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from focus_core.numerics.formats import cut_percent, ratio

MOST = 0.5
"""Share of unknown tokens, or of characters that only these stand for, above which a loss says nothing."""
NOT_COMPARABLE = "not_comparable"
"""Under which name a loss says why it has no numbers."""


def unknown_share(loss: Mapping[str, Any]) -> float:
    """Return the share of what was predicted that is unknown: of tokens or of characters, whichever is larger."""
    tokens = ratio(loss.get("n_unknown") or 0, loss.get("n_tokens") or 0)
    characters = ratio(loss.get("n_unknown_characters") or 0, loss.get("n_characters") or 0)
    return max(tokens or 0.0, characters or 0.0)


def comparable(loss: Mapping[str, Any]) -> dict[str, Any]:
    """Return a loss that can stand beside others.

    Parameters
    ----------
    loss : mapping
        An entry ``loss`` of a report of `evaluate_runs`, its counts included.

    Returns
    -------
    dict
        The same with ``not_comparable`` empty; where most is unknown, the numbers are ``None`` and it says why.

    Examples
    --------
    >>> comparable({"bits_per_character": {"value": 0.4}, "n_tokens": 6, "n_unknown": 5})["not_comparable"]
    'not comparable: 83 % of the text is unknown to this tokenizer'
    """
    share = unknown_share(loss)
    if share <= MOST:
        return dict(loss) | {NOT_COMPARABLE: ""}
    why = f"not comparable: {cut_percent(share)} of the text is unknown to this tokenizer"
    return dict(loss) | {"nats_per_token": None, "bits_per_character": None, NOT_COMPARABLE: why}


def why_not_comparable(loss: Mapping[str, Any] | None) -> str:
    """Return why a loss has no numbers; empty where it has them, or was not measured."""
    return str((loss or {}).get(NOT_COMPARABLE) or "")
