"""Questions to a finished run: where did this row come from, what did that source token feed, what is near.

Owns search, explanations and neighbours, all read from the run folder alone. Refuses to compute weights: they are
explained as they were stored.
"""

from __future__ import annotations

from focus_core.provenance.explanation import (
    Candidate,
    Contributor,
    Explanation,
    Fed,
    contributors_of,
    explain_token,
    fed_by,
)
from focus_core.provenance.neighbours import Neighbour, auxiliary_neighbours, embedding_neighbours
from focus_core.provenance.render import render_text
from focus_core.provenance.search import find_source_tokens, find_tokens

__all__ = [
    "Candidate",
    "Contributor",
    "Explanation",
    "Fed",
    "Neighbour",
    "auxiliary_neighbours",
    "contributors_of",
    "embedding_neighbours",
    "explain_token",
    "fed_by",
    "find_source_tokens",
    "find_tokens",
    "render_text",
]
