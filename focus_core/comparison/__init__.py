"""Where to look in a run, and what differs between two: ranked lists, hubs, distributions, tokens that changed.

Owns what the page Compare shows and its report. Refuses to judge: verdicts are those of `checks`, every number is read
or counted from run folders alone.
"""

from __future__ import annotations

from focus_core.comparison.distributions import Distribution, Series, distributions
from focus_core.comparison.lists import Hub, HubOrder, TokenList, hub_anchors, token_lists
from focus_core.comparison.neighbour_groups import (
    NeighbourGroup,
    NeighbourGroups,
    changed_groups,
    training_groups,
)
from focus_core.comparison.report import comparison_report
from focus_core.comparison.runs import ChangedGroup, ChangedOrigins, OriginCount, RunComparison, compare_runs, row_kinds

__all__ = [
    "ChangedGroup",
    "ChangedOrigins",
    "Distribution",
    "Hub",
    "HubOrder",
    "NeighbourGroup",
    "NeighbourGroups",
    "OriginCount",
    "RunComparison",
    "Series",
    "TokenList",
    "changed_groups",
    "compare_runs",
    "comparison_report",
    "distributions",
    "hub_anchors",
    "row_kinds",
    "token_lists",
    "training_groups",
]
