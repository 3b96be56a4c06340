"""Questions to a finished run: where a row came from, what a source token fed, what is near, what training changed.

Owns search, explanations with verdicts, neighbours, their change, one row's weights and neighbours under other
settings and methods, and what feeds a selection, all from the run folder alone. Refuses to change a run: what is stored
is explained as it is, a what-if is an answer and nothing more.
"""

from __future__ import annotations

from focus_core.provenance.baselines import StartNeighbours, start_neighbours
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
from focus_core.provenance.formula import fallback_words
from focus_core.provenance.neighbours import Neighbour, auxiliary_neighbours, embedding_neighbours
from focus_core.provenance.occurrence import find_occurrence
from focus_core.provenance.render import render_text
from focus_core.provenance.search import find_source_tokens, find_tokens, named_tokens, near_spellings
from focus_core.provenance.selection import CommonContributor, CommonContributors, common_contributors
from focus_core.provenance.simplex import SimplexMap
from focus_core.provenance.verdicts import Tone, Verdict, collapse_of, training_verdicts
from focus_core.provenance.what_if import (
    WhatIf,
    WhatIfSettings,
    anchor_ids,
    nothing_to_recompute,
    stored_settings,
    what_if,
)

__all__ = [
    "Candidate",
    "ChangedNeighbour",
    "ChangedNeighbours",
    "ChangedTokens",
    "CommonContributor",
    "CommonContributors",
    "Contributor",
    "Explanation",
    "Fed",
    "Neighbour",
    "SimplexMap",
    "StartNeighbours",
    "Tone",
    "Verdict",
    "WhatIf",
    "WhatIfSettings",
    "anchor_ids",
    "auxiliary_neighbours",
    "changed_tokens",
    "collapse_of",
    "common_contributors",
    "contributors_of",
    "embedding_neighbours",
    "explain_token",
    "fallback_words",
    "fed_by",
    "find_occurrence",
    "find_source_tokens",
    "find_tokens",
    "named_tokens",
    "near_spellings",
    "neighbour_change",
    "nothing_to_recompute",
    "render_text",
    "start_neighbours",
    "stored_settings",
    "training_verdicts",
    "what_if",
]
