"""Questions to a finished run: where a row came from, what a source token fed, what is near, what training changed.

Owns search, explanations, neighbours and their change, all read from the run folder alone. Refuses to compute
weights: they are explained as they were stored.
"""

from __future__ import annotations

from focus_core.provenance.change import (
    ChangedNeighbour,
    ChangedNeighbours,
    ChangedTokens,
    changed_tokens,
    neighbour_change,
)
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
    "ChangedNeighbour",
    "ChangedNeighbours",
    "ChangedTokens",
    "Contributor",
    "Explanation",
    "Fed",
    "Neighbour",
    "auxiliary_neighbours",
    "changed_tokens",
    "contributors_of",
    "embedding_neighbours",
    "explain_token",
    "fed_by",
    "find_source_tokens",
    "find_tokens",
    "neighbour_change",
    "render_text",
]
